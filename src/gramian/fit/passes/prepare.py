"""Preparation of a design: from a formula and a source to terms with knots, shifts and scales, ready for a pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from gramian.batch import Batch, Input, Source, Unit
from gramian.engines.local import Local
from gramian.errors import DataError
from gramian.fit.passes.accumulate import coordinates_from_first_rows
from gramian.fit.passes.options import Options
from gramian.formula.design import Design, design_of
from gramian.formula.evaluate import evaluate
from gramian.formula.expand import expand
from gramian.formula.grammar import Formula, parse
from gramian.formula.splines import Spline
from gramian.formula.syntax import names
from gramian.linalg.sketch import Sketch
from gramian.schema import Schema


@dataclass(frozen=True, slots=True)
class PartlyReadSource:
    """A source that can be read only once, with the units that have been started put back at the front.

    Attributes
    ----------
    schema : Schema
        Columns and their kinds.
    units : iterable of Unit
        Units that were started, to be read from their beginning, then the others.
    inputs : tuple of Input
        The files, or the data frame.
    rows, size : int or None
        Rows and bytes, None where unknown.
    rereadable : bool
        False.
    """

    schema: Schema
    units: Iterable[Unit]
    inputs: tuple[Input, ...]
    rows: int | None
    size: int | None
    rereadable: bool = False


def design_of_formula(
    formula: Formula,
    schema: Schema,
    options: Options,
    *,
    absorbing: bool = False,
    excluded: Sequence[str] = (),
    multiple_outcomes: bool = False,
) -> Design:
    """The design of a parsed formula, without coordinates and before any row is read; parameters as in `job_of`."""
    expanded = expand(formula, schema.names, schema.matrices, excluded, absorbing=absorbing)
    return design_of(
        expanded, formula.text, schema, options.weights, options.counts, multiple_outcomes=multiple_outcomes
    )


def design_for(formula: str, schema: Schema, options: Options, **rules: Any) -> Design:
    """The design of a formula given as text, without coordinates; rules : keywords of `design_of_formula`."""
    return design_of_formula(parse(formula), schema, options, **rules)


def prepare(formula: str, source: Source, options: Options, **rules: Any) -> tuple[Design, Source]:
    """The design of a formula given as text, with coordinates, and the source to read from its beginning."""
    return with_coordinates(design_for(formula, source.schema, options, **rules), source)


def with_coordinates(design: Design, source: Source) -> tuple[Design, Source]:
    """The design with knots and coordinates, and the source to read from its beginning.

    Coordinates (shift and scale of every variable) come from the first batch with complete rows. The source returned is
    another object if the given one can be read only once.
    """
    design = settle_knots(design, source)
    if source.rereadable:
        batches = (batch for unit in source.units for batch in unit.batches(design.columns, parallel=True))
        return coordinates_from_first_rows(design, batches), source
    # a unit can be read again, the sequence of units cannot: put those that were started back, in their order
    units = iter(source.units)
    read_units: list[Unit] = []
    batches = (batch for unit in _recorded(units, read_units) for batch in unit.batches(design.columns))
    complete = coordinates_from_first_rows(design, batches)
    all_units = chain(read_units, units)
    return complete, PartlyReadSource(source.schema, all_units, source.inputs, source.rows, source.size)


def _recorded(units: Iterable[Unit], read_units: list[Unit]) -> Iterable[Unit]:
    """Yield units, and append each to a list."""
    for unit in units:
        read_units.append(unit)
        yield unit


@dataclass(frozen=True, slots=True)
class Sketches:
    """Partial result of the pass for knots: label of a spline -> sketch of the distribution of its variable."""

    of: Mapping[str, Sketch]

    def __add__(self, other: Sketches, /) -> Sketches:
        return Sketches({label: sketch + other.of[label] for label, sketch in self.of.items()})


@dataclass(frozen=True, slots=True)
class SketchSplines:
    """The task of a pass that sketches the distribution of the variable of each spline, over its finite values.

    Attributes
    ----------
    splines : tuple of Spline
        Splines whose knots are not declared in the formula.
    count : str or None
        Column of frequency weights.
    """

    splines: tuple[Spline, ...]
    count: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        used = names(*(spline.node for spline in self.splines))
        return tuple(dict.fromkeys([*used, *([self.count] if self.count else [])]))

    @property
    def empty(self) -> Sketches:
        """The sketches of no rows."""
        return Sketches({spline.label: Sketch.of(np.zeros(0)) for spline in self.splines})

    def accumulate(self, batches: Iterable[Batch], /) -> Sketches:
        """The sketches of one unit."""
        total = self.empty
        for batch in batches:
            total = total + Sketches({spline.label: self._sketch(spline, batch) for spline in self.splines})
        return total

    def _sketch(self, spline: Spline, batch: Batch) -> Sketch:
        """The sketch of one spline's variable over a batch, by frequency weights where there are any."""
        values, defined = evaluate({spline.label: spline.node}, batch)[spline.label]
        good = np.isfinite(values) if defined is None else np.isfinite(values) & defined
        if self.count is None:
            return Sketch.of(values[good])
        counts, present = batch.numbers(self.count)
        good &= (counts > 0) if present is None else (counts > 0) & present
        return Sketch.of(values[good], counts[good].astype(np.int64))


def open_splines(design: Design) -> tuple[Spline, ...]:
    """Splines whose knots are quantiles of the data, not declared in the formula."""
    return tuple(spline for spline in design.terms.splines.values() if not spline.has_knots)


def settle_knots(design: Design, source: Source) -> Design:
    """The design with the knots of all splines; runs a pass over their columns if any are quantiles of the data.

    Raises DataError for data that can be read only once, or with too few different values.
    """
    unsettled = open_splines(design)
    if not unsettled:
        return design
    if not source.rereadable:
        raise DataError(
            f"the knots of {unsettled[0].label} are found in a pass of their own, and these data can be read once "
            "only; declare knots=c(...) and boundary=c(...)"
        )
    # in this process whatever the engine: knots decide the columns, and few columns are read
    sketches = Local().fold(source, SketchSplines(unsettled, design.count))
    for label, sketch in sketches.of.items():
        if not sketch.rows:
            raise DataError(f"no row has a value for {label}, so it has no knots")
    settled = {
        label: spline.with_knots(sketches.of[label])
        for label, spline in design.terms.splines.items()
        if not spline.has_knots
    }
    return replace(design, terms=replace(design.terms, splines={**design.terms.splines, **settled}))
