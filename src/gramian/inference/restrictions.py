"""Linear hypotheses R b = q as equivalent ones whose test does not depend on the units of the coefficients.

Of x - z = 0 and z = 0 the first is x = 0. Where z is 1e20 times larger than x both rows have the same direction to
rounding, and so their covariance is singular; x = 0 and z = 0, which say the same, have none of this. Elimination on R
itself, whose numbers are exact, gives such rows: each pivot is the coefficient that is largest in its row in units of
standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.errors import OptionError
from gramian.typing import Matrix, Vector

CANCELLED = 1e-12  # of what was added up: a factor below it is the rounding of decimals
CONSISTENT = 1e-8  # relative difference of right sides that the rounding of such combinations explains


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Equivalent hypotheses, each with a coefficient that the others do not have.

    Attributes
    ----------
    R : Matrix
        (k, p).
    q : Vector
        (k,) right sides.
    implied : int or None
        The first row that is a combination of those before it; None where all are independent.
    contradicts : bool
        Whether its right side is not the same combination.
    """

    R: Matrix
    q: Vector
    implied: int | None = None
    contradicts: bool = False


def equivalent(R: Matrix, q: Vector, roots: Vector) -> Restrictions:
    """The hypotheses after elimination.

    R : (k, p) without rows of zeros. q : (k,). roots : (p,) standard errors of the coefficients, or their order of
    size; those that are zero or not finite count as one.
    """
    if len(R) == 1:
        return Restrictions(R, q)
    roots = np.where(np.isfinite(roots) & (roots > 0.0), roots, 1.0)
    rows, pivots = np.column_stack([R, q]), np.zeros(len(R), np.int64)
    for k in range(len(rows)):
        size = np.abs(rows[k])
        for i in np.flatnonzero(rows[k, pivots[:k]]).tolist():
            size += _eliminate(rows, k, i, pivots[i])
        row = rows[k]
        row[:-1][np.abs(row[:-1]) <= CANCELLED * size[:-1]] = 0.0
        if not row[:-1].any():
            return Restrictions(R, q, k, bool(abs(row[-1]) > CONSISTENT * size[-1]))
        with np.errstate(divide="ignore"):
            # by logarithms: products of factors and standard errors may leave the range of float64
            pivots[k] = int(np.argmax(np.log(np.abs(row[:-1])) + np.log(roots)))
        for i in np.flatnonzero(rows[:k, pivots[k]]).tolist():
            _eliminate(rows, i, k, pivots[k])
    return Restrictions(rows[:, :-1], rows[:, -1])


def independent(R: Matrix, q: Vector, roots: Vector) -> Restrictions:
    """As `equivalent`. Raises OptionError for hypotheses that repeat or contradict those before them."""
    own = equivalent(R, q, roots)
    if own.implied is None:
        return own
    number = own.implied + 1
    if own.contradicts:
        raise OptionError(f"hypothesis {number} contradicts the ones before it: no coefficients satisfy all of them")
    raise OptionError(f"hypothesis {number} says nothing that the ones before it do not; leave it out")


def _eliminate(rows: Matrix, at: int, by: int, pivot: int) -> Vector:
    """Subtract the multiple of a row that removes a coefficient from another; sizes (p + 1,) of what is subtracted."""
    change = rows[at, pivot] / rows[by, pivot] * rows[by]
    size = CANCELLED * (np.abs(rows[at]) + np.abs(change))
    rows[at] -= change
    rows[at][np.abs(rows[at]) <= size] = 0.0
    rows[at, pivot] = 0.0
    return np.asarray(np.abs(change))
