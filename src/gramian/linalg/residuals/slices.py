"""Products of columns with vectors in about 75 bits, by BLAS: columns and vectors are cut into slices.

A slice keeps so few leading bits that every product and every sum of products of two slices is exact in float64, in
whatever order BLAS adds them; what is left of the columns is so small that its rounded products suffice.

References
----------
Ozaki, K., Ogita, T., Oishi, S. and Rump, S. M. (2012). Error-free transformations of matrix multiplication by using
fast routines of matrix multiplication and its applications. Numerical Algorithms 59, 95-118.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gramian.linalg.doubledouble import Pair, pair, total, two_sum
from gramian.typing import Codes, Matrix, Vector

SIGNIFICAND_BITS = 53
VECTOR_SLICES = 3  # slices of a vector; they hold 60 bits and more, the rest is added in float64
MIN_EXPONENT = -500  # no grid is finer: scaled numbers stay normal


class CutVector(NamedTuple):
    """A vector (n,), and its slices (3, n): two of it and the rest."""

    whole: Pair
    slices: Matrix


class SlicedColumns:
    """Columns A = high + low of a block, and their products with a vector v and with residuals.

    The grid of a column, of which its high slice holds multiples, fits the largest value so far.

    Parameters
    ----------
    v : Pair of shape (k,)
        The vector of A v.
    height : int
        Most rows of a block.
    """

    min_rows = 64  # of a block, however many columns it has

    def __init__(self, v: Pair, height: int) -> None:
        width = len(v.hi)
        self.v = v
        self.bits = (SIGNIFICAND_BITS - int(np.ceil(np.log2(max(width, height, 2))))) // 2
        self.exponents: Codes = np.full(width, MIN_EXPONENT)
        self._set_grid(self.exponents)
        self.high = self.low = np.empty((0, width))

    @property
    def grid(self) -> Vector:
        """Bounds (k,) of the absolute values of the low slices."""
        return np.ldexp(1.0, self.exponents - self.bits - 1)

    def cut(self, A: Matrix, low: Matrix | None = None) -> None:
        """Cut the columns A + low of a block, (n, k), where |low| is at most an ulp of A."""
        largest = np.maximum(A.max(axis=0, initial=0.0), -A.min(axis=0, initial=0.0))
        exponents = np.frexp(largest)[1]
        if (exponents > self.exponents).any():
            self._set_grid(np.maximum(exponents, self.exponents))
        if self.high.shape != A.shape:
            self.high, self.low = np.empty_like(A), np.empty_like(A)
        np.add(A, self.sigma, out=self.high)
        self.high -= self.sigma
        np.subtract(A, self.high, out=self.low)
        if low is not None:
            self.low += low

    def _set_grid(self, exponents: Codes) -> None:
        """Choose the columns' grids, and cut v, in units of them, into slices that share one grid."""
        self.exponents = exponents
        self.sigma = np.ldexp(1.5, exponents + SIGNIFICAND_BITS - 1 - self.bits)
        unit = np.ldexp(1.0, exponents)
        *slices, rest = vector_slices(self.v.hi * unit, self.bits, VECTOR_SLICES)
        self.weights = np.stack([s / unit for s in (*slices, rest + self.v.lo * unit)])

    def times(self) -> tuple[list[Vector], Vector]:
        """The summands (n,) of A v, largest first, and one more that is small."""
        *leading, small = np.dot(self.weights, self.high.T)
        return [*leading, np.dot(self.low, self.v.hi)], small

    def cut_vector(self, r: Pair) -> CutVector:
        """A vector r (n,) as the products need it."""
        return CutVector(r, slices_of_pair(r, self.bits))

    def products(self, r: CutVector) -> Pair:
        """A'r, (k,)."""
        first, second, small = np.dot(r.slices, self.high)
        hi, lo = two_sum(first, second)
        hi, error = two_sum(hi, np.dot(r.whole.hi, self.low))
        return Pair(hi, lo + error + small)

    @staticmethod
    def dot(r: CutVector, s: CutVector) -> Pair:
        """r's, (1,)."""
        return total(pair(np.dot(r.slices, s.slices.T).reshape(-1, 1)))


def vector_slices(v: Vector, bits: int, count: int) -> list[Vector]:
    """Cut v (n,) into `count` slices of so many bits below the largest value, and the rest; their sum is v exactly."""
    slices = []
    for _ in range(count):
        top = int(np.frexp(np.abs(v).max(initial=0.0))[1])
        sigma = float(np.ldexp(1.5, max(top, MIN_EXPONENT) + SIGNIFICAND_BITS - 1 - bits))
        part = (v + sigma) - sigma
        slices.append(part)
        v = v - part
    return [*slices, v]


def slices_of_pair(v: Pair, bits: int) -> Matrix:
    """Two slices of v (n,) of so many bits, and the rest rounded: (3, n)."""
    first, second, rest = vector_slices(v.hi, bits, 2)
    return np.stack([first, second, rest + v.lo])
