"""Columns that are combinations of others but for the rounding of their elements: where tolerance ends, exactness goes.

Distances come from one elimination in fixed point, in the order of the columns. Its rounding moves a squared distance
by no more than 2 k 2^-BITS (1 + sum |b|)^2, b the combination; what that leaves open is solved for exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.solve import exact_solve
from gramian.linalg.exact.to_float64 import nearest, square_root
from gramian.typing import Codes, Mask, Matrix, Vector

ROUNDING = 2.0**-51  # relative, of a sum of a few products of float64 numbers
CANCELLED = 64.0  # times a column's length: larger summands say nothing of how it was made
FAR = 80  # bits of a relative squared distance that no tolerance reaches
BITS = 384  # below the point, of products scaled to a diagonal below one
OPEN = 8  # bits below the tolerance that the elimination's own rounding may reach


def near_collinear(gram: ExactGram, constant: int | None, candidates: Sequence[int]) -> tuple[Mask, Matrix]:
    """Which suspects are combinations of earlier columns, (p,), and their null vectors (p, r).

    A suspect's distance to the span of the earlier columns and the constant is compared with what rounding the
    elements of the combination to float64 would leave.
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
    """Products of some columns under elimination, the upper triangle, in fixed point.

    A column is scaled by 2^-exponents[t], and is 1 / units[t] of a whole one. used : columns that were pivots.
    """

    def __init__(self, gram: ExactGram, columns: Codes) -> None:
        M = gram.integers[np.ix_(columns, columns)]
        self.columns, self.multipliers = columns, [gram.multipliers[j] for j in columns]
        self.exponents = np.array([(int(v).bit_length() + 2) // 2 for v in M.diagonal()], np.int64)
        shift = BITS - self.exponents[:, None] - self.exponents
        left, right = (np.maximum(s, 0).astype(object) for s in (shift, -shift))
        self.remaining: Integers = (M << left) >> right
        self.sizes = self.remaining.diagonal().copy()
        self.factors = np.zeros(M.shape, object)
        self.used: list[int] = []

    def pivot(self, t: int) -> None:
        """Take column t out of all later ones; one of zeros has no part in them."""
        size = self.remaining[t, t]
        if size <= 0:
            return
        self.used.append(t)
        row = self.remaining[t]
        self.factors[t, t + 1 :] = (row[t + 1 :] << BITS) // size
        for i in range(t + 1, len(row)):
            self.remaining[i, i:] -= (row[i:] * self.factors[t, i]) >> BITS

    def combination(self, t: int) -> Integers:
        """What column t is of the columns used, nearly: fixed point, in the scaled columns."""
        U = self.factors[np.ix_(self.used, [*self.used, t])]
        b = U[:, -1].copy()
        for i in range(len(b) - 1, 0, -1):
            b[:i] -= (U[:i, i] * b[i]) >> BITS
        return b

    def to_columns(self, t: int, b: Integers) -> Vector:
        """A combination in the columns themselves."""
        shifts = (self.exponents[t] - self.exponents[self.used] - BITS).tolist()
        multipliers = [Fraction(self.multipliers[i], self.multipliers[t]) for i in self.used]
        return np.array([nearest(v * Fraction(2) ** s * u) for v, s, u in zip(b, shifts, multipliers, strict=True)])


def _combination(
    gram: ExactGram, constant: int | None, elimination: Elimination, t: int, lengths: Vector
) -> Vector | None:
    """The null vector (p,) of the column in place t, None where it is not near enough to the columns before it."""
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
    """The relative distance that rounding leaves."""
    summands = float(np.abs(null) @ lengths)
    return ROUNDING * min(summands / lengths[j], CANCELLED) if lengths[j] > 0 else 0.0


def _solved_exactly(gram: ExactGram, constant: int | None, before: Codes, j: int, lengths: Vector) -> Vector | None:
    """The same by an exact solution."""
    at = None if constant is None or constant not in before else int(np.flatnonzero(before == constant)[0])
    solution = exact_solve(subset(gram, np.append(before, j)), at)
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
