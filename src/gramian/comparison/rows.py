"""Stochastic gradient descent in a comparison: the method that reads the rows in every pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from gramian.batch import Source
from gramian.comparison.history import Entry, History
from gramian.comparison.iterations import MethodResult, format_digits, target_error
from gramian.comparison.methods import STOCHASTIC
from gramian.comparison.problem import Problem
from gramian.comparison.sgd import ModelRows, SgdSchedule, SgdState, descend
from gramian.linalg.iterative.quadratic import DIVERGED


@dataclass(frozen=True, slots=True)
class PassResult:
    """State after a pass.

    Attributes
    ----------
    error : float
        Relative error of the averaged coefficients.
    state : SgdState
        The coefficients.
    seconds : float
        Time since the start.
    """

    error: float
    state: SgdState
    seconds: float


def stochastic(
    problem: Problem,
    rows: ModelRows,
    source: Source,
    schedule: SgdSchedule,
    digits: tuple[float, ...],
    mean_weight: float = 1.0,
) -> MethodResult:
    """Entries for all targets, and the history.

    Parameters
    ----------
    problem : Problem
        The least squares problem.
    rows : ModelRows
        Reads rows in the columns of the problem.
    source : Source
        Read once in each pass, until the last target is reached or the passes are used up.
    schedule : SgdSchedule
        Rates, rows of a step, and number of passes.
    digits : tuple of float
        Targets, rising.
    mean_weight : float
        Mean weight of a row.
    """
    pass_results = list(_passes(problem, rows, source, schedule, target_error(digits[-1]), mean_weight))
    entries = [_entry(problem, schedule, pass_results, d) for d in digits]
    errors = np.array([problem.quadratic.error(np.zeros(problem.width)), *(w.error for w in pass_results)])
    path = np.array([np.zeros(2), *(w.state.average for w in pass_results)]) if problem.width == 2 else None
    return entries, History(np.array([0, *(w.state.steps for w in pass_results)]), errors, path)


def unavailable(problem: Problem, schedule: SgdSchedule, digits: tuple[float, ...]) -> MethodResult:
    """Entries for data that can be read only once."""
    status = "left out: the data can be read only once, and this method reads them again for every pass"
    empty = (None, None, None, None, None)
    entries = [Entry(STOCHASTIC, problem.scaled, d, *empty, str(schedule), status) for d in digits]
    return entries, History(np.arange(1), np.ones(1))


def _passes(
    problem: Problem, rows: ModelRows, source: Source, schedule: SgdSchedule, error: float, mean_weight: float
) -> Iterator[PassResult]:
    """Results of the passes, until the error is at most `error`, or the method diverges."""
    seconds, states = 0.0, descend(rows, source, schedule, mean_weight)
    for _ in range(schedule.passes):
        began = perf_counter()
        state = next(states)
        seconds += perf_counter() - began
        with np.errstate(all="ignore"):
            now = problem.quadratic.error(state.average)
        yield PassResult(now, state, seconds)
        if now <= error or not now < DIVERGED:
            return


def _entry(problem: Problem, schedule: SgdSchedule, pass_results: list[PassResult], digits: float) -> Entry:
    """Row of the table for one target."""
    first_reached = next((i for i, w in enumerate(pass_results) if w.error <= target_error(digits)), None)
    base = (STOCHASTIC, problem.scaled, digits)
    if first_reached is None:
        return Entry(*base, None, None, None, None, None, str(schedule), _status(pass_results))
    result = pass_results[first_reached]
    flops = 4.0 * result.state.rows * problem.width
    return Entry(*base, result.state.steps, first_reached + 1, None, result.seconds, flops, str(schedule), "reached")


def _status(pass_results: list[PassResult]) -> str:
    """Status of a target that was not reached."""
    if not pass_results[-1].error < DIVERGED:
        return "diverges: the rate is too large for these columns"
    passes = f"{len(pass_results)} pass{'es'[: 2 * (len(pass_results) > 1)]}"
    return f"{format_digits(pass_results[-1].error)} digits after {passes} ({pass_results[-1].state.steps:,} steps)"
