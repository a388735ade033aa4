"""Columns that are combinations of others up to the rounding of their elements to float64.

In exact arithmetic such columns are independent, and their coefficients would be fits to rounding errors. Distances
come from one elimination in fixed point, in the order of the columns. Its own rounding changes a squared distance by at
most 2 k 2^-BITS (1 + sum |b|)^2 for a combination b of k columns; where that is not small enough, the distance is
computed exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.solve import LONGEST_UNASKED, exact_solve
from gramian.linalg.exact.to_float64 import nearest, square_root
from gramian.typing import Codes, Mask, Matrix, Vector

ROUNDING = 2.0**-51  # relative rounding error of a sum of a few products of float64 numbers
CANCELLED = 64.0  # largest cancellation assumed: summands up to so many times the length of their sum
FAR = 80  # relative squared distances above 2^-80 exceed every tolerance
BITS = 384  # fractional bits of products, which are scaled to a diagonal below one
OPEN = 8  # bits by which the rounding of the elimination has to be below the tolerance


def near_collinear(gram: ExactGram, constant: int | None, candidates: Sequence[int]) -> tuple[Mask, Matrix]:
    """Which candidates are combinations of earlier columns, (p,), and their null vectors (p, r).

    A candidate's distance to the span of the earlier columns and the constant is compared with the rounding errors that
    the elements of the combination would have in float64.

    Parameters
    ----------
    gram : ExactGram
        Products of the p columns and the response, which is last.
    constant : int or None
        Position of the constant column.
    candidates : sequence of int
        Columns to test.
    """
    p = len(gram.integers) - 1
    out, vectors = np.zeros(p, bool), []
    if not len(candidates):
        return out, np.zeros((p, 0))
    lengths = np.array([square_root(gram.fraction(i, i)) for i in range(p)])
    first = [] if constant is None else [constant]
    columns = np.array([*first, *(j for j in range(max(candidates) + 1) if j != constant)], np.int64)
    elimination = Elimination(gram, columns)
    for t, j in enumerate(columns.tolist()):
        if j in candidates:
            null = _combination(gram, constant, elimination, t, lengths)
            if null is not None:
                out[j] = True
                vectors.append((j, null))
                continue
        elimination.pivot(t)
    nulls = [null for _, null in sorted(vectors, key=lambda entry: entry[0])]
    return out, np.column_stack(nulls) if nulls else np.zeros((p, 0))


class Elimination:
    """Products of some columns under elimination in fixed point, BITS bits after the point; the upper triangle is used.

    Attributes
    ----------
    columns : (n,) int
        Positions of the columns.
    multipliers : list of int
        What each column was multiplied by to be integer.
    exponents : (n,) int
        Column t is scaled by 2^-exponents[t].
    remaining : (n, n) int
        Schur complement after the pivots so far.
    sizes : (n,) int
        Squares before elimination.
    factors : (n, n) int
        Rows of the unit upper triangular factor.
    used : list of int
        Columns that were pivots.
    """

    def __init__(self, gram: ExactGram, columns: Codes) -> None:
        M = gram.integers[np.ix_(columns, columns)]
        self.columns, self.multipliers = columns, [gram.multipliers[j] for j in columns]
        self.exponents = np.array([(int(v).bit_length() + 2) // 2 for v in M.diagonal()], np.int64)
        shift = BITS - self.exponents[:, None] - self.exponents
        # Shifts in both directions, since Python integers cannot be shifted by negative amounts.
        left, right = (np.maximum(s, 0).astype(object) for s in (shift, -shift))
        self.remaining: Integers = (M << left) >> right
        self.sizes = self.remaining.diagonal().copy()
        self.factors = np.zeros(M.shape, object)
        self.used: list[int] = []

    def pivot(self, t: int) -> None:
        """Eliminate column t from all later ones; a column without length is skipped."""
        size = self.remaining[t, t]
        if size <= 0:
            return
        self.used.append(t)
        row = self.remaining[t]
        self.factors[t, t + 1 :] = (row[t + 1 :] << BITS) // size
        for i in range(t + 1, len(row)):
            self.remaining[i, i:] -= (row[i:] * self.factors[t, i]) >> BITS

    def combination(self, t: int) -> Integers:
        """Coefficients of the used columns that best approximate column t, in fixed point, for the scaled columns."""
        U = self.factors[np.ix_(self.used, [*self.used, t])]
        b = U[:, -1].copy()
        for i in range(len(b) - 1, 0, -1):
            b[:i] -= (U[:i, i] * b[i]) >> BITS
        return b

    def to_columns(self, t: int, b: Integers) -> Vector:
        """A combination in terms of the columns themselves."""
        shifts = (self.exponents[t] - self.exponents[self.used] - BITS).tolist()
        multipliers = [Fraction(self.multipliers[i], self.multipliers[t]) for i in self.used]
        return np.array([nearest(v * Fraction(2) ** s * u) for v, s, u in zip(b, shifts, multipliers, strict=True)])


def _combination(
    gram: ExactGram, constant: int | None, elimination: Elimination, t: int, lengths: Vector
) -> Vector | None:
    """The null vector (p,) of the t-th column, None where it is not near enough to the span of those before it."""
    j, size, distance = int(elimination.columns[t]), int(elimination.sizes[t]), int(elimination.remaining[t, t])
    if distance > size >> FAR:
        return None
    b, used = elimination.combination(t), elimination.columns[elimination.used]
    null = np.zeros(len(lengths))
    null[used], null[j] = -elimination.to_columns(t, b), 1.0
    limit = int(size * Fraction(_tolerance(null, lengths, j)) ** 2)
    rounding_error = (2 * len(b) * ((1 << BITS) + int(np.abs(b).sum())) ** 2) >> (2 * BITS)
    if rounding_error << OPEN > limit and size:
        return _solved_exactly(gram, constant, used, j, lengths)
    return null if distance <= limit else None


def _tolerance(null: Vector, lengths: Vector, j: int) -> float:
    """Relative distance that rounding of the elements of a combination to float64 may leave.

    null : (p,), with 1 for column j. lengths : (p,) of the columns.
    """
    summands = float(np.abs(null) @ lengths)
    return ROUNDING * min(summands / lengths[j], CANCELLED) if lengths[j] > 0 else 0.0


def _solved_exactly(gram: ExactGram, constant: int | None, before: Codes, j: int, lengths: Vector) -> Vector | None:
    """As `_combination`, by an exact solution."""
    at = None if constant is None or constant not in before else int(np.flatnonzero(before == constant)[0])
    solution = exact_solve(subset(gram, np.append(before, j)), at, LONGEST_UNASKED)
    null = np.zeros(len(lengths))
    null[before] = [-nearest(c) for c in solution.coefficients]
    null[j] = 1.0
    is_near = square_root(max(solution.rss, Fraction(0))) <= _tolerance(null, lengths, j) * lengths[j]
    return null if is_near else None


def subset(gram: ExactGram, columns: Codes) -> ExactGram:
    """The products of some columns."""
    return ExactGram(
        gram.integers[np.ix_(columns, columns)], gram.exponent, tuple(gram.multipliers[i] for i in columns)
    )
