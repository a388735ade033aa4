"""Products of what the levels of one factor explain of the columns, from sums over the levels."""

from __future__ import annotations

import numpy as np

from gramian.kernels.threads import in_parts
from gramian.linalg.absorb.level_sums import LevelSums
from gramian.linalg.self_products import self_products
from gramian.typing import Matrix, Vector

LEVELS_PER_BLOCK = 16_384  # levels in one matrix product, so that their sums stay in the cache
BLOCKS_TOGETHER = 8  # blocks of levels whose products are in memory at once
MAX_SHARED_WIDTH = 256  # columns of a block up to which threads share them
MAX_SPARSE = 4  # entries of a table of sums, zeros included, for each that is not zero, from which on it stays sparse


def explained(sums: LevelSums, size: int) -> Matrix:
    """C'D^-1 C, (size, size): products of the columns' projections on the levels, from sums C and weights D."""
    out = np.zeros((size, size))
    if sums.sparse.nnz * MAX_SPARSE > sums.sparse.shape[0] * sums.sparse.shape[1]:
        at = np.concatenate([sums.dense_at, sums.sparse_at])
        out[np.ix_(at, at)] = _explained_densely(sums)
        return out
    dense = np.zeros((len(sums.dense_at),) * 2)
    cross = np.zeros((len(sums.sparse_at), len(sums.dense_at)))
    # Columns scaled by the root give a symmetric product, which needs half of the operations and is symmetric to the
    # last bit.
    inverse_root = 1.0 / np.sqrt(sums.weight)
    for start in range(0, len(inverse_root), LEVELS_PER_BLOCK):
        rows = slice(start, start + LEVELS_PER_BLOCK)
        part = sums.dense[rows] * inverse_root[rows, None]
        dense += self_products(part)
        if len(sums.sparse_at):
            cross += sums.sparse[rows].T @ (part * inverse_root[rows, None])
    out[np.ix_(sums.dense_at, sums.dense_at)] = dense
    if len(sums.sparse_at):
        out[np.ix_(sums.sparse_at, sums.dense_at)] = cross
        out[np.ix_(sums.dense_at, sums.sparse_at)] = cross.T
        scaled = sums.sparse.multiply(inverse_root[:, None]).tocsr()
        out[np.ix_(sums.sparse_at, sums.sparse_at)] = (scaled.T @ scaled).toarray()
    return out


def _explained_densely(sums: LevelSums) -> Matrix:
    """C'D^-1 C of the columns with dense sums and then of the others, which few zeros are among."""
    size = len(sums.dense_at) + len(sums.sparse_at)
    out, inverse_root = np.zeros((size, size)), 1.0 / np.sqrt(sums.weight)
    parts = [slice(at, at + LEVELS_PER_BLOCK) for at in range(0, len(inverse_root), LEVELS_PER_BLOCK)]
    for at in range(0, len(parts), BLOCKS_TOGETHER):
        together = parts[at : at + BLOCKS_TOGETHER]
        products = np.empty((len(together), size, size))

        def blocks(first: int, last: int, together: list[slice] = together, products: Matrix = products) -> None:
            for i in range(first, last):
                products[i] = self_products(_scaled_block(sums, together[i], inverse_root[together[i]]))

        # memory for wide blocks of several threads would be more than that for all levels
        operations = LEVELS_PER_BLOCK * len(together) * size if size <= MAX_SHARED_WIDTH else 0
        in_parts(blocks, len(together), operations)
        for product in products:  # in the order of the levels, whichever thread was first
            out += product
    return out


def _scaled_block(sums: LevelSums, rows: slice, factors: Vector) -> Matrix:
    """Sums of some levels, those with dense sums first, each level times a factor. factors : (n,)."""
    d, starts = len(sums.dense_at), sums.sparse.indptr[rows.start : rows.start + len(factors) + 1]
    entries, level = slice(starts[0], starts[-1]), np.repeat(np.arange(len(factors)), np.diff(starts))
    out = np.zeros((len(factors), d + len(sums.sparse_at)))
    np.multiply(sums.dense[rows], factors[:, None], out=out[:, :d])
    out[level, d + sums.sparse.indices[entries]] = sums.sparse.data[entries] * factors[level]
    return out
