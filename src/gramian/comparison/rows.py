"""Stochastic gradient descent in the comparison: the method that reads the rows again for every pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from gramian.batch import Source
from gramian.comparison.counting import Counted, error_at, told
from gramian.comparison.entry import Entry, History
from gramian.comparison.methods import STOCHASTIC
from gramian.comparison.problem import Problem
from gramian.fit.stochastic import ModelRows, Schedule, State, descend
from gramian.linalg.iterative import BLOWN


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a pass ended: its relative error, and what it had cost until then."""

    error: float
    state: State
    seconds: float


def stochastic(
    problem: Problem,
    rows: ModelRows,
    source: Source,
    schedule: Schedule,
    digits: tuple[float, ...],
    mean_weight: float = 1.0,
) -> Counted:
    """Entries for all digits; the source is read once a pass, until the last digit or the last pass."""
    went = list(_passes(problem, rows, source, schedule, error_at(digits[-1]), mean_weight))
    entries = [_entry(problem, schedule, went, d) for d in digits]
    errors = np.array([problem.quadratic.error(np.zeros(problem.width)), *(w.error for w in went)])
    path = np.array([np.zeros(2), *(w.state.average for w in went)]) if problem.width == 2 else None
    return entries, History(np.array([0, *(w.state.steps for w in went)]), errors, path)


def left_out(problem: Problem, schedule: Schedule, digits: tuple[float, ...]) -> Counted:
    """Entries of a source that has been used up."""
    status = "left out: the data can be read only once, and this method reads them again for every pass"
    empty = (None, None, None, None, None)
    entries = [Entry(STOCHASTIC, problem.scaled, d, *empty, str(schedule), status) for d in digits]
    return entries, History(np.arange(1), np.ones(1))


def _passes(
    problem: Problem, rows: ModelRows, source: Source, schedule: Schedule, error: float, mean_weight: float
) -> Iterator[Reached]:
    seconds, states = 0.0, descend(rows, source, schedule, mean_weight)
    for _ in range(schedule.passes):
        began = perf_counter()
        state = next(states)
        seconds += perf_counter() - began
        with np.errstate(all="ignore"):
            now = problem.quadratic.error(state.average)
        yield Reached(now, state, seconds)
        if now <= error or not now < BLOWN:
            return


def _entry(problem: Problem, schedule: Schedule, went: list[Reached], digits: float) -> Entry:
    at = next((i for i, w in enumerate(went) if w.error <= error_at(digits)), None)
    base = (STOCHASTIC, problem.scaled, digits)
    if at is None:
        return Entry(*base, None, None, None, None, None, str(schedule), _status(went))
    done = went[at]
    flops = 4.0 * done.state.rows * problem.width
    return Entry(*base, done.state.steps, at + 1, None, done.seconds, flops, str(schedule), "reached")


def _status(went: list[Reached]) -> str:
    if not went[-1].error < BLOWN:
        return "diverges: the rate is too large for these columns"
    passes = f"{len(went)} pass{'es'[: 2 * (len(went) > 1)]}"
    return f"{told(went[-1].error)} digits after {passes} ({went[-1].state.steps:,} steps)"
