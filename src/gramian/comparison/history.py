"""What a comparison holds: one entry for each method, scaling and number of digits, and the way each method went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.iterative.quadratic import Descent, Trace
from gramian.typing import Codes, Matrix, Vector

MAX_POINTS = 1000  # points of a history; longer ones are thinned to evenly spaced logarithms


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table; None is what was not reached or not done.

    iterations : steps to the digits, passes : trips over the rows that they would take without moments (a product with
    X'X is one trip; the methods of the moments share a single one). seconds, flops : of the steps, on the moments.
    """

    method: str
    scaled: bool
    digits: float
    iterations: int | None
    passes: int | None
    predicted_iterations: float | None
    seconds: float | None
    flops: float | None
    chosen_by_hand: str
    status: str

    @property
    def reached(self) -> bool:
        """Whether the digits were reached."""
        return self.status.startswith("reached")


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Relative error after some iterations, the start included; the coefficients too where there are two of them."""

    iterations: Codes
    errors: Vector
    path: Matrix | None = None


def measured_history(trace: Trace) -> History:
    """The history of a way that was walked step by step."""
    iterations = log_spaced_iterations(len(trace.errors) - 1)
    return History(iterations, trace.errors[iterations], None if trace.path is None else trace.path[iterations])


def predicted_history(closed: Descent, steps: int) -> History:
    """The history that the closed form tells, of at most 2^53 steps."""
    iterations = log_spaced_iterations(min(steps, 2**53))
    return History(iterations, np.array([closed.error(int(k)) for k in iterations]))


def log_spaced_iterations(last: int) -> Codes:
    """Iterations 0 to `last`, thinned where they are many."""
    if last <= MAX_POINTS:
        return np.arange(last + 1)
    return np.unique(np.round(np.append(0.0, np.geomspace(1.0, last, MAX_POINTS))).astype(np.int64))
