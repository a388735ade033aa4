"""Exact products of matrices of whole numbers of any size: sixteen bits at a time in BLAS.

Every product of two limbs is below 2^32, so a float64 sums 2^20 of them without rounding, in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.exact.planes import Integers
from gramian.linalg.exact.selftest import blas_product, product
from gramian.typing import Codes, Matrix

LIMB = 16
MASK = (1 << LIMB) - 1
ROOM = 1 << 20
ABOVE = 4  # limbs of an int64, which a sum may carry beyond its highest limb


@dataclass(frozen=True, slots=True, eq=False)
class Limbs:
    """A whole matrix (k, l), and the same as limbs side by side, the lowest first: (k, count l)."""

    whole: Integers
    beside: Matrix
    count: int

    def times(self, other: Integers) -> Integers:
        """The product with a whole matrix (l, m)."""
        k, width = self.whole.shape
        if not k or not width or not other.shape[1]:
            return np.zeros((k, other.shape[1]), object)
        right = cut(other)
        if width * min(self.count, len(right)) > ROOM or product() is not blas_product:
            return np.asarray(self.whole.dot(other))
        return together(_sums(self.beside, self.count, right))


def limbs_of(whole: Integers) -> Limbs:
    """A whole matrix made ready for products."""
    parts = cut(whole)
    return Limbs(whole, np.concatenate(list(parts), axis=1), len(parts))


def cut(whole: Integers) -> Matrix:
    """Limbs of whole numbers, the lowest first, the highest with the sign: (count, *shape)."""
    numbers = [int(v) for v in whole.ravel()]
    count = max(map(int.bit_length, numbers), default=0) // LIMB + 1
    raw = np.frombuffer(b"".join([v.to_bytes(2 * count, "little", signed=True) for v in numbers]), "<u2")
    out = raw.reshape(*whole.shape, count).astype(np.float64)
    out[..., -1] -= (out[..., -1] > MASK >> 1) * float(MASK + 1)
    return np.ascontiguousarray(np.moveaxis(out, -1, 0))


def _sums(beside: Matrix, count: int, right: Matrix) -> Codes:
    """Sums of the products of limbs that have one place: (places, k, m)."""
    many, width, m = right.shape
    below = right[::-1].reshape(many * width, m)
    out = np.empty((count + many - 1, len(beside), m), np.int64)
    for t in range(len(out)):
        first, last = max(0, t - many + 1), min(t, count - 1) + 1
        start = many - 1 - t + first
        out[t] = beside[:, first * width : last * width] @ below[start * width : (start + last - first) * width]
    return out


def together(sums: Codes) -> Integers:
    """Whole numbers from int64 places of sixteen bits each, the lowest first; `sums` are overwritten."""
    count, shape = len(sums) + ABOVE, sums.shape[1:]
    out, over = np.empty((*shape, count), "<u2"), np.zeros(shape, np.int64)
    for t in range(count):
        if t < len(sums):
            over += sums[t]
        out[..., t] = over & MASK
        over >>= LIMB
    told, size = out.tobytes(), 2 * count
    whole = np.empty(int(np.prod(shape)), object)
    whole[:] = [int.from_bytes(told[i : i + size], "little", signed=True) for i in range(0, len(told), size)]
    return whole.reshape(shape)
