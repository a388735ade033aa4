"""A design for a generalized linear model: its outcome may be text, and is not shifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gramian.batch import Batch, Source
from gramian.errors import DataError
from gramian.fit.glm.options import GlmOptions
from gramian.fit.passes.accumulate import coordinates_from_first_rows
from gramian.fit.passes.knots import settle_knots
from gramian.formula.design import Design, design_of, is_text
from gramian.formula.expand import expand
from gramian.formula.grammar import parse
from gramian.formula.syntax import Name
from gramian.linalg.factors.levels import canonical
from gramian.linalg.monomials import Coordinate
from gramian.schema import Schema
from gramian.typing import Level


def glm_design(formula: str, source: Source, options: GlmOptions) -> Design:
    """The design with its coordinates. Raises what `ols` would, and DataError for a text outcome without two levels."""
    return complete_design(bare_design(formula, source.schema, options), source)


def complete_design(design: Design, source: Source) -> Design:
    """A bare design with what the first rows say."""
    schema = source.schema
    (outcome,) = design.outcome.values()
    if is_text(outcome, schema):
        assert isinstance(outcome, Name)
        design = replace(design, binary=_two_levels(outcome.name, source))
    design = settle_knots(design, source)
    with_coordinates = coordinates_from_first_rows(design, _batches(source, design.columns))
    (response,) = design.outcome
    return replace(with_coordinates, coordinates={**with_coordinates.coordinates, response: Coordinate()}, matrix=None)


def bare_design(formula: str, schema: Schema, options: GlmOptions) -> Design:
    """What can be known before any row is read."""
    expanded = expand(parse(formula), schema.names, schema.matrices)
    if options.offset is not None:
        expanded = replace(expanded, offsets=(*expanded.offsets, Name(options.offset)))
    proportion = options.model.family.variance_function.domain == "proportion"
    return design_of(expanded, formula, schema, options.common.weights, text_outcome=proportion)


def _two_levels(column: str, source: Source) -> tuple[Level, Level]:
    """Failure and success: the first and the second level in canonical order; rows are read until both are seen."""
    seen: set[Level] = set()
    for batch in _batches(source, (column,)):
        coded = batch.factor(column)
        seen |= {coded.levels[c] for c in set(coded.codes.tolist()) if c >= 0}
        if len(seen) >= 2:
            break
    if len(seen) != 2:
        levels = ", ".join(f"'{level}'" for level in canonical(seen)) or "none"
        raise DataError(f"the outcome '{column}' must have two values, found {levels}")
    failure, success = canonical(seen)
    return failure, success


def _batches(source: Source, columns: tuple[str, ...]) -> Iterator[Batch]:
    return (batch for unit in source.units for batch in unit.batches(columns))
