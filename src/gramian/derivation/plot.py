"""Picture of a derivation: points, fitted line and residuals."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.typing import Vector

if TYPE_CHECKING:
    from gramian.derivation.derivation import Derivation

GRID = 401  # points of the fitted curve
POWERS = range(1, 13)


def derivation(result: Derivation) -> Any:
    """Points, the fitted line or polynomial, and residuals; with several predictors outcomes against predictions."""
    from gramian.plots.points import Curve, against_predicted, line

    row_count = f"{len(result.y)} row{'s'[: len(result.y) != 1]}"
    powers = _powers(result)
    if powers is None:
        return against_predicted(result.predictions, result.y, name=result.table.outcome, description=row_count)
    at = powers.index(1)
    x = result.X[:, at]
    grid = np.linspace(x.min(), x.max(), GRID)
    curve = Curve(grid, _values(grid, result.w, powers))
    names = (result.names[at], result.table.outcome)
    return line(x, result.y, curve, names=names, description=row_count, drops=result.predictions)


def _powers(result: Derivation) -> tuple[int, ...] | None:
    """Power of the single predictor that each column is, (p,); None where columns are not powers of one predictor.

    Decided exactly, from the fractions.
    """
    columns = list(zip(*result.solution.X, strict=True))
    for i, x in enumerate(columns):
        powers = [_power(column, x, j == result.table.constant) for j, column in enumerate(columns)]
        if i != result.table.constant and None not in powers and powers.count(1) == 1:
            return tuple(k for k in powers if k is not None)
    return None


def _power(column: tuple[Fraction, ...], x: tuple[Fraction, ...], constant: bool) -> int | None:
    """Power of x that the column equals, 0 for the column of ones, None where there is none up to 12."""
    if constant:
        return 0
    return next((k for k in POWERS if all(c == v**k for c, v in zip(column, x, strict=True))), None)


def _values(grid: Vector, w: Vector, powers: tuple[int, ...]) -> Vector:
    """Polynomial with coefficients `w` at the points of the grid, (m,)."""
    total = np.zeros_like(grid)
    for weight, k in zip(w, powers, strict=True):
        total += weight * grid**k
    return total
