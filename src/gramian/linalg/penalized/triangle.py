"""A Cholesky factor that grows and shrinks by a column at a time; each change costs the square of its size."""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lapack

from gramian.typing import Matrix, Vector

PANEL = 32  # columns that LAPACK treats together
DOUBT = 1e8  # a pivot that is larger relative to its column's own rounding is not looked at more closely


class Triangle:
    """R with R'R = S_AA for an ordered set A of columns of S, packed by columns; nothing outside a solve holds one."""

    __slots__ = ("packed", "size")

    def __init__(self, most: int) -> None:
        self.packed = np.empty(most * (most + 1) // 2)
        self.size = 0

    def solve_transposed(self, x: Vector) -> Vector:
        """R'^-1 x."""
        k = self.size
        return np.asarray(blas.dtpsv(k, self.packed[: k * (k + 1) // 2], x, trans=1)) if k else np.zeros(0)

    def solve(self, x: Vector) -> Vector:
        """R^-1 x."""
        k = self.size
        return np.asarray(blas.dtpsv(k, self.packed[: k * (k + 1) // 2], x)) if k else np.zeros(0)

    def add(self, cross: Vector, square: float, noise: Vector, own: float) -> bool:
        """Add a column, given its products with those that are in, and its square; False where it does not fit.

        noise : (k,) and own, squares that are rounding, of the columns that are in and of this one.
        """
        column, pivot = self._new_column(cross, square)
        if not self._is_independent(column, pivot, noise, own):
            return False
        k = self.size
        start = k * (k + 1) // 2
        self.packed[start : start + k] = column
        self.packed[start + k] = pivot**0.5
        self.size = k + 1
        return True

    def fits(self, cross: Vector, square: float, noise: Vector, own: float) -> bool:
        """Whether a column could join."""
        return self._is_independent(*self._new_column(cross, square), noise, own)

    def _new_column(self, cross: Vector, square: float) -> tuple[Vector, float]:
        """A further column of R, and what of the square is left beside the others."""
        column = self.solve_transposed(cross)
        return column, square - float(column @ column)

    def _is_independent(self, column: Vector, pivot: float, noise: Vector, own: float) -> bool:
        """Whether a pivot is more than the rounding of the combination of columns that it belongs to."""
        if not pivot > own:
            return False
        if pivot > DOUBT * own:
            return True
        combination = np.abs(self.solve(column))
        return bool(pivot > (own**0.5 + combination @ np.sqrt(noise)) ** 2)

    def remove(self, position: int) -> None:
        """Take a column out: the rest of its row goes into the triangle below by a QR step, without subtraction."""
        R = self.full()
        tail = R[position + 1 :, position + 1 :]
        if len(tail):
            row = np.asfortranarray(R[position : position + 1, position + 1 :])
            tail = lapack.dtpqrt(0, min(PANEL, len(tail)), np.asfortranarray(tail), row)[0]
            tail *= np.where(tail.diagonal() < 0, -1.0, 1.0)[:, None]
        k = self.size - 1
        out = np.zeros((k, k), order="F")
        out[:, :position], out[:position, position:] = R[:k, :position], R[:position, position + 1 :]
        out[position:, position:] = tail
        self.size = k
        if k:
            self.packed[: k * (k + 1) // 2] = lapack.dtrttp(out)[0]

    def full(self) -> Matrix:
        """R written out, (k, k)."""
        k = self.size
        if not k:
            return np.zeros((0, 0))
        return np.triu(lapack.dtpttr(k, self.packed[: k * (k + 1) // 2])[0])
