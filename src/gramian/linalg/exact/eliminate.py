"""Elimination on whole numbers: ranks decided modulo primes, solutions of small systems as exact fractions."""

from __future__ import annotations

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.typing import Mask

PRIMES = (2147483647, 2147483629, 2147483587)  # the largest below 2^31: products of remainders fit an int64


def independent(C: Integers) -> Mask:
    """Columns that are not combinations of earlier ones, for whole symmetric positive semidefinite C.

    A pivot that is not zero modulo a prime is not zero: the columns found are independent, with certainty. The others
    are dependent unless two primes divide a determinant by chance; their null vectors are the proof.
    """
    first = _independent_modulo(C, PRIMES[0])
    if first.all():
        return first
    masks = [first, *(_independent_modulo(C, p) for p in PRIMES[1:])]
    return max(masks, key=np.count_nonzero)


def _independent_modulo(C: Integers, prime: int) -> Mask:
    A = (C % prime).astype(np.int64)
    is_pivot = np.zeros(len(A), np.bool_)
    for j in range(len(A)):
        pivot = int(A[j, j])
        if pivot:
            is_pivot[j] = True
            factor = A[j + 1 :, j] * pow(pivot, -1, prime) % prime
            A[j + 1 :, j + 1 :] = (A[j + 1 :, j + 1 :] - factor[:, None] * A[j, j + 1 :] % prime) % prime
    return is_pivot


def eliminate(A: Integers, B: Integers) -> tuple[Integers, int]:
    """Whole X and d with A X = d B, by fraction-free elimination (Bareiss, 1968).

    A : (k, k) with leading minors that are not zero. B : (k, m). Every division leaves no remainder.
    """
    k, previous = len(A), 1
    M = np.concatenate([A, B], axis=1)
    for j in range(k):
        pivot, row = M[j, j], M[j].copy()
        M = (pivot * M - M[:, j][:, None] * row) // previous
        M[j] = row
        previous = pivot
    return M[:, k:], int(previous)


def estimated_seconds(A: Integers) -> float:
    """Roughly how long `eliminate` takes with an identity on the right."""
    k = len(A)
    bits = max((int(v).bit_length() for v in A.diagonal()), default=0)
    return float(72 * k**3 * (1e-7 + 1e-9 * (k * bits / 60.0) ** 1.6))
