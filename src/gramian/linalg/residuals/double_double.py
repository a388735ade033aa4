"""Residuals and their products with the columns in double-double: X v, X'Wr and r'Wr, block by block.

Products are split into a float64 and its exact error (Dekker), sums into a part that adds without rounding and a small
remainder (Rump, Ogita and Oishi, "Accurate floating-point summation", 2008). A float64 residual would have rounding
errors of the size of X b, and refinement with it would gain nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from gramian.linalg.blocks import steps_of
from gramian.linalg.doubledouble import Pair, pair, quick_two_sum, split, two_sum
from gramian.linalg.monomials import Coordinate, Monomial, downward_closure
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.typing import Codes, Matrix, Vector

ZERO = np.zeros(1)  # trailing part of columns that are float64, recognised by identity
NO_RESPONSE = Pair(np.zeros(0), np.zeros(0))
MAX_BLOCK_ROWS, MAX_BLOCK_BYTES = (
    32_768,
    2**26,
)  # largest block: long vectors, since threads wait for the interpreter lock between two operations
MAX_DENSE_CELLS = 1_000_000  # possible cells up to which a dense table maps codes to cells


@dataclass(frozen=True, slots=True)
class SplitColumn:
    """A monomial of a block in double-double, hi + lo, with the halves of hi whose products are exact.

    Attributes
    ----------
    hi, lo : (n,)
        Leading and trailing parts; lo is None where it is zero.
    high, low : (n,)
        Halves of hi, by Dekker's `split`.
    """

    hi: Vector
    lo: Vector | None
    high: Vector
    low: Vector


def split_column(values: Pair) -> SplitColumn:
    """Precompute the halves of a double-double column, which every product with it needs."""
    single = values.lo is ZERO or not values.lo.any()
    return SplitColumn(values.hi, None if single else values.lo, *split(values.hi))


def shifted(values: Vector, coordinate: Coordinate) -> Pair:
    """u = (x - shift) / 2^exponent in double-double, exact but for underflow."""
    if coordinate.is_identity:
        return Pair(values, ZERO)
    hi, lo = two_sum(values, np.full(1, -coordinate.shift))
    return Pair(np.ldexp(hi, -coordinate.exponent), np.ldexp(lo, -coordinate.exponent))


@dataclass(frozen=True, slots=True)
class ResidualRows:
    """Rows of a batch, as a residual needs them.

    Attributes
    ----------
    rows : int
        Number of rows n.
    values : mapping
        Variable -> (n,).
    matrix : (n, k) or None
        Variables that need no shift, in the columns of one matrix; `values` holds them, too.
    codes : mapping
        Factor -> (n,) level codes.
    response_name : str
        The name of the response in the monomials, empty where they do not have it.
    response : Pair (n,)
        The response in double-double, unshifted.
    weight : Pair (n,) or None
        Factor of each row's products.
    """

    rows: int
    values: Mapping[str, Vector]
    matrix: Matrix | None
    codes: Mapping[str, Codes]
    response_name: str = ""
    response: Pair = NO_RESPONSE
    weight: Pair | None = None

    def part(self, rows: slice) -> ResidualRows:
        """A slice of the rows."""
        return ResidualRows(
            rows.stop - rows.start,
            {name: v[rows] for name, v in self.values.items()},
            None if self.matrix is None else self.matrix[rows],
            {name: c[rows] for name, c in self.codes.items()},
            self.response_name,
            Pair(self.response.hi[rows], self.response.lo[rows]),
            None if self.weight is None else Pair(self.weight.hi[rows], self.weight.lo[rows]),
        )


class MonomialWriter:
    """Computes the monomials of stored columns in double-double, block by block.

    groups : the stored columns. coordinates : variable -> shift and scale.
    """

    def __init__(self, groups: Sequence[ColumnGroup], coordinates: Mapping[str, Coordinate]) -> None:
        self.coordinates = coordinates
        self.monomials = downward_closure([m for g in groups for m in g.monomials])
        self.steps = steps_of(self.monomials)
        # A split column has up to four arrays of eight bytes a row.
        self.rows = min(MAX_BLOCK_ROWS, max(MAX_BLOCK_BYTES // (32 * max(len(self.monomials), 1)), 1024))

    def block(self, rows: ResidualRows) -> dict[Monomial, SplitColumn]:
        """A column for each monomial."""
        pairs: list[Pair] = []
        for variable, parents in self.steps:
            if parents is not None:
                pairs.append(pairs[parents[0]] * pairs[parents[1]])
            elif variable and variable == rows.response_name:
                pairs.append(self._response(rows.response, variable))
            elif variable:
                pairs.append(shifted(np.ascontiguousarray(rows.values[variable]), self.coordinates[variable]))
            else:
                pairs.append(pair(np.ones(rows.rows)))
        return {
            m: split_column(v) for m, v in zip(self.monomials, pairs, strict=True)
        }  # split only now: products of monomials need the unsplit pairs

    def _response(self, y: Pair, response: str) -> Pair:
        """The response in its coordinate, in double-double."""
        coordinate = self.coordinates[response]
        if coordinate.is_identity:
            return y
        shifted_y = y + pair(np.full(len(y.hi), -coordinate.shift))
        return Pair(np.ldexp(shifted_y.hi, -coordinate.exponent), np.ldexp(shifted_y.lo, -coordinate.exponent))


class LinearCombination:
    """X v in double-double.

    Parameters
    ----------
    groups : sequence of ColumnGroup
        The stored columns of X.
    v : Pair (q,)
        Coefficients, in the order of the columns' positions.
    sizes : mapping
        Factor -> number of levels.
    coordinates : mapping
        Variable -> shift and scale.
    """

    def __init__(
        self,
        groups: Sequence[ColumnGroup],
        v: Pair,
        sizes: Mapping[str, int],
        coordinates: Mapping[str, Coordinate],
    ) -> None:
        self.writer = MonomialWriter(groups, coordinates)
        self.dense = [(m, g.positions[k]) for g in groups if not g.factors for k, m in enumerate(g.monomials)]
        with np.errstate(all="ignore"):  # what is not finite is found in the residual
            self.v, self.halves = v, split(v.hi)
        self.cell_columns = CellColumns(groups, v, sizes)

    def blocks(self, batch: ResidualRows) -> Iterator[tuple[slice, ResidualRows]]:
        """The rows of a batch in blocks, and where each is in it."""
        for start in range(0, batch.rows, self.writer.rows):
            place = slice(start, min(start + self.writer.rows, batch.rows))
            yield place, batch.part(place)

    def values(self, batch: ResidualRows) -> Vector:
        """X v of all rows, each rounded once."""
        out = np.empty(batch.rows)
        for place, block in self.blocks(batch):
            out[place] = self.of(self.writer.block(block), self.cell_columns.cells(block.codes)).value
        return out

    def of(self, columns: Mapping[Monomial, SplitColumn], cells: Sequence[Codes]) -> Pair:
        """X v of a block, (n,). cells : for each group with factors the cell of every row.

        Leading parts are added by TwoSum, errors of products and sums in one float64 (compensated dot product: Ogita,
        Rump and Oishi, "Accurate sum and dot product", 2005), as if computed in twice the working precision.
        """
        rows = len(next(iter(columns.values())).hi)
        hi, lo = np.zeros(rows), np.zeros(rows)
        coefficients = *self.v, *self.halves
        dense = (scaled(columns[m], *(float(part[at]) for part in coefficients)) for m, at in self.dense)
        for p, e in chain(dense, self.cell_columns.terms(columns, cells)):
            hi, f = two_sum(hi, p)
            lo += e
            lo += f
        return Pair(*quick_two_sum(hi, lo))


class ResidualProducts:
    """Residuals r = X v, and their products X'Wr and r'Wr, summed over blocks in double-double.

    Parameters
    ----------
    residual : LinearCombination
        The stored columns of X, the response among them, with coefficients such as (-b, 1).

    Attributes
    ----------
    sums : Pair (q,)
        X'Wr of the blocks so far.
    square : Pair (1,)
        r'Wr of the blocks so far.
    """

    def __init__(self, residual: LinearCombination) -> None:
        self.residual = residual
        self.sums = pair(np.zeros(len(residual.v.hi)))
        self.square = pair(np.zeros(1))

    @property
    def grid(self) -> Vector:
        """Zero (q,): no part of a column is rounded."""
        return np.zeros(len(self.sums.hi))

    def add(self, batch: ResidualRows) -> None:
        """Add the rows of a batch, block by block."""
        for _, block in self.residual.blocks(batch):
            self._add(block)

    def _add(self, block: ResidualRows) -> None:
        """Add a block."""
        residual = self.residual
        columns, cells = residual.writer.block(block), residual.cell_columns.cells(block.codes)
        r = residual.of(columns, cells)
        wr, left = r if block.weight is None else r * block.weight, split_column(r)
        right = left if block.weight is None else split_column(wr)
        self.square = self.square + Pair(*(np.array([s]) for s in dot(left, right)))
        products = residual.cell_columns.products(columns, cells, wr)
        for m, at in residual.dense:
            products.hi[at], products.lo[at] = dot(columns[m], right) if m else total(wr.hi, wr.lo)
        self.sums = self.sums + products


class CellColumns:
    """The columns of groups with factors: their summands of X v, and their products with a vector, by cells.

    groups : all groups of X; those without factors are passed over. v : (q,). sizes : factor -> number of levels.
    """

    def __init__(self, groups: Sequence[ColumnGroup], v: Pair, sizes: Mapping[str, int]) -> None:
        self.v = v
        self.places = [_CellLookup(g, sizes) for g in groups if g.factors]

    def cells(self, codes: Mapping[str, Codes]) -> list[Codes]:
        """For each group the cell of every row, (n,)."""
        return [place.cells(codes) for place in self.places]

    def terms(self, columns: Mapping[Monomial, SplitColumn], cells: Sequence[Codes]) -> Iterator[tuple[Vector, Vector]]:
        """The summands of X v: each the float64 values (n,) and their errors."""
        for place, cell in zip(self.places, cells, strict=True):
            for k, m in enumerate(place.group.monomials):
                at = place.group.at(k)
                # The last place stands for cells without a coefficient, which contribute zero.
                b = Pair(np.append(self.v.hi[at], 0.0)[cell], np.append(self.v.lo[at], 0.0)[cell])
                yield product(columns[m], split_column(b)) if m else b

    def products(self, columns: Mapping[Monomial, SplitColumn], cells: Sequence[Codes], wr: Pair) -> Pair:
        """X'Wr, (q,), zero for the columns of other groups."""
        hi, lo = np.zeros(len(self.v.hi)), np.zeros(len(self.v.hi))
        for place, cell in zip(self.places, cells, strict=True):
            for k, m in enumerate(place.group.monomials):
                _by_cell(columns[m] if m else None, wr, cell, place.group.at(k), hi, lo)
        return Pair(hi, lo)


def _by_cell(x: SplitColumn | None, wr: Pair, cell: Codes, at: Codes, hi: Vector, lo: Vector) -> None:
    """Write the sums of x * wr over the cells of a group to positions `at` of hi and lo. x : None for the constant."""
    p, e = wr if x is None else product(x, split_column(wr))
    leading, rest = extract_leading(p)
    hi[at] = np.bincount(cell, leading, len(at) + 1)[:-1]  # the last bin is of cells without a column
    lo[at] = np.bincount(cell, rest + e, len(at) + 1)[:-1]


class _CellLookup:
    """Maps level codes to the cells of a group; the index len(cells) stands for cells that are not in the group."""

    def __init__(self, group: ColumnGroup, sizes: Mapping[str, int]) -> None:
        self.group = group
        self.shape = [sizes[f] for f in group.factors]
        self.table: Codes | None = None
        if self.shape and float(np.prod(self.shape, dtype=float)) <= MAX_DENSE_CELLS:
            self.table = np.full(self.shape, len(group.cells), np.int64)
            self.table[tuple(group.cells.T)] = np.arange(len(group.cells))

    def cells(self, codes: Mapping[str, Codes]) -> Codes:
        """For each row the index of its cell in the group, len(cells) where it is not there: (n,)."""
        cell_codes = [codes[f] for f in self.group.factors]
        if self.table is not None:
            return np.asarray(self.table[tuple(cell_codes)])
        index = cell_index(self.group.cells, np.column_stack(cell_codes), self.shape)
        return np.where(index < 0, len(self.group.cells), index)


def scaled(x: SplitColumn, hi: float, lo: float, high: float, low: float) -> tuple[Vector, Vector]:
    """x times a number hi + lo, (n,): the float64 product and its error. high, low : halves of hi."""
    p = x.hi * hi
    e = x.high * high
    e -= p
    e += x.high * low
    e += x.low * high
    e += x.low * low
    if lo:
        e += x.hi * lo
    if x.lo is not None:
        e += x.lo * hi
    return p, e


def product(x: SplitColumn, y: SplitColumn) -> tuple[Vector, Vector]:
    """x times y elementwise, (n,): the float64 product and its error."""
    p = x.hi * y.hi
    e = x.high * y.high
    e -= p
    e += x.high * y.low
    e += x.low * y.high
    e += x.low * y.low
    if y.lo is not None:
        e += x.hi * y.lo
    if x.lo is not None:
        e += x.lo * y.hi
    return p, e


def dot(x: SplitColumn, y: SplitColumn) -> tuple[float, float]:
    """Dot product of two columns in double-double, as (hi, lo)."""
    return total(*product(x, y))


def total(p: Vector, e: Vector) -> tuple[float, float]:
    """Sum of p + e in double-double, as (hi, lo). p, e : (n,), e small against p; e is overwritten."""
    leading, rest = extract_leading(p)
    rest += e
    return float(leading.sum()), float(rest.sum())


def extract_leading(p: Vector) -> tuple[Vector, Vector]:
    """Split p into multiples of one power of two, so few bits that any sum of them is exact, and the remainder.

    Rump, Ogita and Oishi (2008), ExtractVector: with sigma = 2^(k + ceil(log2(n + 2))) and |p| < 2^k, (p + sigma) -
    sigma is a multiple of u sigma, and a sum of n such numbers needs no more than 53 bits.
    """
    largest = max(float(p.max(initial=0.0)), -float(p.min(initial=0.0)))
    sigma = 2.0 ** (np.frexp(largest)[1] + int(np.ceil(np.log2(len(p) + 2))))
    leading = p + sigma
    leading -= sigma
    return leading, p - leading
