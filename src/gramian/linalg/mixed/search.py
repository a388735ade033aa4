"""Minimum of the deviance by Newton's method with exact second derivatives.

The deviance depends on Lambda Lambda' only, so that it is smooth and even in each column of Lambda: a variance of zero
is a stationary point inside the space of parameters, and no bounds are needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.mixed.criterion import Criterion, Evaluated
from gramian.typing import Matrix, Vector

MAX_STEPS = 100
DECREASE = 1e-11  # predicted decrease of the deviance before the last step
CERTAIN = 1e-5  # predicted decrease below which the deviance is too rounded to judge a step
LONGEST = 1.0  # of a step, relative to the parameters
FLATTEST = 1e-10  # smallest curvature, relative to the largest


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the search ended.

    Attributes
    ----------
    theta : ndarray of shape (m,)
        The parameters.
    sums : Evaluated
        Sums at theta.
    steps : int
        Number of steps.
    converged : bool
        Whether a further step would gain nothing.
    """

    theta: Vector
    sums: Evaluated
    steps: int
    converged: bool


def minimum(criterion: Criterion, theta: Vector) -> Minimum:
    """Search from theta (m,)."""
    sums = criterion.at(theta)
    value = criterion.value(sums)
    for steps in range(MAX_STEPS):
        gradient, curvature, directions = _local(criterion, sums, theta)
        along = directions.T @ gradient
        step = -along / np.abs(curvature)
        predicted = 0.5 * float(np.abs(along) @ np.abs(step))
        if predicted < DECREASE:
            if curvature[0] >= -FLATTEST * curvature[-1]:
                theta = theta + directions @ step  # the last step squares the error, and is too short to be judged
                return Minimum(theta, criterion.at(theta), steps + 1, converged=True)
            step = np.where(np.arange(len(step)) == 0, 0.1 * (1.0 + np.abs(theta).max()), step)  # a saddle
            predicted = 1.0
        longest = LONGEST * (1.0 + float(np.linalg.norm(theta)))
        step *= min(1.0, longest / max(float(np.linalg.norm(step)), 1e-300))
        moved = _shortened(criterion, theta, directions @ step, value, certain=predicted < CERTAIN)
        if moved is None:
            return Minimum(theta, sums, steps, converged=False)
        theta, sums, value = moved
    return Minimum(theta, sums, MAX_STEPS, converged=False)


def _local(criterion: Criterion, sums: Evaluated, theta: Vector) -> tuple[Vector, Vector, Matrix]:
    """Gradient, and curvatures, none of them zero, with their directions."""
    curvature, directions = np.linalg.eigh(criterion.hessian(theta))
    least = FLATTEST * max(float(np.abs(curvature).max()), 1e-300)
    flat = np.abs(curvature) < least
    return criterion.gradient(sums, theta), np.where(flat, least, curvature), directions


def _shortened(
    criterion: Criterion, theta: Vector, step: Vector, value: float, *, certain: bool
) -> tuple[Vector, Evaluated, float] | None:
    """The first of the step, its half, its quarter, ... that does not increase the deviance; None without one."""
    for _ in range(40):
        moved = theta + step
        sums = criterion.at(moved)
        reached = criterion.value(sums)
        if certain or reached <= value:
            return moved, sums, reached
        step = step / 2.0
    return None
