"""Conjugate gradient on the scaled normal equations, beside a run of Lanczos that tells how far it is from the answer.

Hestenes and Stiefel (1952) with the diagonal as preconditioner. Both ask one product a step, in the same pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS
from gramian.linalg.wide.problem import Problem
from gramian.linalg.wide.spectrum import Lanczos
from gramian.typing import Vector

MAX_STEPS = 20_000  # steps
Goal = Callable[[Vector, float], float]
"""The residual to be reached at a correction, when the objective has fallen so far, for a least eigenvalue of 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """A correction d : (p,), in scaled coordinates, the norm of its residual, and the steps it took."""

    d: Vector
    residual: float
    steps: int


def descend(
    problem: Problem, c: Vector, spectrum: Lanczos, goal: Goal, most: int = MAX_STEPS, *, bold: bool = False
) -> Descent:
    """Solve S d = c until the goal is reached, as far as is known of the least eigenvalue, or nothing gets better.

    While nothing is known of it, the residual of the steps may end as rounding along combinations of columns that are
    zero, where a step is noise divided by noise. So the least residual is what counts, and unless bold no step is taken
    whose curvature cannot be told from zero.
    """
    d, r, p = np.zeros(len(c)), c.copy(), c.copy()
    size = float(r @ r)
    least_size, steps, fall = size * (0.25 * EPS) ** 2, 0, 0.0
    best, least = d, np.inf
    while steps < most:
        improving = size > least_size
        bound = max(problem.floor, spectrum.bound)
        if bound > 0.0 and (not improving or np.sqrt(size) <= bound * goal(d, fall)):
            break
        bounding = not spectrum.finished
        if not improving and not bounding:
            break
        kernels = ([problem.product_kernel(p)] if improving else []) + (
            [problem.product_kernel(spectrum.v)] if bounding else []
        )
        sums = problem.fold(kernels)
        steps += 1
        if bounding:
            spectrum.advance(problem.product(spectrum.v, sums[-1]))
        if improving:
            Sp = problem.product(p, sums[0])
            curvature = float(p @ Sp)
            if not curvature > (0.0 if bold or bound > 0.0 else spectrum.cutoff * float(p @ p)):
                least_size = size
                continue
            rate = size / curvature
            if not bound > 0.0 and size < least:
                best, least = d.copy(), size
            d += rate * p
            r -= rate * Sp
            fall += rate * size
            previous, size = size, float(r @ r)
            p *= size / previous
            p += r
    return Descent(d, float(np.sqrt(size)), steps) if size < least else Descent(best, float(np.sqrt(least)), steps)
