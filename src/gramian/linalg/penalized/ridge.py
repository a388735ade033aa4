"""Ridge regression for a grid of penalties, from one eigendecomposition."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh, lapack

from gramian.linalg.penalized.system import Penalty, Reduced, Solutions, System, reduced, restored, squares
from gramian.typing import Matrix, Vector

GRID_SIZE = 100  # penalties of the default grid
MAX_RANGE = 1e5  # trace over smallest diagonal element + alpha, up to which eigenvalues are accurate enough
GRID_TOP, GRID_DECADES = 100.0, 10.0  # the default grid: from 100 times the largest eigenvalue down ten decades


def ridge_grid(system: System, penalty: Penalty) -> Vector:
    """A hundred penalties: from 100 times the largest eigenvalue, where slopes are near zero, down ten decades."""
    part = _scaled_system(system, penalty)
    top = GRID_TOP * (float(eigh(part.S, eigvals_only=True)[-1]) if len(part.c) else 1.0)
    return np.asarray((top if top > 0 else GRID_TOP) * 10.0 ** np.linspace(0.0, -GRID_DECADES, GRID_SIZE))


def ridge(system: System, penalty: Penalty, alphas: Vector) -> Solutions:
    """Minima of the residual sum of squares + alpha * sum_j factor_j slope_j^2, for every alpha.

    An eigendecomposition has errors of the size of rounding times the largest eigenvalue. Where columns differ so much
    in length that small ones would lose their digits, a Cholesky factor is computed for each alpha instead. At alpha 0
    dependent columns share their effect: the limit of small penalties.
    """
    part = _scaled_system(system, penalty)
    square = part.S.diagonal()
    smallest = float(square[square > 0].min(initial=np.inf)) + float(alphas.min())
    if square.sum() <= MAX_RANGE * smallest:
        B, slopes_df = _by_eigenvalues(part, alphas)
    else:
        B, slopes_df = _by_cholesky(part, alphas)
    coefficients = restored(part, B, len(system.c))
    residual_products = part.c - B @ part.S - alphas[:, None] * B
    df = slopes_df + len(part.unpenalized) + system.intercept
    return Solutions(
        alphas,
        coefficients,
        squares(system, coefficients),
        df,
        part.relative(residual_products),
        len(alphas),
        part.passed,
    )


def _scaled_system(system: System, penalty: Penalty) -> Reduced:
    """Columns divided by the square roots of their factors, so that all have the same penalty."""
    part = reduced(system, penalty)
    return part.rescaled(np.sqrt(part.factors))


def _by_eigenvalues(part: Reduced, alphas: Vector) -> tuple[Matrix, Vector]:
    """Coefficients (n, m) and degrees of freedom (n,), sum of l / (l + alpha), from S = V diag(l) V'."""
    values, V = eigh(part.S)
    limit = float(part.noise[part.S.diagonal() > 0].max(initial=0.0))
    values = np.where(values > limit, values, 0.0)  # a direction whose eigenvalue is rounding gets no coefficient
    along, denominator = V.T @ part.c, values + alphas[:, None]
    inverse = np.divide(1.0, denominator, out=np.zeros_like(denominator), where=denominator > 0)
    return (along * inverse) @ V.T, np.sum(values * inverse, axis=1)


def _by_cholesky(part: Reduced, alphas: Vector) -> tuple[Matrix, Vector]:
    """As `_by_eigenvalues`, from a Cholesky factor for each alpha."""
    B, df = np.zeros((len(alphas), len(part.c))), np.zeros(len(alphas))
    for i, alpha in enumerate(alphas.tolist()):
        S = part.S + alpha * np.eye(len(part.c))
        scale = 1.0 / np.sqrt(np.where(S.diagonal() > 0, S.diagonal(), 1.0))
        L, failed = lapack.dpotrf(S * scale[:, None] * scale, lower=1, clean=1)
        if failed:
            B[i : i + 1], df[i : i + 1] = _by_eigenvalues(part, alphas[i : i + 1])
            continue
        B[i] = scale * lapack.dpotrs(L, scale * part.c, lower=1)[0]
        inverse, _ = lapack.dpotri(L, lower=1)
        df[i] = len(part.c) - alpha * float(inverse.diagonal() @ scale**2)
    return B, df
