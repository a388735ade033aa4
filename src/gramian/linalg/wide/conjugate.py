"""Conjugate gradients on the scaled normal equations, with Lanczos steps that bound the smallest eigenvalue.

M. R. Hestenes and E. Stiefel, Methods of conjugate gradients for solving linear systems, Journal of Research of the
National Bureau of Standards 49 (1952), 409-436, with the diagonal as preconditioner (columns of length one). Each step
of both needs one product with the matrix, and both products are computed in the same pass over the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS
from gramian.linalg.wide.problem import Problem
from gramian.linalg.wide.spectrum import Lanczos
from gramian.typing import Vector

MAX_STEPS = 20_000
Goal = Callable[[Vector, float], float]
"""The residual to be reached at a correction, when the objective has fallen so far, for a least eigenvalue of 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """A correction by conjugate gradients.

    Attributes
    ----------
    d : ndarray
        (p,) in scaled coordinates.
    residual : float
        Norm of its residual c - S d, by the recurrence.
    steps : int
        Steps it took.
    """

    d: Vector
    residual: float
    steps: int


def descend(
    problem: Problem, c: Vector, spectrum: Lanczos, goal: Goal, most: int = MAX_STEPS, *, bold: bool = False
) -> Descent:
    """Solve S d = c until the goal is reached, given the bound of the smallest eigenvalue, or nothing improves.

    While no bound is known, steps may only amplify rounding: along combinations of columns that are zero a step is
    noise divided by noise. So the iterate with the least residual is returned, and unless `bold` no step is taken whose
    curvature cannot be told from zero.

    Parameters
    ----------
    problem : Problem
        The matrix S, by products.
    c : ndarray
        (p,) right-hand side.
    spectrum : Lanczos
        Bound of the smallest eigenvalue; advanced by each step until it is finished.
    goal : callable
        (d, fall of the objective) -> residual norm to be reached for a smallest eigenvalue of 1.
    most : int
        Largest number of steps.
    bold : bool
        Whether to step along directions of no reliable curvature as well.
    """
    d, r, p = np.zeros(len(c)), c.copy(), c.copy()
    size = float(r @ r)
    # below this the recurrence residual is rounding of the right-hand side
    least_size, steps, fall = size * (0.25 * EPS) ** 2, 0, 0.0
    # the iterate with the least residual; returned only while no bound of the eigenvalues says which steps to trust
    best, least = d, np.inf
    while steps < most:
        improving = size > least_size
        bound = max(problem.floor, spectrum.bound)
        if bound > 0.0 and (not improving or np.sqrt(size) <= bound * goal(d, fall)):
            break
        bounding = not spectrum.finished
        if not improving and not bounding:
            break
        # both products in one pass: reading the rows costs more than multiplying
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
