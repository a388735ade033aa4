"""One step of iteratively reweighted least squares: from working moments to a move and its length."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.engines.fold import threads_for
from gramian.errors import NumericalError
from gramian.fit.glm.accumulate import Linearized, Totals
from gramian.fit.glm.columns import Setting
from gramian.fit.leastsquares.system import penalty_matrix, solve_products, solved_products
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.cholesky_step import cholesky_step
from gramian.linalg.doubledouble import Pair
from gramian.linalg.solve import Solution, solve
from gramian.typing import Matrix, Vector

MAX_THETA = 1e8  # beyond it a negative binomial is a Poisson distribution to rounding
MAX_THETA_FACTOR = 5.0  # theta moves at most by this factor


@dataclass(frozen=True, slots=True)
class Step:
    """A Newton step.

    Attributes
    ----------
    move : ndarray
        (p,) in the solved columns.
    length : float
        Largest change of any contrast in its standard errors: sqrt(move'(S + P) move / dispersion).
    penalty : float
        Ridge penalty at the point, b'Pb.
    dispersion : float
        Known, or Pearson's estimate.
    deviance : float
        Deviance after the move, by the quadratic model.
    variances : ndarray
        (p,) diagonal of the inverse information, at dispersion 1.
    solution : Solution or None
        The solution with its checks; None where a plain Cholesky factor was enough, see `solution_at`.
    products : Pair
        (p + 1, p + 1) products of the solved columns and the working residual.
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
    linearized: Linearized,
    b: Vector | None,
    alpha: float | None,
    known_dispersion: float | None,
    damping: Vector | None = None,
) -> Step:
    """Solve the working normal equations (X'WX + P) d = X'Wr - P b for the move d.

    Parameters
    ----------
    setting : Setting
        Model columns and the basis of the solve.
    linearized : Linearized
        Sums of the pass at b.
    b : ndarray or None
        (p,) the point; None at the starting means, where the equations give the coefficients themselves.
    alpha : float or None
        Ridge penalty.
    known_dispersion : float or None
        Dispersion that the family fixes; None to estimate it.
    damping : ndarray or None
        (p,) further penalty on the squares of the coefficients, which damps a first guess.

    Returns
    -------
    Step

    Raises
    ------
    NumericalError
        Where all working weights are zero.
    """
    parametrization, width = setting.parametrization, len(setting.columns)
    products = solved_products(linearized.moments, parametrization)
    if (
        parametrization.constant is not None
        and not products.hi[parametrization.constant, parametrization.constant] > 0.0
    ):
        raise NumericalError("every row's working weight is zero: the means lie at the ends of their range")
    current = np.zeros(width) if b is None else b
    P = None if alpha is None else penalty_matrix(alpha, parametrization, width)
    system = products if P is None else minus_gradient(products, P @ current)
    system = system if damping is None else _damped(system, damping, current)
    # a step needs few digits; the checks of `solve` are for the last one
    quick_solution = cholesky_step(system.hi, P) if parametrization.subspace is None else None
    solution = None if quick_solution else _solution(setting, system, linearized.moments.rows, P)
    solved = quick_solution or solution
    assert solved is not None
    move, dispersion = solved.coefficients, known_dispersion
    if dispersion is None:
        dispersion = pearson(products, linearized.moments.rows - solved.leverage)
    decrease = max(float(system.hi[:-1, -1] @ move), 0.0)
    # decrease of the quadratic model by the step, without the penalty: 2 s'd - d'Sd
    gain = 2.0 * float(products.hi[:-1, -1] @ move) - float(move @ products.hi[:-1, :-1] @ move)
    return Step(
        move,
        math.sqrt(decrease / dispersion),
        0.0 if P is None else float(current @ P @ current),
        dispersion,
        max(linearized.totals.deviance - gain, 0.0),
        solved.inverse.diagonal(),
        solution,
        products,
    )


def solution_at(setting: Setting, step: Step, rows: int, b: Vector, alpha: float | None) -> Solution:
    """The complete solution of a step that was made from b, (p,): with null space, condition and error bounds."""
    if step.solution is not None:
        return step.solution
    P = None if alpha is None else penalty_matrix(alpha, setting.parametrization, len(b))
    return _solution(setting, step.products if P is None else minus_gradient(step.products, P @ b), rows, P)


def _solution(setting: Setting, system: Pair, rows: int, P: Matrix | None) -> Solution:
    """Solve with all checks. system : (p + 1, p + 1). P : (p, p) penalty."""
    parametrization, width = setting.parametrization, len(setting.columns)
    rounding_error = sum_rounding_error(rows, width, ROWS_PER_BLOCK + rows // ROWS_PER_BLOCK)
    with threads_for(width):
        return (
            solve(system, parametrization.constant, rounding_error, P)
            if P is not None
            else solve_products(system, parametrization, rounding_error)
        )


def pearson(products: Pair, df_residual: float) -> float:
    """Pearson's estimate of the dispersion; 1 where no degrees of freedom are left, so that steps have a length."""
    return float(products.hi[-1, -1] / df_residual) if df_residual > 0 and products.hi[-1, -1] > 0 else 1.0


def minus_gradient(products: Pair, gradient: Vector) -> Pair:
    """The products with the penalty's gradient (p,) subtracted from the right-hand side."""
    hi = products.hi.copy()
    hi[:-1, -1] -= gradient
    hi[-1, :-1] -= gradient
    return Pair(hi, products.lo)


def _damped(products: Pair, damping: Vector, current: Vector) -> Pair:
    """The products with a diagonal penalty, damping (p,); being diagonal, it keeps blocks of factors diagonal."""
    damped = minus_gradient(products, damping * current)
    damped.hi[np.arange(len(damping)), np.arange(len(damping))] += damping
    return damped


def theta_length(totals: Totals) -> float:
    """Length of Newton's step for theta, in its standard errors."""
    if totals.theta_information <= 0.0:
        return math.inf if totals.theta_score else 0.0
    return abs(totals.theta_score) / math.sqrt(totals.theta_information)


def next_theta(theta: float, totals: Totals, share: float = 1.0) -> float:
    """Theta after this share of Newton's step for 1 / theta, at most a factor of five up or down.

    The step is taken in 1 / theta, in which the log-likelihood is closer to a parabola. Where the curvature is not
    positive, theta moves by that factor in the direction of the score.
    """
    score, information = totals.theta_score, totals.theta_information
    curvature = theta * (theta * information - 2.0 * score)
    inverse = 1.0 / theta - score / curvature if curvature > 0 else 0.0 if score > 0 else math.inf
    full = min(
        max(1.0 / max(inverse, 1.0 / (theta * MAX_THETA_FACTOR)), theta / MAX_THETA_FACTOR), theta * MAX_THETA_FACTOR
    )
    return min(theta * math.exp(share * math.log(full / theta)), MAX_THETA)
