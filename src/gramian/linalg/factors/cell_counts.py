"""How often each cell of several factors occurs: keys of rows, which are sorted once all rows have been read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.kernels.cells import cells_of_keys
from gramian.kernels.library import library
from gramian.linalg.factors.cell_keys import MAX_KEY, cells_of, keys_of, run_starts
from gramian.linalg.factors.cells import CellSums
from gramian.typing import AnyCodes, Codes

MAX_ROWS = 1 << 22  # whose keys are kept; beyond, cells are counted, so that memory does not grow with the rows


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Sums of the constant over cells, not counted yet.

    Counts are whole numbers, so that the order in which rows are added has no influence.

    Attributes
    ----------
    sizes : tuple of int
        For each factor a bound of its codes, from which keys are made: powers of two.
    keys : tuple of ndarray
        Keys of rows, in any order.
    """

    sizes: tuple[int, ...]
    keys: tuple[Codes, ...]

    def __add__(self, other: CellCounts | CellSums, /) -> CellCounts | CellSums:
        if isinstance(other, CellCounts) and other.sizes == self.sizes:
            keys = (*self.keys, *other.keys)
            if sum(map(len, keys)) <= MAX_ROWS:
                return CellCounts(self.sizes, keys)
        return self.summed() + other

    def recode(self, maps: Sequence[Codes]) -> CellCounts | CellSums:
        """As of `CellSums`; not counted yet where no code changes."""
        if all(np.array_equal(m, np.arange(len(m))) for m in maps):
            return self
        return self.summed().recode(maps)

    def summed(self) -> CellSums:
        """The cells in order."""
        return self.relabelled([np.arange(size) for size in self.sizes])

    def relabelled(self, maps: Sequence[Codes]) -> CellSums:
        """The cells in order, with new codes that keep the order. maps : for each factor old code -> new code."""
        keys = np.concatenate(self.keys)
        keys.sort()
        kernel = library()
        if kernel is not None:
            codes, rows, sums = cells_of_keys(kernel, keys, self.sizes, maps)
            return CellSums(codes.T, rows, sums)
        first = np.flatnonzero(run_starts(keys))
        rows = np.diff(first, append=len(keys))
        cells = cells_of(keys[first], self.sizes)
        new = np.array([m[codes] for m, codes in zip(maps, cells.T, strict=True)], np.int32)
        return CellSums(new.T, rows, rows.astype(np.float64)[:, None])


def counted(codes: AnyCodes, sizes: Sequence[int]) -> CellCounts | None:
    """The cells of some rows, (f, n) codes below `sizes`; None where a key of 64 bits does not suffice."""
    if float(np.prod(sizes, dtype=float)) >= MAX_KEY:
        return None
    return CellCounts(tuple(sizes), (keys_of(codes, sizes),))
