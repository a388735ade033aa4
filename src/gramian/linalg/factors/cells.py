"""Sums of monomials over the cells of one or more factors: the part of the moments that concerns factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.factors.unique_codes import stable_order, unique_codes
from gramian.typing import Codes, Mask, Matrix, Vector

CELLS_PER_BLOCK = 1 << 16  # cells that are added by one indexing operation, so that copies stay small
CELLS_PER_ROW = 4  # cells per row of a block, up to which `bincount` over all cells is worth its cost
MAX_DENSE_CELLS = 1 << 22  # possible cells up to which a table is accumulated as a dense array
LONGEST_SUM = 8192  # rows of a cell that are added one after another
ROWS_PER_PIECE = 1 << 17  # rows that are sorted together where a table is not dense


@dataclass(frozen=True, slots=True)
class CellSums:
    """Sums of k monomials over the observed cells of f factors.

    Attributes
    ----------
    cells : (c, f) int
        Level codes, one column a factor, in lexicographic order, each cell once.
    rows : (c,) int
        Rows in each cell.
    sums : (c, k)
        Sums of the monomials.
    """

    cells: Codes
    rows: Codes
    sums: Matrix

    @classmethod
    def empty(cls, factors: int, monomials: int) -> CellSums:
        """Sums without any cell."""
        return cls(np.zeros((0, factors), np.int64), np.zeros(0, np.int64), np.zeros((0, monomials)))

    def recode(self, maps: Sequence[Codes]) -> CellSums:
        """The same sums with each factor's codes replaced by `map[code]`; cells with a new code of -1 are removed.

        maps : for each factor an array, old code -> new code. Cells that become equal are added up.
        """
        if any((m < 0).any() for m in maps):
            present = np.logical_and.reduce([m[c] >= 0 for m, c in zip(maps, self.cells.T, strict=True)])
            return CellSums(self.cells[present], self.rows[present], self.sums[present]).recode(
                [np.maximum(m, 0) for m in maps]
            )
        cells = np.column_stack([m[c] for m, c in zip(maps, self.cells.T, strict=True)]).reshape(self.cells.shape)
        if all(_increasing(m) for m in maps):
            return CellSums(cells, self.rows, self.sums)
        return sum_duplicates(cells, self.rows, self.sums)

    def project(self, factors: Sequence[int], monomials: Sequence[int]) -> CellSums:
        """Sums over the cells of fewer factors, and of fewer monomials, by their places."""
        return sum_duplicates(self.cells[:, list(factors)], self.rows, self.sums[:, list(monomials)])

    def __add__(self, other: CellSums, /) -> CellSums:
        if np.array_equal(self.cells, other.cells):
            return CellSums(self.cells, self.rows + other.rows, self.sums + other.sums)
        if _before(self.cells, other.cells):
            parts = (self, other)
            return CellSums(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("cells", "rows", "sums")))
        cells, group = unique_cells(np.concatenate([self.cells, other.cells]))
        mine, theirs = group[: len(self.rows)], group[len(self.rows) :]
        rows, sums = np.zeros(len(cells), np.int64), np.zeros((len(cells), self.sums.shape[1]))
        rows[mine], sums[mine] = self.rows, self.sums
        rows[theirs] += other.rows
        for start in range(0, len(theirs), CELLS_PER_BLOCK):  # places are unique, so indexed += adds every cell
            part = slice(start, start + CELLS_PER_BLOCK)
            sums[theirs[part]] += other.sums[part]
        return CellSums(cells, rows, sums)

    def __sub__(self, other: CellSums, /) -> CellSums:
        """The difference; cells without rows are removed, with the rounding errors left in their sums."""
        difference = self + CellSums(other.cells, -other.rows, -other.sums)
        present = difference.rows != 0
        return CellSums(difference.cells[present], difference.rows[present], difference.sums[present])


def _before(cells: Codes, others: Codes) -> bool:
    """Whether the last of some sorted cells stands before the first of others, as in data that are sorted."""
    return bool(len(cells) and len(others) and tuple(cells[-1]) < tuple(others[0]))


def sum_duplicates(cells: Codes, rows: Codes, sums: Matrix) -> CellSums:
    """Cells in order, with those that occur more than once added up in the order in which they stand."""
    order = cell_order(cells)
    cells = cells[order]
    starts_run = _starts_run(cells)
    if starts_run.all():
        return CellSums(cells, rows[order], sums[order])
    first = np.flatnonzero(starts_run)
    return CellSums(cells[first], np.add.reduceat(rows[order], first), _sums_of_runs(sums[order], starts_run))


def _sums_of_runs(values: Matrix, starts_run: Mask) -> Matrix:
    """Sums (c, k) of runs of the rows of values (n, k), no more than `LONGEST_SUM` rows one after another.

    Sums of shorter sums have smaller rounding errors. starts_run : (n,) whether a run begins at a row.
    """
    starts_part = starts_run.copy()
    starts_part[::LONGEST_SUM] = True
    cuts = np.flatnonzero(starts_part)
    parts = np.add.reduceat(values, cuts)
    return np.add.reduceat(parts, np.flatnonzero(starts_run[cuts]))


def unique_cells(cells: Codes) -> tuple[Codes, Codes]:
    """The different cells in lexicographic order, and for each given cell its index among them."""
    keys = _keys(cells)
    if keys is not None:
        different, group = unique_codes(keys)
        first = np.empty(len(different), np.int64)
        # Any representative of a cell will do: the last one wins.
        first[group] = np.arange(len(cells))
        return cells[first], group
    order = np.lexsort(cells.T[::-1])
    starts_run = _starts_run(cells[order])
    group = np.empty(len(cells), np.int64)
    group[order] = np.cumsum(starts_run) - 1
    return cells[order[starts_run]], group


def cell_order(cells: Codes) -> Codes:
    """The stable order that sorts cells lexicographically."""
    keys = _keys(cells)
    return np.lexsort(cells.T[::-1]) if keys is None else stable_order(keys)


def _keys(cells: Codes) -> Codes | None:
    """One integer for each cell, which sorts as the cell does; None where 64 bits do not suffice."""
    if not cells.size:
        return None if cells.shape[1] else np.zeros(len(cells), np.int64)
    # Column by column: NumPy is slow along a short axis.
    sizes = [int(column.max()) + 1 for column in cells.T]
    if float(np.prod(sizes, dtype=float)) >= 2.0**62 or any(column.min() < 0 for column in cells.T):
        return None
    keys = cells[:, 0]
    for column, size in zip(cells.T[1:], sizes[1:], strict=True):
        keys = keys * size + column
    return keys


def _starts_run(cells: Codes) -> Mask:
    """Mask of the sorted cells that differ from the one before them."""
    starts_run = np.zeros(len(cells), np.bool_)
    starts_run[:1] = True
    for column in cells.T:
        starts_run[1:] |= column[1:] != column[:-1]
    return starts_run


def _increasing(places: Codes) -> bool:
    """Whether a map keeps the order of all codes that have a new code."""
    mapped = places[places >= 0]
    return bool((mapped[1:] > mapped[:-1]).all())


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
        if CELLS_PER_ROW * sum(len(cell) for cell, _, _ in self.pending) >= len(self.rows):
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
        cells = np.ascontiguousarray(np.concatenate(codes, axis=1).T)
        count = _concatenated_counts([c[0] for c in codes], counts)
        rows = np.ones(len(cells), np.int64) if count is None else count.astype(np.int64)
        self.pieces.append(sum_duplicates(cells, rows, np.concatenate(values, axis=1).T))
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
        accumulated = self.finish()
        # Powers of two, so that a factor whose levels appear one by one causes few enlargements.
        self.capacity = tuple(1 << max(4, (size - 1).bit_length()) for size in sizes)
        width = int(np.prod([float(c) for c in self.capacity]))
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
        cells = np.column_stack(np.unravel_index(cell, self.capacity)).astype(np.int64)
        return CellSums(cells, self.rows[cell], np.ascontiguousarray(self.sums[:, cell].T))


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
