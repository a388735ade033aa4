"""A trial point of a curve: loss and derivatives, with the linear parameters at their best.

The triangular factor of the g_k, their derivatives and the outcome holds the loss *and* its model for every value of
the linear parameters: they are solved for without another pass, and the search runs in the others (variable
projection: Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413-432).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.curve.trust_region import RANK
from gramian.models.curve import Shape, mixing
from gramian.typing import Matrix, Vector

ROUNDING = 16 * float(np.finfo(float).eps)


@dataclass(frozen=True, slots=True)
class Point:
    """A curve at its parameters; m is the number of compressed rows.

    beta : (p,) parameters, the linear ones at their best.
    loss : weighted sum of squares at beta. J, r : (m, p), (m,) derivatives and residual there.
    reduced : (m, t) derivatives by the nonlinear parameters when the linear ones follow; follow : (K, t) how they do.
    spread, square : weighted sum of squares of the outcome about its mean, and about zero.
    noise : how much of the loss is rounding.
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
    """The point from the triangular factor (width, width) of a pass at beta; None where squares overflow."""
    with np.errstate(all="ignore"):
        return _point(shape, beta, R) if np.isfinite(np.linalg.norm(R)) else None


def _point(shape: Shape, beta: Vector, R: Matrix) -> Point | None:
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
    """What the basis does not explain of each column; nothing where that is rounding."""
    residual = jacobian - basis @ (basis.T @ jacobian)
    residual -= basis @ (basis.T @ residual)
    rounding = np.linalg.norm(residual, axis=0) <= RANK * np.linalg.norm(jacobian, axis=0)
    return np.where(rounding, 0.0, residual)


def _orthogonal_basis(G: Matrix) -> tuple[Matrix, Matrix]:
    """An orthogonal basis of the columns, and their pseudo-inverse (K, m); what is rounding is left out."""
    lengths = np.linalg.norm(G, axis=0)
    scale = np.exp2(-np.round(np.log2(np.where(lengths > 0, lengths, 1.0))))
    U, s, Vt = np.linalg.svd(G * scale, full_matrices=False)
    significant = s > RANK * (s[0] if len(s) else 0.0)
    return U[:, significant], scale[:, None] * (Vt[significant].T / s[significant]) @ U[:, significant].T
