"""A trial point of a curve: loss and derivatives, with the linear parameters at their best.

The triangular factor of a pass holds the products of the g_k, their derivatives and the outcome, hence the loss and its
quadratic model for every value of the linear parameters. These are solved for without another pass, and the search runs
in the nonlinear parameters alone (variable projection: G. H. Golub and V. Pereyra, The differentiation of
pseudo-inverses and nonlinear least squares problems whose variables separate, SIAM Journal on Numerical Analysis 10
(1973), 413-432).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.curve.trust_region import RANK
from gramian.models.curve import Shape, mixing
from gramian.typing import Matrix, Vector

ROUNDING = 16 * float(np.finfo(float).eps)  # relative rounding error of a residual, generously


@dataclass(frozen=True, slots=True)
class Point:
    """A curve at given parameters, p in all, K of them linear and t nonlinear; m is the number of rows of the factor.

    Attributes
    ----------
    beta : ndarray
        (p,) parameters, the linear ones at their best.
    loss : float
        Weighted residual sum of squares.
    J, r : ndarray
        (m, p) derivatives and (m,) residual, both compressed: products of these are those of the rows.
    reduced_jacobian : ndarray
        (m, t) derivatives by the nonlinear parameters when the linear ones stay at their best.
    linear_derivatives : ndarray
        (K, t) derivatives of the best linear parameters by the nonlinear ones.
    tss, sum_of_squares : float
        Weighted sum of squares of the outcome, about its mean and about zero.
    rounding_error : float
        Rounding error of the loss.
    """

    beta: Vector
    loss: float
    J: Matrix
    r: Vector
    reduced_jacobian: Matrix
    linear_derivatives: Matrix
    tss: float
    sum_of_squares: float
    rounding_error: float


def point_of(shape: Shape, beta: Vector, R: Matrix) -> Point | None:
    """The point from the triangular factor R, (width, width), of a pass at beta, (p,); None where squares overflow."""
    with np.errstate(all="ignore"):
        return _point(shape, beta, R) if np.isfinite(np.linalg.norm(R)) else None


def _point(shape: Shape, beta: Vector, R: Matrix) -> Point | None:
    """The point, or None where a number is not finite. Columns of R: g_k, derivatives, y - g_0, y, 1."""
    K, linear, nonlinear = len(shape.linear), list(shape.linear), list(shape.nonlinear)
    one, y, r = shape.width - 1, shape.width - 2, shape.width - 3
    basis, inverse = _orthogonal_basis(R[:, :K])
    beta = beta.copy()
    beta[linear] = inverse @ R[:, r]
    residual = R[:, r] - R[:, :K] @ beta[linear]
    J = R[:, :r] @ mixing(shape, beta)
    sum_of_squares, loss = float(R[:, y] @ R[:, y]), float(residual @ residual)
    if not (np.isfinite(sum_of_squares) and np.isfinite(loss) and np.isfinite(J).all()):
        return None
    fitted_size = float(np.linalg.norm(np.abs(R[:, :K]) @ np.abs(beta[linear])))
    error = ROUNDING * (fitted_size + np.sqrt(sum_of_squares))
    nonlinear_jacobian = J[:, nonlinear]
    total = float(R[:, one] @ R[:, one])
    mean = float(R[:, y] @ R[:, one]) / total if total else 0.0
    centred = R[:, y] - mean * R[:, one]
    return Point(
        beta,
        loss,
        J,
        residual,
        _projected(nonlinear_jacobian, basis),
        -inverse @ nonlinear_jacobian,
        float(centred @ centred),
        sum_of_squares,
        error * (2 * np.sqrt(loss) + error),
    )


def _projected(jacobian: Matrix, basis: Matrix) -> Matrix:
    """Residual of each column after projection on the basis; zero where only rounding remains."""
    residual = jacobian - basis @ (basis.T @ jacobian)
    # a second projection removes what rounding left of the first ("twice is enough")
    residual -= basis @ (basis.T @ residual)
    rounding = np.linalg.norm(residual, axis=0) <= RANK * np.linalg.norm(jacobian, axis=0)
    return np.where(rounding, 0.0, residual)


def _orthogonal_basis(G: Matrix) -> tuple[Matrix, Matrix]:
    """Orthogonal basis (m, k) of the columns of G, (m, K), and their pseudo-inverse (K, m); dependent ones dropped."""
    lengths = np.linalg.norm(G, axis=0)
    # powers of two: scaling the columns to about length one is exact
    scale = np.exp2(-np.round(np.log2(np.where(lengths > 0, lengths, 1.0))))
    U, s, Vt = np.linalg.svd(G * scale, full_matrices=False)
    significant = s > RANK * (s[0] if len(s) else 0.0)
    return U[:, significant], scale[:, None] * (Vt[significant].T / s[significant]) @ U[:, significant].T
