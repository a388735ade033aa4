"""One step of iteratively reweighted least squares: from working moments to a move, and how long it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.linear import penalty_matrix, solved_products, solved_system
from gramian.fit.linearize import Linearized, Totals
from gramian.fit.point import Setting
from gramian.linalg.doubledouble import Pair
from gramian.linalg.gather import BLOCK
from gramian.linalg.solve import Solution, error_unit, solve
from gramian.typing import Matrix, Vector

MOST_THETA = 1e8  # beyond it a negative binomial is a Poisson distribution to rounding
FACTOR = 5.0  # theta moves at most by this factor


@dataclass(frozen=True, slots=True)
class Step:
    """Newton's move from a point.

    move : (p,) in the columns that are solved for. length : in standard errors, the longest over all contrasts.
    penalty : its loss at the point. dispersion : known or Pearson's. deviance : what it will be after the move.
    """

    move: Vector
    length: float
    penalty: float
    dispersion: float
    deviance: float
    solution: Solution
    products: Pair


def newton(
    setting: Setting, done: Linearized, b: Vector | None, alpha: float | None, known: float | None, light: float = 0.0
) -> Step:
    """Solve the working normal equations; with b None they give the coefficients themselves.

    alpha : ridge penalty. known : dispersion, None to estimate it. light : share of the diagonal that is added as a
    further penalty (a first guess is damped so).
    """
    frame, width = setting.frame, len(setting.columns)
    products = solved_products(done.moments, frame)
    if frame.constant is not None and not products.hi[frame.constant, frame.constant] > 0.0:
        raise NumericalError("every row's working weight is zero: the means lie at the ends of their range")
    unit = error_unit(done.moments.rows, width, BLOCK + done.moments.rows // BLOCK)
    at = np.zeros(width) if b is None else b
    P = _penalty(setting, products, alpha, light)
    system = products if P is None else _tilted(products, P @ at)
    solution = solve(system, frame.constant, unit, P) if P is not None else solved_system(products, frame, unit)
    move, dispersion = solution.coefficients, known
    if dispersion is None:
        dispersion = _pearson(products, done.moments.rows - solution.leverage)
    drop = max(float(system.hi[:-1, -1] @ move), 0.0)
    gain = 2.0 * float(products.hi[:-1, -1] @ move) - float(move @ products.hi[:-1, :-1] @ move)
    return Step(
        move,
        math.sqrt(drop / dispersion),
        0.0 if P is None else float(at @ P @ at),
        dispersion,
        max(done.totals.deviance - gain, 0.0),
        solution,
        products,
    )


def _pearson(products: Pair, freedom: float) -> float:
    """Pearson's dispersion; 1 where there is none to measure a step by."""
    return float(products.hi[-1, -1] / freedom) if freedom > 0 and products.hi[-1, -1] > 0 else 1.0


def _penalty(setting: Setting, products: Pair, alpha: float | None, light: float) -> Matrix | None:
    width = len(setting.columns)
    P = None if alpha is None else penalty_matrix(alpha, setting.frame, width)
    if light:
        damp = products.hi.diagonal()[:-1] * light
        if setting.frame.constant is not None:
            damp[setting.frame.constant] = 0.0
        P = np.diag(damp) if P is None else P + np.diag(damp)
    return P


def _tilted(products: Pair, slope: Vector) -> Pair:
    """The right-hand side less the slope of the penalty."""
    hi = products.hi.copy()
    hi[:-1, -1] -= slope
    hi[-1, :-1] -= slope
    return Pair(hi, products.lo)


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
