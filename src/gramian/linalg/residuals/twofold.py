"""Products of columns with vectors in twice the precision, by the compiled kernels."""

from __future__ import annotations

import numpy as np

from gramian.kernels.library import Library
from gramian.kernels.sums import readable, twofold_products, twofold_times
from gramian.linalg.doubledouble import Pair, quick_two_sum
from gramian.linalg.residuals.slices import CutVector
from gramian.typing import Matrix, Vector


class TwofoldColumns:
    """As `SlicedColumns`, but nothing is cut: products have the precision of double-double.

    Parameters
    ----------
    library : Library
        The kernels.
    v : Pair of shape (k,)
        The vector of A v.

    Attributes
    ----------
    grid : (k,)
        Zero: no part of a column is rounded.
    """

    min_rows = 256  # of a block: sums of so many rows are made in eight lanes, which are added at its end

    def __init__(self, library: Library, v: Pair) -> None:
        self.library, self.v = library, v
        self.grid: Vector = np.zeros(len(v.hi))
        self.A: Matrix = np.empty((0, len(v.hi)))
        self.low: Matrix | None = None

    def cut(self, A: Matrix, low: Matrix | None = None) -> None:
        """Take the columns A + low of a block, (n, k), where |low| is at most an ulp of A; they are read in place."""
        self.A = A if readable(A) else np.array(A, np.float64)
        self.low = None if low is None or not low.any() else low

    def times(self) -> tuple[list[Vector], Vector]:
        """A v as leading part (n,) and the small rest."""
        hi, lo = twofold_times(self.library, self.A, self.low, *self.v)
        return [hi], lo

    @staticmethod
    def cut_vector(r: Pair) -> CutVector:
        """The vector without slices."""
        return CutVector(r, np.empty((0, len(r.hi))))

    def products(self, r: CutVector) -> Pair:
        """A'r, (k,)."""
        return Pair(*quick_two_sum(*twofold_products(self.library, self.A, self.low, *r.whole)))

    def dot(self, r: CutVector, s: CutVector) -> Pair:
        """r's, (1,)."""
        hi, lo = (part[:, None] for part in r.whole)
        return Pair(*quick_two_sum(*twofold_products(self.library, hi, lo, *s.whole)))
