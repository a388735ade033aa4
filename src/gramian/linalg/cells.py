"""Sums of monomials over the cells of one or more factors: what a factor contributes to the moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.distinct import distinct
from gramian.typing import Codes, Mask, Matrix, Vector

BLOCK = 1 << 16  # cells whose sums are added together
NARROW = 4  # cells for each row of a block, up to which all cells are touched at once
WIDE = 1 << 22  # up to so many cells a table is kept dense while it is being filled


@dataclass(frozen=True, slots=True)
class CellSums:
    """Sums over observed cells.

    cells : (c, f) codes, one column a factor, in lexicographic order, each cell once. rows : (c,) how many rows.
    sums : (c, k) sums of k monomials.
    """

    cells: Codes
    rows: Codes
    sums: Matrix

    @classmethod
    def empty(cls, factors: int, monomials: int) -> CellSums:
        """No cells."""
        return cls(np.zeros((0, factors), np.int64), np.zeros(0, np.int64), np.zeros((0, monomials)))

    def recode(self, maps: Sequence[Codes]) -> CellSums:
        """The same sums with each factor's codes replaced by `map[code]`; a cell whose code becomes -1 is left out."""
        if any((m < 0).any() for m in maps):
            there = np.logical_and.reduce([m[c] >= 0 for m, c in zip(maps, self.cells.T, strict=True)])
            return CellSums(self.cells[there], self.rows[there], self.sums[there]).recode(
                [np.maximum(m, 0) for m in maps]
            )
        cells = np.column_stack([m[c] for m, c in zip(maps, self.cells.T, strict=True)]).reshape(self.cells.shape)
        if all(_rising(m) for m in maps):
            return CellSums(cells, self.rows, self.sums)
        return gather(cells, self.rows, self.sums)

    def project(self, factors: Sequence[int], monomials: Sequence[int]) -> CellSums:
        """Sums over coarser cells: only these factors and these monomials, by their places."""
        return gather(self.cells[:, list(factors)], self.rows, self.sums[:, list(monomials)])

    def __add__(self, other: CellSums, /) -> CellSums:
        if np.array_equal(self.cells, other.cells):
            return CellSums(self.cells, self.rows + other.rows, self.sums + other.sums)
        cells, group = grouped(np.concatenate([self.cells, other.cells]))
        mine, theirs = group[: len(self.rows)], group[len(self.rows) :]
        rows, sums = np.zeros(len(cells), np.int64), np.zeros((len(cells), self.sums.shape[1]))
        rows[mine], sums[mine] = self.rows, self.sums
        rows[theirs] += other.rows
        for start in range(0, len(theirs), BLOCK):  # each place stands once, so adding by index adds all
            part = slice(start, start + BLOCK)
            sums[theirs[part]] += other.sums[part]
        return CellSums(cells, rows, sums)

    def __sub__(self, other: CellSums, /) -> CellSums:
        """The difference; a cell whose rows are all gone is left out, with what rounding left of its sums."""
        both = self + CellSums(other.cells, -other.rows, -other.sums)
        there = both.rows != 0
        return CellSums(both.cells[there], both.rows[there], both.sums[there])


def gather(cells: Codes, rows: Codes, sums: Matrix) -> CellSums:
    """Sort cells, adding those that occur more than once in the order in which they stand."""
    order = cell_order(cells)
    cells = cells[order]
    fresh = _fresh(cells)
    if fresh.all():
        return CellSums(cells, rows[order], sums[order])
    first = np.flatnonzero(fresh)
    return CellSums(cells[first], np.add.reduceat(rows[order], first), np.add.reduceat(sums[order], first))


def grouped(cells: Codes) -> tuple[Codes, Codes]:
    """The different cells in lexicographic order, and for each given cell which of them it is."""
    keys = _keys(cells)
    if keys is not None:
        different, group = distinct(keys)
        first = np.empty(len(different), np.int64)
        first[group] = np.arange(len(cells))
        return cells[first], group
    order = np.lexsort(cells.T[::-1])
    fresh = _fresh(cells[order])
    group = np.empty(len(cells), np.int64)
    group[order] = np.cumsum(fresh) - 1
    return cells[order[fresh]], group


def cell_order(cells: Codes) -> Codes:
    """The stable order that sorts cells lexicographically; runs in order are only merged."""
    keys = _keys(cells)
    return np.lexsort(cells.T[::-1]) if keys is None else np.argsort(keys, kind="stable")


def _keys(cells: Codes) -> Codes | None:
    """One number for each cell, in the same order; None where there is none within 64 bits."""
    if not cells.size:
        return None if cells.shape[1] else np.zeros(len(cells), np.int64)
    sizes = cells.max(axis=0) + 1
    if float(np.prod(sizes, dtype=float)) >= 2.0**62 or cells.min() < 0:
        return None
    keys = cells[:, 0]
    for column, size in zip(cells.T[1:], sizes[1:], strict=True):
        keys = keys * size + column
    return keys


def _fresh(cells: Codes) -> Mask:
    fresh = np.ones(len(cells), np.bool_)
    fresh[1:] = (cells[1:] != cells[:-1]).any(axis=1)
    return fresh


def _rising(places: Codes) -> bool:
    """Whether a map keeps the order of all codes that have a place."""
    known = places[places >= 0]
    return bool((known[1:] > known[:-1]).all())


class Table:
    """A table of cell sums while it is being filled; only a unit's pass ever holds one.

    Dense over the product of the factors' capacities while that is small, a list of sorted pieces beyond.
    """

    def __init__(self, factors: int, monomials: int) -> None:
        self.monomials = monomials
        self.factors = factors
        self.capacity = (0,) * factors
        self.sums = np.zeros((monomials, 0))
        self.rows = np.zeros(0, np.int64)
        self.pieces: list[CellSums] = []
        self.waiting: list[tuple[Codes, Matrix, Vector | None]] = []

    def add(
        self, codes: Sequence[Codes], sizes: Sequence[int], value: Callable[[int], Vector], count: Vector | None
    ) -> None:
        """Add a block.

        codes, sizes : a factor's codes and its levels so far. value : the i-th monomial. count : rows per row.
        """
        if any(size > room for size, room in zip(sizes, self.capacity, strict=True)):
            self._grow(sizes)
        if len(self.rows):
            self._add_dense(codes, value, count)
        else:
            self._add_piece(codes, value, count)

    def _add_dense(self, codes: Sequence[Codes], value: Callable[[int], Vector], count: Vector | None) -> None:
        cell = self._flat(codes)
        if len(self.rows) <= NARROW * len(cell):
            self._sum_up(cell, [value(i) for i in range(self.monomials)], count)
            return
        copies = np.array([value(i) for i in range(self.monomials)]).reshape(self.monomials, len(cell))
        self.waiting.append((cell, copies, count))
        if NARROW * sum(len(cell) for cell, _, _ in self.waiting) >= len(self.rows):
            self._flush()

    def _flush(self) -> None:
        """Sum up the blocks that wait until they are many enough for the width of the table."""
        if self.waiting:
            cells, values, counts = zip(*self.waiting, strict=True)
            self.waiting = []
            self._sum_up(np.concatenate(cells), np.concatenate(values, axis=1), _joined(cells, counts))

    def _sum_up(self, cell: Codes, values: Sequence[Vector] | Matrix, count: Vector | None) -> None:
        width = len(self.rows)  # `bincount` lets other threads run; `add.at` does not
        self.rows += np.bincount(cell, count, width).astype(np.int64)
        for i in range(self.monomials):
            self.sums[i] += np.bincount(cell, values[i], width)

    def _add_piece(self, codes: Sequence[Codes], value: Callable[[int], Vector], count: Vector | None) -> None:
        cells = np.column_stack(codes)
        rows = np.ones(len(cells), np.int64) if count is None else count.astype(np.int64)
        self.pieces.append(gather(cells, rows, np.column_stack([value(i) for i in range(self.monomials)])))
        while len(self.pieces) > 1 and len(self.pieces[-1].rows) * 2 >= len(self.pieces[-2].rows):
            last = self.pieces.pop()
            self.pieces[-1] = self.pieces[-1] + last

    def _flat(self, codes: Sequence[Codes]) -> Codes:
        cell = codes[0]
        for code, room in zip(codes[1:], self.capacity[1:], strict=True):
            cell = cell * room + code
        return cell

    def _grow(self, sizes: Sequence[int]) -> None:
        done = self.finish()
        self.capacity = tuple(1 << max(4, (size - 1).bit_length()) for size in sizes)
        width = int(np.prod([float(c) for c in self.capacity]))
        self.pieces, self.rows, self.sums = [], np.zeros(0, np.int64), np.zeros((self.monomials, 0))
        if width > WIDE:
            self.pieces = [done] if len(done.rows) else []
            return
        self.rows, self.sums = np.zeros(width, np.int64), np.zeros((self.monomials, width))
        if len(done.rows):
            cell = self._flat(list(done.cells.T))
            self.rows[cell], self.sums[:, cell] = done.rows, done.sums.T

    def finish(self) -> CellSums:
        """The observed cells in canonical order."""
        self._flush()
        if not len(self.rows):
            return sum_pieces(self.pieces, len(self.capacity), self.monomials)
        cell = np.flatnonzero(self.rows)
        cells = np.column_stack(np.unravel_index(cell, self.capacity)).astype(np.int64)
        return CellSums(cells, self.rows[cell], np.ascontiguousarray(self.sums[:, cell].T))


def _joined(cells: Sequence[Codes], counts: Sequence[Vector | None]) -> Vector | None:
    """The counts of several blocks; a block without counts has one row a row."""
    if all(count is None for count in counts):
        return None
    return np.concatenate([np.ones(len(c)) if n is None else n for c, n in zip(cells, counts, strict=True)])


def sum_pieces(pieces: Sequence[CellSums], factors: int, monomials: int) -> CellSums:
    """The sum of pieces, smallest last first."""
    total = CellSums.empty(factors, monomials)
    for piece in reversed(pieces):
        total = piece + total
    return total
