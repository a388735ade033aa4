"""Exact sums of blocks of rows: their digits, products of digits in BLAS, converted to planes now and then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.kernels.exact import MAX_SUM_ROWS, exact_products
from gramian.kernels.library import library
from gramian.linalg.columns import Factors
from gramian.linalg.exact.cells import ExactCells, merge_cells
from gramian.linalg.exact.digits import ROWS, Values
from gramian.linalg.exact.plan import Plan, RequestedSums
from gramian.linalg.exact.planes import Planes, from_columns, scatter
from gramian.linalg.exact.selftest import product
from gramian.linalg.factors.cell_accumulator import CellAccumulator
from gramian.linalg.self_products import products_of_parts
from gramian.typing import Codes, Mask, Matrix, Vector

ADDITIONS = 512  # integers up to 2^53 that an int64 can sum
LIMIT = 1 << 31  # rows whose digits, at most 2^21 each, float64 sums without rounding


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Exact sums over rows.

    Attributes
    ----------
    rows : int
        Number of rows.
    dense : Planes (left, right)
        Products of monomials.
    tables : mapping
        Factors -> sums over cells.
    unweighted : Planes (s,)
        Sums without weights.
    """

    rows: int
    dense: Planes
    tables: Mapping[Factors, ExactCells]
    unweighted: Planes

    @classmethod
    def empty(cls, requested: RequestedSums) -> Sums:
        """Sums of no rows."""
        tables = {f: ExactCells.empty(len(f), len(monomials)) for f, monomials in requested.tables}
        return cls(
            0, Planes.zeros(len(requested.left), len(requested.right)), tables, Planes.zeros(len(requested.unweighted))
        )

    def __add__(self, other: Sums, /) -> Sums:
        tables = {f: table + other.tables[f] for f, table in self.tables.items()}
        return Sums(self.rows + other.rows, self.dense + other.dense, tables, self.unweighted + other.unweighted)


@dataclass(frozen=True, slots=True, eq=False)
class DigitRows:
    """The digits of a table's monomials as values for `CellAccumulator.add`: index -> (n,).

    Attributes
    ----------
    digits : (height, n)
        The buffer.
    at : (k,) int
        Row of each digit in it.
    """

    digits: Matrix
    at: Codes

    def __call__(self, index: int) -> Vector:
        return np.asarray(self.digits[self.at[index]])


class BlockSums:
    """Accumulates blocks of rows that fit one plan; nothing is rounded."""

    def __init__(self, requested: RequestedSums, plan: Plan) -> None:
        self.requested, self.plan = requested, plan
        self.buffer = np.empty((plan.height, ROWS if plan.compiled is None else 0))
        self.compiled_products: Codes | None = None  # of the present block
        self.multiply = product()
        self.clear()

    def clear(self) -> None:
        """Start again without rows."""
        left, right = (s.stop - s.start for s in (self.plan.left, self.plan.right))
        self.products = np.zeros((left, right), np.int64)
        self.rows = self.additions = self.blocks = 0
        self.places = {f: self.plan.places(monomials) for f, monomials in self.requested.tables}
        self.tables = {f: CellAccumulator(len(f), len(self.places[f][0])) for f in self.places}
        self.unweighted_places = self.plan.places(self.requested.unweighted)
        self.unweighted = np.zeros(len(self.unweighted_places[0]), np.int64)

    @property
    def full(self) -> bool:
        """Whether `take` must be called before more rows are added, lest sums of integers round or overflow."""
        return self.additions >= ADDITIONS or self.blocks >= (LIMIT if self.plan.compiled is None else MAX_SUM_ROWS)

    def slice(self, values: Mapping[str, Values]) -> Mask:
        """Cut a block into digits; returns the mask of rows that do not fit."""
        self.width = len(next(iter(values.values())))
        if self.plan.compiled is not None:
            compiled = library()
            assert compiled is not None
            names = [name for group in self.plan.slice_groups for name in group.variables]
            columns = [np.require(values[name], requirements="A") for name in names]
            self.compiled_products, wrong = exact_products(compiled, columns, self.plan.compiled)
            return wrong
        return self.plan.fill(values, self.buffer[:, : self.width])

    def add(self, codes: Mapping[str, Codes], sizes: Mapping[str, int], count: Vector | None, dropped: Mask) -> None:
        """Add the block that was cut last.

        Parameters
        ----------
        codes : mapping
            Factor -> (n,) level codes.
        sizes : mapping
            Factor -> number of levels so far.
        count : (n,) or None
            Frequency weights.
        dropped : (n,) bool
            Rows that do not fit, whose digits are zero; they do not count.
        """
        digits = self.buffer[:, : self.width]
        # Products of one block are exact in float64; sums of blocks are exact in int64.
        self.products += self._products(digits)
        if dropped.any():
            count = np.where(dropped, 0.0, 1.0 if count is None else count)
        self.rows += self.width if count is None else int(count.sum())
        self.additions, self.blocks = self.additions + 1, self.blocks + self.width
        for factors, table in self.tables.items():
            at = self.places[factors][0]
            table.add([codes[f] for f in factors], [sizes[f] for f in factors], DigitRows(digits, at), count)
        if len(self.unweighted):
            self.unweighted += digits[self.unweighted_places[0]].sum(axis=1).astype(np.int64)

    def _products(self, digits: Matrix) -> Codes:
        """Products of the digits of both sides over the rows of a block."""
        if self.compiled_products is not None:
            return self.compiled_products
        left, right = digits[self.plan.left], digits[self.plan.right]
        # the kernel sums integers below 2^53 as exactly as BLAS does, and half as many where both sides are one
        compiled = products_of_parts((left.T,)) if self.plan.left == self.plan.right else None
        return self.multiply(left, right) if compiled is None else compiled.astype(np.int64)

    def take(self) -> Sums:
        """The sums so far as planes; then start again."""
        plan, width = self.plan, len(self.requested.right)
        rows, powers, which = plan.places(self.requested.left)
        columns, others, whose = plan.places(self.requested.right)
        values = self.products[np.ix_(rows - plan.left.start, columns)]
        places = which[:, None] * width + whose[None, :]
        dense = scatter(values, powers[:, None] + others[None, :], places, (len(self.requested.left), width))
        tables = {f: self._table(f, table) for f, table in self.tables.items()}
        _, exponents, members = self.unweighted_places
        unweighted = scatter(self.unweighted, exponents, members, (len(self.requested.unweighted),))
        out = Sums(self.rows, dense, tables, unweighted)
        self.clear()
        return out

    def _table(self, factors: Factors, table: CellAccumulator) -> ExactCells:
        """The sums of a table as planes."""
        sums = table.finish()
        _, exponents, members = self.places[factors]
        width = len(dict(self.requested.tables)[factors])
        return merge_cells(
            sums.cells.astype(np.int64), sums.rows, from_columns(sums.sums.astype(np.int64), exponents, members, width)
        )
