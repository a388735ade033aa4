"""Sums and products of rows by group, for rows in any order."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_array

from gramian.typing import Codes, Matrix, Vector


def grouped_sums(rows: Matrix, weight: Vector, group: Codes, groups: int) -> Matrix:
    """Weighted sums of rows for every group, (groups, k).

    Parameters
    ----------
    rows : (n, k)
        C-contiguous.
    weight : (n,)
        Factor of each row.
    group : (n,) int
        Group of each row.
    groups : int
        Number of groups.

    Notes
    -----
    Computed as a product with a sparse indicator matrix, which is one pass over the rows without sorting them.
    """
    n = len(rows)
    # Indices of four bytes halve the memory traffic of the sparse product.
    small = np.int32 if max(n, groups) < 2**31 else np.int64
    indicator = csc_array((weight, group.astype(small), np.arange(n + 1, dtype=small)), shape=(groups, n))
    return np.asarray(indicator @ rows)


def grouped_products(rows: Matrix, group: Codes, groups: int) -> Matrix:
    """X_g'X_g for every group g, (groups, k, k).

    rows : (n, k). group : (n,) codes. Groups of similar size are multiplied in one batch, each padded with zero rows to
    a power of two, so at most half of the work is on zeros.
    """
    # sorted by counting digits where two bytes hold them, which is several times faster
    order = np.argsort(group.astype(np.uint16) if groups <= 1 << 16 else group, kind="stable")
    sizes = np.bincount(group, minlength=groups)
    starts = np.cumsum(sizes) - sizes
    out, width = np.zeros((groups, rows.shape[1], rows.shape[1])), 1
    # Batches of equal shape are one call of matmul, where a loop over groups would cost a call each.
    while width < 2 * sizes.max(initial=0):
        chosen = np.flatnonzero((sizes > width // 2) & (sizes <= width))
        if len(chosen):
            occupied = np.arange(width) < sizes[chosen, None]
            place = np.where(occupied, starts[chosen, None] + np.arange(width), 0)
            part = rows[order[place]] * occupied[:, :, None]
            out[chosen] = part.transpose(0, 2, 1) @ part
        width *= 2
    return out
