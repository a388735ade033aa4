"""One step of iteratively reweighted least squares: from working moments to a move, and how long it is."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from gramian.engines.blas import one_thread
from gramian.errors import NumericalError
from gramian.fit.linear import penalty_matrix, solved_products, solved_system
from gramian.fit.linearize import Linearized, Totals
from gramian.fit.point import Setting
from gramian.fit.run import WIDE
from gramian.linalg.doubledouble import Pair
from gramian.linalg.gather import BLOCK
from gramian.linalg.quick import quick_solve
from gramian.linalg.solve import Solution, error_unit, solve
from gramian.typing import Matrix, Vector

MOST_THETA = 1e8  # beyond it a negative binomial is a Poisson distribution to rounding
FACTOR = 5.0  # theta moves at most by this factor


@dataclass(frozen=True, slots=True)
class Step:
    """Newton's move from a point.

    move : (p,) in the columns that are solved for. length : in standard errors, the longest over all contrasts.
    penalty : its loss at the point. dispersion : known or Pearson's. deviance : what it will be after the move.
    variances : (p,) at dispersion 1. solution : None where the step was solved quickly, see `solution_at`.
    """

    move: Vector
    length: float
    penalty: float
    dispersion: float
    deviance: float
    variances: Vector
    solution: Solution | None
    products: Pair


def newton(
    setting: Setting,
    done: Linearized,
    b: Vector | None,
    alpha: float | None,
    known: float | None,
    light: Vector | None = None,
) -> Step:
    """Solve the working normal equations; with b None they give the coefficients themselves.

    alpha : ridge penalty. known : dispersion, None to estimate it. light : (p,) further penalty on squares, by which a
    first guess is damped.
    """
    frame, width = setting.frame, len(setting.columns)
    products = solved_products(done.moments, frame)
    if frame.constant is not None and not products.hi[frame.constant, frame.constant] > 0.0:
        raise NumericalError("every row's working weight is zero: the means lie at the ends of their range")
    at = np.zeros(width) if b is None else b
    P = None if alpha is None else penalty_matrix(alpha, frame, width)
    system = products if P is None else _tilted(products, P @ at)
    system = system if light is None else _damped(system, light, at)
    quick = quick_solve(system.hi, P) if frame.subspace is None else None
    solution = None if quick else _solution(setting, system, done.moments.rows, P)
    found = quick or solution
    assert found is not None
    move, dispersion = found.coefficients, known
    if dispersion is None:
        dispersion = _pearson(products, done.moments.rows - found.leverage)
    drop = max(float(system.hi[:-1, -1] @ move), 0.0)
    gain = 2.0 * float(products.hi[:-1, -1] @ move) - float(move @ products.hi[:-1, :-1] @ move)
    return Step(
        move,
        math.sqrt(drop / dispersion),
        0.0 if P is None else float(at @ P @ at),
        dispersion,
        max(done.totals.deviance - gain, 0.0),
        found.inverse.diagonal(),
        solution,
        products,
    )


def solution_at(setting: Setting, step: Step, rows: int, b: Vector, alpha: float | None) -> Solution:
    """All that is known of a step that was made from b."""
    if step.solution is not None:
        return step.solution
    P = None if alpha is None else penalty_matrix(alpha, setting.frame, len(b))
    return _solution(setting, step.products if P is None else _tilted(step.products, P @ b), rows, P)


def _solution(setting: Setting, system: Pair, rows: int, P: Matrix | None) -> Solution:
    frame, width = setting.frame, len(setting.columns)
    unit = error_unit(rows, width, BLOCK + rows // BLOCK)
    with one_thread() if width < WIDE else nullcontext():
        return solve(system, frame.constant, unit, P) if P is not None else solved_system(system, frame, unit)


def _pearson(products: Pair, freedom: float) -> float:
    """Pearson's dispersion; 1 where there is none to measure a step by."""
    return float(products.hi[-1, -1] / freedom) if freedom > 0 and products.hi[-1, -1] > 0 else 1.0


def _tilted(products: Pair, slope: Vector) -> Pair:
    """The right-hand side less the slope of the penalty."""
    hi = products.hi.copy()
    hi[:-1, -1] -= slope
    hi[-1, :-1] -= slope
    return Pair(hi, products.lo)


def _damped(products: Pair, light: Vector, at: Vector) -> Pair:
    """With a penalty on the squares of the coefficients; it is diagonal, so a large factor can still be eliminated."""
    damped = _tilted(products, light * at)
    damped.hi[np.arange(len(light)), np.arange(len(light))] += light
    return damped


def theta_length(totals: Totals) -> float:
    """Newton's step for theta in its standard errors."""
    if totals.theta_information <= 0.0:
        return math.inf if totals.theta_score else 0.0
    return abs(totals.theta_score) / math.sqrt(totals.theta_information)


def next_theta(theta: float, totals: Totals, share: float = 1.0) -> float:
    """Theta after that share of Newton's step for 1 / theta, in which the likelihood is nearer to a parabola.

    Where that is none to step on, a factor up or down.
    """
    score, information = totals.theta_score, totals.theta_information
    curvature = theta * (theta * information - 2.0 * score)
    inverse = 1.0 / theta - score / curvature if curvature > 0 else 0.0 if score > 0 else math.inf
    full = min(max(1.0 / max(inverse, 1.0 / (theta * FACTOR)), theta / FACTOR), theta * FACTOR)
    return min(theta * math.exp(share * math.log(full / theta)), MOST_THETA)
