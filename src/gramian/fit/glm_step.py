"""One step of iteratively reweighted least squares: from working moments to a move, and how long it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.linear import penalty_matrix, solved_products, solved_system
from gramian.fit.linearize import Linearized
from gramian.fit.point import Setting
from gramian.linalg.doubledouble import Pair
from gramian.linalg.gather import BLOCK
from gramian.linalg.solve import Solution, error_unit, solve
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Step:
    """Newton's move from a point.

    move : (p,) in the columns that are solved for. length : in standard errors, the longest over all contrasts.
    loss : deviance plus penalty at the point. dispersion : known or Pearson's.
    """

    move: Vector
    length: float
    loss: float
    dispersion: float
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
    unit = error_unit(done.moments.rows, width, BLOCK + done.moments.rows // BLOCK)
    at = np.zeros(width) if b is None else b
    P = _penalty(setting, products, alpha, light)
    system = products if P is None else _tilted(products, P @ at)
    solution = solve(system, frame.constant, unit, P) if P is not None else solved_system(products, frame, unit)
    freedom = done.moments.rows - solution.leverage
    dispersion = known if known is not None else _pearson(products, freedom)
    drop = float(system.hi[:-1, -1] @ solution.coefficients)
    loss = done.totals.deviance + (0.0 if P is None else float(at @ P @ at))
    return Step(solution.coefficients, np.sqrt(max(drop, 0.0) / dispersion), loss, dispersion, solution, products)


def _pearson(products: Pair, freedom: float) -> float:
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
