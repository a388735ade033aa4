"""Contrasts: what the coefficients of a factor compare, as one more small exact factor of the coding.

A factor whose term without it is in the model has one column less than levels. Which columns these are makes no
difference to the fit, only to what the coefficients say. So the fit is solved with one column a level but the first
(treatment contrasts), and told in others by the exact map between the two. Names and values as in R.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import copysign, sqrt

from gramian.errors import NumericalError
from gramian.linalg.monomials import ONE

TREATMENT = "treatment"
MOST_LEVELS = 95  # of polynomial contrasts: beyond it float64 has no orthogonal polynomials, as R says too
POWERS = (".L", ".Q", ".C")

Rows = list[list[Fraction]]


@dataclass(frozen=True)
class Contrast:
    """A factor's columns but the constant: C (levels, columns), and D (1 + columns, levels), the inverse of [1 C].

    names : of the columns.
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

    The discrete Chebyshev polynomials by their recurrence (Gram 1883), in integers; only the norms are rounded.
    """
    n = len(levels)
    if n > MOST_LEVELS:
        raise NumericalError(f"polynomial contrasts go up to {MOST_LEVELS} levels, found {n}")
    scores, previous, current = range(1 - n, n, 2), [0] * n, [1] * n
    columns: Rows = []
    for k in range(n - 1):
        steps = zip(scores, previous, current, strict=True)
        previous, current = current, [((2 * k + 1) * x * b - k * (n * n - k * k) * a) // (k + 1) for x, a, b in steps]
        square = sum(v * v for v in current)
        columns.append([Fraction(copysign(sqrt(Fraction(v * v, square)), v)) for v in current])
    names = tuple(POWERS[k] if k < len(POWERS) else f"^{k + 1}" for k in range(n - 1))
    return Contrast(names, [[column[i] for column in columns] for i in range(n)], [[Fraction(1, n)] * n, *columns])


CONTRASTS: Mapping[str, Callable[[Sequence[str]], Contrast]] = {
    "sum": sum_to_zero,
    "helmert": helmert,
    "poly": polynomial,
}
