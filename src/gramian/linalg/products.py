"""Products of any stored columns, read from the moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.columns import Factors
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Monomial, times
from gramian.typing import Codes, Matrix


@dataclass(frozen=True, slots=True)
class Group:
    """Stored columns that share factors: every cell times every monomial, cells varying slowest.

    cells : (c, f) codes of the moments' levels; one empty cell when there are no factors.
    positions : (c * k,) where these columns stand among all that are asked for.
    """

    factors: Factors
    cells: Codes
    monomials: tuple[Monomial, ...]
    positions: Codes

    def at(self, index: int) -> Codes:
        """Positions of the columns with the index-th monomial, one a cell."""
        return self.positions[index :: len(self.monomials)]


def gram(moments: Moments, groups: list[Group]) -> Matrix:
    """Products of the stored columns in `groups`, (q, q) in the order of their positions."""
    width = sum(len(g.positions) for g in groups)
    out = np.zeros((width, width))
    for i, left in enumerate(groups):
        for right in groups[i:]:
            if left.factors or right.factors:
                _from_table(moments, left, right, out)
            else:
                _from_dense(moments, left, right, out)
    return out


def _from_dense(moments: Moments, left: Group, right: Group, out: Matrix) -> None:
    place = {m: i for i, m in enumerate(moments.layout.rows)}
    a, b = [place[m] for m in left.monomials], [place[m] for m in right.monomials]
    block = moments.dense[np.ix_(a, b)]
    out[np.ix_(left.positions, right.positions)] = block
    out[np.ix_(right.positions, left.positions)] = block.T


def _from_table(moments: Moments, left: Group, right: Group, out: Matrix) -> None:
    union = tuple(sorted({*left.factors, *right.factors}))
    table = moments.tables[union]
    place = {m: i for i, m in enumerate(dict(moments.layout.tables)[union])}
    sizes = [len(moments.levels[f]) for f in union]
    a, b = _cell_index(left, union, table.cells, sizes), _cell_index(right, union, table.cells, sizes)
    known = (a >= 0) & (b >= 0)
    a, b, sums = a[known], b[known], table.sums[known]
    for i, m in enumerate(left.monomials):
        for j, n in enumerate(right.monomials):
            rows, columns = left.at(i)[a], right.at(j)[b]
            out[rows, columns] = out[columns, rows] = sums[:, place[times(m, n)]]


def _cell_index(group: Group, union: Factors, cells: Codes, sizes: list[int]) -> Codes:
    """Which of the group's cells each cell of the union lies in, -1 where none."""
    where = [union.index(f) for f in group.factors]
    shape = [sizes[w] for w in where]
    wanted, given = _key(group.cells, shape), _key(cells[:, where], shape)
    if not len(wanted):
        return np.full(len(given), -1, np.int64)
    order = np.argsort(wanted, kind="stable")
    found = np.minimum(np.searchsorted(wanted[order], given), len(wanted) - 1)
    hit = order[found]
    return np.where(wanted[hit] == given, hit, -1)


def _key(cells: Codes, shape: list[int]) -> Codes:
    key = np.zeros(len(cells), np.int64)
    for code, size in zip(cells.T, shape, strict=True):
        key = key * max(size, 1) + code
    return key
