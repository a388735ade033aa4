"""Small problems: normal systems of arrays, and moments of folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.linalg.certificate import EPS
from gramian.linalg.moments import Moments
from gramian.linalg.penalized.system import System


def system_from(X: Any, y: Any, w: Any = None, *, intercept: bool = True) -> System:
    """The system of columns in memory."""
    w = np.ones(len(y)) if w is None else w
    mean, y_mean = (w @ X / w.sum(), float(w @ y / w.sum())) if intercept else (np.zeros(X.shape[1]), 0.0)
    Z, r = (X - mean) * np.sqrt(w)[:, None], (y - y_mean) * np.sqrt(w)
    length = np.sqrt(w @ X**2)
    unit = (X.shape[1] + 2 * np.sqrt(len(y))) * EPS
    return System(
        Z.T @ Z, Z.T @ r, float(r @ r), float(w.sum()), length, float(w @ y**2) ** 0.5, unit, mean, y_mean, intercept
    )


def folded(formula: str, data: dict[str, Any], folds: int = 1, **options: Any) -> tuple[Design, list[Accumulated]]:
    """The design, and what a pass over the rows i % folds leaves of each fold."""
    table = pa.table(data)
    design, _ = prepare(formula, source_of(table), Options(**options))
    task, engine = Accumulate(design), Local(1)
    rows = np.arange(table.num_rows)
    parts = [table.take(pa.array(rows[rows % folds == k])) for k in range(folds)]
    return design, [engine.fold(source_of(part), task) for part in parts]


def moments_of(design: Design, data: dict[str, Any]) -> Moments:
    """What a pass with a design that is there leaves of some rows."""
    return Local(1).fold(source_of(data), Accumulate(design)).moments


def whole(formula: str, data: dict[str, Any], **options: Any) -> tuple[Design, Accumulated]:
    """The design, and what a pass over all rows leaves."""
    design, (done,) = folded(formula, data, **options)
    return design, done


def houses(n: int = 240, seed: int = 5) -> dict[str, Any]:
    """Numbers near and far from zero, a factor, weights, and an outcome that some of them make."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(2000.0, 30.0, n), rng.uniform(-1.0, 3.0, n)
    u, f = rng.normal(size=n), rng.choice(list("abcd"), n)
    y = 0.02 * x + z**2 - z + 1.5 * (f == "b") + rng.normal(size=n)
    return {"y": y, "x": x, "z": z, "u": u, "f": f, "w": rng.uniform(0.5, 2.0, n)}


def written_out(data: dict[str, Any]) -> Any:
    """The columns of `f + x + z + u + I(z^2)`, the factor with all its levels."""
    levels = [data["f"] == level for level in "abcd"]
    return np.column_stack([*levels, data["x"], data["z"], data["u"], data["z"] ** 2]).astype(float)
