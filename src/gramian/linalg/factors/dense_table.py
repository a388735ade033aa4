"""Sums over all possible cells of some factors, added block by block: compiled, or by NumPy with the same bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.kernels.cells import add_by_code
from gramian.kernels.dense_cells import Cells
from gramian.kernels.library import Library, library
from gramian.typing import AnyCodes, Codes, Matrix, Vector

CELLS_PER_ROW = 4  # cells per row of a block, up to which a sum of its own for the block is worth its cost
MAX_COLLECTED = 1 << 18  # rows of blocks that are summed together in a table with more cells

Counts = Vector | None


class DenseTable:
    """Rows and sums of k monomials in each of L cells.

    Blocks are collected until they have as many rows as there are cells; their sums are then added to the table, so
    that no cell adds many rows one after another.

    Attributes
    ----------
    rows : (L,)
        Rows in each cell.
    sums : (k, L)
        Sums of the monomials.
    """

    def __init__(self, cells: int, monomials: int) -> None:
        self.rows, self.sums = np.zeros(cells, np.int64), np.zeros((monomials, cells))
        self.collected: list[tuple[Codes, Matrix, Counts]] = []

    def fill(self, cell: Codes, rows: Codes, sums: Matrix) -> None:
        """Set some cells of an empty table. cell : (n,) flat indices, each once. rows : (n,). sums : (n, k)."""
        self.rows[cell], self.sums[:, cell] = rows, sums.T

    def add(self, cell: Codes, values: Sequence[Vector], factors: Vector | None, count: Counts) -> None:
        """Add a block of n rows.

        cell : (n,) flat indices. values : k arrays (n,). factors : (n,) by which they are multiplied, or None.
        count : (n,) frequency weights, or None.
        """
        weighted = values if factors is None else [v * factors for v in values]
        if self.is_summed_at_once(len(cell)):
            self._add_sums(cell, weighted, count)
            return
        self.collected.append((cell, np.array(weighted).reshape(len(self.sums), len(cell)), count))
        if sum(len(cell) for cell, _, _ in self.collected) >= min(len(self.rows), MAX_COLLECTED):
            self.flush()

    def is_summed_at_once(self, rows: int) -> bool:
        """Whether a block of so many rows is long, compared with the table."""
        return len(self.rows) <= CELLS_PER_ROW * rows

    def flush(self) -> None:
        """Add the sums of the collected blocks."""
        if self.collected:
            cells, values, counts = zip(*self.collected, strict=True)
            self.collected = []
            self._add_sums(np.concatenate(cells), np.concatenate(values, axis=1), concatenated_counts(cells, counts))

    def _add_sums(self, cell: Codes, values: Sequence[Vector] | Matrix, count: Counts) -> None:
        """Add the sums of some rows."""
        width = len(self.rows)  # `bincount` releases the interpreter lock, `add.at` does not
        self.rows += np.bincount(cell, count, width).astype(np.int64)
        for sums, column in zip(self.sums, values, strict=True):
            sums += np.bincount(cell, column, width)


class CompiledTable(DenseTable):
    """The same sums in the same order, without copies of the blocks.

    The sums of a cell lie side by side in memory, so that a row touches one place of it.
    """

    def __init__(self, cells: int, monomials: int, kernel: Library) -> None:
        self.kernel = kernel
        self.rows, self.sums = np.zeros(cells, np.int64), np.zeros((cells, monomials)).T
        self.is_empty = True
        self.block_sums: Matrix | None = None
        self.block_rows = 0

    def fill(self, cell: Codes, rows: Codes, sums: Matrix) -> None:
        """As of `DenseTable`."""
        super().fill(cell, rows, sums)
        self.is_empty = False

    def add(self, cell: Codes, values: Sequence[Vector], factors: Vector | None, count: Counts) -> None:
        """As of `DenseTable`."""
        shape = self.sums.shape[::-1]
        if self.is_summed_at_once(len(cell)):
            sums = np.zeros(shape)
            add_by_code(self.kernel, values, cell, factors, count, sums, self.rows)
            self.sums += sums.T
            self.is_empty = False
            return
        if self.block_sums is None:
            self.block_sums = np.zeros(shape)
        add_by_code(self.kernel, values, cell, factors, count, self.block_sums, self.rows)
        self.block_rows += len(cell)
        if self.block_rows >= min(len(self.rows), MAX_COLLECTED):
            self.flush()

    def cells(self, codes: Codes, lanes: Codes) -> Cells:
        """The table for a kernel that adds rows itself. codes : (n,) flat indices. lanes : (k,) of the columns."""
        self.is_empty = False
        return Cells(codes, lanes, self.sums.T, self.rows)

    def flush(self) -> None:
        """As of `DenseTable`."""
        if self.block_sums is None:
            return
        if self.is_empty:
            self.sums, self.is_empty = self.block_sums.T, False
        else:
            self.sums += self.block_sums.T
        self.block_sums, self.block_rows = None, 0


def dense_table(cells: int, monomials: int) -> DenseTable:
    """A table of zeros, by the kernel where there is one."""
    kernel = library()
    return DenseTable(cells, monomials) if kernel is None else CompiledTable(cells, monomials, kernel)


def concatenated_counts(cells: Sequence[AnyCodes], counts: Sequence[Counts]) -> Counts:
    """Frequency weights of several blocks; those of a block without any are one."""
    if all(count is None for count in counts):
        return None
    return np.concatenate([np.ones(len(c)) if n is None else n for c, n in zip(cells, counts, strict=True)])
