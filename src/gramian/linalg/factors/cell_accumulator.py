"""Accumulation of one table of cell sums within a pass: dense while the cells are few, else sorted pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gramian.linalg.factors.cell_counts import CellCounts, counted
from gramian.linalg.factors.cell_keys import cells_of
from gramian.linalg.factors.cells import MAX_DENSE_CELLS, CellSums, sum_duplicates
from gramian.linalg.factors.dense_table import (
    CompiledTable,
    DenseTable,
    concatenated_counts,
    dense_table,
)
from gramian.typing import AnyCodes, Codes, Matrix, Vector

MOST = 2  # levels for each that has rows, below which sums of those without any cost less than to leave them out
MAX_COUNTED_CELLS = 1 << 18  # possible cells up to which a table that only counts is dense: keys of rows cost little
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
        self.table: DenseTable | None = None
        self.pieces: list[CellSums] = []
        self.counts: CellCounts | CellSums | None = None
        self.collected: list[tuple[AnyCodes, Matrix, Vector | None]] = []

    def add(
        self,
        codes: Sequence[Codes],
        sizes: Sequence[int],
        value: Callable[[int], Vector],
        count: Vector | None,
        factors: Vector | None = None,
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
        factors : (n,) or None
            By which the values of each row are multiplied.
        """
        values = [value(i) for i in range(self.monomials)]
        if any(size > capacity for size, capacity in zip(sizes, self.capacity, strict=True)):
            only_counts = self.monomials == 1 and factors is None and count is None and bool((values[0] == 1.0).all())
            self._grow(sizes, MAX_COUNTED_CELLS if only_counts else MAX_DENSE_CELLS)
        if self.table is None:
            self._add_piece(codes, values if factors is None else [v * factors for v in values], count)
        else:
            self.table.add(self._flat(codes), values, factors, count)

    def dense(self, codes: Sequence[Codes], sizes: Sequence[int], rows: int) -> tuple[CompiledTable, Codes] | None:
        """The table and the flat indices (n,) of some rows; None where blocks of so many rows are not summed at once.

        codes, sizes : as of `add`.
        """
        if any(size > capacity for size, capacity in zip(sizes, self.capacity, strict=True)):
            if _width(_capacity_for(sizes)) > MAX_COUNTED_CELLS:
                return None  # `add` sees whether the table only counts
            self._grow(sizes, MAX_DENSE_CELLS)
        if not isinstance(self.table, CompiledTable) or not self.table.is_summed_at_once(rows):
            return None
        return self.table, self._flat(codes)

    def _add_piece(self, codes: Sequence[Codes], values: Sequence[Vector], count: Vector | None) -> None:
        """Collect a block, and make a piece of all that are collected once they have enough rows."""
        copies = np.array(values).reshape(self.monomials, len(codes[0]))
        self.collected.append((np.array(codes, np.int32), copies, count))
        if sum(copies.shape[1] for _, copies, _ in self.collected) >= ROWS_PER_PIECE:
            self._make_piece()

    def _make_piece(self) -> None:
        """Sum the collected blocks by sorting their cells, then merge with earlier pieces of similar length."""
        if not self.collected:
            return
        piece = _piece(*self._taken(), self.capacity)
        if isinstance(piece, CellCounts):
            self.counts = piece if self.counts is None else self.counts + piece
            if isinstance(self.counts, CellCounts):
                return
            piece, self.counts = self.counts, None
        self.pieces.append(piece)
        # As in a merge sort, pieces of similar length are merged, so each cell is copied O(log n) times.
        while len(self.pieces) > 1 and len(self.pieces[-1].rows) * 2 >= len(self.pieces[-2].rows):
            last = self.pieces.pop()
            self.pieces[-1] = self.pieces[-1] + last

    def _taken(self) -> tuple[AnyCodes, Matrix, Vector | None]:
        """The collected blocks as one, codes (f, n), values (k, n) and counts; their own memory is free then."""
        codes, values, counts = zip(*self.collected, strict=True)
        self.collected = []
        count = concatenated_counts([c[0] for c in codes], counts)
        return np.concatenate(codes, axis=1), np.concatenate(values, axis=1), count

    def _flat(self, codes: Sequence[AnyCodes]) -> Codes:
        """Flat index of each row's cell in the dense table."""
        cell = codes[0].astype(np.int64, copy=False)
        for code, capacity in zip(codes[1:], self.capacity[1:], strict=True):
            cell = cell * capacity + code
        return cell

    def _grow(self, sizes: Sequence[int], most: int) -> None:
        """Enlarge the capacities to powers of two, and move the sums so far to the new table.

        most : cells of a dense table.
        """
        capacity = _capacity_for(sizes)
        width = _width(capacity)
        if width > most and self.table is None:
            self.capacity = capacity
            return
        accumulated = self.finish()
        self.capacity, self.pieces, self.counts, self.table = capacity, [], None, None
        if width > most:
            self.pieces = [accumulated] if len(accumulated.rows) else []
            return
        self.table = dense_table(width, self.monomials)
        if len(accumulated.rows):
            self.table.fill(self._flat(list(accumulated.cells.T)), accumulated.rows, accumulated.sums)

    def finish(self) -> CellSums:
        """The observed cells in canonical order."""
        return self.partial().summed()

    def partial(self, all_of: int = 0) -> CellSums | CellCounts:
        """The observed cells in canonical order, or what is not counted yet.

        all_of : levels of the one factor, of which those without rows are cells, too, where most have rows and the
        table is dense: its sums are then not copied.
        """
        self._make_piece()
        if self.table is None:
            if not self.pieces and self.counts is not None:
                return self.counts
            total = sum_pieces(self.pieces, len(self.capacity), self.monomials)
            return total if self.counts is None else total + self.counts
        self.table.flush()
        if MOST * np.count_nonzero(self.table.rows) > all_of > 0:
            sums = np.ascontiguousarray(self.table.sums.T[:all_of])
            return CellSums(np.arange(all_of, dtype=np.int32)[:, None], self.table.rows[:all_of], sums)
        cell = np.flatnonzero(self.table.rows)
        sums = np.ascontiguousarray(self.table.sums.T[cell])
        return CellSums(cells_of(cell, self.capacity), self.table.rows[cell], sums)


def _capacity_for(sizes: Sequence[int]) -> tuple[int, ...]:
    """Powers of two, so that a factor whose levels appear one by one causes few enlargements."""
    return tuple(1 << max(4, (size - 1).bit_length()) for size in sizes)


def _width(capacity: Sequence[int]) -> int:
    """Possible cells of factors with so many levels."""
    return int(np.prod([float(c) for c in capacity]))


def _piece(codes: AnyCodes, values: Matrix, count: Vector | None, capacity: Sequence[int]) -> CellSums | CellCounts:
    """Sums over the cells of some rows. codes : (f, n). values : (k, n). count : (n,) or None."""
    if count is None and len(values) == 1 and (values == 1.0).all():
        counts = counted(codes, capacity)
        if counts is not None:
            return counts
    return sum_duplicates(codes.T, None if count is None else count.astype(np.int64), values.T)


def sum_pieces(pieces: Sequence[CellSums], factors: int, monomials: int) -> CellSums:
    """The sum of sorted pieces, the shortest (last) first."""
    total = CellSums.empty(factors, monomials)
    for piece in reversed(pieces):
        total = piece + total
    return total
