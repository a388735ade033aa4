"""The pass of a linear fit: sums of products of stored columns over the rows, unit by unit.

`Accumulate` is the frozen, picklable task that an engine sends to its workers; `UnitAccumulator` holds the running
sums of one unit and is the base of the passes of other models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import NoReturn

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError, NumericalError
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows, count_marked
from gramian.formula.row_reader import Observed, Reader
from gramian.formula.text_factors import check_text_factors
from gramian.kernels.dense_cells import RowsOfCells
from gramian.kernels.library import library
from gramian.kernels.sums import Part
from gramian.linalg.blocks import ROWS_PER_BLOCK, BlockWriter
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.in_place import InPlace, add_with_cells
from gramian.linalg.moments import Accumulator, Moments, combined_weight
from gramian.typing import Mask, Vector

FIRST_BATCHES = 64  # in which values of every column are looked for, before its shift is chosen without any


@dataclass(frozen=True, slots=True)
class Accumulated:
    """Partial result of a linear pass; partial results add, and no rows are the zero.

    Attributes
    ----------
    moments : Moments
        Sums of products of the stored columns over the rows that entered.
    dropped_rows : DroppedRows
        Rows that did not enter, by cause and by column.
    """

    moments: Moments
    dropped_rows: DroppedRows

    def __add__(self, other: Accumulated, /) -> Accumulated:
        return Accumulated(self.moments + other.moments, self.dropped_rows + other.dropped_rows)

    def added_to(self, earlier: Accumulated) -> Accumulated:
        """earlier + self, in the memory of this one: fresh memory for wide sums costs more than their addition."""
        return Accumulated(self.moments.added_to(earlier.moments), earlier.dropped_rows + self.dropped_rows)


@dataclass(frozen=True, slots=True)
class Accumulate:
    """The task of one pass over the rows of a linear fit.

    Attributes
    ----------
    design : Design
        The formula's terms on these columns, with the shift and scale of every variable.
    drop : bool
        Whether incomplete rows are dropped and counted; if False, the first one raises DataError.
    keeps_ranges : bool
        Whether a factor of integers that lie close together keeps its range of levels in partial results, in which
        some may have no rows: sums over the same levels are added without a search.
    """

    design: Design
    drop: bool = True
    keeps_ranges: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def within_process(self) -> Accumulate | None:
        """The pass whose partial results need not be small; None where it is the same."""
        return replace(self, keeps_ranges=True) if self.long_runs else None

    def completed(self, total: Accumulated) -> Accumulated:
        """The sum over all rows, as small as it can be."""
        return replace(total, moments=total.moments.with_observed_levels())

    @property
    def long_runs(self) -> bool:
        """Whether rows are accumulated in long runs: sums over the levels of absorbed factors are dear to add."""
        return bool(self.design.terms.absorbed)

    @property
    def empty(self) -> Accumulated:
        """The moments of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Accumulated:
        """The moments of one unit."""
        accumulator = LinearAccumulator(self.design, drop=self.drop)
        accumulator.keeps_ranges = self.keeps_ranges
        with np.errstate(all="ignore"):  # values that are not finite are detected afterwards, by row and column
            accumulator.reader.native = accumulator.in_place is not None
            # an outcome less its offsets is computed from float64
            accumulator.reader.as_stored = accumulator.reader.native and not self.design.offsets
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.finish()


class UnitAccumulator:
    """Accumulates the sums of one unit, block of rows by block of rows.

    Sums what a linear fit needs. A subclass for another model overrides `values` (the response rows) and `block` (what
    is summed), and keeps the treatment of values that are not finite.

    Parameters
    ----------
    design : Design
        Terms, outcome, weights, and the coordinates of every variable.
    drop : bool
        Whether incomplete rows are dropped; if False, they raise DataError.
    layout : Layout, optional
        The stored columns, where they are not those of the design.
    height : int
        Rows in a block. It fixes the order of summation, and with it the last bits of all sums.
    """

    def __init__(
        self, design: Design, *, drop: bool, layout: Layout | None = None, height: int = ROWS_PER_BLOCK
    ) -> None:
        self.drop, self.layout, self.height = drop, layout or design.layout, height
        self.keeps_ranges = False
        self.design, self.reader = design, Reader(design, drop=drop)
        self.sums = Accumulator(self.layout, design.coordinates, design.terms.power_sums)
        self.responses = self.layout.responses
        self.power_variables = tuple(design.terms.power_sums)
        self.reader.left_out = self.left_out if self.power_variables else None

    @cached_property
    def block_writer(self) -> BlockWriter:
        """Writes the stored columns of a block of rows; made on first use, after a subclass has set itself up."""
        return BlockWriter(self.layout, self.design.coordinates, self.design.matrix_variables, self.height)

    def add(self, observed: Observed) -> None:
        """Add the complete rows of a batch."""
        observed = observed.evaluated()
        values = self.values(observed)
        for start in range(0, observed.rows, self.height):
            self.add_rows(observed, values, slice(start, min(start + self.height, observed.rows)))

    def add_rows(self, observed: Observed, values: Mapping[str, Vector], rows: slice) -> None:
        """Add a block of rows, whose columns are written. values : as of `values`."""
        columns = self.block_writer.block(rows, values, observed.codes, observed.matrix)
        if not self.block(columns, observed, rows):
            # the product of a block shows whether every value is finite: rows are looked at only when it is not
            rewritten = self.block_writer.block(rows, values, observed.codes, observed.matrix)
            self._add_finite(rewritten, observed, rows)

    def values(self, observed: Observed) -> dict[str, Vector]:
        """Values (n,) of the variables and of the response rows, by name, from which blocks are written."""
        return {**observed.values, **{name: self.residual(observed, name) for name in self.responses}}

    def residual(self, observed: Observed, response: str) -> Vector:
        """Values (n,) of a response row: for a linear model the outcome less its offsets."""
        return linear_residual(observed.values[response], observed.offset)

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Add the rows of a block; return False, with nothing added, if a value or a product is not finite.

        columns : the stored columns of these rows. rows : which rows of `observed` they are, a slice or a mask (n,).
        """
        weight, count = take_rows(observed.weight, rows), take_rows(observed.count, rows)
        added = self.sums.add(columns, combined_weight(weight, count), count, self.reader.sizes)
        if added and weight is not None:
            # the log-likelihood of weighted rows needs the sum of log w, which no product holds
            self.sums.add_log_weights(weight, count)
        return added

    def left_out(self, variable: str, values: Vector, count: Vector | None, rows: Mask) -> None:
        """Add rows that have a variable but do not enter to its power sums; see `row_reader.LeftOut`."""
        self.sums.add_left_out(variable, values, count)

    def _add_finite(self, columns: Columns, observed: Observed, rows: slice) -> None:
        """Drop the rows of a block that are not finite, then add the rest."""
        good = columns.finite()
        if not good.all():
            self.drop_not_finite(columns, good, observed, rows)
        # a mask over the batch, because weights and codes are taken by the same rows as the columns
        selected = np.zeros(observed.rows, bool)
        selected[rows] = good
        if good.any() and not self.block(columns.take(good), observed, selected):
            self.fail(columns.take(good), observed)

    def fail(self, columns: Columns, observed: Observed) -> None:
        """Raise NumericalError: every value of a block is finite, but a product overflows."""
        overflow(columns, self.layout, observed.where)

    def drop_not_finite(self, columns: Columns, good: Mask, observed: Observed, rows: slice) -> None:
        """Count the rows of a block that are not finite, by cause and column; raise DataError if `drop` is False.

        good : mask (b,) of the finite rows of the block. rows : the block's slice of the batch.
        """
        not_finite: dict[str, Mask] = {}
        undefined = np.zeros(columns.rows, bool)
        for position, m in enumerate((*self.layout.rows, *self.layout.extra)):
            values = columns.value(position)
            # only variables themselves are blamed: a product is not finite because of one of its factors
            if len(m) == 1 and m[0][1] == 1 and not np.isfinite(values).all():
                not_finite[m[0][0].lstrip("~")] = ~np.isfinite(values)
                undefined |= np.isnan(values)
        if not self.drop:
            first = int(np.argmin(good))
            name = next((name for name, wrong in not_finite.items() if wrong[first]), "a product of columns")
            refuse_row(observed.row_number(rows.start + first), name, observed.where)
        for name in self.power_variables:
            values = observed.value_of(name, self.design.matrix_variables)
            out = np.zeros(observed.rows, bool)
            out[rows] = ~good & np.isfinite(values[rows])
            if out.any():
                self.left_out(name, values[out], take_rows(observed.count, out), out)
        # a row with both NaN and infinite values counts as NaN, so that causes add up to the dropped rows
        self.count_dropped({"nan": undefined, "infinite": ~good & ~undefined}, not_finite, observed, rows)

    def count_dropped(
        self, causes: Mapping[str, Mask], columns: Mapping[str, Mask], observed: Observed, rows: slice
    ) -> None:
        """Add dropped rows of a block, given as masks (b,) by cause and by column, to those of the unit."""
        self.reader.dropped_rows += DroppedRows(count_marked(causes), count_marked(columns))

    def moments(self) -> Moments:
        """The unit's moments, with the levels in the order in which they were met."""
        indices = self.reader.levels
        ranges = {n for n, index in indices.items() if index.range is not None} if self.keeps_ranges else None
        return self.sums.finish({name: index.levels for name, index in indices.items()}, ranges=ranges)

    def finish(self) -> Accumulated:
        """The unit's partial result."""
        return Accumulated(self.moments(), self.reader.dropped_rows)


class LinearAccumulator(UnitAccumulator):
    """Accumulates the sums of a linear fit; batches whose columns need not be written are summed as a whole."""

    @property
    def in_place(self) -> InPlace | None:
        """How the columns are read where they are; None where they are written block by block."""
        return None if library() is None else self.design.in_place

    def add(self, observed: Observed) -> None:
        """Add the complete rows of a batch."""
        if self.in_place is None or not self.add_in_place(self.in_place, observed):
            super().add(observed)

    def add_in_place(self, columns: InPlace, observed: Observed) -> bool:
        """Add a batch; return False, with nothing added, where a column cannot be read or a sum is not finite."""
        parts = columns.parts(self.values(observed), observed.matrix, observed.rows)
        if parts is None:
            return False
        if self.layout.tables:
            self._add_with_cells(columns, parts, observed)
            return True
        weight, count = observed.weight, observed.count
        total = combined_weight(weight, count)
        products = columns.products(parts, None if total is None else np.sqrt(total), observed.selected)
        if not self.sums.add_products(products, observed.rows, count):
            return False
        if weight is not None:
            self.sums.add_log_weights(weight, count)
        return True

    def _add_with_cells(self, columns: InPlace, parts: Sequence[Part], observed: Observed) -> None:
        """Add the rows of a batch beside factors; blocks that a kernel does not add are written."""
        start, whole, plain = 0, observed.rows - observed.rows % self.height, None
        while start < observed.rows:
            stop = whole if start < whole else observed.rows  # a short block may be too short for a table
            start += self._added_with_cells(columns, parts, observed, slice(start, stop))
            if start < stop:
                plain = observed.evaluated() if plain is None else plain
                block = slice(start, min(start + self.height, stop))
                self.add_rows(plain, self.values(plain), block)
                start = block.stop

    def _added_with_cells(self, columns: InPlace, parts: Sequence[Part], observed: Observed, rows: slice) -> int:
        """Add some rows until one of a block is not finite; how many were added."""
        weight, count = take_rows(observed.weight, rows), take_rows(observed.count, rows)
        total, selected = combined_weight(weight, count), None
        if observed.selected is None:
            parts = [part._replace(values=part.values[rows]) for part in parts]
        else:
            selected = observed.selected[rows]
        root = None if total is None else np.sqrt(total)
        how = RowsOfCells(rows.stop - rows.start, self.height, selected, root, count)
        codes = {name: own[rows] for name, own in observed.codes.items()}
        added = add_with_cells(self.sums, columns, parts, how, (codes, self.reader.sizes))
        if weight is not None:
            for start in range(0, added, self.height):
                part = slice(start, min(start + self.height, added))
                self.sums.add_log_weights(weight[part], take_rows(count, part))
        return added


def linear_residual(y: Vector, offset: Vector | None) -> Vector:
    """The outcome less its offsets, (n,): the working residual of a linear model at coefficients of zero."""
    return y if offset is None else y - offset


def take_rows(values: Vector | None, rows: slice | Mask) -> Vector | None:
    """The rows of a vector (n,), or None where there is no vector."""
    return None if values is None else values[rows]


def coordinates_from_first_rows(design: Design, batches: Iterable[Batch]) -> Design:
    """The design with the shift and scale of every variable, chosen from the first batch that has complete rows.

    Reads as few batches as possible. Without any complete row the coordinates are those of no values.
    """
    with np.errstate(all="ignore"):
        # the head of a batch first: evaluating all of it would cost more than the shift is worth
        for piece in (part for batch in batches for part in (batch.head(ROWS_PER_BLOCK), batch)):
            reader = Reader(design)
            observed = reader.read(piece)
            if observed.matrix is not None and not design.stays_in_place(observed.matrix[:ROWS_PER_BLOCK]):
                # without `matrix` the columns of an array are read as variables, and get a shift like all others
                reader = Reader(replace(design, matrix=None))
                observed = reader.read(piece)
            if observed.rows:
                levels = {name: index.levels for name, index in reader.levels.items()}
                if levels:
                    check_text_factors(design.terms, levels, observed.rows)
                outcomes = {r: linear_residual(observed.values[r], observed.offset) for r in design.outcome}
                values = {**observed.values, **outcomes}
                return design.choose_coordinates({name: v[:ROWS_PER_BLOCK] for name, v in values.items()})
    return design.choose_coordinates(dict.fromkeys((*design.terms.variables, *design.outcome), np.zeros(0)))


def coordinates_by_column(design: Design, batches: Iterable[Batch]) -> Design:
    """The design with the shift and scale of every variable, each chosen from the first of its own values.

    A variable without a value in the first `FIRST_BATCHES` batches has those of no values.
    """
    found: dict[str, Vector] = {}
    names = {*design.terms.variables, *design.outcome}
    with np.errstate(all="ignore"):
        for batch in islice(batches, FIRST_BATCHES):
            head = batch.head(ROWS_PER_BLOCK)
            if not found and Reader(design).read(head).rows == head.rows > 0:
                # no value is missing: as for one model, with a matrix in place
                return coordinates_from_first_rows(design, [head])
            design = replace(design, matrix=None)
            for piece in (head, batch):
                found = Reader(design).first_values(piece, names - found.keys()) | found
            if len(found) == len(names):
                break
    return design.choose_coordinates({name: found.get(name, np.zeros(0))[:ROWS_PER_BLOCK] for name in names})


def refuse_row(row: int, name: str, where: str, what: str = "not finite") -> NoReturn:
    """Raise DataError for a row with a value that is missing, where rows may not be dropped. row : its number."""
    raise DataError(f"row {row}: '{name}' is {what} (na=\"drop\" leaves such rows out)", where)


def overflow(columns: Columns, layout: Layout, where: str) -> NoReturn:
    """Raise NumericalError for finite values whose products overflow; it names the largest stored column."""
    sizes = {}
    for position, m in enumerate((*layout.rows, *layout.extra)):
        sizes[m] = float(np.abs(columns.value(position)).max())
    worst = max(sizes, key=lambda m: sizes[m])
    name = " * ".join(f"{v.lstrip('~')}^{p}" if p > 1 else v.lstrip("~") for v, p in worst)
    raise NumericalError(
        f"{where}: squares of '{name}' overflow (values up to {sizes[worst]:.3g} after scaling); rescale the column"
    )
