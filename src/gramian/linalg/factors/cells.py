"""Sums of monomials over the cells of one or more factors: the part of the moments that concerns factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gramian.kernels.cells import add_cells
from gramian.kernels.library import library
from gramian.linalg.factors.cell_keys import cells_of, key_sizes, keys_of, merged, sorted_runs
from gramian.typing import AnyCodes, Codes, Mask, Matrix

if TYPE_CHECKING:
    from gramian.linalg.factors.cell_counts import CellCounts

CELLS_PER_BLOCK = 1 << 16  # cells that are added by one indexing operation, so that copies stay small
MAX_DENSE_CELLS = 1 << 22  # possible cells up to which a table is accumulated as a dense array
LONGEST_SUM = 8192  # rows of a cell that are added one after another


@dataclass(frozen=True, slots=True)
class CellSums:
    """Sums of k monomials over the observed cells of f factors.

    Attributes
    ----------
    cells : (c, f) int32
        Level codes, one column a factor, in lexicographic order, each cell once. Short: there may be millions of cells.
    rows : (c,) int
        Rows in each cell.
    sums : (c, k)
        Sums of the monomials.
    """

    cells: AnyCodes
    rows: Codes
    sums: Matrix

    @classmethod
    def empty(cls, factors: int, monomials: int) -> CellSums:
        """Sums without any cell."""
        return cls(np.zeros((0, factors), np.int32), np.zeros(0, np.int64), np.zeros((0, monomials)))

    def recode(self, maps: Sequence[Codes]) -> CellSums:
        """The same sums with each factor's codes replaced by `map[code]`; cells with a new code of -1 are removed.

        maps : for each factor an array, old code -> new code. Cells that become equal are added up.
        """
        recoded = np.empty(self.cells.shape[::-1], np.int32)
        for m, codes, out in zip(maps, self.cells.T, recoded, strict=True):
            np.take(m.astype(np.int32), codes, out=out, mode="clip")  # codes are valid: the mode saves a copy
        if recoded.size and recoded.min() < 0:
            present = (recoded >= 0).all(axis=0)
            return CellSums(self.cells[present], self.rows[present], self.sums[present]).recode(maps)
        cells = recoded.T
        if all(_increasing(m) for m in maps):
            return CellSums(cells, self.rows, self.sums)
        return sum_duplicates(cells, self.rows, self.sums)

    def project(self, factors: Sequence[int], monomials: Sequence[int]) -> CellSums:
        """Sums over the cells of fewer factors, and of fewer monomials, by their places."""
        return sum_duplicates(self.cells[:, list(factors)], self.rows, self.sums[:, list(monomials)])

    def summed(self) -> CellSums:
        """These sums; as of `CellCounts`."""
        return self

    def relabelled(self, maps: Sequence[Codes]) -> CellSums:
        """As `recode`; maps keep the order of the codes that have rows, and remove no other."""
        present = self.rows != 0
        sums = self if present.all() else CellSums(self.cells[present], self.rows[present], self.sums[present])
        return sums.recode(maps)

    def __add__(self, other: CellSums | CellCounts, /) -> CellSums:
        other = other.summed()
        if not len(self.rows) or not len(other.rows):
            return other if len(other.rows) else self
        if np.array_equal(self.cells, other.cells):
            return CellSums(self.cells, self.rows + other.rows, self.sums + other.sums)
        if _before(self.cells, other.cells):
            parts = (self, other)
            return CellSums(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("cells", "rows", "sums")))
        kernel = library()
        if kernel is not None:
            tables = ((table.cells.T, table.rows, table.sums) for table in (self, other))
            codes, rows, sums = add_cells(kernel, *tables)
            return CellSums(codes.T, rows, sums)
        cells, mine, theirs = _union(self.cells, other.cells)
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


def _before(cells: AnyCodes, others: AnyCodes) -> bool:
    """Whether the last of some sorted cells stands before the first of others, as in data that are sorted."""
    return bool(len(cells) and len(others) and tuple(cells[-1]) < tuple(others[0]))


def _union(cells: AnyCodes, others: AnyCodes) -> tuple[AnyCodes, Codes, Codes]:
    """All cells of two sorted tables (., f) in order, and the places among them of each table's cells."""
    sizes = key_sizes(cells, others)
    if sizes is not None:
        keys, mine, theirs = merged(*(keys_of(c.T, sizes) for c in (cells, others)))
        return cells_of(keys, sizes), mine, theirs
    both = np.concatenate([cells, others])
    order = np.lexsort(both.T[::-1])
    starts = _starts_run(both[order])
    places = np.empty(len(both), np.int64)
    places[order] = np.cumsum(starts, dtype=np.int64) - 1
    return both[order[starts]], places[: len(cells)], places[len(cells) :]


def sum_duplicates(cells: AnyCodes, rows: Codes | None, sums: Matrix) -> CellSums:
    """Cells in order, with those that occur more than once added up in the order in which they stand.

    rows : (n,), or None where each stands for one row.
    """
    sizes = key_sizes(cells)
    if sizes is None:
        order = np.lexsort(cells.T[::-1])
        ordered = cells[order]
        starts = _starts_run(ordered)
        return CellSums(ordered[starts], *_added(rows, sums, order, starts))
    order, keys, starts = sorted_runs(keys_of(cells.T, sizes))
    return CellSums(cells_of(keys[starts], sizes), *_added(rows, sums, order, starts))


def _added(rows: Codes | None, sums: Matrix, order: Codes, starts: Mask) -> tuple[Codes, Matrix]:
    """Rows (c,) and sums (c, k) of runs of cells, from those (n,), (n, k) before they were sorted.

    order : (n,) that sorts. starts : (n,) where a run begins in this order.
    """
    first = np.flatnonzero(starts)
    if rows is None:
        counted = np.diff(first, append=len(starts))
    else:
        counted = rows[order] if len(first) == len(starts) else np.add.reduceat(rows[order], first)
    return counted, sums[order] if len(first) == len(starts) else _sums_of_runs(sums[order], starts)


def _sums_of_runs(values: Matrix, starts_run: Mask) -> Matrix:
    """Sums (c, k) of runs of the rows of values (n, k), no more than `LONGEST_SUM` rows one after another.

    Sums of shorter sums have smaller rounding errors. starts_run : (n,) whether a run begins at a row.
    """
    starts_part = starts_run.copy()
    starts_part[::LONGEST_SUM] = True
    cuts = np.flatnonzero(starts_part)
    parts = np.add.reduceat(values, cuts)
    return np.add.reduceat(parts, np.flatnonzero(starts_run[cuts]))


def _starts_run(cells: AnyCodes) -> Mask:
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
