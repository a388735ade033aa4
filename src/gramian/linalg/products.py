"""Products of any stored columns, read from the dense products and the cell tables of the moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.linalg.columns import Factors, grid
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, Monomial, times
from gramian.typing import Codes, Matrix

Stored = tuple[tuple[tuple[str, int], ...], Monomial]  # a cell, as factors with codes of levels, and a monomial
MIN_BLOCK = 32  # levels below which elimination saves no time


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Stored columns that share factors: every cell times every monomial, cells varying slowest.

    Attributes
    ----------
    factors : tuple of str
        Sorted names of the factors, () for columns without factors.
    cells : (c, f)
        Level codes of each cell, as in the moments; one row without columns when there are no factors.
    monomials : tuple of k monomials
        The numeric part of the columns in each cell.
    positions : (c * k,)
        Positions of these columns among all columns of a request.
    """

    factors: Factors
    cells: Codes
    monomials: tuple[Monomial, ...]
    positions: Codes

    def by_monomial(self) -> list[tuple[Monomial, Codes]]:
        """Each monomial with the positions (c,) of its columns, one for each cell."""
        return [(m, self.at(k)) for k, m in enumerate(self.monomials)]

    def at(self, index: int) -> Codes:
        """Positions (c,) of the columns with the index-th monomial, one for each cell."""
        return self.positions[index :: len(self.monomials)]


def group_columns(stored: Sequence[Stored]) -> list[ColumnGroup]:
    """Stored columns grouped by factors and monomial; those without factors form one group."""
    by: dict[tuple[Factors, Monomial], list[int]] = {}
    for position, (cell, m) in enumerate(stored):
        by.setdefault((tuple(f for f, _ in cell), m if cell else CONSTANT), []).append(position)
    out = []
    for (factors, m), at in by.items():
        cells = (
            np.array([[c for _, c in stored[p][0]] for p in at], np.int64) if factors else np.zeros((1, 0), np.int64)
        )
        monomials = (m,) if factors else tuple([stored[p][1] for p in at])
        out.append(ColumnGroup(factors, cells, monomials, np.array(at)))
    return out


def largest_diagonal(groups: list[ColumnGroup]) -> Codes:
    """Positions of the largest group of indicators of cells, whose products are diagonal; empty where that is small."""
    cells = [g.positions for g in groups if g.factors and g.monomials == ((),)]
    best = max(cells, key=len, default=np.zeros(0, np.int64))
    return best if len(best) >= MIN_BLOCK else np.zeros(0, np.int64)


def without_last(groups: list[ColumnGroup]) -> list[ColumnGroup]:
    """The groups without the stored column in the last position."""
    last = max(int(g.positions.max()) for g in groups)
    out = []
    for g in groups:
        if last in g.positions:
            others = [i for i, p in enumerate(g.positions) if p != last]
            monomials = tuple(g.monomials[i] for i in others)
            g = ColumnGroup(g.factors, g.cells, monomials, g.positions[others])
        if len(g.positions):
            out.append(g)
    return out


def gram_matrix(moments: Moments, groups: list[ColumnGroup]) -> Matrix:
    """Products X'WX of the stored columns in `groups`, (q, q) symmetric, in the order of their positions; read-only.

    Columns of two different cells of the same factors have the product zero, so only the cells in the tables are
    visited.
    """
    width = sum(len(g.positions) for g in groups)
    if len(groups) == 1 and _is_all(groups[0], moments):
        whole = moments.dense.view()
        whole.flags.writeable = False
        return whole
    out = np.zeros((width, width))
    for i, left in enumerate(groups):
        for right in groups[i:]:
            if left.factors or right.factors:
                _from_table(moments, left, right, out)
            else:
                _from_dense(moments, left, right, out)
    return out


def _is_all(group: ColumnGroup, moments: Moments) -> bool:
    """Whether a group is the whole dense block, in its order."""
    order = np.arange(len(moments.layout.rows))
    return not group.factors and group.monomials == moments.layout.rows and np.array_equal(group.positions, order)


def _from_dense(moments: Moments, left: ColumnGroup, right: ColumnGroup, out: Matrix) -> None:
    """Write the products of two groups without factors into `out`."""
    place = {m: i for i, m in enumerate(moments.layout.rows)}
    a, b = [place[m] for m in left.monomials], [place[m] for m in right.monomials]
    block = moments.dense[grid(a, b)]
    out[grid(left.positions.tolist(), right.positions.tolist())] = block
    if left is not right:
        out[grid(right.positions.tolist(), left.positions.tolist())] = block.T


def _from_table(moments: Moments, left: ColumnGroup, right: ColumnGroup, out: Matrix) -> None:
    """Write the products of two groups into `out`, at least one of them with factors.

    The product of a column in cell F with one in cell G is a sum over the rows that are in both cells, which is stored
    in the table of the factors of F and G together.
    """
    union = tuple(sorted({*left.factors, *right.factors}))
    table = moments.tables[union]
    place = {m: i for i, m in enumerate(dict(moments.layout.tables)[union])}
    sizes = [len(moments.levels[f]) for f in union]
    # Cells that one of the groups does not have (reference levels of a contrast) have no column.
    a, b = _index(left, union, table.cells, sizes), _index(right, union, table.cells, sizes)
    stored = (a >= 0) & (b >= 0)
    a, b, sums = a[stored], b[stored], table.sums[stored]
    for i, m in enumerate(left.monomials):
        for j, n in enumerate(right.monomials):
            rows, columns = left.at(i)[a], right.at(j)[b]
            out[rows, columns] = out[columns, rows] = sums[:, place[times(m, n)]]


def _index(group: ColumnGroup, union: Factors, cells: Codes, sizes: list[int]) -> Codes:
    """The cell of a group in which each cell (n, f) of a table of more factors lies, -1 for none."""
    where = [union.index(f) for f in group.factors]
    return cell_index(group.cells, cells[:, where], [sizes[w] for w in where])


def cell_index(reference: Codes, cells: Codes, sizes: list[int]) -> Codes:
    """Index of each cell in `cells` among those in `reference`, -1 where it is not among them.

    reference : (c, f) and cells : (n, f) level codes. sizes : number of levels of each factor, whose product must be
    below 2^63. Returns (n,).
    """
    reference_keys, keys = _cell_keys(reference, sizes), _cell_keys(cells, sizes)
    if not len(reference_keys):
        return np.full(len(keys), -1, np.int64)
    # The indicators of a factor's levels are all cells in their order.
    if len(reference_keys) == math.prod(max(size, 1) for size in sizes) and (np.diff(reference_keys) == 1).all():
        return np.asarray(keys - reference_keys[0] if reference_keys[0] else keys)
    # Binary search instead of a dense table: the product of the levels of several factors may be huge.
    order = np.argsort(reference_keys, kind="stable")
    nearest = order[np.minimum(np.searchsorted(reference_keys[order], keys), len(reference_keys) - 1)]
    return np.where(reference_keys[nearest] == keys, nearest, -1)


def _cell_keys(cells: Codes, sizes: list[int]) -> Codes:
    """One integer for each cell, its codes as digits of a mixed-radix number: (n,)."""
    if not sizes:
        return np.zeros(len(cells), np.int64)
    key: Codes = cells[:, 0].astype(np.int64, copy=False)  # codes are short, keys are not
    for code, size in zip(cells.T[1:], sizes[1:], strict=True):
        key = key * max(size, 1) + code
    return key
