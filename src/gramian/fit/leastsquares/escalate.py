"""The ladder: one pass, refinement, exact sums; no further than the digits that are wanted need."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress
from gramian.errors import AccuracyWarning, NotIdentifiedError, NumericalError
from gramian.fit.leastsquares.accuracy import EXACT, Accuracy, required_std_error_digits
from gramian.fit.leastsquares.exact import run_exact
from gramian.fit.leastsquares.refine import refine
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.linalg.certificate import MAX_REFINABLE_RHO

NAMED, MAX_LISTED = 5, 100  # columns that a warning explains, and names
MAX_SMALL_VALUES = 1_000_000  # values, rows x columns, up to which one refinement costs milliseconds
MAX_EXACT_COLUMNS = 256  # columns up to which exact sums are solved unasked: seconds, and more with their third power
MAX_EXACT_WORK = 1e11  # rows x columns^2 up to which they are taken unasked: about a minute


def escalate(
    first: Solved,
    design: Design,
    accumulated: Accumulated,
    options: Options,
    system: System,
    source: Source,
    engine: Engine,
    progress: Progress | None,
) -> Solved:
    """The fit with the digits that are wanted, or with a warning that says why it has fewer."""
    best = first
    if source.rereadable and best.absorbed is None:
        if not _doubtful(best) and refinement_converges(best) and (is_small(best) or not reached(best)):
            best = refine(
                best, design, accumulated, options, system, lambda task: engine.fold(source, task, progress=progress)
            )
        if not reached(best) and exact_can_help(options) and affordable(best.rows, len(best.names)):
            best = _exact(best, design, options, source, engine, progress)
    if not reached(best):
        warnings.warn(AccuracyWarning(shortfall(best, source)), stacklevel=5)
    return best


def _exact(
    fit: Solved, design: Design, options: Options, source: Source, engine: Engine, progress: Progress | None
) -> Solved:
    """The fit from exact sums; the one that there is where nothing can be proved of their solution."""
    try:
        return run_exact(design, options, source, engine, progress, fit)
    except NotIdentifiedError:
        raise
    except NumericalError:
        return replace(fit, passes=fit.passes + 1)


def reached(fit: Solved) -> bool:
    """Whether the digits that were wanted are certified."""
    return fit.accuracy is not None and fit.accuracy.reached


def _doubtful(fit: Solved) -> bool:
    return fit.accuracy is not None and bool(fit.accuracy.doubtful)


def refinement_converges(fit: Solved) -> bool:
    """Whether every step of refinement gains a digit."""
    bounds = fit.solution.bounds
    return bounds is not None and bounds.rho < MAX_REFINABLE_RHO


def is_small(fit: Solved) -> bool:
    """Whether there are so few values that a refinement is not felt."""
    return fit.rows * (len(fit.names) + 1) <= MAX_SMALL_VALUES


def exact_can_help(options: Options) -> bool:
    """Whether exact sums give what is wanted: not under a penalty, nor for the minimum-norm solution."""
    return options.alpha is None and options.collinear != "min-norm"


def affordable(rows: int | None, columns: int) -> bool:
    """Whether exact sums of so many rows and columns are taken without being asked for; rows : None if unknown."""
    return columns <= MAX_EXACT_COLUMNS and (rows is None or rows * float(columns) ** 2 <= MAX_EXACT_WORK)


def _is_too_expensive(fit: Solved) -> bool:
    """Whether exact sums could give the rest, but cost too much to be taken unasked."""
    minimum_norm = any(not np.isnan(fit.coefficients[fit.names.index(name)]) for name in fit.aliased)
    tried = fit.accuracy is not None and fit.accuracy.precision == EXACT
    return fit.alpha is None and not minimum_norm and not tried and not affordable(fit.rows, len(fit.names))


def shortfall(fit: Solved, source: Source | None) -> str:
    """Which digits are missing, because of which columns, and what to do; source : None for a fit from a Gram."""
    accuracy = fit.accuracy
    assert accuracy is not None
    if accuracy.doubtful:
        names = ", ".join(f"{n} (= {fit.aliased[n]})" for n in accuracy.doubtful[:NAMED])
        more = accuracy.doubtful[NAMED:]
        names += f" and {len(more):,} more ({', '.join(more[:MAX_LISTED])})" if more else ""
        return (
            f"float64 sums cannot tell whether {names} depends on others exactly or only nearly; {_advice(source, fit)}"
        )
    lowest = _lowest(fit, accuracy)
    return f"{lowest} of the {accuracy.requested:g} digits wanted; {_advice(source, fit)}"


def _lowest(fit: Solved, accuracy: Accuracy) -> str:
    short = [i for i in np.argsort(accuracy.digits) if accuracy.digits[i] < accuracy.requested]
    if short:
        named = ", ".join(f"{fit.names[i]} has {_floor(accuracy.digits[i])}" for i in short[:NAMED])
        return f"certified digits: {named}{_others(len(short) - NAMED)}"
    worst = np.argsort(accuracy.std_error_digits)[:NAMED]
    named = ", ".join(f"{fit.names[i]} has {_floor(accuracy.std_error_digits[i])}" for i in worst)
    return (
        f"certified digits of standard errors: {named}, fewer than {required_std_error_digits(accuracy.requested):g},"
    )


def _others(count: int) -> str:
    return f", {count:,} more have too few," if count > 0 else ""


def _floor(value: float) -> str:
    return f"{np.floor(10.0 * value) / 10.0:.1f}"


def _advice(source: Source | None, fit: Solved) -> str:
    if source is None:
        return "the rows are gone: fit from the data, or make the Gram with exact=True"
    if fit.absorbed is not None:
        return "columns that hardly vary within the levels of absorbed factors cost the rest: centre or leave out some"
    if source.rereadable and _is_too_expensive(fit):
        columns = len(fit.names)
        return (
            "exact sums can give the rest, but their cost grows with columns^3: unasked they are taken up to "
            f"{MAX_EXACT_COLUMNS} columns and {MAX_EXACT_WORK:.0e} rows x columns^2, here are {columns:,} and "
            f"{fit.rows * float(columns) ** 2:.0e}: ask for exact=True, or centre or leave out some"
        )
    if source.rereadable:
        return "columns that nearly depend on each other, or a large offset, cost the rest: centre or leave out some"
    return "the data can be read once only: hand over something that can be read again, or ask for exact=True"
