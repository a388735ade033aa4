"""Preparation of a design: from a formula and a source to terms with knots, shifts and scales, ready for a pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gramian.batch import Input, Source, Unit
from gramian.fit.passes.accumulate import coordinates_from_first_rows
from gramian.fit.passes.options import Options
from gramian.formula.design import Design, design_of
from gramian.formula.expand import expand
from gramian.formula.grammar import Formula, parse
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
    if design.open_splines:
        from gramian.fit.passes.knots import settle_knots  # most formulas have no splines

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
