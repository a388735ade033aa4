"""Escalation of precision: one pass, refinement, exact sums; no further than the requested digits need."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Source
from gramian.engines.fold import threads_for
from gramian.errors import AccuracyWarning, NotIdentifiedError, NumericalError
from gramian.fit.leastsquares.accuracy import EXACT, FAST, Accuracy
from gramian.fit.leastsquares.refine import refine
from gramian.fit.leastsquares.rounded_times import computed_of_times
from gramian.fit.leastsquares.small_penalty import ridge_from_rows
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.job import Job
from gramian.fit.passes.options import Options
from gramian.linalg.certificate import MAX_REFINABLE_RHO, MAX_RHO, required_std_error_digits

NAMED, MAX_LISTED = 5, 100  # columns that a warning explains, and further ones that it names
MAX_SMALL_VALUES = 1_000_000  # values (rows x columns) up to which a refinement takes milliseconds and is always made
MAX_EXACT_COLUMNS = 256  # most columns for exact sums that were not requested: solving takes seconds, as columns^3
RESIDUAL_PASS = "if one pass falls short, a pass for the residual in higher precision"
MAX_EXACT_WORK = 1e11  # most rows x columns^2 for exact sums that were not requested: about a minute


@dataclass(frozen=True, slots=True)
class Escalation:
    """What may follow one pass that certifies too few digits; decided before any row is read.

    Attributes
    ----------
    refines : bool
        Whether passes for a precise residual may follow: the rows can be read again, no factor is absorbed.
    few_values : bool or None
        Whether the data are so small that one refinement is made in any case; None if the number of rows is unknown.
    exact_helps : bool
        Whether exact sums can give the fit: not with a penalty, nor for the minimum-norm solution.
    exact_affordable : bool
        Whether exact sums of so many rows and columns may follow without `exact=True`.
    rows_at_hand : bool
        Whether rows are near, so that small data may be refined in any case; False where a database made the sums.
    centres : bool
        Whether a pass over rows without the effects of absorbed levels may follow: they can be read again.
    """

    refines: bool
    few_values: bool | None
    exact_helps: bool
    exact_affordable: bool
    rows_at_hand: bool = True
    centres: bool = False

    def words(self) -> str:
        """The steps that may follow, in words and in their order."""
        if not self.exact_helps:
            return RESIDUAL_PASS
        if self.exact_affordable:
            return f"{RESIDUAL_PASS}, then exact sums"
        return f"{RESIDUAL_PASS}; exact sums of so many rows and columns are taken with exact=True only"


def escalation_of(job: Job) -> Escalation:
    """The steps that may follow the first pass of a job, before its rows are counted."""
    source, options, width = job.source, job.options, len(job.design.layout.rows)
    columns = width - len(job.design.outcome)
    terms = job.design.terms
    elsewhere = getattr(job.runner.engine, "makes_sums", None)
    rows_at_hand = elsewhere is None or options.exact or not elsewhere(job.design, source)
    few_values = None if source.rows is None else source.rows * width <= MAX_SMALL_VALUES
    return Escalation(
        source.rereadable and not terms.absorbed,
        few_values if rows_at_hand else False,
        exact_can_help(options) and not (terms.rounded_times and computed_of_times(terms)),
        affordable(source.rows, columns),
        rows_at_hand,
        source.rereadable and bool(terms.absorbed),
    )


def escalate(first: Solved, job: Job, accumulated: Accumulated, system: System, steps: Escalation) -> Solved:
    """Refine a fit until it has the requested digits, or warn with AccuracyWarning why it has fewer.

    Refinement in double-double comes first, then exact sums; small data are refined once in any case.

    Parameters
    ----------
    first : Solved
        The fit of the first pass.
    job : Job
        Runs the further passes.
    accumulated : Accumulated
        Sums of the first pass.
    system : System
        The normal equations of the first pass.
    steps : Escalation
        What may follow, from `escalation_of`.

    Raises
    ------
    NotIdentifiedError
        If exact sums show dependent columns under collinear="raise".
    NumericalError
        If a ridge penalty is below the rounding of the sums and the rows do not help.
    """
    with threads_for(len(first.names)):
        best = more_digits(first, job, accumulated, system, steps)
    check_solution(best)
    if not reached(best):
        warnings.warn(AccuracyWarning(shortfall(best, job.source)), stacklevel=5)
    return best


def more_digits(first: Solved, job: Job, accumulated: Accumulated, system: System, steps: Escalation) -> Solved:
    """The fit with as many digits as the steps give; parameters as of `escalate`."""
    best, lost, small = first, is_lost(first), steps.rows_at_hand and is_small(first)
    if lost and steps.refines and is_small(first):
        best = ridge_from_rows(first, job, accumulated, system)
    elif steps.centres and lacks_digits(best):
        from gramian.fit.leastsquares.centred_within import with_centred_rows  # few fits need a second pass

        best = with_centred_rows(best, job, accumulated, system)
    elif steps.refines:
        # a doubtful rank is not refined: a residual pass cannot decide it, and the coefficients depend on it
        if not _doubtful(best) and refinement_converges(best) and (small or not reached(best)):
            best = refine(best, job, accumulated, system, sliced=not is_small(best))
        if not reached(best) and steps.exact_helps and affordable(best.rows, len(best.names)):
            best = _from_exact_sums(best, job)
    return best


def _from_exact_sums(fit: Solved, job: Job) -> Solved:
    """The fit from exact sums, or the given fit with one more pass where their solution cannot be certified."""
    from gramian.fit.leastsquares.exact import accumulate_exactly, exact_solved  # few fits need exact sums

    try:
        accumulated = accumulate_exactly(job)
        return exact_solved(job.design, accumulated, job.options, fit.passes + 1, tuple(fit.aliased))
    except NotIdentifiedError:  # a kind of NumericalError, but a decision and no failure
        raise
    except NumericalError:
        return replace(fit, passes=fit.passes + 1)


def check_solution(fit: Solved) -> None:
    """Raise NumericalError for a fit without an answer in float64.

    A coefficient may overflow, or the sums of products may not tell a ridge penalty from none.
    """
    overflow = fit.identified & np.isinf(fit.coefficients)
    if overflow.any():
        name = fit.names[int(np.argmax(overflow))]
        raise NumericalError(f"the coefficient of '{name}' is beyond the largest float64: multiply the column by 1e100")
    bounds = fit.solution.bounds
    if not fit.alpha or bounds is None or (fit.solution.independent.all() and bounds.rho < MAX_RHO):
        return
    raise NumericalError(
        f"a penalty of {fit.alpha:g} is below the rounding of the products of these columns, which depend on each "
        "other or nearly do; take a larger penalty, or none and leave columns out"
    )


def is_lost(fit: Solved) -> bool:
    """Whether the penalty of a ridge fit is so near to the rounding of the products that refinement does not help."""
    return bool(fit.alpha) and not (fit.solution.independent.all() and _gains_digits(fit))


def reached(fit: Solved) -> bool:
    """Whether the requested digits are certified."""
    return fit.accuracy is not None and fit.accuracy.reached


def lacks_digits(fit: Solved) -> bool:
    """Whether a further pass may be made: too few digits are certified, or a small fit has columns that levels explain.

    Sums of one pass cannot tell these from columns that vary within the levels, but little for their size.
    """
    if fit.accuracy is None or not fit.accuracy.reached:
        return fit.accuracy is not None
    return fit.absorbed is not None and bool(fit.aliased) and is_small(fit) and fit.accuracy.precision == FAST


def _doubtful(fit: Solved) -> bool:
    """Whether float64 sums leave open which columns are dependent; refinement cannot decide it, exact sums can."""
    return fit.accuracy is not None and bool(fit.accuracy.doubtful)


def refinement_converges(fit: Solved) -> bool:
    """Whether every step of refinement gains at least one digit (rho < 0.1)."""
    return _gains_digits(fit) and bool(np.isfinite(fit.solution.coefficients).all())


def _gains_digits(fit: Solved) -> bool:
    """Whether the bounds of the solution say so."""
    bounds = fit.solution.bounds
    return bounds is not None and bounds.rho < MAX_REFINABLE_RHO


def is_small(fit: Solved) -> bool:
    """Whether there are so few values (rows x columns) that a refinement takes milliseconds."""
    return fit.rows * (len(fit.names) + 1) <= MAX_SMALL_VALUES


def exact_can_help(options: Options) -> bool:
    """Whether exact sums can give the fit: not with a penalty, nor for the minimum-norm solution."""
    return options.alpha is None and options.collinear != "min-norm"


def affordable(rows: int | None, columns: int) -> bool:
    """Whether exact sums of so many rows and columns may follow without `exact=True`. rows : None if unknown."""
    return columns <= MAX_EXACT_COLUMNS and (rows is None or rows * float(columns) ** 2 <= MAX_EXACT_WORK)


def _is_too_expensive(fit: Solved) -> bool:
    """Whether exact sums could give the missing digits, but cost too much to follow without `exact=True`."""
    minimum_norm = any(not np.isnan(fit.coefficients[fit.names.index(name)]) for name in fit.aliased)
    tried = fit.accuracy is not None and fit.accuracy.precision == EXACT
    return fit.alpha is None and not minimum_norm and not tried and not affordable(fit.rows, len(fit.names))


def shortfall(fit: Solved, source: Source | None) -> str:
    """Warning text: which digits are missing in which columns, and what to do. source : None for a fit of a Gram."""
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
    """The coefficients with the fewest digits; if all have enough, the standard errors."""
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
    """The end of the list of columns with too few digits; empty if all were named."""
    return f", {count:,} more have too few," if count > 0 else ""


def _floor(value: float) -> str:
    """A number of digits with one decimal, rounded down: certified digits may not be overstated."""
    return f"{np.floor(10.0 * value) / 10.0:.1f}"


def _advice(source: Source | None, fit: Solved) -> str:
    """What the user can do about missing digits."""
    if source is None:
        return "a Gram has no rows: fit from the data, or make the Gram with exact=True"
    if times := fit.design.terms.rounded_times:
        or_exactly = "" if computed_of_times(fit.design.terms) else ", or ask for exact=True"
        return f"float64 rounds the times in {times[0]}: subtract the first one, as a duration{or_exactly}"
    if fit.absorbed is not None:
        return "columns that hardly vary within the levels of absorbed factors cost the rest: centre or leave out some"
    if source.rereadable and _is_too_expensive(fit):
        columns = len(fit.names)
        return (
            "exact sums can give the rest, but their cost grows with columns^3: without exact=True they are used up to "
            f"{MAX_EXACT_COLUMNS} columns and {MAX_EXACT_WORK:.0e} rows x columns^2, here are {columns:,} and "
            f"{fit.rows * float(columns) ** 2:.0e}: ask for exact=True, or centre or leave out some"
        )
    if source.rereadable:
        return "columns that nearly depend on each other, or a large offset, cost the rest: centre or leave out some"
    return "the data can be read once only: hand over something that can be read again, or ask for exact=True"
