"""The ladder: one pass, refinement, exact sums; no further than the digits that are wanted need."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from gramian.batch import Source
from gramian.engines.progress import Progress
from gramian.errors import AccuracyWarning, NotIdentifiedError, NumericalError
from gramian.fit.accuracy import EXACT, Accuracy, enough
from gramian.fit.engine import Engine
from gramian.fit.exact_tier import run_exact
from gramian.fit.linear import System
from gramian.fit.options import Options
from gramian.fit.passes import Accumulated
from gramian.fit.refine import refined
from gramian.fit.solved import Solved
from gramian.formula.design import Design
from gramian.linalg.certificate import STEADY

NAMED, MOST = 5, 100  # columns that a warning explains, and names
SMALL = 1_000_000  # values, rows x columns, up to which one refinement costs milliseconds
WIDEST = 256  # columns up to which exact sums are solved unasked: seconds, and more with their third power
WORK = 1e11  # rows x columns^2 up to which they are taken unasked: about a minute


def climb(
    first: Solved,
    design: Design,
    done: Accumulated,
    options: Options,
    system: System,
    source: Source,
    engine: Engine,
    progress: Progress | None,
) -> Solved:
    """The fit with the digits that are wanted, or with a warning that says why it has fewer."""
    fit = first
    if source.rereadable and fit.absorbed is None:
        if not _doubtful(fit) and steady(fit) and (small(fit) or not reached(fit)):
            fit = refined(fit, design, done, options, system, lambda task: engine.fold(source, task, progress=progress))
        if not reached(fit) and exact_can_help(options) and affordable(fit.rows, len(fit.names)):
            fit = _exact(fit, design, options, source, engine, progress)
    if not reached(fit):
        warnings.warn(AccuracyWarning(shortfall(fit, source)), stacklevel=5)
    return fit


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


def steady(fit: Solved) -> bool:
    """Whether every step of refinement gains a digit."""
    bounds = fit.solution.bounds
    return bounds is not None and bounds.rho < STEADY


def small(fit: Solved) -> bool:
    """Whether there are so few values that a refinement is not felt."""
    return fit.rows * (len(fit.names) + 1) <= SMALL


def exact_can_help(options: Options) -> bool:
    """Whether exact sums give what is wanted: not under a penalty, nor for the minimum-norm solution."""
    return options.alpha is None and options.collinear != "min-norm"


def affordable(rows: int | None, columns: int) -> bool:
    """Whether exact sums of so many rows and columns are taken without being asked for; rows : None if unknown."""
    return columns <= WIDEST and (rows is None or rows * float(columns) ** 2 <= WORK)


def _held_back(fit: Solved) -> bool:
    """Whether exact sums could give the rest, but cost too much to be taken unasked."""
    shortest = any(not np.isnan(fit.coefficients[fit.names.index(name)]) for name in fit.aliased)
    tried = fit.accuracy is not None and fit.accuracy.tier == EXACT
    return fit.alpha is None and not shortest and not tried and not affordable(fit.rows, len(fit.names))


def shortfall(fit: Solved, source: Source | None) -> str:
    """Which digits are missing, because of which columns, and what to do; source : None for a fit from a Gram."""
    known = fit.accuracy
    assert known is not None
    if known.doubtful:
        names = ", ".join(f"{n} (= {fit.aliased[n]})" for n in known.doubtful[:NAMED])
        more = known.doubtful[NAMED:]
        names += f" and {len(more):,} more ({', '.join(more[:MOST])})" if more else ""
        return (
            f"float64 sums cannot tell whether {names} depends on others exactly or only nearly; {_more(source, fit)}"
        )
    low = _lowest(fit, known)
    return f"{low} of the {known.wanted:g} digits wanted; {_more(source, fit)}"


def _lowest(fit: Solved, known: Accuracy) -> str:
    short = [i for i in np.argsort(known.digits) if known.digits[i] < known.wanted]
    if short:
        named = ", ".join(f"{fit.names[i]} has {_floor(known.digits[i])}" for i in short[:NAMED])
        return f"certified digits: {named}{_others(len(short) - NAMED)}"
    spread = np.argsort(known.std_error_digits)[:NAMED]
    named = ", ".join(f"{fit.names[i]} has {_floor(known.std_error_digits[i])}" for i in spread)
    return f"certified digits of standard errors: {named}, fewer than {enough(known.wanted):g},"


def _others(count: int) -> str:
    return f", {count:,} more have too few," if count > 0 else ""


def _floor(value: float) -> str:
    return f"{np.floor(10.0 * value) / 10.0:.1f}"


def _more(source: Source | None, fit: Solved) -> str:
    if source is None:
        return "the rows are gone: fit from the data, or make the Gram with exact=True"
    if fit.absorbed is not None:
        return "columns that hardly vary within the levels of absorbed factors cost the rest: centre or leave out some"
    if source.rereadable and _held_back(fit):
        columns = len(fit.names)
        return (
            f"exact sums can give the rest, but their cost grows with columns^3: unasked they are taken up to {WIDEST} "
            f"columns and {WORK:.0e} rows x columns^2, here are {columns:,} and {fit.rows * float(columns) ** 2:.0e}: "
            "ask for exact=True, or centre or leave out some"
        )
    if source.rereadable:
        return "columns that nearly depend on each other, or a large offset, cost the rest: centre or leave out some"
    return "the data can be read once only: hand over something that can be read again, or ask for exact=True"
