"""Columns that equal a combination of earlier ones as far as the rounding of float64 numbers goes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.round import nearest, root
from gramian.linalg.exact.solve import exact_solve
from gramian.typing import Codes, Mask, Matrix, Vector

ROUNDING = 2.0**-51  # relative, of a sum of a few products of float64 numbers
CANCELLED = 64.0  # times a column's length: larger summands say nothing of how it was made


def left_out(gram: ExactGram, constant: int | None, suspects: Sequence[int]) -> tuple[Mask, Matrix]:
    """Which suspects are combinations of earlier columns, (p,), and their null vectors (p, r).

    A suspect's exact distance to the span of the earlier columns and the constant is compared with what rounding the
    elements of the combination to float64 would leave.
    """
    p = len(gram.whole) - 1
    out, vectors = np.zeros(p, bool), []
    lengths = np.array([root(gram.fraction(i, i)) for i in range(p)])
    for j in sorted(suspects):
        before = np.array([i for i in range(p) if (i < j or i == constant) and i != j and not out[i]], np.int64)
        null = _combination(gram, constant, before, j, lengths)
        if null is not None:
            out[j] = True
            vectors.append(null)
    return out, np.column_stack(vectors) if vectors else np.zeros((p, 0))


def _combination(gram: ExactGram, constant: int | None, before: Codes, j: int, lengths: Vector) -> Vector | None:
    at = None if constant is None or constant not in before else int(np.flatnonzero(before == constant)[0])
    found = exact_solve(part(gram, np.append(before, j)), at)
    null = np.zeros(len(lengths))
    null[before] = [-nearest(c) for c in found.coefficients]
    null[j] = 1.0
    summands = float(np.abs(null) @ lengths)
    near = root(max(found.rss, Fraction(0))) <= ROUNDING * min(summands, CANCELLED * lengths[j])
    return null if near else None


def part(gram: ExactGram, columns: Codes) -> ExactGram:
    """The products of some columns."""
    return ExactGram(gram.whole[np.ix_(columns, columns)], gram.exponent, tuple(gram.units[i] for i in columns))
