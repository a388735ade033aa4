"""Designs with their moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.formula.design import Design


def stored(formula: str, data: Any, **options: Any) -> tuple[Design, Accumulated]:
    """What a Gram of this formula holds."""
    design, source = prepare(formula, source_of(data), Options(**options), absorbing=True)
    return design, Local(1).fold(source, Accumulate(design))


def table(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Numbers far from zero, factors, weights and counts; the outcome depends on x, f and their product."""
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {
            "x": rng.uniform(500, 509, rows),
            "z": rng.normal(1e3, 2, rows),
            "f": rng.choice(list("abc"), rows),
            "g": rng.choice(list("uvwx"), rows),
            "w": rng.uniform(0.2, 3, rows),
            "n": rng.integers(1, 4, rows),
            **{f"v{i}": rng.normal(size=rows) for i in range(4)},
        }
    )
    return d.assign(y=3 + 0.3 * d.x + 0.4 * (d.f == "b") * (d.x - 504) + 0.3 * d.v2 + rng.normal(size=rows))
