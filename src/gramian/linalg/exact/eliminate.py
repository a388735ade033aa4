"""Elimination on integers: ranks modulo primes, and solutions of small systems as exact fractions."""

from __future__ import annotations

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.typing import Mask

PRIMES = (2147483647, 2147483629, 2147483587)  # the largest below 2^31: products of residues fit an int64


def independent(C: Integers) -> Mask:
    """Mask (q,) of the columns that are not combinations of earlier ones, from their integer products C : (q, q).

    A pivot that is not zero modulo a prime is not zero: columns marked as independent are independent, with certainty.
    The others are dependent unless all primes divide a determinant by chance; their null vectors are the proof.
    """
    first = _independent_modulo(C, PRIMES[0])
    if first.all():
        return first
    masks = [first, *(_independent_modulo(C, p) for p in PRIMES[1:])]
    # A prime can only hide independence, never feign it: the largest rank is right.
    return max(masks, key=np.count_nonzero)


def _independent_modulo(C: Integers, prime: int) -> Mask:
    """Mask of the pivots that are not zero modulo a prime."""
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
    """Integers X and d with A X = d B, by fraction-free elimination (Bareiss, 1968).

    A : (k, k) with nonzero leading minors. B : (k, m). Every division is exact, and entries are minors, so they grow
    only as fast as determinants.
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
    """Rough time of `eliminate` with an identity on the right: k^3 operations on numbers of up to k times the bits."""
    k = len(A)
    bits = max((int(v).bit_length() for v in A.diagonal()), default=0)
    return float(72 * k**3 * (1e-7 + 1e-9 * (k * bits / 60.0) ** 1.6))
