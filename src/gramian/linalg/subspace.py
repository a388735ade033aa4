"""Products of combinations of stored columns, K'SK for sparse exact K, in double-double."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.linalg.doubledouble import Pair, pair, total
from gramian.typing import Codes, Matrix, Vector

Sparse = tuple[Codes, Vector, Vector]  # positions, and coefficients as hi + lo


def sandwich(columns: Sequence[Sparse], S: Matrix) -> Pair:
    """K'SK, (p, p), for the p columns of K : (q, p) and float64 S : (q, q), exactly as stored."""
    half = combine(columns, pair(S))
    transposed = Pair(np.ascontiguousarray(half.hi.T), np.ascontiguousarray(half.lo.T))
    return combine(columns, transposed)


def combine(columns: Sequence[Sparse], rows: Pair) -> Pair:
    """K'R, (p, m), for R : (q, m) in double-double."""
    sums = [total(Pair(hi[:, None], lo[:, None]) * Pair(rows.hi[at], rows.lo[at])) for at, hi, lo in columns]
    return Pair(np.stack([s.hi for s in sums]), np.stack([s.lo for s in sums]))


def dense(columns: Sequence[Sparse], height: int) -> Matrix:
    """K as an array (height, p), its coefficients rounded."""
    out = np.zeros((height, len(columns)))
    for j, (at, hi, _) in enumerate(columns):
        out[at, j] = hi
    return out
