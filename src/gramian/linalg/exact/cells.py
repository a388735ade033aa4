"""Exact sums of monomials over the cells of factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.exact.planes import Planes, canonical
from gramian.typing import Codes


@dataclass(frozen=True, slots=True, eq=False)
class ExactCells:
    """Exact sums over observed cells, as `CellSums` in float64; cells without rows and sums are removed.

    Attributes
    ----------
    cells : (c, f) int
        Level codes in lexicographic order, each cell once.
    rows : (c,) int
        Rows in each cell; negative in a difference.
    sums : Planes (c, k)
        Sums of the monomials.
    """

    cells: Codes
    rows: Codes
    sums: Planes

    @classmethod
    def empty(cls, factors: int, monomials: int) -> ExactCells:
        """Sums without any cell."""
        return cls(np.zeros((0, factors), np.int64), np.zeros(0, np.int64), Planes.zeros(0, monomials))

    def recode(self, maps: Sequence[Codes]) -> ExactCells:
        """The same sums with each factor's codes replaced by `map[code]`."""
        cells = np.column_stack([m[c] for m, c in zip(maps, self.cells.T, strict=True)]).reshape(self.cells.shape)
        return merge_cells(cells, self.rows, self.sums)

    def __add__(self, other: ExactCells, /) -> ExactCells:
        if np.array_equal(self.cells, other.cells):
            return without_empty(self.cells, self.rows + other.rows, self.sums + other.sums)
        cells, rows = np.concatenate([self.cells, other.cells]), np.concatenate([self.rows, other.rows])
        return merge_cells(cells, rows, _stacked(self.sums, other.sums))

    def __neg__(self) -> ExactCells:
        return ExactCells(self.cells, -self.rows, -self.sums)

    def times_tens(self, powers: Codes) -> ExactCells:
        """The sums of each monomial times 10^power. powers : (k,)."""
        return ExactCells(self.cells, self.rows, self.sums.times_tens(powers))


def merge_cells(cells: Codes, rows: Codes, sums: Planes) -> ExactCells:
    """Cells in order, with those that occur more than once added up."""
    if not len(cells):
        return ExactCells(cells, rows, sums)
    # lexsort takes its last key first.
    order = np.lexsort(cells.T[::-1])
    cells = cells[order]
    is_first = np.ones(len(cells), bool)
    is_first[1:] = (cells[1:] != cells[:-1]).any(axis=1)
    first = np.flatnonzero(is_first)
    if len(first) == len(cells):
        return without_empty(cells, rows[order], sums[order])
    digits = np.add.reduceat(sums.digits[:, order], first, axis=1)
    return without_empty(cells[first], np.add.reduceat(rows[order], first), canonical(sums.low, digits))


def without_empty(cells: Codes, rows: Codes, sums: Planes) -> ExactCells:
    """The cells that have rows or sums."""
    used = (rows != 0) | sums.digits.any(axis=(0, 2))
    return ExactCells(cells, rows, sums) if used.all() else ExactCells(cells[used], rows[used], sums[used])


def _stacked(a: Planes, b: Planes) -> Planes:
    """The items of both, one after another, on a common range of planes."""
    low = min(a.low, b.low)
    high = max(a.low + len(a.digits), b.low + len(b.digits))
    count = a.shape[0]
    digits = np.zeros((high - low, count + b.shape[0], a.shape[1]), np.int64)
    digits[a.low - low : a.low - low + len(a.digits), :count] = a.digits
    digits[b.low - low : b.low - low + len(b.digits), count:] = b.digits
    return Planes(low, digits)
