"""The columns of a fit that are not aliased: their coefficients and inverse."""

from __future__ import annotations

import numpy as np

from gramian.fit.leastsquares.solution import Solved
from gramian.linalg import maps
from gramian.linalg.aliasing import basic_coefficients, basic_covariance
from gramian.typing import Codes, Matrix, Vector


def unaliased_columns(solved: Solved) -> Codes:
    """Positions of the model's columns that are no combination of earlier ones."""
    return np.array([i for i, name in enumerate(solved.names) if name not in solved.aliased], np.int64)


def basic_solution(solved: Solved) -> tuple[Vector, Matrix]:
    """Coefficients and inverse of these columns alone, (p,) and (p, p); the aliased ones hold nothing of meaning."""
    aliased = [solved.names.index(name) for name in solved.aliased]
    if not aliased or np.isnan(solved.coefficients[aliased]).all():
        return solved.coefficients, solved.inverse
    parametrization, solution = (
        solved.parametrization,
        solved.solution,
    )  # of least norm: take it back to the one without the aliased
    b, V, null = solution.coefficients * parametrization.scale, solution.inverse, solution.null
    if parametrization.to_model is not None:
        T = maps.map_of(parametrization.to_model)
        b, V, null = maps.apply(parametrization.to_model, b), maps.congruence(T, V), maps.multiply(T, null)
    for i, c in parametrization.response_shift.items():
        b[i] += float(c)
    null = np.asarray(np.linalg.solve(null[aliased].T, null.T).T, np.float64)
    positions = np.array(aliased, np.int64)
    return basic_coefficients(b, positions, null), basic_covariance(V, positions, null)


def prediction_covariance(solved: Solved, V: Matrix) -> Matrix:
    """A covariance (p, p) of the columns that were solved for, of the solution whose coefficients are told.

    Dependent columns have many solutions, which differ in rows unlike those of the fit: a prediction and its interval
    are of the same one. With T to the told columns and null vectors N, it is P V P' for P = I - N (E T N)^-1 E T, E
    choosing the aliased columns, or N'T' for the solution of least norm.
    """
    null = solved.solution.null
    if not null.shape[1]:
        return V
    T = (
        np.eye(len(V))
        if solved.parametrization.to_model is None
        else maps.to_dense(maps.transposed(solved.parametrization.to_model), len(V))
    )
    aliased = [solved.names.index(name) for name in solved.aliased]
    E = T[aliased] if np.isnan(solved.coefficients[aliased]).all() else (T @ null).T @ T
    P = np.eye(len(V)) - null @ np.linalg.solve(E @ null, E)
    return np.asarray(P @ V @ P.T)
