"""Two-stage least squares from products: the first stage as a triangular factor, then the normal equations of k-class.

For regressors X, instruments Z and an outcome y, all centred and scaled, with P the projection on Z, the k-class has

    ((1 - k) X'X + k X'PX) b = (1 - k) X'y + k X'Py,

two-stage least squares k = 1. As a system of sums alone, b solves with the projection's coefficients l

    [Z'Z  Z'X] [l]   [Z'y]
    [X'Z   0 ] [b] = [ 0 ],

whose componentwise perturbation bounds certify the digits of b, as those of the normal equations do in `certificate`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.linalg.certificate import EPS, Bounds
from gramian.linalg.solve import (
    SAFETY,
    Centred,
    Solution,
    condition_number,
    embedded,
    factorize,
    inverse_of,
    submatrix,
    undo_scaling,
)
from gramian.linalg.triangular import solve_triangular
from gramian.typing import Codes, Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class FirstStage:
    """The projection of m regressors and the outcome on the instruments.

    Attributes
    ----------
    centred : Centred
        Products of instruments, regressors and outcome, centred and scaled.
    instruments : (l,) int
        Positions of the instruments among the centred columns, the exogenous regressors first.
    exogenous : int
        How many of them are exogenous regressors.
    regressors : (m,) int
        Positions of the regressors.
    independent : (l,) bool
        Instruments that do not depend on those before them, r in number.
    L : (r, r)
        Their lower Cholesky factor, Z'Z = LL'.
    dependencies : (r, l - r)
        Combinations of them that equal the dependent instruments.
    T : (r, m + 1)
        L^-1 Z'(X, y): coefficients of the regressors and the outcome on orthonormal instruments.
    rounding_error : float
        Relative rounding error of a product.
    """

    centred: Centred
    instruments: Codes
    exogenous: int
    regressors: Codes
    independent: Mask
    L: Matrix
    dependencies: Matrix
    T: Matrix
    rounding_error: float

    @property
    def used(self) -> Codes:
        """(r,) positions of the independent instruments."""
        return self.instruments[self.independent]

    @property
    def included(self) -> int:
        """Number of independent exogenous regressors."""
        return int(self.independent[: self.exogenous].sum())

    @property
    def raw(self) -> Matrix:
        """(m + 1, m + 1), products of the regressors and the outcome."""
        at = np.append(self.regressors, len(self.centred.products) - 1)
        return np.asarray(self.centred.products[np.ix_(at, at)])

    @property
    def projected(self) -> Matrix:
        """(m + 1, m + 1), products of the projected regressors and outcome."""
        return np.asarray(self.T.T @ self.T)

    def coefficients(self) -> Matrix:
        """Coefficients (l, m + 1) of regressors and outcome on the instruments, zero for dependent ones."""
        out = np.zeros((len(self.instruments), self.T.shape[1]))
        if len(self.L):
            out[self.independent] = solve_triangular(self.L, self.T, lower=True, trans=1)
        return out

    def reduced(self) -> tuple[Matrix, Matrix]:
        """Products (m + 1, m + 1) without the exogenous regressors, and coefficients (r - included, m + 1) on the rest.

        The coefficients are those on orthonormal excluded instruments, without the exogenous regressors.
        """
        first, rest = self.T[: self.included], self.T[self.included :]
        return self.raw - first.T @ first, rest


def first_stage(
    centred: Centred, instruments: Codes, exogenous: int, regressors: Codes, rounding_error: float
) -> FirstStage:
    """Project regressors and outcome on the instruments; arguments as the attributes of `FirstStage`."""
    C = centred.products
    S, squares = C[np.ix_(instruments, instruments)], centred.summed_squares[instruments]
    limits = np.minimum(SAFETY * rounding_error * squares, 0.5 * S.diagonal())
    independent, L, dependencies = factorize(S, limits)
    rest = C[np.ix_(instruments[independent], np.append(regressors, len(C) - 1))]
    T = solve_triangular(L, rest, lower=True) if len(L) else rest
    return FirstStage(centred, instruments, exogenous, regressors, independent, L, dependencies, T, rounding_error)


def limits_of(stage: FirstStage, S: Matrix) -> Vector:
    """Pivots (m,) up to which a regressor counts as dependent. S : (m, m) its products, projected or not."""
    squares = stage.centred.summed_squares[stage.regressors]
    return np.minimum(SAFETY * stage.rounding_error * squares, 0.5 * S.diagonal())


def unexplained(stage: FirstStage) -> Mask:
    """Regressors (m,) that are independent of each other, while their projections on the instruments are not."""
    raw, projected = stage.raw[:-1, :-1], stage.projected[:-1, :-1]
    own, explained = (factorize(S, limits_of(stage, raw))[0] for S in (raw, projected))
    return np.asarray(own & ~explained)


def second_stage(
    stage: FirstStage, places: Codes, constant: int | None, kappa: float = 1.0, weight: Matrix | None = None
) -> tuple[Solution, Vector]:
    """Solve for the coefficients of the regressors.

    Parameters
    ----------
    stage : FirstStage
        The projection.
    places : (m,) int
        Positions of the regressors among all columns of the solution.
    constant : int or None
        Position of the constant among them.
    kappa : float
        k of the k-class.
    weight : (r, r) or None
        Weights of the moments of orthonormal instruments, for GMM; None for the identity, which is 2SLS.

    Returns
    -------
    Solution
        With bounds that hold for k = 1 without weights.
    ndarray of shape (p,)
        Half the gradient of the residual sum of squares at the solution, in its columns; zero for the constant.
    """
    raw, T = stage.raw, stage.T
    inner = T.T @ T if weight is None else T.T @ weight @ T
    products = kappa * inner if kappa == 1.0 else (1.0 - kappa) * raw + kappa * inner
    centred = _structural(stage, products, places, constant)
    A, c = centred.S, centred.c
    independent, L, dependencies = factorize(A, limits_of(stage, A))
    b = np.zeros(len(A))
    if len(L):
        half = solve_triangular(L, c[independent], lower=True)
        b[independent] = solve_triangular(L, half, lower=True, trans=1)
    inverse = inverse_of(L)
    condition = condition_number(submatrix(A, independent), inverse)
    V = embedded(inverse, independent)
    bounds, of_mean = _bounds(stage, V, b)
    solution = undo_scaling(centred, b, V, independent, dependencies, condition, float(independent.sum()), bounds)
    if constant is not None and solution.bounds is not None:
        sensitivity = solution.bounds.sensitivity.copy()
        sensitivity[constant] = of_mean + _mean_error(bounds, centred)
        solution = replace(solution, bounds=replace(solution.bounds, sensitivity=sensitivity))
    v = np.append(-b, 1.0)
    gradient = raw @ v
    rss = max(float(v @ gradient), 0.0) / centred.y_scale / centred.y_scale
    slopes = np.zeros(len(solution.coefficients))
    slopes[places] = gradient[:-1] / (centred.scale * centred.y_scale)
    return replace(solution, rss=rss), slopes


def _structural(stage: FirstStage, products: Matrix, places: Codes, constant: int | None) -> Centred:
    """The normal equations of the second stage, in the scale of the regressors."""
    own, at = stage.centred, stage.regressors
    return Centred(
        products,
        own.scale[at],
        own.y_scale,
        own.mean[at],
        own.y_mean,
        own.summed_squares[at],
        own.y_summed_square,
        places,
        constant,
        own.weight,
    )


def _mean_error(bounds: Bounds, centred: Centred) -> float:
    """What the intercept's sensitivity has beside that of first order: errors of the means, and of second order."""
    through_slopes = float(np.abs(centred.mean * centred.scale) @ bounds.sensitivity)
    return float(centred.weight**-0.5) + (bounds.rho + (len(centred.mean) + 1) * EPS) * through_slopes


def _bounds(stage: FirstStage, V: Matrix, b: Vector) -> tuple[Bounds, float]:
    """Error bounds of two-stage least squares, from the inverse of the system of sums alone.

    The second is the sensitivity of first order of the means times the coefficients, which the intercept has. With G =
    (Z'Z)^-1, Pi = G Z'X and V = (X'PX)^-1, the inverse has the blocks G - Pi V Pi', Pi V and -V.
    """
    own, independent = stage.centred, stage.independent
    norms = np.sqrt(own.summed_squares) + np.abs(own.mean * own.scale) * np.sqrt(own.weight)
    R, r = norms[stage.instruments[independent]], norms[stage.regressors]
    response_norm = float(np.sqrt(own.y_summed_square) + abs(own.y_mean * own.y_scale) * np.sqrt(own.weight))
    if len(stage.L):
        back = solve_triangular(stage.L, np.column_stack([stage.T[:, :-1], np.eye(len(stage.L))]), lower=True, trans=1)
        Pi, root = back[:, : len(b)], back[:, len(b) :]
        G = root @ root.T
        multipliers = root @ (stage.T[:, -1] - stage.T[:, :-1] @ b)
    else:
        Pi, G, multipliers = np.zeros((0, len(b))), np.zeros((0, 0)), np.zeros(0)
    cross = Pi @ V
    sensitivity = np.abs(cross).T @ R + np.abs(V) @ r
    of_instruments = np.abs(G - cross @ Pi.T) @ R + np.abs(cross) @ r
    g = stage.rounding_error
    rho = g * float(max((R * of_instruments).max(initial=0.0), (r * sensitivity).max(initial=0.0)))
    means = own.mean[stage.regressors] * own.scale[stage.regressors]
    of_mean = float(np.abs(cross @ means) @ R + np.abs(V @ means) @ r)
    bounds = Bounds(
        sensitivity,
        r,
        np.sqrt(np.maximum(stage.raw.diagonal()[:-1], 0.0)),
        response_norm + float(R @ np.abs(multipliers)),
        g,
        rho if np.isfinite(rho) else np.inf,
    )
    return bounds, of_mean


def weighted_stage(
    stage: FirstStage, solution: Solution, places: Codes, constant: int | None, weight: Matrix
) -> Solution:
    """The solution with weights of the moments, for GMM.

    Parameters
    ----------
    stage : FirstStage
        The projection.
    solution : Solution
        That of two-stage least squares, which has the same columns.
    places, constant
        As in `second_stage`.
    weight : (m, m)
        Weights of the moments of orthonormal instruments, the constant first where there is one.

    Returns
    -------
    Solution
        Without bounds.
    """
    own, first = stage.centred, int(constant is not None)
    T = np.zeros((first + len(stage.T), first + len(places)))
    T[:first, :first], T[first:, first:] = 1.0, stage.T[:, :-1]
    y = np.concatenate([np.zeros(first), stage.T[:, -1]])
    used = np.concatenate([np.ones(first, bool), solution.independent[places]])
    A = submatrix(T.T @ weight @ T, used)
    scale = 1.0 / np.sqrt(A.diagonal())
    inverse = embedded(scale[:, None] * np.linalg.inv(A * scale[:, None] * scale) * scale, used)
    b = inverse @ (T.T @ (weight @ y))
    to_columns = np.zeros((len(solution.coefficients), len(b)))
    to_columns[places, first:] = np.diag(own.scale[stage.regressors])
    if constant is not None:
        means = own.mean[stage.regressors]
        to_columns[constant, 0] = 1.0 / np.sqrt(own.weight)
        to_columns[constant, first:] = -means * own.scale[stage.regressors]
    coefficients = to_columns @ b / own.y_scale
    if constant is not None:
        coefficients[constant] += own.y_mean
    v = np.append(-b[first:], 1.0)
    rss = (float(v @ stage.raw @ v) + float(b[:first] @ b[:first])) / own.y_scale / own.y_scale
    return replace(
        solution,
        coefficients=coefficients,
        inverse=to_columns @ inverse @ to_columns.T,
        rss=max(rss, 0.0),
        bounds=None,
    )
