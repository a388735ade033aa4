"""Numbers of steps to given digits: counted by running a method, or from a closed form where it would run too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

import numpy as np

from gramian.comparison.history import Entry, History, measured_history, predicted_history
from gramian.comparison.methods import NORMAL, Method
from gramian.comparison.problem import Problem
from gramian.linalg.iterative.quadratic import Descent, Trace, descent, follow
from gramian.typing import Vector

MAX_RUN_STEPS = 100_000  # steps that are run, about half a second for few columns
TRIAL_STEPS = 1_000  # steps of a method that theory predicts to be too slow: enough for the start of its curve
TIMED_STEPS, TIMED_SECONDS = 200, 0.01  # a step is timed over so many steps or seconds, what comes first
MAX_COUNT = 10**18  # larger counts do not fit into an int64 of the table
MethodResult = tuple[list[Entry], History]


@dataclass(frozen=True, slots=True)
class Run:
    """One iterative method on one problem.

    Attributes
    ----------
    method : Method
        The method.
    problem : Problem
        The least squares problem.
    digits : tuple of float
        Targets, rising.
    limit : int
        Largest number of steps.
    """

    method: Method
    problem: Problem
    digits: tuple[float, ...]
    limit: int

    def count(self) -> MethodResult:
        """Entries for all targets, and the history."""
        f, closed = self.problem.quadratic, self.closed
        reachable = [d for d in self.digits if self.expected(d, closed) <= min(self.limit, MAX_RUN_STEPS)]
        seconds = step_seconds(lambda: self.method.iterates(f))
        if closed is not None and closed.converges and not reachable:
            steps = closed.steps(target_error(self.digits[0]))
            return [self.entry(d, None, closed, seconds) for d in self.digits], predicted_history(closed, steps or 0)
        trace = self.run_steps(reachable, closed)
        return [self.entry(d, trace, closed, seconds) for d in self.digits], measured_history(trace)

    @property
    def closed(self) -> Descent | None:
        """Closed form of the errors, for gradient descent with a constant rate; None for other methods."""
        rate = self.method.rate
        return None if rate is None else descent(self.problem.quadratic, rate(self.problem.quadratic))

    def expected(self, digits: float, closed: Descent | None) -> float:
        """Expected number of steps to a target: exact with a closed form, else predicted by theory."""
        if closed is None:
            return self.method.predicted(self.problem.quadratic, digits)
        steps = closed.steps(target_error(digits))
        return np.inf if steps is None else float(steps)

    def run_steps(self, reachable: Sequence[float], closed: Descent | None) -> Trace:
        """Run the method to the last target, or with a closed form to the last target in `reachable`."""
        f = self.problem.quadratic
        last = reachable[-1] if closed is not None and reachable else self.digits[-1]
        limit = min(self.limit, MAX_RUN_STEPS if reachable else TRIAL_STEPS)
        # A method has stalled if its error does not fall for longer than theory gives it for one digit.
        patience = 100 + 2 * self.method.predicted(f, 1)
        return follow(self.method.iterates(f), f, target_error(last), limit, patience)

    def entry(self, digits: float, trace: Trace | None, closed: Descent | None, seconds: float) -> Entry:
        """The row of the table for one target."""
        steps, status = self.outcome(digits, trace, closed)
        method, f = self.method, self.problem.quadratic
        return Entry(
            method=method.name,
            scaled=self.problem.scaled,
            digits=digits,
            iterations=steps,
            passes=None if steps is None else steps * method.products + method.setup_products,
            predicted_iterations=finite_or_none(method.predicted(f, digits)),
            seconds=None if steps is None else steps * seconds,
            flops=None if steps is None else steps * method.flops(self.problem.width),
            chosen_by_hand=method.chosen(f),
            status=status,
        )

    def outcome(self, digits: float, trace: Trace | None, closed: Descent | None) -> tuple[int | None, str]:
        """Number of steps to a target or None, and the status."""
        f = self.problem.quadratic
        steps = None if trace is None else trace.steps(target_error(digits))
        if steps is not None:
            return steps, "reached"
        if closed is not None and not closed.converges:
            expected = self.method.predicted(f, digits)  # finite for a rate that float64 cannot tell from 2/l_max
            if np.isfinite(expected):
                return None, f"not run: would take {expected:.2g} iterations"
            return None, f"diverges: the rate must be below 2/l_max = {2.0 / f.values[-1]:.3g}"
        if closed is not None and (trace is None or trace.end == "reached"):
            return _by_formula(closed.steps(target_error(digits)), digits, f.attainable, self.limit)
        if trace is None:
            raise AssertionError("a method without a closed form is always run")
        return None, _fell_short(trace, self.expected(digits, closed))


def _by_formula(steps: int | None, digits: float, attainable: float, limit: int) -> tuple[int | None, str]:
    """Number of steps by the closed form or None, and the status."""
    if steps is None or steps > MAX_COUNT:
        return None, f"not run: would take {float(steps or np.inf):.2g} iterations"
    if steps > limit:
        return steps, f"not run: would take {steps:.2g} iterations"
    rounding = f"; rounding stops a float64 loop near {format_digits(attainable)} digits" * (
        attainable > target_error(digits) / 10
    )
    return steps, f"reached, counted in exact arithmetic{rounding}"


def _fell_short(trace: Trace, expected: float) -> str:
    """Status of a method that was run and did not reach the target."""
    if trace.end == "stalled":
        return f"stalled at {format_digits(trace.best)} digits"
    if trace.end == "diverged":
        return "diverges"
    iterations = len(trace.errors) - 1
    return f"stopped at {format_digits(trace.best)} digits after {iterations:,} of about {expected:.2g} iterations"


def solved_directly(problem: Problem, digits: tuple[float, ...]) -> MethodResult:
    """Entries and history of the normal equations, solved by Cholesky's method on the same products."""
    began = perf_counter()
    b = problem.direct()
    seconds, q = perf_counter() - began, problem.width
    error = problem.quadratic.error(b)
    entries = []
    for d in digits:
        reached = error <= target_error(d)
        cost = (1, 1, seconds, q**3 / 3 + 2.0 * q * q) if reached else (None, None, None, None)
        status = "reached" if reached else f"stalled at {format_digits(error)} digits"
        steps, passes, elapsed, flops = cost
        entries.append(Entry(NORMAL, problem.scaled, d, steps, passes, 1.0, elapsed, flops, "nothing", status))
    path = np.array([np.zeros(q), b]) if q == 2 else None
    start = problem.quadratic.error(np.zeros(q))
    return entries, History(np.arange(2), np.array([start, error]), path)


def step_seconds(start: Callable[[], Iterator[Vector]]) -> float:
    """Seconds of one step, without the computation of errors. start : begins the iteration from zero."""
    steps, began, elapsed = 0, perf_counter(), 0.0
    with np.errstate(all="ignore"):
        while steps < TIMED_STEPS and elapsed < TIMED_SECONDS:
            # The first ten steps are timed again and again, since an iteration may end at a zero gradient.
            taken = sum(1 for _ in islice(start(), 10))
            steps, elapsed = steps + taken, perf_counter() - began
            if not taken:
                break
    return elapsed / max(steps, 1)


def target_error(digits: float) -> float:
    """Relative error of a number of digits, 10^-digits."""
    return float(10.0**-digits)


def format_digits(error: float) -> str:
    """A relative error as a number of digits, at most 16."""
    return "no" if not error < 1.0 else "16" if error < 1e-16 else f"{-np.log10(error):.1f}"


def finite_or_none(value: float) -> float | None:
    """The number, or None where it is not finite."""
    return value if np.isfinite(value) else None
