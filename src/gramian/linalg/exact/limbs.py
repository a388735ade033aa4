"""Exact products of matrices of integers of any size, in limbs of sixteen bits by BLAS.

Every product of two limbs is below 2^32, so float64 sums 2^20 of them without rounding, in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.selftest import blas_product, product
from gramian.typing import Codes, Matrix

LIMB = 16  # bits of a limb
MASK = (1 << LIMB) - 1
MAX_TERMS = 1 << 20  # products of limbs in an exact sum
EXTRA_LIMBS = 4  # limbs of an int64, the largest carry out of the highest limb


@dataclass(frozen=True, slots=True, eq=False)
class Limbs:
    """An integer matrix, ready for products.

    Attributes
    ----------
    integers : (k, l)
        Python integers.
    side_by_side : (k, count * l)
        Its limbs as matrices side by side, the lowest first.
    count : int
        Limbs of each element.
    """

    integers: Integers
    side_by_side: Matrix
    count: int

    def times(self, other: Integers) -> Integers:
        """The exact product with an integer matrix (l, m)."""
        k, width = self.integers.shape
        if not k or not width or not other.shape[1]:
            return np.zeros((k, other.shape[1]), object)
        right = to_limbs(other)
        if width * min(self.count, len(right)) > MAX_TERMS or product() is not blas_product:
            return np.asarray(self.integers.dot(other))
        return from_limbs(_sums(self.side_by_side, self.count, right))


def limbs_of(integers: Integers) -> Limbs:
    """An integer matrix, split into limbs."""
    parts = to_limbs(integers)
    return Limbs(integers, np.concatenate(list(parts), axis=1), len(parts))


def to_limbs(integers: Integers) -> Matrix:
    """Limbs of integers, the lowest first, the highest with the sign: (count, *shape)."""
    numbers = [int(v) for v in integers.ravel()]
    # One bit more than the largest number, for the sign.
    count = max(map(int.bit_length, numbers), default=0) // LIMB + 1
    raw = np.frombuffer(b"".join([v.to_bytes(2 * count, "little", signed=True) for v in numbers]), "<u2")
    out = raw.reshape(*integers.shape, count).astype(np.float64)
    out[..., -1] -= (out[..., -1] > MASK >> 1) * float(MASK + 1)
    return np.ascontiguousarray(np.moveaxis(out, -1, 0))


def _sums(side_by_side: Matrix, count: int, right: Matrix) -> Codes:
    """Sums of the products of limbs that have the same place: (places, k, m) int64."""
    right_count, width, m = right.shape
    # The limbs of the right factor in reverse order: each place is then one matrix product of contiguous parts (a
    # convolution).
    below = right[::-1].reshape(right_count * width, m)
    out = np.empty((count + right_count - 1, len(side_by_side), m), np.int64)
    for t in range(len(out)):
        first, last = max(0, t - right_count + 1), min(t, count - 1) + 1
        start = right_count - 1 - t + first
        out[t] = side_by_side[:, first * width : last * width] @ below[start * width : (start + last - first) * width]
    return out


def from_limbs(sums: Codes) -> Integers:
    """Integers from int64 limbs, the lowest first, with carries; `sums` are overwritten."""
    count, shape = len(sums) + EXTRA_LIMBS, sums.shape[1:]
    out, over = np.empty((*shape, count), "<u2"), np.zeros(shape, np.int64)
    for t in range(count):
        if t < len(sums):
            over += sums[t]
        # The arithmetic shift below carries the sign along, so negative sums come out in two's complement.
        out[..., t] = over & MASK
        over >>= LIMB
    data, size = out.tobytes(), 2 * count
    integers = np.empty(int(np.prod(shape)), object)
    integers[:] = [int.from_bytes(data[i : i + size], "little", signed=True) for i in range(0, len(data), size)]
    return integers.reshape(shape)
