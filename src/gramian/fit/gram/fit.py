"""The pass of a Gram, and linear fits from its sums."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from gramian.batch import Source
from gramian.data.csv.decimal_text import as_text
from gramian.engines.fold import threads_for
from gramian.errors import AccuracyWarning, NumericalError
from gramian.fit.gram.provenance import provenance_of
from gramian.fit.gram.submodel import AnyAccumulated, design_and_moments
from gramian.fit.gram.sums import GramData
from gramian.fit.leastsquares.escalate import check_solution, reached, shortfall
from gramian.fit.leastsquares.exact import exact_solved
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import solve_linear
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.accumulate_exact import AccumulateExact, ExactAccumulated
from gramian.fit.passes.job import PassRunner, job_of
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.grammar import Formula
from gramian.formula.syntax import names
from gramian.linalg.exact.to_float64 import to_float64
from gramian.schema import Schema, lag_of


def fit_gram(formula: Formula, options: Options, runner: PassRunner) -> GramData:
    """Run the pass of a Gram.

    Parameters
    ----------
    formula : Formula
        The terms to store, and one outcome or several.
    options : Options
        `weights`, `counts`, `drop`, `exact` and `decimal` are used.
    runner : PassRunner
        The source of the rows, and the engine that reads it.

    Raises
    ------
    FormulaError, SchemaError
        If the formula does not fit the columns.
    """
    job = job_of(formula.together, options, runner, absorbing=not options.exact, multiple_outcomes=not options.exact)
    job.prepare(summed=not options.exact)
    if options.exact:
        task = AccumulateExact(job.design, options.drop, options.decimal)
        exact = job.fold(task, as_text(job.source) if options.decimal else None)
        return gram_data_of(job.design, job.source, exact)
    return gram_data_of(job.design, job.source, job.fold(Accumulate(job.design, options.drop)))


def gram_data_of(design: Design, source: Source, accumulated: AnyAccumulated) -> GramData:
    """The content of a Gram from the sums of its pass. design : with the coordinates of the moments."""
    moments = accumulated.moments
    rows_read = moments.rows + accumulated.dropped_rows.total
    # an array used in place is a way to read rows, which a Gram does not have
    final_design = replace(design, levels=dict(moments.levels), matrix=None)
    return GramData(
        final_design,
        stored_schema(design, source.schema),
        moments,
        accumulated.dropped_rows,
        provenance_of(source, moments, rows_read),
    )


def stored_schema(design: Design, schema: Schema) -> Schema:
    """The schema of the columns that a formula for these sums may name, a part of that of the source."""
    nodes = [*design.terms.variables.values(), *design.outcome.values(), *design.offsets]
    columns = {n for node in nodes for n in names(node)} | {c for f in design.terms.factors.values() for c in f.columns}
    matrices = {m: k for m, k in schema.matrices.items() if all(f"{m}[{i}]" in columns for i in range(k))}
    fields = [f for f in schema.fields if f.name in columns]
    lags = [schema[name] for name in sorted(columns) if name not in schema.places and lag_of(name) is not None]
    return Schema((*fields, *lags), matrices)


def fit_linear(gram_data: GramData, formula: str | None, drop: str | Iterable[str] | None, options: Options) -> Solved:
    """A linear model from stored sums; parameters as of `submodel`. Warns and raises as `fit_stored` and `submodel`."""
    return fit_stored(*design_and_moments(gram_data, formula, drop), options)


def fit_stored(design: Design, accumulated: AnyAccumulated, options: Options) -> Solved:
    """Solve as `solve_stored`; warn with AccuracyWarning if fewer digits are certified than requested."""
    fit = solve_stored(design, accumulated, options)
    check_solution(fit)
    if not reached(fit):
        warnings.warn(AccuracyWarning(shortfall(fit, None)), stacklevel=4)
    return fit


def solve_stored(design: Design, accumulated: AnyAccumulated, options: Options) -> Solved:
    """The fit of a design from its moments.

    Exact sums are solved exactly, except for a penalty or the minimum-norm solution: there each sum is rounded once and
    solved in float64. Raises NumericalError if subtraction of rows has left no certified digit, and the errors of
    `solve_linear`.
    """
    sizes = {name: len(accumulated.moments.levels[name]) for name in design.terms.coefficient_factors}
    with threads_for(checked_width(design.terms, sizes)):
        fit = _solve(design, accumulated, options)
    # float64 sums of many rows minus most of them are differences of nearly equal numbers; exact sums lose nothing
    if isinstance(accumulated, Accumulated) and accumulated.moments.has_subtracted:
        _check_digits(fit)
    return fit


def _solve(design: Design, accumulated: AnyAccumulated, options: Options) -> Solved:
    """Solve in exact arithmetic where sums and options allow it, else in float64."""
    if isinstance(accumulated, ExactAccumulated) and options.alpha is None and options.collinear != "min-norm":
        return exact_solved(design, accumulated, options)
    return solve_linear(design, in_float64(design, accumulated), options)


def in_float64(design: Design, accumulated: AnyAccumulated) -> Accumulated:
    """Sums in float64, in the design's coordinates; exact sums are shifted exactly, then rounded once each."""
    if isinstance(accumulated, Accumulated):
        return accumulated
    return Accumulated(to_float64(accumulated.moments, design.coordinates), accumulated.dropped_rows)


def _check_digits(fit: Solved) -> None:
    """Raise NumericalError for a fit of subtracted rows in which a coefficient has no certified digit."""
    digits = np.zeros(0) if fit.accuracy is None else fit.accuracy.digits
    without_digits = [name for name, certified in zip(fit.names, digits.tolist(), strict=False) if certified <= 0.0]
    without_digits += [] if fit.accuracy is None else list(fit.accuracy.doubtful)
    if without_digits:
        raise NumericalError(
            f"subtracting rows has left no certified digit of {', '.join(without_digits[:5])}: what was subtracted is "
            "too much larger than what remains; add up the other rows instead, or make the Grams with exact=True"
        )
