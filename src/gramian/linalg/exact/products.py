"""Exact products of stored columns, read from exact moments, and products of combinations of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm, ldexp

import numpy as np

from gramian.linalg.doubledouble import Pair, from_fraction
from gramian.linalg.exact.moments import ExactMoments, powers_of_ten
from gramian.linalg.exact.planes import PLANE, Integers, Planes
from gramian.linalg.monomials import times
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Codes

DIRECT_BITS = 900  # bits of numbers whose value and rounding error are both well within the range of float64


@dataclass(frozen=True, slots=True, eq=False)
class ExactGram:
    """Exact products of columns, integers_ij 2^exponent / (multipliers_i multipliers_j).

    Attributes
    ----------
    integers : (q, q)
        Python integers.
    exponent : int
        Common binary exponent.
    multipliers : tuple of q int
        What each column was multiplied by to be integer (up to the power of two), > 0.
    """

    integers: Integers
    exponent: int
    multipliers: tuple[int, ...]

    def fraction(self, i: int, j: int) -> Fraction:
        """One product."""
        return (
            Fraction(int(self.integers[i, j]), self.multipliers[i] * self.multipliers[j]) * Fraction(2) ** self.exponent
        )

    def equals(self, other: ExactGram) -> bool:
        """Whether both are written with the same integers."""
        written = self.exponent == other.exponent and self.multipliers == other.multipliers
        return written and np.array_equal(self.integers, other.integers)


def exact_gram(moments: ExactMoments, groups: Sequence[ColumnGroup]) -> ExactGram:
    """Products of the stored columns in `groups`, (q, q) in the order of their positions."""
    width = sum(len(g.positions) for g in groups)
    integers = np.zeros((width, width), object)
    multipliers = [1] * width
    exponent = _lowest(moments)
    for i, left in enumerate(groups):
        for k, power in enumerate(powers_of_ten(left.monomials, moments.scale)):
            for position in left.at(k):
                multipliers[position] = 10 ** int(power)
        for right in groups[i:]:
            read = _from_table if left.factors or right.factors else _from_dense
            read(moments, left, right, exponent, integers)
    return ExactGram(integers, exponent, tuple(multipliers))


def _lowest(moments: ExactMoments) -> int:
    """Exponent of which all sums are multiples."""
    planes = [moments.dense, *(table.sums for table in moments.tables.values())]
    return PLANE * min([p.low for p in planes if p.digits.size], default=0)


def _from_dense(moments: ExactMoments, left: ColumnGroup, right: ColumnGroup, exponent: int, out: Integers) -> None:
    """Write the products of two groups without factors."""
    place = {m: i for i, m in enumerate(moments.layout.rows)}
    a, b = ([place[m] for m in g.monomials] for g in (left, right))
    block = moments.dense[np.ix_(a, b)].integers(exponent)
    out[np.ix_(left.positions, right.positions)] = block
    out[np.ix_(right.positions, left.positions)] = block.T


def _from_table(moments: ExactMoments, left: ColumnGroup, right: ColumnGroup, exponent: int, out: Integers) -> None:
    """Write the products of two groups, at least one of them with factors."""
    union = tuple(sorted({*left.factors, *right.factors}))
    table = moments.tables[union]
    place = {m: i for i, m in enumerate(dict(moments.layout.tables)[union])}
    sizes = [len(moments.levels[f]) for f in union]
    a, b = (_index(g, union, table.cells, sizes) for g in (left, right))
    present = np.flatnonzero((a >= 0) & (b >= 0))
    sums = table.sums[present]
    for i, m in enumerate(left.monomials):
        for j, n in enumerate(right.monomials):
            rows, columns = left.at(i)[a[present]], right.at(j)[b[present]]
            out[rows, columns] = out[columns, rows] = _column(sums, place[times(m, n)]).integers(exponent)


def _column(sums: Planes, index: int) -> Planes:
    """One column of sums."""
    return sums[:, index]


def _index(group: ColumnGroup, union: tuple[str, ...], cells: Codes, sizes: list[int]) -> Codes:
    """The cell of a group in which each cell of a table of more factors lies, -1 for none."""
    where = [union.index(f) for f in group.factors]
    return cell_index(group.cells, cells[:, where], [sizes[w] for w in where])


def combined(gram: ExactGram, columns: Sequence[Mapping[int, Fraction]]) -> ExactGram:
    """Products of exact combinations of the columns, K'GK. columns : for each, position -> coefficient."""
    multipliers, shares = [], []
    for column in columns:
        scaled = {i: c / gram.multipliers[i] for i, c in column.items()}
        multipliers.append(lcm(*(c.denominator for c in scaled.values())))
        shares.append({i: int(c * multipliers[-1]) for i, c in scaled.items()})
    return ExactGram(_sums(_sums(gram.integers, shares).T, shares), gram.exponent, tuple(multipliers))


def _sums(rows: Integers, shares: Sequence[Mapping[int, int]]) -> Integers:
    """Integer combinations of rows; each has few summands."""
    out = np.zeros((len(shares), rows.shape[1]), object)
    for row, column in zip(out, shares, strict=True):
        for i, c in column.items():
            row += rows[i] if c == 1 else rows[i] * c
    return out


def pairs(gram: ExactGram) -> Pair:
    """The products in double-double, each rounded once."""
    q = len(gram.integers)
    rows, columns = np.triu_indices(q)
    hi, lo = np.empty((q, q)), np.empty((q, q))
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        hi[i, j], lo[i, j] = _pair(gram, i, j)
    hi[columns, rows], lo[columns, rows] = hi[rows, columns], lo[rows, columns]
    return Pair(hi, lo)


def _pair(gram: ExactGram, i: int, j: int) -> tuple[float, float]:
    """One product in double-double."""
    integer, size = gram.integers[i, j], gram.integers[i, j].bit_length()
    if gram.multipliers[i] * gram.multipliers[j] > 1 or size > DIRECT_BITS or abs(gram.exponent) + size > DIRECT_BITS:
        return from_fraction(gram.fraction(i, j))
    # Python rounds integers to the nearest float64, so integer - hi is the exact rounding error.
    hi = float(integer)
    return ldexp(hi, gram.exponent), ldexp(float(integer - int(hi)), gram.exponent)
