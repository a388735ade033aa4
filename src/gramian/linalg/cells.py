"""Sums of monomials over the cells of one or more factors: what a factor contributes to the moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.typing import Codes, Matrix, Vector

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
        """The same sums with each factor's codes replaced by `map[code]`."""
        cells = np.column_stack([m[c] for m, c in zip(maps, self.cells.T, strict=True)]).reshape(self.cells.shape)
        return gather(cells, self.rows, self.sums)

    def project(self, factors: Sequence[int], monomials: Sequence[int]) -> CellSums:
        """Sums over coarser cells: only these factors and these monomials, by their places."""
        return gather(self.cells[:, list(factors)], self.rows, self.sums[:, list(monomials)])

    def __add__(self, other: CellSums, /) -> CellSums:
        if np.array_equal(self.cells, other.cells):
            return CellSums(self.cells, self.rows + other.rows, self.sums + other.sums)
        return gather(
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.sums, other.sums]),
        )


def gather(cells: Codes, rows: Codes, sums: Matrix) -> CellSums:
    """Sort cells, adding those that occur more than once in the order in which they stand."""
    order = np.lexsort(cells.T[::-1])
    cells = cells[order]
    fresh = np.ones(len(cells), bool)
    fresh[1:] = (cells[1:] != cells[:-1]).any(axis=1)
    group = np.cumsum(fresh) - 1
    total = np.zeros((int(fresh.sum()), sums.shape[1]))
    count = np.zeros(len(total), np.int64)
    np.add.at(total, group, sums[order])
    np.add.at(count, group, rows[order])
    return CellSums(cells[fresh], count, total)


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
        cell, width = self._flat(codes), len(self.rows)
        few = width <= 4 * len(cell)
        self.rows += np.bincount(cell, count, width).astype(np.int64)
        for i in range(self.monomials):
            if few:
                self.sums[i] += np.bincount(cell, value(i), width)
            else:
                np.add.at(self.sums[i], cell, value(i))

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
        if not len(self.rows):
            return sum_pieces(self.pieces, len(self.capacity), self.monomials)
        cell = np.flatnonzero(self.rows)
        cells = np.column_stack(np.unravel_index(cell, self.capacity)).astype(np.int64)
        return CellSums(cells, self.rows[cell], np.ascontiguousarray(self.sums[:, cell].T))


def sum_pieces(pieces: Sequence[CellSums], factors: int, monomials: int) -> CellSums:
    """The sum of pieces, smallest last first."""
    total = CellSums.empty(factors, monomials)
    for piece in reversed(pieces):
        total = piece + total
    return total
