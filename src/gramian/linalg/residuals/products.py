"""Residuals and their products with the columns in about 75 bits, by products of slices: X v, X'Wr and r'Wr.

As `double_double`, at a tenth of its price: columns without factors are cut into two slices, of which BLAS makes the
products. What is lost is known: `grid` bounds the part of each column whose products were rounded. Where there are
compiled kernels, they make the products in twice the precision instead, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gramian.kernels.library import Library, library
from gramian.kernels.residuals import Operand, residual_sums, twofold_products, twofold_times
from gramian.kernels.sums import readable
from gramian.linalg.blocks import steps_of
from gramian.linalg.doubledouble import Pair, pair, quick_two_sum, two_sum
from gramian.linalg.monomials import Coordinate, Monomial, downward_closure
from gramian.linalg.products import ColumnGroup
from gramian.linalg.residuals.double_double import CellColumns, ResidualRows, SplitColumn, split_column
from gramian.linalg.residuals.slices import CutVector, SlicedColumns
from gramian.typing import Matrix, Vector

BLOCK_VALUES = 2**18  # values of a block that is cut: calls for smaller ones cost more than the cache of a core saves
COMPILED_VALUES = 2**19  # of a block that is not cut: so many that calls cost little beside sums
MAX_BLOCK_ROWS = 8192


class SlicedResidualProducts:
    """Residuals r = X v, and their products X'Wr and r'Wr, summed over blocks; parameters as of `ResidualProducts`.

    Parameters
    ----------
    groups : sequence of ColumnGroup
        The stored columns of X, the response among them.
    v : Pair (q,)
        Coefficients, such as (-b, 1), in the order of the columns' positions.
    sizes : mapping
        Factor -> number of levels.
    coordinates : mapping
        Variable -> shift and scale.
    matrix_variables : tuple of str
        Variables that stand in the matrix of the rows, unshifted.

    Attributes
    ----------
    sums, square
        As of `ResidualProducts`.
    """

    def __init__(
        self,
        groups: Sequence[ColumnGroup],
        v: Pair,
        sizes: Mapping[str, int],
        coordinates: Mapping[str, Coordinate],
        matrix_variables: tuple[str, ...],
    ) -> None:
        positions = positions_of(groups)
        in_matrix: list[Monomial] = [((name, 1),) for name in matrix_variables]
        matrix_monomials = set(in_matrix)
        in_cells = [m for g in groups if g.factors for m in g.monomials]
        self.cell_columns = CellColumns(groups, v, sizes)
        self.writer = PairWriter([*(m for m in positions if m not in matrix_monomials), *in_cells], coordinates)
        self.cell_monomials = [(m, self.writer.monomials.index(m)) for m in dict.fromkeys(in_cells)]
        written, in_place = len(self.writer.monomials), len(in_matrix)
        if library() is not None:  # columns that are read where they are need no block
            values, columns, least = COMPILED_VALUES, written, TwofoldColumns.min_rows
        else:
            values, columns, least = BLOCK_VALUES, max(written, in_place), SlicedColumns.min_rows
        self.rows = int(np.clip(values // max(columns, 1), least, MAX_BLOCK_ROWS))
        self.written = _Columns(self.writer.monomials, matrix_monomials, positions, v, self.rows)
        self.matrix = _Columns(in_matrix, set(), positions, v, self.rows)
        self.sums, self.square = pair(np.zeros(len(v.hi))), pair(np.zeros(1))

    @property
    def grid(self) -> Vector:
        """For each column (q,) a bound of the part of its values whose products were rounded to float64."""
        out = np.zeros(len(self.sums.hi))
        for columns in (self.written, self.matrix):
            out[columns.at] = columns.sliced.grid[columns.places]
        return out

    def add(self, batch: ResidualRows) -> None:
        """Add the rows of a batch, block by block."""
        # most variables may stand in the matrix: cut those alone that are read
        batch = replace(batch, values={n: v for n, v in batch.values.items() if n in self.writer.variables})
        for start in range(0, batch.rows, self.rows):
            self._add(batch.part(slice(start, min(start + self.rows, batch.rows))))

    def _add(self, block: ResidualRows) -> None:
        """Add a block."""
        hi, lo = self.writer.block(block)
        self.written.sliced.cut(hi.T, lo.T)
        operands = [self.written]
        if block.matrix is not None and self.matrix.at.size:
            self.matrix.sliced.cut(block.matrix)
            operands.append(self.matrix)
        compiled = library()
        if compiled is not None and not self.cell_monomials:
            self._add_compiled(compiled, operands, block.weight)
            return
        columns = {m: split_column(Pair(hi[i], lo[i])) for m, i in self.cell_monomials}
        cells = self.cell_columns.cells(block.codes)
        r = self._residual(operands, columns, cells, block.rows)
        wr = r if block.weight is None else r * block.weight
        left = self.written.sliced.cut_vector(wr)
        right = left if wr is r else self.written.sliced.cut_vector(r)
        self.square = self.square + self.written.sliced.dot(left, right)
        products = self.cell_columns.products(columns, cells, wr)
        for operand in operands:
            dense = operand.sliced.products(left)
            products.hi[operand.at], products.lo[operand.at] = dense.hi[operand.places], dense.lo[operand.places]
        self.sums = self.sums + products

    def _add_compiled(self, compiled: Library, operands: Sequence[_Columns], weight: Pair | None) -> None:
        """Add a block without cells, in one trip over its rows."""
        columns = [o.sliced.operand for o in operands if isinstance(o.sliced, TwofoldColumns)]
        found = Pair(*quick_two_sum(*residual_sums(compiled, columns, weight)))
        hi, lo, at = np.zeros(len(self.sums.hi)), np.zeros(len(self.sums.hi)), 0
        for operand in operands:
            hi[operand.at], lo[operand.at] = found.hi[at + operand.places], found.lo[at + operand.places]
            at += len(operand.sliced.grid)
        self.sums = self.sums + Pair(hi, lo)
        self.square = self.square + Pair(found.hi[at:], found.lo[at:])

    def _residual(
        self,
        operands: Sequence[_Columns],
        columns: Mapping[Monomial, SplitColumn],
        cells: Sequence[np.ndarray],
        rows: int,
    ) -> Pair:
        """r = X v of a block, (n,): leading summands by TwoSum, small ones in one float64."""
        hi, lo = np.zeros(rows), np.zeros(rows)
        for operand in operands:
            leading, small = operand.sliced.times()
            for p in leading:
                hi, error = two_sum(hi, p)
                lo += error
            lo += small
        for p, e in self.cell_columns.terms(columns, cells):
            hi, error = two_sum(hi, p)
            lo += e
            lo += error
        return Pair(*quick_two_sum(hi, lo))


def positions_of(groups: Sequence[ColumnGroup]) -> dict[Monomial, list[int]]:
    """Where each monomial without a factor stands: in one place, or in one of each stage that has it."""
    positions: dict[Monomial, list[int]] = {}
    for group in groups:
        if not group.factors:
            for monomial, at in zip(group.monomials, group.positions.tolist(), strict=True):
                positions.setdefault(monomial, []).append(at)
    return positions


class _Columns:
    """Columns of a block that are cut together.

    Attributes
    ----------
    places : (j,)
        Which of the columns are columns of X, once for each position; the others are factors of products only.
    at : (j,)
        Their positions in X.
    sliced : SlicedColumns or TwofoldColumns
        Makes the products; its vector is zero for columns that are not in X.
    """

    def __init__(
        self,
        monomials: Sequence[Monomial],
        elsewhere: set[Monomial],
        positions: Mapping[Monomial, Sequence[int]],
        v: Pair,
        height: int,
    ) -> None:
        stored = [(i, at) for i, m in enumerate(monomials) if m not in elsewhere for at in positions.get(m, ())]
        pairs = np.array(stored, np.int64).reshape(-1, 2)
        self.places, self.at = pairs.T
        hi, lo = np.zeros(len(monomials)), np.zeros(len(monomials))
        _, first = np.unique(self.places, return_index=True)
        hi[self.places[first]], lo[self.places[first]] = v.hi[self.at[first]], v.lo[self.at[first]]
        for place, at in np.delete(pairs, first, axis=0):
            total = Pair(hi[place : place + 1], lo[place : place + 1]) + Pair(v.hi[at : at + 1], v.lo[at : at + 1])
            hi[place], lo[place] = total.hi[0], total.lo[0]
        compiled = library()
        self.sliced: SlicedColumns | TwofoldColumns
        if compiled is None:
            self.sliced = SlicedColumns(Pair(hi, lo), height)
        else:
            self.sliced = TwofoldColumns(compiled, Pair(hi, lo))


class TwofoldColumns:
    """As `SlicedColumns`, but nothing is cut: products have the precision of double-double.

    Parameters
    ----------
    library : Library
        The kernels.
    v : Pair of shape (k,)
        The vector of A v.

    Attributes
    ----------
    grid : (k,)
        Zero: no part of a column is rounded.
    """

    min_rows = 256  # of a block: sums of so many rows are made in eight lanes, which are added at its end

    def __init__(self, library: Library, v: Pair) -> None:
        self.library, self.v = library, v
        self.grid: Vector = np.zeros(len(v.hi))
        self.A: Matrix = np.empty((0, len(v.hi)))
        self.low: Matrix | None = None

    def cut(self, A: Matrix, low: Matrix | None = None) -> None:
        """Take the columns A + low of a block, (n, k), where |low| is at most an ulp of A; they are read in place."""
        self.A = A if readable(A) else np.array(A, np.float64)
        self.low = None if low is None or not low.any() else low

    @property
    def operand(self) -> Operand:
        """The columns and the vector for the kernel."""
        return Operand(self.A, self.low, *self.v)

    def times(self) -> tuple[list[Vector], Vector]:
        """A v as leading part (n,) and the small rest."""
        hi, lo = twofold_times(self.library, self.A, self.low, *self.v)
        return [hi], lo

    @staticmethod
    def cut_vector(r: Pair) -> CutVector:
        """The vector without slices."""
        return CutVector(r, np.empty((0, len(r.hi))))

    def products(self, r: CutVector) -> Pair:
        """A'r, (k,)."""
        return Pair(*quick_two_sum(*twofold_products(self.library, self.A, self.low, *r.whole)))

    def dot(self, r: CutVector, s: CutVector) -> Pair:
        """r's, (1,)."""
        hi, lo = (part[:, None] for part in r.whole)
        return Pair(*quick_two_sum(*twofold_products(self.library, hi, lo, *s.whole)))


class PairWriter:
    """Writes monomials in double-double into the rows of two matrices: variables shifted all at once, then products.

    monomials : those to write; all that divide them are written, too. coordinates : variable -> shift and scale.
    """

    def __init__(self, monomials: Sequence[Monomial], coordinates: Mapping[str, Coordinate]) -> None:
        self.monomials = downward_closure(monomials)
        self.steps = steps_of(self.monomials)
        self.variables = [name for name, _ in self.steps if name]
        self.first = next((i for i, (name, _) in enumerate(self.steps) if name), len(self.steps))
        self.last = self.first + len(self.variables)
        chosen = [coordinates[name] for name in self.variables]
        self.shift = np.array([c.shift for c in chosen]).reshape(-1, 1)
        self.exponent = np.array([c.exponent for c in chosen], np.int64).reshape(-1, 1)
        self.hi = self.lo = np.empty((len(self.steps), 0))

    def block(self, block: ResidualRows) -> tuple[Matrix, Matrix]:
        """The monomials of a block, hi and lo, each (m, n); valid until the next block is written."""
        if self.hi.shape[1] != block.rows:
            self.hi, self.lo = np.empty((len(self.steps), block.rows)), np.zeros((len(self.steps), block.rows))
        self.hi[: self.first] = 1.0
        for out, name in zip(self.hi[self.first : self.last], self.variables, strict=True):
            out[:] = block.response.hi if name == block.response_name else block.values[name]
        self._shift(self.hi[self.first : self.last], self.lo[self.first : self.last], block)
        for i, (_, parents) in enumerate(self.steps):
            if parents is not None:
                a, b = (Pair(self.hi[j], self.lo[j]) for j in parents)
                self.hi[i], self.lo[i] = a * b
        return self.hi, self.lo

    def _shift(self, hi: Matrix, lo: Matrix, block: ResidualRows) -> None:
        """Shift and scale the variables, in place; lo becomes what hi does not hold."""
        if self.shift.any():
            shifted, error = two_sum(hi, -self.shift)
            hi[:], lo[:] = shifted, error
        else:
            lo[:] = 0.0
        if block.response_name in self.variables:
            lo[self.variables.index(block.response_name)] += block.response.lo
        if self.exponent.any():
            np.ldexp(hi, -self.exponent, out=hi)
            np.ldexp(lo, -self.exponent, out=lo)
