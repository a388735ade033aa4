"""The exact pass and the exact linear fit: the sums without rounding, the coefficients right in every digit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.faults import refuse_row
from gramian.formula.design import Design
from gramian.formula.reading import Observed, Reader
from gramian.formula.syntax import Call, Name, Node, names
from gramian.formula.tally import Tally
from gramian.linalg.exact.decimals import Decimals, parse, whole_numbers
from gramian.linalg.exact.fill import ExactAccumulator
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.monomials import Coordinate
from gramian.typing import Codes

SAME = ("I", "as_number")  # functions that leave a column what it is
INTEGER = 2**53  # whole numbers beyond it are read apart, for float64 would round them


@dataclass(frozen=True, slots=True)
class ExactAccumulated:
    """Exact moments, and the rows that did not enter them."""

    moments: ExactMoments
    tally: Tally

    def __add__(self, other: ExactAccumulated, /) -> ExactAccumulated:
        return ExactAccumulated(self.moments + other.moments, self.tally + other.tally)


@dataclass(frozen=True, slots=True)
class AccumulateExact:
    """The one pass, in exact arithmetic: batches to exact moments.

    drop : False refuses rows with something missing. decimal : numbers from DECIMAL columns and from text are what
    they say, not the nearest float64.
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
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> ExactAccumulated:
        """The exact moments of one unit."""
        lift = ExactLift(plain(self.design), drop=self.drop, decimal=self.decimal)
        for batch in batches:
            lift.add(batch)
        return lift.finish()


def plain(design: Design) -> Design:
    """The design in the variables themselves: exact sums need no shift, which would come from the first rows."""
    names = (*design.terms.variables, *design.outcome)
    return replace(design, coordinates=dict.fromkeys(names, Coordinate()))


class ExactLift:
    """One unit under way."""

    def __init__(self, design: Design, *, drop: bool, decimal: bool) -> None:
        self.design, self.drop, self.decimal = design, drop, decimal
        self.reader = Reader(design, drop=drop)
        weighted, counted = design.weight is not None, design.count is not None
        sums = design.terms.power_sums()
        self.sums = ExactAccumulator(design.layout, sums, weighted=weighted, counted=counted)
        nodes = {**design.terms.variables, **design.outcome}
        made = {name for spline in design.terms.splines.values() for name in spline.columns}
        bare = {v: node for v, node in nodes.items() if v not in made}
        self.bare = {v: name for v, node in bare.items() if (name := _column(node)) is not None}
        used = [name for node in (*nodes.values(), *design.offsets) for name in names(node)]
        self.numbers = tuple(dict.fromkeys([*used, *filter(None, (design.weight, design.count))]))

    def add(self, batch: Batch) -> None:
        """The complete rows of a batch."""
        told = self._told(batch)
        floats = {name: pa.array(d.rounded, mask=_absent(d)) for name, d in told.items()}
        observed = self.reader.read(replace(batch, columns={**batch.columns, **floats}))
        values: dict[str, Any] = dict(observed.values)
        if observed.matrix is not None:
            values |= dict(zip(self.design.placed, observed.matrix.T, strict=True))
        (response,) = self.design.outcome
        scale = {}
        for variable, name in self.bare.items():
            if name in told and not (variable == response and observed.offset is not None):
                values[variable] = told[name].whole if observed.kept is None else told[name].whole[observed.kept]
                scale[variable] = told[name].places
        if observed.offset is not None:
            values[response] = observed.values[response] - observed.offset
        sizes, weight, count = self.reader.sizes, observed.weight, observed.count
        bad = self.sums.add(values, observed.codes, sizes, weight=weight, count=count, scale=scale)
        if len(bad):
            self._tally(values, bad, observed)

    def _told(self, batch: Batch) -> dict[str, Decimals]:
        """Columns whose numbers float64 would round."""
        out = {}
        for name in self.numbers:
            column = batch.columns.get(name)
            if column is not None and (found := _exactly(column, batch, name, decimal=self.decimal)) is not None:
                out[name] = found
        return out

    def _tally(self, values: Mapping[str, Any], bad: Codes, observed: Observed) -> None:
        missing, undefined = {}, np.zeros(len(bad), bool)
        for name in self.sums.variables:
            here = values[name][bad]
            if here.dtype.kind == "f" and not np.isfinite(here).all():
                missing[name.lstrip("~")] = int((~np.isfinite(here)).sum())
                undefined |= np.isnan(here)
        if not self.drop:
            refuse_row(observed.row_number(int(bad[0])), next(iter(missing)), observed.where)
        causes = {"nan": int(undefined.sum()), "infinite": int((~undefined).sum())}
        self.reader.tally += Tally({k: n for k, n in causes.items() if n}, missing)

    def finish(self) -> ExactAccumulated:
        """The unit's partial result."""
        levels = {name: list(index.known) for name, index in self.reader.levels.items()}
        return ExactAccumulated(self.sums.finish(levels), self.reader.tally)


def _column(node: Node) -> str | None:
    """The column that an expression is, None for anything computed."""
    while isinstance(node, Call) and node.function in SAME:
        node = node.arguments[0]
    return node.name if isinstance(node, Name) else None


def _absent(found: Decimals) -> Any:
    return None if found.present is None else ~found.present


def _exactly(column: Any, batch: Batch, name: str, *, decimal: bool) -> Decimals | None:
    """A column as whole numbers; None where float64 holds it anyway, or it is to be read as float64."""
    if isinstance(column, np.ndarray):
        large = column.dtype.kind in "iu" and column.dtype.itemsize == 8 and len(column) > 0
        beyond = large and max(abs(int(column.max())), abs(int(column.min()))) > INTEGER
        return Decimals(whole_numbers(column.astype(object)), 0, None) if beyond else None
    kind = column.type
    if pa.types.is_int64(kind) or pa.types.is_uint64(kind):
        numbers = column.fill_null(0).to_numpy(zero_copy_only=False) if column.null_count else column.to_numpy()
        found = _exactly(numbers, batch, name, decimal=decimal)
        return None if found is None else found._replace(present=_valid(column))
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not decimal or not (text or pa.types.is_decimal(kind) or pa.types.is_dictionary(kind)):
        return None
    coded = column if pa.types.is_dictionary(kind) else column.cast(pa.string()).dictionary_encode()
    if not (pa.types.is_string(coded.type.value_type) or pa.types.is_large_string(coded.type.value_type)):
        return None
    try:
        return _spread(parse(coded.dictionary.to_pylist()), coded.indices)
    except ValueError as error:
        raise DataError(f"column '{name}': {error}", batch.where) from None


def _spread(levels: Decimals, indices: Any) -> Decimals:
    """Decimals of a dictionary at the places of its codes."""
    codes = indices.cast(pa.int64()).fill_null(-1).to_numpy()
    there = np.ones(len(levels.whole), np.bool_) if levels.present is None else levels.present
    present = np.append(there, False)[codes]
    whole = np.append(levels.whole, np.zeros(1, levels.whole.dtype))[codes]
    return Decimals(whole, levels.places, None if present.all() else np.asarray(present))


def _valid(column: Any) -> Any:
    return column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
