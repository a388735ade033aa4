"""Symmetric matrices: one triangle from the other, copies by columns; tile by tile, since a tile stays in the cache."""

from __future__ import annotations

import numpy as np

from gramian.typing import Matrix

TILE = 128  # rows and columns of a tile


def mirror_upper(A: Matrix) -> None:
    """Write the upper triangle of A (p, p) into the lower one."""
    for at in range(0, len(A), TILE):
        stop = min(at + TILE, len(A))
        for left in range(0, at, TILE):
            A[at:stop, left : left + TILE] = A[left : left + TILE, at:stop].T
        tile = A[at:stop, at:stop]
        tile[:] = np.triu(tile) + np.triu(tile, 1).T


def by_columns(A: Matrix) -> Matrix:
    """A copy of A (n, p) that is stored by columns."""
    out = np.empty(A.shape, order="F")
    for at in range(0, len(A), TILE):
        rows = slice(at, at + TILE)
        for left in range(0, A.shape[1], TILE):
            out[rows, left : left + TILE] = A[rows, left : left + TILE]
    return out
