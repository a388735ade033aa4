"""Contrasts of a factor: what its coefficients compare.

Where the term without a factor is in the model, the factor has one column fewer than levels. Which columns these are
does not change the fit, only the meaning of the coefficients. So the system is solved in treatment contrasts (one
column for each level but the first), and the coefficients are mapped exactly to the contrasts that were asked for.
Names and values are those of R's contr.sum, contr.helmert and contr.poly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import copysign, sqrt

from gramian.errors import NumericalError
from gramian.linalg.monomials import ONE

TREATMENT = "treatment"
MAX_LEVELS = 95  # of polynomial contrasts: beyond it float64 cannot represent them orthogonally (R has the same bound)
POWERS = (".L", ".Q", ".C")

Rows = list[list[Fraction]]


@dataclass(frozen=True)
class Contrast:
    """Contrast matrix of one factor with k levels, in exact rationals.

    Attributes
    ----------
    names : tuple of str
        (k - 1,) names of the columns.
    C : Rows
        (k, k - 1) value of each column at each level.
    D : Rows
        (k, k) inverse of [1 C]: row 0 makes the intercept, the other rows the contrasts, from the effects of the
        levels.
    """

    names: tuple[str, ...]
    C: Rows
    D: Rows


def sum_to_zero(levels: Sequence[str]) -> Contrast:
    """Each level but the last against the mean of all levels, as R's contr.sum."""
    n = len(levels)
    C = [[ONE * (i == k) - (i == n - 1) for k in range(n - 1)] for i in range(n)]
    share = Fraction(1, n)
    D = [[ONE * (k == i) - share for i in range(n)] for k in range(n - 1)]
    return Contrast(tuple(levels[:-1]), C, [[share] * n, *D])


def helmert(levels: Sequence[str]) -> Contrast:
    """Each level but the first against the mean of those before it, as R's contr.helmert."""
    n = len(levels)
    C = [[Fraction((k + 1) * (i == k + 1) - (i <= k)) for k in range(n - 1)] for i in range(n)]
    D = [[C[i][k] / ((k + 1) * (k + 2)) for i in range(n)] for k in range(n - 1)]
    return Contrast(tuple(levels[1:]), C, [[Fraction(1, n)] * n, *D])


def polynomial(levels: Sequence[str]) -> Contrast:
    """Linear, quadratic, ... trend over the levels in their order, orthonormal, as R's contr.poly.

    The discrete Chebyshev (Gram) polynomials by their three-term recurrence, in integers; only the norms are rounded.
    """
    n = len(levels)
    if n > MAX_LEVELS:
        raise NumericalError(f"polynomial contrasts go up to {MAX_LEVELS} levels, found {n}")
    scores, previous, current = range(1 - n, n, 2), [0] * n, [1] * n
    columns: Rows = []
    for k in range(n - 1):
        # (k + 1) t_{k+1} = (2k + 1) x t_k - k (n^2 - k^2) t_{k-1} on x = 1 - n, 3 - n, ..., n - 1; the division is
        # exact
        steps = zip(scores, previous, current, strict=True)
        previous, current = current, [((2 * k + 1) * x * b - k * (n * n - k * k) * a) // (k + 1) for x, a, b in steps]
        square = sum(v * v for v in current)
        # the quotient is exact; the integers themselves grow beyond float64
        columns.append([Fraction(copysign(sqrt(Fraction(v * v, square)), v)) for v in current])
    names = tuple(POWERS[k] if k < len(POWERS) else f"^{k + 1}" for k in range(n - 1))
    return Contrast(names, [[column[i] for column in columns] for i in range(n)], [[Fraction(1, n)] * n, *columns])


CONTRASTS: Mapping[str, Callable[[Sequence[str]], Contrast]] = {
    "sum": sum_to_zero,
    "helmert": helmert,
    "poly": polynomial,
}
