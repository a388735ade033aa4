"""A Cholesky factor that grows and shrinks by a column at a time; each change costs the square of its size."""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lapack

from gramian.typing import Matrix, Vector

PANEL = 32  # columns that LAPACK treats together


class Triangle:
    """R with R'R = S_AA for an ordered set A of columns of S, packed by columns; nothing outside a solve holds one."""

    __slots__ = ("packed", "size")

    def __init__(self, most: int) -> None:
        self.packed = np.empty(most * (most + 1) // 2)
        self.size = 0

    def half(self, x: Vector) -> Vector:
        """R'^-1 x."""
        k = self.size
        return np.asarray(blas.dtpsv(k, self.packed[: k * (k + 1) // 2], x, trans=1)) if k else np.zeros(0)

    def back(self, x: Vector) -> Vector:
        """R^-1 x."""
        k = self.size
        return np.asarray(blas.dtpsv(k, self.packed[: k * (k + 1) // 2], x)) if k else np.zeros(0)

    def join(self, cross: Vector, square: float, least: float) -> bool:
        """Add a column, given its products with those that are in, and its square.

        False, and nothing added, where what is left of the square beside the others is not above `least`.
        """
        k = self.size
        start = k * (k + 1) // 2
        column = self.half(cross)
        pivot = square - float(column @ column)
        if not pivot > least:
            return False
        self.packed[start : start + k] = column
        self.packed[start + k] = pivot**0.5
        self.size = k + 1
        return True

    def fits(self, cross: Vector, square: float, least: float) -> bool:
        """Whether a column could join."""
        column = self.half(cross)
        return square - float(column @ column) > least

    def leave(self, position: int) -> None:
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
