"""From a formula and a source to a design that is ready for its pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from gramian.batch import Input, Source, Unit
from gramian.fit.passes.accumulate import coordinates_from_first_rows
from gramian.fit.passes.knots import settle_knots
from gramian.fit.passes.options import Options
from gramian.formula.design import Design, design_of
from gramian.formula.expand import expand
from gramian.formula.grammar import parse
from gramian.schema import Schema


@dataclass(frozen=True, slots=True)
class PartlyReadSource:
    """A source that is read once, some of whose units have been looked at."""

    schema: Schema
    units: Iterable[Unit]
    inputs: tuple[Input, ...]
    rows: int | None
    size: int | None
    rereadable: bool = False


def design_for(
    formula: str,
    schema: Schema,
    options: Options,
    *,
    absorbing: bool = False,
    excluded: Sequence[str] = (),
    multiple_outcomes: bool = False,
) -> Design:
    """A design without coordinates: what can be known before any row is read.

    absorbing : whether `|` may be used. aside : columns that `.` does not stand for. several : whether c(y1, y2) may be
    the outcome.
    """
    expanded = expand(parse(formula), schema.names, schema.matrices, excluded, absorbing=absorbing)
    return design_of(expanded, formula, schema, options.weights, options.counts, multiple_outcomes=multiple_outcomes)


def prepare(
    formula: str,
    source: Source,
    options: Options,
    *,
    absorbing: bool = False,
    excluded: Sequence[str] = (),
    multiple_outcomes: bool = False,
) -> tuple[Design, Source]:
    """The design with its coordinates, chosen from the first rows, and the source to read (whole)."""
    design = design_for(
        formula, source.schema, options, absorbing=absorbing, excluded=excluded, multiple_outcomes=multiple_outcomes
    )
    design = settle_knots(design, source)
    if source.rereadable:
        batches = (batch for unit in source.units for batch in unit.batches(design.columns, parallel=True))
        return coordinates_from_first_rows(design, batches), source
    units = iter(source.units)
    read_units: list[Unit] = []
    batches = (batch for unit in _recorded(units, read_units) for batch in unit.batches(design.columns))
    with_coordinates = coordinates_from_first_rows(design, batches)
    all_units = chain(read_units, units)
    return with_coordinates, PartlyReadSource(source.schema, all_units, source.inputs, source.rows, source.size)


def _recorded(units: Iterable[Unit], read_units: list[Unit]) -> Iterable[Unit]:
    for unit in units:
        read_units.append(unit)
        yield unit
