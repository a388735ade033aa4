"""From a formula and a source to what a Gram holds, and from there to fits."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace

import numpy as np

from gramian.batch import Source
from gramian.data.decimal_text import as_text
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress
from gramian.errors import AccuracyWarning, NumericalError
from gramian.fit.engine import Engine
from gramian.fit.exact_pass import AccumulateExact, ExactAccumulated
from gramian.fit.exact_tier import exact_solved
from gramian.fit.gathered import Gathered
from gramian.fit.ladder import reached, shortfall
from gramian.fit.ledger import ledger_of
from gramian.fit.limits import check_width, width, width_limit
from gramian.fit.linear import solve_linear
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate, Accumulated
from gramian.fit.prepare import prepare
from gramian.fit.run import WIDE
from gramian.fit.solved import Solved
from gramian.fit.submodel import Done, accumulated
from gramian.formula.design import Design
from gramian.formula.syntax import names
from gramian.linalg.exact.rounded import rounded
from gramian.schema import Schema

COMMON = 1000  # columns up to which a model fits into any memory


def run_gram(formula: str, source: Source, options: Options, engine: Engine, progress: Progress | None) -> Gathered:
    """One pass over a source."""
    design, source = prepare(formula, source, options, absorbing=not options.exact, several=not options.exact)
    if options.exact:
        task = AccumulateExact(design, options.drop, options.decimal)
        exact = engine.fold(as_text(source) if options.decimal else source, task, progress=progress)
        return gathered(design, source, exact)
    return gathered(design, source, engine.fold(source, Accumulate(design, options.drop), progress=progress))


def gathered(design: Design, source: Source, done: Done) -> Gathered:
    """What one pass leaves."""
    moments = done.moments
    read = moments.rows + done.tally.total
    known = replace(design, levels=dict(moments.levels), matrix=None)
    return Gathered(known, used(design, source.schema), moments, done.tally, ledger_of(source, moments, read))


def used(design: Design, schema: Schema) -> Schema:
    """The columns that a formula for these sums may name."""
    nodes = [*design.terms.variables.values(), *design.outcome.values(), *design.offsets]
    columns = {n for node in nodes for n in names(node)} | {f.column for f in design.terms.factors.values()}
    matrices = {m: k for m, k in schema.matrices.items() if all(f"{m}[{i}]" in columns for i in range(k))}
    return Schema(tuple(f for f in schema.fields if f.name in columns), matrices)


def fit_linear(gathered: Gathered, formula: str | None, drop: str | Iterable[str] | None, options: Options) -> Solved:
    """A linear model from sums that are stored. Warns and raises as `fit_stored`, and as `submodel`."""
    return fit_stored(*accumulated(gathered, formula, drop), options)


def fit_stored(design: Design, done: Done, options: Options) -> Solved:
    """As `solve_stored`. Warns with AccuracyWarning where fewer digits are certified than are wanted."""
    fit = solve_stored(design, done, options)
    if not reached(fit):
        warnings.warn(AccuracyWarning(shortfall(fit, None)), stacklevel=4)
    return fit


def solve_stored(design: Design, done: Done, options: Options) -> Solved:
    """A design's fit from its moments.

    Exact sums are solved exactly, but for a penalty or the minimum-norm solution: these are float64 fits of sums that
    are rounded once each. Raises NumericalError where taking rows away has left no digits at all.
    """
    sizes = {name: len(done.moments.levels[name]) for name in design.terms.told}
    columns = width(design.terms, sizes) if sizes else len(done.moments.layout.rows)
    if columns > COMMON:
        check_width(design.terms, sizes, width_limit())
    with one_thread() if columns < WIDE else nullcontext():
        fit = _solve(design, done, options)
    if isinstance(done, Accumulated) and done.moments.lessened:
        _check_digits(fit)
    return fit


def _solve(design: Design, done: Done, options: Options) -> Solved:
    if isinstance(done, ExactAccumulated) and options.alpha is None and options.collinear != "min-norm":
        return exact_solved(design, done, options)
    return solve_linear(design, in_float64(design, done), options)


def in_float64(design: Design, done: Done) -> Accumulated:
    """Sums in the design's coordinates; those that are exact rounded, once each."""
    if isinstance(done, Accumulated):
        return done
    return Accumulated(rounded(done.moments, design.coordinates), done.tally)


def _check_digits(fit: Solved) -> None:
    """Subtraction is allowed as long as it leaves something."""
    digits = np.zeros(0) if fit.accuracy is None else fit.accuracy.digits
    gone = [name for name, left in zip(fit.names, digits.tolist(), strict=False) if left <= 0.0]
    gone += [] if fit.accuracy is None else list(fit.accuracy.doubtful)
    if gone:
        raise NumericalError(
            f"taking rows away has left no certain digit of {', '.join(gone[:5])}: what was taken away is too much "
            "larger than what is left; add up what is wanted instead, or make the Grams with exact=True"
        )
