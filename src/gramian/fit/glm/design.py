"""The design of a generalized linear model: what the schema says of it, then what the first rows do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gramian.batch import Batch, Source
from gramian.errors import DataError
from gramian.fit.glm.options import GlmOptions
from gramian.fit.passes.accumulate import coordinates_from_first_rows
from gramian.formula.design import Design, design_of, is_text
from gramian.formula.expand import expand
from gramian.formula.grammar import Formula, parse
from gramian.formula.syntax import Name
from gramian.formula.text_factors import number_hint
from gramian.linalg.factors.levels import canonical
from gramian.linalg.monomials import Coordinate
from gramian.schema import Schema
from gramian.typing import Level


def glm_design(formula: str, source: Source, options: GlmOptions) -> Design:
    """The design with its coordinates, from formula and options.

    Raises what `ols` would, and DataError for a text outcome that does not have two levels.
    """
    return complete_design(bare_design(parse(formula), source.schema, options), source)


def complete_design(design: Design, source: Source) -> Design:
    """Complete a design by what the first rows say: levels of a text outcome, spline knots, shifts and scales."""
    design = settled(design, source)
    with_coordinates = coordinates_from_first_rows(design, _batches(source, design.columns))
    (response,) = design.outcome
    # The working outcome changes in every pass, so no shift or scale fits it. Columns are read into blocks of their
    # own, never used in place, because the weights differ from pass to pass.
    return replace(with_coordinates, coordinates={**with_coordinates.coordinates, response: Coordinate()}, matrix=None)


def settled(design: Design, source: Source) -> Design:
    """The design with levels of a text outcome, knots and periods, where it has not got them yet."""
    (outcome,) = design.outcome.values()
    if design.binary is None and is_text(outcome, source.schema):
        assert isinstance(outcome, Name)
        design = replace(design, binary=_two_levels(outcome.name, source))
    if design.open_splines:
        from gramian.fit.passes.knots import settle_knots  # most formulas have no splines

        design = settle_knots(design, source)
    if design.terms.open_cohorts:
        from gramian.fit.passes.cohorts import settle_cohorts  # nor events

        design = settle_cohorts(design, source)
    return design


def bare_design(formula: Formula, schema: Schema, options: GlmOptions, excluded: Sequence[str] = ()) -> Design:
    """The design as far as the schema alone determines it. excluded : columns that `.` does not stand for."""
    expanded = expand(formula, schema.names, schema.matrices, excluded, absorbing=True)
    if options.offset is not None:
        expanded = replace(expanded, offsets=(*expanded.offsets, Name(options.offset)))
    proportion = options.model.family.variance_function.domain == "proportion"
    return design_of(
        expanded, formula.text, schema, options.common.weights, options.common.counts, text_outcome=proportion
    )


def _two_levels(column: str, source: Source) -> tuple[Level, Level]:
    """Failure and success of a text outcome: its two levels in their declared order, else in the canonical one.

    Rows are read until both have been seen. Raises DataError for another number of levels.
    """
    seen: set[Level] = set()
    for batch in _batches(source, (column,)):
        coded = batch.factor(column)
        seen |= {coded.levels[c] for c in set(coded.codes.tolist()) if c >= 0}
        if len(seen) >= 2:
            break
    if len(seen) != 2:
        levels = ", ".join(f"'{level}'" for level in canonical(seen)) or "none"
        hint = number_hint(source.schema[column])
        raise DataError(f"the outcome '{column}' must have two values, found {levels}{hint}")
    declared = [level for level in source.schema[column].levels or () if level in seen]
    failure, success = declared if len(declared) == 2 else canonical(seen)
    return failure, success


def _batches(source: Source, columns: tuple[str, ...]) -> Iterator[Batch]:
    """The batches of all units, with these columns."""
    return (batch for unit in source.units for batch in unit.batches(columns))
