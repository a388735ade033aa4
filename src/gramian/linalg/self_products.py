"""Products of the columns of a tall block with each other, A'A: compiled, or by small panels where that is faster.

The compiled sums have the same bits on every processor that has them. Without them, for a few dozen columns BLAS's
symmetric update (dsyrk) reaches a third of the processor's peak. Products of a panel of columns with a stack of a few
hundred rows, small enough for the special small-matrix kernels of OpenBLAS, reach most of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from gramian.kernels.library import library
from gramian.kernels.sums import Part, readable
from gramian.kernels.sums import self_products as compiled_self_products
from gramian.typing import Mask, Matrix

STACK_ROWS = 512  # rows of a stack
PANEL_COLUMNS = 16  # columns of a panel
PANEL_WIDTHS = range(PANEL_COLUMNS + 1, 73)  # numbers of columns for which panels are faster than dsyrk (measured)

MAX_COMPILED_WIDTH = 400  # columns above which BLAS is faster

TILE = 128  # rows and columns of a tile, which stays in the cache


def products_of_parts(parts: Sequence[Matrix], out: Matrix | None = None) -> Matrix | None:
    """Compiled products (p, p) of the columns of all parts side by side; None where NumPy has to do it.

    parts : arrays (n, .) in any memory order. out : (p, p) memory for the result.
    """
    compiled = library()
    if compiled is None or sum(part.shape[1] for part in parts) > MAX_COMPILED_WIDTH or not readable(*parts):
        return None
    return compiled_self_products(compiled, [Part(part) for part in parts], out)


def self_products(A: Matrix, out: Matrix | None = None) -> Matrix:
    """A'A, (p, p), symmetric to the last bit, for A : (n, p) in any memory order.

    out : (p, p) memory for the result, used where one call makes it.

    `np.dot` and `np.matmul` release the interpreter lock, so that other threads run meanwhile; the operator `@` on
    two-dimensional arrays does not.
    """
    compiled = products_of_parts((A,), out)
    return _by_blas(A, out) if compiled is None else compiled


def _by_blas(A: Matrix, out: Matrix | None) -> Matrix:
    """A'A by panels, or by one call of BLAS."""
    n, p = A.shape
    stacked_rows = n - n % STACK_ROWS
    # Few columns or many: dsyrk is the faster of both.
    if p not in PANEL_WIDTHS or not stacked_rows or not _usable_by_blas(A):
        return np.asarray(np.dot(A.T, A, out=out))
    sums = _by_panels(A[:stacked_rows].reshape(-1, STACK_ROWS, p))
    if stacked_rows < n:
        sums += np.dot(A[stacked_rows:].T, A[stacked_rows:])
    return sums


def _usable_by_blas(A: Matrix) -> bool:
    """Whether BLAS can read stacks of rows without a copy: rows or columns are contiguous and do not overlap."""
    (n, p), (down, along) = A.shape, A.strides
    return (along == A.itemsize and down >= p * along) or (down == A.itemsize and along >= n * down)


def _by_panels(stacks: Matrix) -> Matrix:
    """Sum over stacks (m, STACK_ROWS, p) of A'A, panel by panel: each with the columns from its first one on."""
    p = stacks.shape[2]
    transposed, out = stacks.transpose(0, 2, 1), np.empty((p, p))
    for at in range(0, p, PANEL_COLUMNS):
        stop = at + PANEL_COLUMNS
        overlap = int(stop >= p)  # one more column, since for a panel times itself NumPy would call the slow dsyrk
        parts = np.matmul(transposed[:, at:stop], stacks[:, :, at - overlap :])
        out[at:stop, at:] = np.add.reduce(parts)[:, overlap:]
    # Panels fill the upper triangle only; the lower one is its mirror image, so that both are equal to the last bit.
    np.copyto(out, out.T, where=_below_diagonal(p))
    return out


@cache
def _below_diagonal(p: int) -> Mask:
    """Mask (p, p) of the elements below the diagonal."""
    return np.tri(p, k=-1, dtype=np.bool_)


def mirror_upper(A: Matrix) -> None:
    """Write the upper triangle of A (p, p) into the lower one, tile by tile."""
    for at in range(0, len(A), TILE):
        stop = min(at + TILE, len(A))
        for left in range(0, at, TILE):
            A[at:stop, left : left + TILE] = A[left : left + TILE, at:stop].T
        tile = A[at:stop, at:stop]
        np.copyto(tile, tile.T.copy(), where=_below_diagonal(stop - at))


def by_columns(A: Matrix) -> Matrix:
    """A copy of A (n, p) that is stored by columns, made tile by tile."""
    out = np.empty(A.shape, order="F")
    for at in range(0, len(A), TILE):
        rows = slice(at, at + TILE)
        for left in range(0, A.shape[1], TILE):
            out[rows, left : left + TILE] = A[rows, left : left + TILE]
    return out
