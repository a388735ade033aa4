"""Coefficients and covariances of a fit with aliased columns, in the solution without them."""

from __future__ import annotations

import numpy as np

from gramian.fit.leastsquares.solution import Solved
from gramian.linalg import maps
from gramian.linalg.aliasing import NOISE, basic_coefficients, basic_covariance
from gramian.typing import Codes, Matrix, Vector


def unaliased_columns(solved: Solved) -> Codes:
    """Positions of the model's columns that are not aliased."""
    return np.array([i for i, name in enumerate(solved.names) if name not in solved.aliased], np.int64)


def aliased_positions(solved: Solved) -> Codes:
    """Positions of the model's columns that are aliased, (r,)."""
    return np.array([solved.names.index(name) for name in solved.aliased], np.int64)


def null_vectors(solved: Solved) -> Matrix:
    """Null vectors in the model's columns, (p, r), with the identity in the rows of the aliased columns."""
    null = solved.solution.null
    if solved.parametrization.to_model is not None:
        null = maps.multiply(maps.map_of(solved.parametrization.to_model), null)
    return np.asarray(null @ np.linalg.inv(null[aliased_positions(solved)]))


@np.errstate(over="ignore", invalid="ignore")  # an overflow is infinite, which shows
def basic_solution(solved: Solved) -> tuple[Vector, Matrix]:
    """Coefficients (p,) and inverse (p, p) of the columns that are not aliased, in the fit without the others.

    Entries of aliased columns have no meaning.
    """
    aliased = [solved.names.index(name) for name in solved.aliased]
    if not aliased or np.isnan(solved.coefficients[aliased]).all():
        return solved.coefficients, solved.inverse
    # the minimum-norm solution: null vectors lead from it to the solution without the aliased columns
    parametrization, solution = solved.parametrization, solved.solution
    b, V, null = solution.coefficients * parametrization.scale, solution.inverse, solution.null
    if parametrization.to_model is not None:
        T = maps.map_of(parametrization.to_model)
        b, V, null = maps.apply(parametrization.to_model, b), maps.congruence(T, V), maps.multiply(T, null)
    for i, c in parametrization.response_shift.items():
        b[i] += float(c)
    null = np.asarray(np.linalg.solve(null[aliased].T, null.T).T, np.float64)
    positions = np.array(aliased, np.int64)
    return basic_coefficients(b, positions, null), basic_covariance(V, positions, null)


def combinations(solved: Solved) -> Matrix:
    """Every column (p,) as a combination of the r columns that are not aliased, (r, p)."""
    kept, aliased = unaliased_columns(solved), [solved.names.index(name) for name in solved.aliased]
    out = np.zeros((len(kept), len(solved.names)))
    out[np.arange(len(kept)), kept] = 1.0
    null, to_model = solved.solution.null, solved.parametrization.to_model
    null = null if to_model is None else maps.multiply(maps.map_of(to_model), null)
    out[:, aliased] = -np.linalg.solve(null[aliased].T, null.T)[:, kept].T
    out[np.abs(out) < NOISE] = 0.0
    return out


def prediction_covariance(solved: Solved, V: Matrix) -> Matrix:
    """Covariance (p, p) in the columns that were solved for, of the solution that the fit reports: P V P'.

    V : (p, p) covariance of any solution, or (X'WX)^-1. P : `reported_solution`.
    """
    P = reported_solution(solved)
    return V if P is None else np.asarray(P @ V @ P.T)


def reported_solution(solved: Solved) -> Matrix | None:
    """P (p, p), which maps any solution in the solved columns to the one that the fit reports; None for the identity.

    Dependent columns have many solutions, whose predictions differ in rows where the dependence does not hold; an
    interval has to be that of the reported solution. It is P = I - N (E T N)^-1 E T, where T maps solved to model
    coefficients, N are the null vectors, and E selects the aliased columns, or is N'T' for the minimum-norm solution.
    """
    null = solved.solution.null
    if not null.shape[1]:
        return None
    T = (
        np.eye(len(null))
        if solved.parametrization.to_model is None
        else maps.to_dense(maps.transposed(solved.parametrization.to_model), len(null))
    )
    aliased = [solved.names.index(name) for name in solved.aliased]
    E = T[aliased] if np.isnan(solved.coefficients[aliased]).all() else (T @ null).T @ T
    return np.asarray(np.eye(len(null)) - null @ np.linalg.solve(E @ null, E))
