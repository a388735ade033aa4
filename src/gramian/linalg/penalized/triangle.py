"""A Cholesky factor that grows and shrinks by one column at a time, at the cost of O(k^2) operations each."""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lapack

from gramian.typing import Matrix, Vector

PANEL_COLUMNS = 32  # block size of LAPACK's QR update
CLEAR_PIVOT = 1e8  # a pivot this many times its column's rounding error is accepted without a closer test


class Triangle:
    """R, upper triangular, with R'R = S_AA for an ordered set A of k columns of S, packed by columns.

    capacity : largest number of columns.
    """

    __slots__ = ("packed", "size")

    def __init__(self, capacity: int) -> None:
        self.packed = np.empty(capacity * (capacity + 1) // 2)
        self.size = 0

    def solve_transposed(self, x: Vector) -> Vector:
        """Solve R'z = x, (k,)."""
        k = self.size
        return np.asarray(blas.dtpsv(k, self.packed[: k * (k + 1) // 2], x, trans=1)) if k else np.zeros(0)

    def solve(self, x: Vector) -> Vector:
        """Solve R z = x, (k,)."""
        k = self.size
        return np.asarray(blas.dtpsv(k, self.packed[: k * (k + 1) // 2], x)) if k else np.zeros(0)

    def add(self, cross: Vector, square: float, noise: Vector, own: float) -> bool:
        """Add a column; False, with nothing changed, where it is linearly dependent on those inside.

        Parameters
        ----------
        cross : (k,)
            Its products with the columns inside.
        square : float
            Its square.
        noise : (k,)
            Rounding errors of the squares of the columns inside.
        own : float
            Rounding error of its own square.
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
        """Whether a column is linearly independent of those inside; arguments as for `add`."""
        return self._is_independent(*self._new_column(cross, square), noise, own)

    def _new_column(self, cross: Vector, square: float) -> tuple[Vector, float]:
        """A new column (k,) of R above its diagonal, and its pivot: the square that the others do not explain."""
        column = self.solve_transposed(cross)
        return column, square - float(column @ column)

    def _is_independent(self, column: Vector, pivot: float, noise: Vector, own: float) -> bool:
        """Whether a pivot exceeds the rounding error of the combination of columns that it is the square of.

        The combination x - sum b_i x_i carries rounding errors of at most (own^1/2 + sum |b_i| noise_i^1/2)^2.
        """
        if not pivot > own:
            return False
        # The closer test below needs another triangular solve, which few columns require.
        if pivot > CLEAR_PIVOT * own:
            return True
        combination = np.abs(self.solve(column))
        return bool(pivot > (own**0.5 + combination @ np.sqrt(noise)) ** 2)

    def remove(self, position: int) -> None:
        """Remove a column; the rest of its row is put into the triangle below by a QR update, without subtraction."""
        R = self.full()
        tail = R[position + 1 :, position + 1 :]
        if len(tail):
            row = np.asfortranarray(R[position : position + 1, position + 1 :])
            tail = lapack.dtpqrt(0, min(PANEL_COLUMNS, len(tail)), np.asfortranarray(tail), row)[0]
            # LAPACK's QR may return negative diagonal elements; signs of rows do not change R'R.
            tail *= np.where(tail.diagonal() < 0, -1.0, 1.0)[:, None]
        k = self.size - 1
        out = np.zeros((k, k), order="F")
        out[:, :position], out[:position, position:] = R[:k, :position], R[:position, position + 1 :]
        out[position:, position:] = tail
        self.size = k
        if k:
            self.packed[: k * (k + 1) // 2] = lapack.dtrttp(out)[0]

    def full(self) -> Matrix:
        """R as a full matrix, (k, k)."""
        k = self.size
        if not k:
            return np.zeros((0, 0))
        return np.triu(lapack.dtpttr(k, self.packed[: k * (k + 1) // 2])[0])
