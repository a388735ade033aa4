"""Elimination of the first columns of many symmetric matrices at once; the last axis counts the matrices.

With the matrices along the last axis every step is one operation on long contiguous rows, however small they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes, Vector

Stack = NDArray[np.float64]  # (m, m, count)


def eliminate(A: Stack, width: int, limits: Vector) -> tuple[Stack, Codes]:
    """Schur complements of the first `width` columns of each matrix, and how many of these columns were independent.

    Parameters
    ----------
    A : (m, m, count)
        Symmetric matrices.
    width : int
        Columns to eliminate.
    limits : (width,)
        A pivot that is not above its limit is passed over: the column depends on those before it.

    Returns
    -------
    complements : (m - width, m - width, count)
        Schur complements.
    rank : (count,) int
        Independent columns among the eliminated ones.
    """
    if width > 1:
        by_cholesky = _eliminate_by_cholesky(A, width, limits)
        if by_cholesky is not None:
            return by_cholesky
    rank = np.zeros(A.shape[2], np.int64)
    for k in range(width):
        A, accepted = _eliminate_first(A, limits[k])
        rank += accepted
    return A, rank


def drop_first(V: Stack, width: int) -> Stack:
    """From inverses of matrices, the inverses of the matrices without their first `width` columns.

    The Schur complement of a block of an inverse is the inverse of the other block of the matrix.
    """
    return eliminate(V, width, np.zeros(width))[0]


def _eliminate_first(A: Stack, limit: float) -> tuple[Stack, NDArray[np.bool_]]:
    """Schur complements of the first column, and in which matrices its pivot was accepted."""
    pivot, row = A[0, 0], A[0, 1:]
    accepted = pivot > limit
    # Division by infinity leaves the matrix as it is where the column is passed over.
    share = row / np.where(accepted, pivot, np.inf)
    rest = row[:, None] * share[None, :]
    np.subtract(A[1:, 1:], rest, out=rest)
    return rest, accepted


def _eliminate_by_cholesky(A: Stack, width: int, limits: Vector) -> tuple[Stack, Codes] | None:
    """Eliminate all `width` columns by Cholesky; None where some pivot is not above its limit."""
    matrices = np.moveaxis(A, 2, 0)
    try:
        L = np.linalg.cholesky(matrices[:, :width, :width])
    except np.linalg.LinAlgError:
        return None
    if not (np.diagonal(L, axis1=1, axis2=2) ** 2 > limits[:width]).all():
        return None
    half = np.linalg.solve(L, matrices[:, :width, width:])
    rest = matrices[:, width:, width:] - np.swapaxes(half, 1, 2) @ half
    return np.ascontiguousarray(np.moveaxis(rest, 0, 2)), np.full(A.shape[2], width, np.int64)


def inverse_stack(A: Stack) -> Stack:
    """The matrices that `drop_first` works on: inverse products, coefficients in the last row, -RSS in the corner.

    A : (m + 1, m + 1, count), products with the response last, the columns independent. Returns the same shape.
    `drop_first` keeps this form: the corner is always -RSS of the columns that are left.
    """
    matrices = np.moveaxis(A, 2, 0)
    V = np.linalg.inv(matrices[:, :-1, :-1])
    b = (V @ matrices[:, :-1, -1:])[:, :, 0]
    out = np.empty_like(A)
    out[:-1, :-1] = np.moveaxis((V + np.swapaxes(V, 1, 2)) / 2, 0, 2)
    out[-1, :-1] = out[:-1, -1] = b.T
    out[-1, -1] = np.einsum("kb,kb->b", b.T, A[:-1, -1]) - A[-1, -1]
    return out
