"""Minimum of the deviance by Newton's method with exact second derivatives.

The deviance depends on Lambda Lambda' only, so that it is smooth and even in each column of Lambda: a variance of zero
is a stationary point inside the space of parameters, and no bounds are needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from gramian.linalg.mixed.criterion import Criterion, Evaluated
from gramian.linalg.mixed.stacked import Stacked
from gramian.typing import Matrix, Vector

P = TypeVar("P")  # what an objective is computed from

OTHERS = 0.05, 0.3, 5.0  # further starts
SINGULAR = 1e-4  # of the relative factor, as in lme4
MAX_STEPS = 100
DECREASE = 1e-11  # predicted decrease of the deviance before the last step
CERTAIN = 1e-5  # predicted decrease below which the deviance is too rounded to judge a step
SHARE = 1e-4  # of the decrease along the gradient that a step must give; its mirror image gives none
LONGEST = 1.0  # of a step, relative to the parameters
CURVED = 10.0  # a negative curvature relative to the gradient; along circles of equal deviance the gradient gives one
FLATTEST = 1e-10  # smallest curvature, relative to the largest


class Objective(Protocol[P]):
    """A smooth function of parameters theta (m,), computed from sums at them."""

    def at(self, theta: Stacked, /) -> P:
        """The sums."""

    def value(self, sums: P, /) -> float:
        """Its value."""

    def gradient(self, sums: P, theta: Stacked, /) -> Stacked:
        """Its derivatives (m,)."""

    def hessian(self, theta: Vector, /) -> Matrix:
        """Its second derivatives (m, m)."""


@dataclass(frozen=True, slots=True)
class Minimum(Generic[P]):
    """Where the search ended.

    Attributes
    ----------
    theta : ndarray of shape (m,)
        The parameters.
    sums : P
        Sums at theta.
    steps : int
        Number of steps.
    converged : bool
        Whether a further step would gain nothing.
    """

    theta: Vector
    sums: P
    steps: int
    converged: bool


def minimum(criterion: Criterion) -> Minimum[Evaluated]:
    """Search from several multiples of the unit matrix, as far as one leads to a singular Lambda.

    There the deviance may have several minima, of which a long step may have reached the wrong one.
    """
    unit = np.where(criterion.factor.rows == criterion.factor.columns, 1.0, 0.0)
    found = [search(criterion, unit)]
    for start in OTHERS:
        if not is_singular(criterion, found[0].theta):
            break
        found.append(search(criterion, start * unit))
    return min(found, key=lambda m: (not m.converged, criterion.value(m.sums)))


def is_singular(criterion: Criterion, theta: Vector) -> bool:
    """Whether D is singular: a variance is zero, or effects of a term depend on each other."""
    return bool(np.abs(criterion.factor.matrix(theta).diagonal()).min() < SINGULAR)


def search(objective: Objective[P], theta: Vector) -> Minimum[P]:
    """Search from theta (m,)."""
    sums = objective.at(theta)
    value = objective.value(sums)
    for steps in range(MAX_STEPS):
        gradient, curvature, directions = _local(objective, sums, theta)
        along = directions.T @ gradient
        step = -along / np.abs(curvature)
        predicted = 0.5 * float(np.abs(along) @ np.abs(step))
        if predicted < DECREASE:
            if curvature[0] >= -FLATTEST * curvature[-1]:
                theta = theta + directions @ step  # the last step squares the error, and is too short to be judged
                return Minimum(theta, objective.at(theta), steps + 1, converged=True)
            if -curvature[0] * (1.0 + np.abs(theta).max()) > CURVED * np.linalg.norm(gradient):  # a saddle
                step = np.where(np.arange(len(step)) == 0, 0.1 * (1.0 + np.abs(theta).max()), step)
                predicted = 1.0
        longest = LONGEST * (1.0 + float(np.linalg.norm(theta)))
        step *= min(1.0, longest / max(float(np.linalg.norm(step)), 1e-300))
        limit = math.inf if predicted < CERTAIN else value + SHARE * float(along @ step)
        moved = _shortened(objective, theta, directions @ step, limit)
        if moved is None:
            return Minimum(theta, sums, steps, converged=False)
        theta, sums, value = moved
    return Minimum(theta, sums, MAX_STEPS, converged=False)


def _local(objective: Objective[P], sums: P, theta: Vector) -> tuple[Vector, Vector, Matrix]:
    """Gradient, and curvatures, none of them zero, with their directions."""
    curvature, directions = np.linalg.eigh(objective.hessian(theta))
    least = FLATTEST * max(float(np.abs(curvature).max()), 1e-300)
    flat = np.abs(curvature) < least
    return objective.gradient(sums, theta), np.where(flat, least, curvature), directions


def _shortened(objective: Objective[P], theta: Vector, step: Vector, limit: float) -> tuple[Vector, P, float] | None:
    """The first of the step, its half, its quarter, ... with a deviance below a limit; None without one."""
    for _ in range(40):
        moved = theta + step
        sums = objective.at(moved)
        reached = objective.value(sums)
        if reached < limit:
            return moved, sums, reached
        step = step / 2.0
    return None
