"""Random tables and formulas for the laws."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

FORMULAS = (
    "y ~ x",
    "y ~ x + z + f",
    "y ~ f * x + g",
    "y ~ f * g",
    "y ~ f:x + I(x^2)",
    "y ~ poly(x, 3) + log(z)",
    "y ~ x * z * f",
    "y ~ 0 + f:g:x",
)


@st.composite
def tables(draw: st.DrawFn, *, holes: bool = True) -> pa.Table:
    """A small table with numbers far from zero, factors with growing levels, and (some) missing values."""
    rows = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset = draw(st.sampled_from([0.0, 7.0, 1e6, -1e9]))
    share = draw(st.sampled_from([0.0, 0.1])) if holes else 0.0
    levels = np.array(list("abcdefgh"))
    f = levels[np.minimum(rng.integers(0, 1 + np.arange(rows) // 8 + 1), 7)] if rows else np.array([], str)
    columns = {
        "x": rng.normal(offset, 1.0, rows),
        "z": rng.uniform(1.0, 5.0, rows),
        "y": rng.normal(offset / 3, 2.0, rows),
        "w": rng.integers(0, 4, rows).astype(float),
        "f": f,
        "g": rng.integers(0, 3, rows),
    }
    arrays = {k: pa.array(v, mask=rng.random(rows) < share if k not in ("w",) else None) for k, v in columns.items()}
    table = pa.table(arrays)
    return table.set_column(5, "g", table["g"].cast(pa.string()))


@st.composite
def cuts(draw: st.DrawFn, rows: int) -> list[tuple[int, int]]:
    """Consecutive pieces that make up the whole."""
    inner = sorted(draw(st.lists(st.integers(0, rows), max_size=6)))
    edges = [0, *inner, rows]
    return list(pairwise(edges))
