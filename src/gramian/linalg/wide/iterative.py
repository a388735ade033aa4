"""Wide least squares by conjugate gradients, with an estimate of how many digits are right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.wide.conjugate import MAX_STEPS, descend
from gramian.linalg.wide.predictions import Bounds
from gramian.linalg.wide.problem import Problem
from gramian.linalg.wide.refine import Point, Refined, least_size, refine
from gramian.linalg.wide.spectrum import Lanczos, start
from gramian.typing import Vector

MARGIN = 0.5  # share of the allowed error for the iteration; the rest is for rounding
LAST = 0.25  # the same in double-double: a few more steps are cheaper than another such residual pass


@dataclass(frozen=True, slots=True, eq=False)
class Iterated:
    """A solution by iteration.

    Attributes
    ----------
    refined : Refined
        Coefficients with their error estimate.
    steps : int
        Steps of conjugate gradients.
    least : float
        Lower bound of the smallest eigenvalue of the scaled products, 0 where it cannot be told from zero.
    condition : float
        Condition number of the scaled columns, from the Ritz values.
    singular : bool
        Whether the smallest eigenvalue cannot be told from zero.
    """

    refined: Refined
    steps: int
    least: float
    condition: float
    singular: bool


def iterate(problem: Problem, requested_digits: float, most: int = MAX_STEPS) -> Iterated:
    """Solve to the digits that are requested, as far as float64 and `most` steps allow."""
    spectrum = start(len(problem.mean), problem.noise, problem.floor)
    spectrum.v = _normalized(problem, spectrum.v)
    steps = 0

    def correct(point: Point, bold: bool) -> Vector:
        """A correction (p,) from a point, by conjugate gradients."""
        nonlocal steps
        z = point.b.hi * problem.length
        objective = point.rss + problem.alpha * float(point.b.hi @ point.b.hi)

        # the residual norm to be reached, were the smallest eigenvalue 1: the allowed share of the error that still
        # gives the digits, with the RSS as it is after the fall of the objective
        def goal(d: Vector, fall: float) -> float:
            b = problem.unscale(z + d)
            rss = max(objective - fall - problem.alpha * float(b @ b), 0.0)
            share = LAST if point.careful else MARGIN
            return share * float(10.0**-requested_digits) * least_size(problem, point, d, z + d, rss)

        # a bold correction may achieve nothing, so it may cost no more than the steps before it
        left = min(most - steps, 2 * steps) if bold else most - steps
        descent = descend(problem, point.gradient, spectrum, goal, left, bold=bold)
        steps += descent.steps
        return descent.d

    def bounds() -> Bounds:
        """Bounds of the eigenvalues after the steps so far."""
        least = max(problem.floor, spectrum.bound)
        return Bounds(least, spectrum.cutoff, max(spectrum.greatest, 1.0))

    refined = refine(problem, correct, bounds, requested_digits)
    return Iterated(refined, steps, bounds().least, _condition(problem, spectrum), spectrum.singular)


def _normalized(problem: Problem, v: Vector) -> Vector:
    """The vector at length one, zero for columns that do not count."""
    v = np.where(problem.usable, v, 0.0)
    length = float(np.linalg.norm(v))
    return v / length if length else v


def _condition(problem: Problem, spectrum: Lanczos) -> float:
    """Condition number from the extreme Ritz values; infinite where the smallest may be zero, NaN without a step."""
    if not spectrum.diagonal:
        return float("nan")
    least = max(spectrum.least, problem.floor)
    return float(np.sqrt(spectrum.greatest / least)) if least > 0.0 else float("inf")
