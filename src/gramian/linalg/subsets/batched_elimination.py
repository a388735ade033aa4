"""Elimination of the first columns of many symmetric matrices at once; the last axis counts the matrices.

With the sums of many matrices beside each other every step is one operation on long rows, however small they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes, Vector

Stack = NDArray[np.float64]  # (m, m, count)


def eliminate(A: Stack, width: int, limits: Vector) -> tuple[Stack, Codes]:
    """Schur complements of the first `width` columns, (m - width, m - width, count), and how many were independent.

    A pivot that is not above its limit is passed over: the column depends on those before it.
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
    """The same of inverses: what is left of them when the first columns leave."""
    return eliminate(V, width, np.zeros(width))[0]


def _eliminate_first(A: Stack, limit: float) -> tuple[Stack, NDArray[np.bool_]]:
    pivot, row = A[0, 0], A[0, 1:]
    accepted = pivot > limit
    share = row / np.where(accepted, pivot, np.inf)
    rest = row[:, None] * share[None, :]
    np.subtract(A[1:, 1:], rest, out=rest)
    return rest, accepted


def _eliminate_by_cholesky(A: Stack, width: int, limits: Vector) -> tuple[Stack, Codes] | None:
    """All of them by Cholesky; None where a pivot is not above its limit."""
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
    """What `drop` works on: the inverse of the products, coefficients in the last row, minus the RSS in the corner."""
    matrices = np.moveaxis(A, 2, 0)
    V = np.linalg.inv(matrices[:, :-1, :-1])
    b = (V @ matrices[:, :-1, -1:])[:, :, 0]
    out = np.empty_like(A)
    out[:-1, :-1] = np.moveaxis((V + np.swapaxes(V, 1, 2)) / 2, 0, 2)
    out[-1, :-1] = out[:-1, -1] = b.T
    out[-1, -1] = np.einsum("kb,kb->b", b.T, A[:-1, -1]) - A[-1, -1]
    return out
