"""Accumulation of one table of cell sums within a pass: dense while the cells are few, else sorted pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gramian.linalg.factors.cell_keys import cells_of, key_sizes, keys_of, run_starts
from gramian.linalg.factors.cells import MAX_DENSE_CELLS, CellSums, sum_duplicates
from gramian.typing import Codes, Matrix, Vector

CELLS_PER_ROW = 4  # cells per row of a block, up to which `bincount` over all cells is worth its cost
MAX_COLLECTED = 1 << 18  # rows of blocks that are collected for a table with more cells
ROWS_PER_PIECE = 1 << 19  # rows that are sorted together where a table is not dense


class CellAccumulator:
    """Accumulates one table of cell sums; used within one pass only.

    Dense over the product of the factors' capacities while that is small, else a list of sorted pieces, of which each
    is at least twice as long as the next, so that merging costs O(n log n) in all.

    factors, monomials : their numbers.
    """

    def __init__(self, factors: int, monomials: int) -> None:
        self.monomials = monomials
        self.factors = factors
        self.capacity = (0,) * factors
        self.sums = np.zeros((monomials, 0))
        self.rows = np.zeros(0, np.int64)
        self.pieces: list[CellSums] = []
        self.pending: list[tuple[Codes, Matrix, Vector | None]] = []
        self.collected: list[tuple[Codes, Matrix, Vector | None]] = []

    def add(
        self, codes: Sequence[Codes], sizes: Sequence[int], value: Callable[[int], Vector], count: Vector | None
    ) -> None:
        """Add a block of rows.

        Parameters
        ----------
        codes : f arrays (n,)
            Level codes of each factor.
        sizes : f ints
            Levels of each factor seen so far.
        value : callable
            i -> values (n,) of the i-th monomial.
        count : (n,) or None
            Frequency weight of each row.
        """
        if any(size > capacity for size, capacity in zip(sizes, self.capacity, strict=True)):
            self._grow(sizes)
        if len(self.rows):
            self._add_dense(codes, value, count)
        else:
            self._add_piece(codes, value, count)

    def _add_dense(self, codes: Sequence[Codes], value: Callable[[int], Vector], count: Vector | None) -> None:
        """Add a block to the dense table, or collect it while blocks are short compared with the table."""
        cell = self._flat(codes)
        if len(self.rows) <= CELLS_PER_ROW * len(cell):
            self._add_cell_sums(cell, [value(i) for i in range(self.monomials)], count)
            return
        copies = np.array([value(i) for i in range(self.monomials)]).reshape(self.monomials, len(cell))
        self.pending.append((cell, copies, count))
        if sum(len(cell) for cell, _, _ in self.pending) >= min(len(self.rows), MAX_COLLECTED):
            self._flush()

    def _flush(self) -> None:
        """Sum the collected blocks."""
        if self.pending:
            cells, values, counts = zip(*self.pending, strict=True)
            self.pending = []
            self._add_cell_sums(
                np.concatenate(cells), np.concatenate(values, axis=1), _concatenated_counts(cells, counts)
            )

    def _add_cell_sums(self, cell: Codes, values: Sequence[Vector] | Matrix, count: Vector | None) -> None:
        """Add values to the dense table. cell : (n,) flat indices. values : k arrays (n,)."""
        width = len(self.rows)  # `bincount` releases the interpreter lock, `add.at` does not
        self.rows += np.bincount(cell, count, width).astype(np.int64)
        for i in range(self.monomials):
            self.sums[i] += np.bincount(cell, values[i], width)

    def _add_piece(self, codes: Sequence[Codes], value: Callable[[int], Vector], count: Vector | None) -> None:
        """Collect a block, and make a piece of all that are collected once they have enough rows."""
        copies = np.array([value(i) for i in range(self.monomials)]).reshape(self.monomials, len(codes[0]))
        self.collected.append((np.array(codes), copies, count))
        if sum(copies.shape[1] for _, copies, _ in self.collected) >= ROWS_PER_PIECE:
            self._make_piece()

    def _make_piece(self) -> None:
        """Sum the collected blocks by sorting their cells, then merge with earlier pieces of similar length."""
        if not self.collected:
            return
        codes, values, counts = zip(*self.collected, strict=True)
        self.collected = []
        count = _concatenated_counts([c[0] for c in codes], counts)
        self.pieces.append(_piece(np.concatenate(codes, axis=1), np.concatenate(values, axis=1), count))
        # As in a merge sort, pieces of similar length are merged, so each cell is copied O(log n) times.
        while len(self.pieces) > 1 and len(self.pieces[-1].rows) * 2 >= len(self.pieces[-2].rows):
            last = self.pieces.pop()
            self.pieces[-1] = self.pieces[-1] + last

    def _flat(self, codes: Sequence[Codes]) -> Codes:
        """Flat index of each row's cell in the dense table."""
        cell = codes[0]
        for code, capacity in zip(codes[1:], self.capacity[1:], strict=True):
            cell = cell * capacity + code
        return cell

    def _grow(self, sizes: Sequence[int]) -> None:
        """Enlarge the capacities to powers of two, and move the sums so far to the new table."""
        # Powers of two, so that a factor whose levels appear one by one causes few enlargements.
        capacity = tuple(1 << max(4, (size - 1).bit_length()) for size in sizes)
        width = int(np.prod([float(c) for c in capacity]))
        if width > MAX_DENSE_CELLS and not len(self.rows):
            self.capacity = capacity
            return
        accumulated = self.finish()
        self.capacity = capacity
        self.pieces, self.rows, self.sums = [], np.zeros(0, np.int64), np.zeros((self.monomials, 0))
        if width > MAX_DENSE_CELLS:
            self.pieces = [accumulated] if len(accumulated.rows) else []
            return
        self.rows, self.sums = np.zeros(width, np.int64), np.zeros((self.monomials, width))
        if len(accumulated.rows):
            cell = self._flat(list(accumulated.cells.T))
            self.rows[cell], self.sums[:, cell] = accumulated.rows, accumulated.sums.T

    def finish(self) -> CellSums:
        """The observed cells in canonical order."""
        self._flush()
        self._make_piece()
        if not len(self.rows):
            return sum_pieces(self.pieces, len(self.capacity), self.monomials)
        cell = np.flatnonzero(self.rows)
        return CellSums(cells_of(cell, self.capacity), self.rows[cell], np.ascontiguousarray(self.sums[:, cell].T))


def _piece(codes: Codes, values: Matrix, count: Vector | None) -> CellSums:
    """Sums over the cells of some rows. codes : (f, n). values : (k, n). count : (n,) or None."""
    if count is None and len(values) == 1 and (values == 1.0).all():
        return _counted(codes)
    rows = np.ones(codes.shape[1], np.int64) if count is None else count.astype(np.int64)
    return sum_duplicates(codes.T, rows, values.T)


def _counted(codes: Codes) -> CellSums:
    """Cells with their numbers of rows, which are the sums of the constant. codes : (f, n)."""
    sizes = key_sizes(codes.T)
    if sizes is None:
        n = codes.shape[1]
        return sum_duplicates(codes.T, np.ones(n, np.int64), np.ones((n, 1)))
    keys = np.sort(keys_of(codes, sizes))
    first = np.flatnonzero(run_starts(keys))
    rows = np.diff(first, append=len(keys))
    return CellSums(cells_of(keys[first], sizes), rows, rows.astype(np.float64)[:, None])


def _concatenated_counts(cells: Sequence[Codes], counts: Sequence[Vector | None]) -> Vector | None:
    """Frequency weights of several blocks; those of a block without any are one."""
    if all(count is None for count in counts):
        return None
    return np.concatenate([np.ones(len(c)) if n is None else n for c, n in zip(cells, counts, strict=True)])


def sum_pieces(pieces: Sequence[CellSums], factors: int, monomials: int) -> CellSums:
    """The sum of sorted pieces, the shortest (last) first."""
    total = CellSums.empty(factors, monomials)
    for piece in reversed(pieces):
        total = piece + total
    return total
