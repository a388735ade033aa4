"""The pass in exact arithmetic: sums of products without any rounding, for `exact=True` and `decimal="exact"`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Batch
from gramian.column import EXACT_INTEGER, UNITS, ticks_of
from gramian.errors import DataError
from gramian.fit.passes.accumulate import refuse_row
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.functions import bare
from gramian.formula.kinds import uses
from gramian.formula.row_reader import Observed, Reader
from gramian.formula.syntax import Name, Node
from gramian.linalg.exact.accumulator import ExactAccumulator
from gramian.linalg.exact.decimals import Decimals, parse, to_int64
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.monomials import Coordinate
from gramian.schema import Kind
from gramian.typing import Codes, Mask, Vector


@dataclass(frozen=True, slots=True)
class ExactAccumulated:
    """Partial result of an exact pass; partial results add.

    Attributes
    ----------
    moments : ExactMoments
        Exact sums of products of the stored columns.
    dropped_rows : DroppedRows
        Rows that did not enter, by cause and by column.
    """

    moments: ExactMoments
    dropped_rows: DroppedRows

    def __add__(self, other: ExactAccumulated, /) -> ExactAccumulated:
        return ExactAccumulated(self.moments + other.moments, self.dropped_rows + other.dropped_rows)


@dataclass(frozen=True, slots=True)
class AccumulateExact:
    """The task of one pass in exact arithmetic.

    Attributes
    ----------
    design : Design
        The formula's terms on these columns. Its coordinates are not used: exact sums need no shift.
    drop : bool
        Whether incomplete rows are dropped and counted; if False, the first one raises DataError.
    decimal : bool
        Whether numbers of DECIMAL and text columns are taken as written, 0.1 as one tenth, and not rounded to float64.
    """

    design: Design
    drop: bool = True
    decimal: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def empty(self) -> ExactAccumulated:
        """The moments of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> ExactAccumulated:
        """The exact moments of one unit."""
        accumulator = ExactUnitAccumulator(unshifted(self.design), drop=self.drop, decimal=self.decimal)
        for batch in batches:
            accumulator.add(batch)
        return accumulator.finish()


def unshifted(design: Design) -> Design:
    """The design with shift 0 and scale 1: exact sums need no shift, and one chosen from the first rows would differ
    between sources that hold the same rows in another order.
    """
    names = (*design.terms.variables, *design.outcome)
    return replace(design, coordinates=dict.fromkeys(names, Coordinate()))


class ExactUnitAccumulator:
    """Accumulates the exact sums of one unit. design : unshifted; drop, decimal : as of `AccumulateExact`."""

    def __init__(self, design: Design, *, drop: bool, decimal: bool) -> None:
        self.design, self.drop, self.decimal = design, drop, decimal
        self.reader = Reader(design, drop=drop)
        weighted, counted = design.weight is not None, design.count is not None
        sums = design.terms.power_sums
        self.reader.left_out = self.left_out if sums else None
        self.exact_columns: Mapping[str, Decimals] = {}  # of the batch that is being read
        self.sums = ExactAccumulator(design.layout, sums, weighted=weighted, counted=counted)
        nodes = {**design.terms.variables, **design.outcome}
        spline_columns = {name for spline in design.terms.splines.values() for name in spline.columns}
        unexpanded = {v: node for v, node in nodes.items() if v not in spline_columns}
        self.bare_columns = {v: name for v, node in unexpanded.items() if (name := _column(node)) is not None}
        used = [n for node in (*nodes.values(), *design.offsets) for n, kind in uses(node) if kind is Kind.NUMBER]
        self.numbers = tuple(dict.fromkeys([*used, *filter(None, (design.weight, design.count))]))

    def add(self, batch: Batch) -> None:
        """Add the complete rows of a batch."""
        exact_columns = self.exact_columns = self._exact_columns(batch)
        # the reader evaluates expressions in float64; columns that stand alone are replaced by exact integers below
        floats = {name: pa.array(d.rounded, mask=_null_mask(d)) for name, d in exact_columns.items()}
        observed = self.reader.read(replace(batch, columns={**batch.columns, **floats}))
        values: dict[str, Any] = dict(observed.values)
        if observed.matrix is not None:
            values |= dict(zip(self.design.matrix_variables, observed.matrix.T, strict=True))
        (response,) = self.design.outcome
        scale = {}
        for variable, name in self.bare_columns.items():
            # an outcome with an offset is a difference of floats, as evaluated: no exact value stands for it
            if name in exact_columns and not (variable == response and observed.offset is not None):
                values[variable] = (
                    exact_columns[name].integers
                    if observed.row_mask is None
                    else exact_columns[name].integers[observed.row_mask]
                )
                scale[variable] = exact_columns[name].places
        if observed.offset is not None:
            values[response] = observed.values[response] - observed.offset
        sizes, weight, count = self.reader.sizes, observed.weight, observed.count
        undefined_rows = self.sums.add(values, observed.codes, sizes, weight=weight, count=count, scale=scale)
        if len(undefined_rows):
            self._count_dropped_rows(values, undefined_rows, observed)
            self._add_not_finite(values, undefined_rows, observed, scale)

    def left_out(self, variable: str, values: Vector, count: Vector | None, rows: Mask) -> None:
        """Add rows that have a variable but do not enter to its power sums; see `row_reader.LeftOut`."""
        decimals = self.exact_columns.get(self.bare_columns.get(variable, ""))
        exact, places = (values, 0) if decimals is None else (decimals.integers[rows], decimals.places)
        self.sums.add_left_out(variable, exact, places, count)

    def _add_not_finite(
        self, values: Mapping[str, Any], rows: Codes, observed: Observed, scale: Mapping[str, int]
    ) -> None:
        """Add what rows with other values that are not finite have. rows : their positions in `observed`."""
        for variable in self.sums.powers:
            column = values[variable][rows]
            finite = np.isfinite(column) if column.dtype.kind == "f" else np.ones(len(rows), bool)
            count = None if observed.count is None else observed.count[rows][finite]
            self.sums.add_left_out(variable, column[finite], scale.get(variable, 0), count)

    def _exact_columns(self, batch: Batch) -> dict[str, Decimals]:
        """Columns of a batch whose numbers float64 would round, as integers and a number of decimal places."""
        exact_columns = {}
        for name in self.numbers:
            column = batch.columns.get(name)
            if column is not None and (exact := _as_decimals(column, batch, name, decimal=self.decimal)) is not None:
                exact_columns[name] = exact
        return exact_columns

    def _count_dropped_rows(self, values: Mapping[str, Any], rows: Codes, observed: Observed) -> None:
        """Count rows with values that are not finite, or raise DataError. rows : their positions in `observed`."""
        by_column, undefined = {}, np.zeros(len(rows), bool)
        for name in self.sums.variables:
            column = values[name][rows]
            if column.dtype.kind == "f" and not np.isfinite(column).all():
                by_column[name.lstrip("~")] = int((~np.isfinite(column)).sum())
                undefined |= np.isnan(column)
        if not self.drop:
            refuse_row(observed.row_number(int(rows[0])), next(iter(by_column)), observed.where)
        causes = {"nan": int(undefined.sum()), "infinite": int((~undefined).sum())}
        self.reader.dropped_rows += DroppedRows({k: n for k, n in causes.items() if n}, by_column)

    def finish(self) -> ExactAccumulated:
        """The unit's partial result."""
        levels = {name: list(index.levels) for name, index in self.reader.levels.items()}
        return ExactAccumulated(self.sums.finish(levels), self.reader.dropped_rows)


def _column(node: Node) -> str | None:
    """Name of the column that an expression stands for, None for anything computed."""
    inner = bare(node)
    return inner.name if isinstance(inner, Name) else None


def _null_mask(decimals: Decimals) -> Any:
    """Mask (n,) of missing values, as Arrow takes it; None where none is missing."""
    return None if decimals.present is None else ~decimals.present


def _as_decimals(column: Any, batch: Batch, name: str, *, decimal: bool) -> Decimals | None:
    """A column as integers times a power of ten; None where float64 holds it exactly, or it is read as float64.

    column : NumPy array or Arrow array (n,). Raises DataError for text that is not a number.
    """
    if isinstance(column, np.ndarray):
        is_int64 = column.dtype.kind in "iu" and column.dtype.itemsize == 8 and len(column) > 0
        is_rounded = is_int64 and max(abs(int(column.max())), abs(int(column.min()))) > EXACT_INTEGER
        return Decimals(to_int64(column.astype(object)), 0, None) if is_rounded else None
    kind = column.type
    if pa.types.is_int64(kind) or pa.types.is_uint64(kind):
        numbers = column.fill_null(0).to_numpy(zero_copy_only=False) if column.null_count else column.to_numpy()
        decimals = _as_decimals(numbers, batch, name, decimal=decimal)
        return None if decimals is None else decimals._replace(present=_valid_mask(column))
    if (pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind)) and kind.unit != "s":
        ticks, unit = ticks_of(column)
        return Decimals(ticks.astype(np.int64), 3 * UNITS.index(unit), _valid_mask(column))
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not decimal or not (text or pa.types.is_decimal(kind) or pa.types.is_dictionary(kind)):
        return None
    # text repeats: parsing each distinct number once is far cheaper than parsing every row
    coded = column if pa.types.is_dictionary(kind) else column.cast(pa.string()).dictionary_encode()
    if not (pa.types.is_string(coded.type.value_type) or pa.types.is_large_string(coded.type.value_type)):
        return None
    try:
        return _decoded(parse(coded.dictionary.to_pylist()), coded.indices)
    except ValueError as error:
        raise DataError(f"column '{name}': {error}", batch.where) from None


def _decoded(levels: Decimals, indices: Any) -> Decimals:
    """Decimals (n,) of a dictionary-encoded column from those of its dictionary (k,). indices : (n,), null if missing.

    A missing row has the code -1, which reads the entry appended behind the last level.
    """
    codes = indices.cast(pa.int64()).fill_null(-1).to_numpy()
    level_present = np.ones(len(levels.integers), np.bool_) if levels.present is None else levels.present
    present = np.append(level_present, False)[codes]
    integers = np.append(levels.integers, np.zeros(1, levels.integers.dtype))[codes]
    return Decimals(integers, levels.places, None if present.all() else np.asarray(present))


def _valid_mask(column: Any) -> Any:
    """Mask (n,) of present values of an Arrow column; None where all are."""
    return column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
