"""Results of one method: entries of the table, and errors by iteration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.iterative.quadratic import Descent, Trace
from gramian.typing import Codes, Matrix, Vector

MAX_POINTS = 1000  # more points are not visible in a picture


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table: a method, a scaling and a number of digits. None is what was not reached or not measured.

    Attributes
    ----------
    method : str
        Name of the method.
    scaled : bool
        Whether the columns were standardised.
    digits : float
        Target: -log10 of the relative error.
    iterations : int or None
        Steps to the target.
    passes : int or None
        Passes over the rows that these steps would take without moments: one for each product with X'X. The direct
        solution takes the pass of the moments alone.
    predicted_iterations : float or None
        Steps to the target by theory, from the condition number.
    seconds, flops : float or None
        Time and floating-point operations of the steps, on the moments.
    chosen_by_hand : str
        Parameters that had to be chosen, such as the rate.
    status : str
        "reached", or why the target was not reached.
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
        """Whether the target was reached."""
        return self.status.startswith("reached")


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Relative errors of a method by iteration, the start included.

    Attributes
    ----------
    iterations : ndarray of int, (k,)
        Numbers of iterations, from 0.
    errors : ndarray, (k,)
        Relative errors after these.
    path : ndarray, (k, 2), or None
        Coefficients after these, where there are two.
    """

    iterations: Codes
    errors: Vector
    path: Matrix | None = None


def measured_history(trace: Trace) -> History:
    """History of a method that was run step by step."""
    iterations = log_spaced_iterations(len(trace.errors) - 1)
    return History(iterations, trace.errors[iterations], None if trace.path is None else trace.path[iterations])


def predicted_history(closed: Descent, steps: int) -> History:
    """History of a method from its closed form, for at most 2^53 steps."""
    iterations = log_spaced_iterations(min(steps, 2**53))
    return History(iterations, np.array([closed.error(int(k)) for k in iterations]))


def log_spaced_iterations(last: int) -> Codes:
    """Iterations from 0 to `last`; of more than 1000 those with evenly spaced logarithms."""
    if last <= MAX_POINTS:
        return np.arange(last + 1)
    return np.unique(np.round(np.append(0.0, np.geomspace(1.0, last, MAX_POINTS))).astype(np.int64))
