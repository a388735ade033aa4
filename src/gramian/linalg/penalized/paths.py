"""Lasso and elastic-net paths: homotopy where it is accurate, coordinate descent elsewhere."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from gramian.errors import ConvergenceError
from gramian.linalg.penalized.descent import descend
from gramian.linalg.penalized.homotopy import Knots, between, homotopy
from gramian.linalg.penalized.optimality import violations
from gramian.linalg.penalized.ridge import ridge, ridge_grid
from gramian.linalg.penalized.system import Penalty, Reduced, Solutions, System, reduced, restored, squares
from gramian.typing import Matrix, Vector

GRID_SIZE = 100  # penalties of a default grid
GRID_RATIO = 1e-3  # the last penalty of a default grid, relative to the first


def path(system: System, penalty: Penalty, alphas: Vector | None = None) -> Solutions:
    """The path of any penalty; without `alphas` at the lasso's knots, or at a hundred penalties.

    alphas : falling. The sum of squares is divided by twice the sum of weights when l1_ratio > 0, as scikit-learn's
    Lasso and ElasticNet do, and taken as it is when l1_ratio is 0, as Ridge does.
    """
    if penalty.l1_ratio == 0:
        return ridge(system, penalty, ridge_grid(system, penalty) if alphas is None else alphas)
    if penalty.l1_ratio == 1:
        return lasso(system, penalty, alphas)
    return elastic_net(system, penalty, grid(system, penalty) if alphas is None else alphas)


def grid(system: System, penalty: Penalty) -> Vector:
    """A hundred penalties, from the smallest at which all penalised coefficients are zero down three decades."""
    part = reduced(system, penalty)
    top = float(np.max(np.abs(part.c) / part.factors, initial=0.0)) / (system.weight * penalty.l1_ratio)
    return np.asarray((top or 1.0) * np.logspace(0.0, np.log10(GRID_RATIO), GRID_SIZE))


def lasso(system: System, penalty: Penalty, alphas: Vector | None = None, max_changes: int | None = None) -> Solutions:
    """The lasso at its knots, or at given alphas by linear interpolation between them.

    Parameters
    ----------
    system : System
        Products of the columns.
    penalty : Penalty
        With l1_ratio 1.
    alphas : (n,) or None
        Penalties, falling.
    max_changes : int or None
        Changes of the active set after which homotopy ends.

    Raises
    ------
    ConvergenceError
        Where descent does not converge, or only descent is left for alpha 0.

    Notes
    -----
    Where homotopy ended early, or its knots violate the optimality conditions, the rest of the path is computed by
    descent, on a grid.
    """
    part = reduced(system, penalty)
    part = part.rescaled(part.factors)
    knots, doubt = checked(
        part, homotopy(part.S, part.c, part.noise, part.length * part.y_length * part.rounding_error, max_changes)
    )
    reached = 0.0 if knots.complete else float(knots.at[-1])
    at = (knots.at if knots.complete else _with_grid(knots.at)) if alphas is None else alphas * system.weight
    # Linear interpolation holds as far as the knots reach; smaller penalties are left to descent.
    exact = int((at >= reached).sum())
    B = knots.b if alphas is None else between(knots, at[:exact])
    certificate = np.interp(-at[:exact], -knots.at, doubt)
    if exact < len(at):
        descended = _descents(part, np.outer(at[exact:], np.ones(len(part.c))), np.zeros((1, 1)), knots.b[-1])
        B, certificate = np.vstack([B, descended[0]]), np.append(certificate, descended[1])
    coefficients = restored(part, B, len(system.c))
    return Solutions(
        at / system.weight if alphas is None else alphas, coefficients, squares(system, coefficients),
        _total_df(system, part, np.count_nonzero(B, axis=1)),
        certificate, exact, np.union1d(part.passed, part.columns[knots.passed]), alphas is None,
    )  # fmt: skip


def elastic_net(system: System, penalty: Penalty, alphas: Vector) -> Solutions:
    """The elastic net at given alphas > 0 (falling), each started from the solution before.

    Degrees of freedom after Zou, Hastie and Tibshirani (2007): the trace of the hat matrix of the ridge on the active
    set.
    """
    part, strength = reduced(system, penalty), alphas * system.weight
    threshold = np.outer(strength * penalty.l1_ratio, part.factors)
    ridges = np.outer(strength * (1.0 - penalty.l1_ratio), part.factors)
    B, certificate = _descents(part, threshold, ridges, np.zeros(len(part.c)))
    df = np.array([_active_df(part.S, r, b) for r, b in zip(ridges, B, strict=True)])
    coefficients = restored(part, B, len(system.c))
    return Solutions(
        alphas, coefficients, squares(system, coefficients), _total_df(system, part, df), certificate, 0, part.passed
    )


def checked(part: Reduced, knots: Knots) -> tuple[Knots, Vector]:
    """The knots up to where the optimality conditions hold, and their largest violations as correlations, (k,)."""
    if not len(knots.at):
        knots = Knots(
            np.abs(part.c).max(initial=0.0, keepdims=True), np.zeros((1, len(part.c))), knots.passed, complete=False
        )
    excess = violations(part.S, part.c, knots.at, knots.b)
    good = (excess <= part.rounding(knots.b)).all(axis=1)
    if not good.all():
        count = max(int(np.argmin(good)), 1)
        knots, excess = Knots(knots.at[:count], knots.b[:count], knots.passed, complete=False), excess[:count]
    return knots, part.relative(excess)


def _with_grid(at: Vector) -> Vector:
    """The knots, then a grid for descent."""
    return np.append(at, at[-1] * np.logspace(0.0, np.log10(GRID_RATIO), GRID_SIZE)[1:])


def _descents(part: Reduced, thresholds: Matrix, ridges: Matrix, start: Vector) -> tuple[Matrix, Vector]:
    """Coefficients and relative duality gaps for rows of thresholds and ridges, each started from the row before."""
    if not thresholds.all():
        raise ConvergenceError(
            "homotopy ended before alpha 0, and coordinate descent needs a penalty: ask for alphas above 0"
        )
    B, gaps, b = np.zeros(thresholds.shape), np.zeros(len(thresholds)), start
    for i, (t, r) in enumerate(zip(thresholds, np.broadcast_to(ridges, thresholds.shape), strict=True)):
        b, gaps[i] = descend(part, t, r, b)
        B[i] = b
    return B, gaps


def _total_df(system: System, part: Reduced, df: Vector) -> Vector:
    """Degrees of freedom with those of unpenalised columns and the intercept."""
    return np.asarray(df + len(part.unpenalized) + system.intercept, np.float64)


def _active_df(S: Matrix, ridge: Vector, b: Vector) -> float:
    """Trace of S_AA (S_AA + R_A)^-1, computed as the number of columns minus the trace of R_A (S_AA + R_A)^-1."""
    active = np.flatnonzero(b)
    if not len(active):
        return 0.0
    inner = S[np.ix_(active, active)]
    inner[np.diag_indices(len(active))] += ridge[active]
    # For a small ridge the trace is near the number of columns: the difference is computed, not the trace itself.
    inverse, _ = lapack.dpotri(lapack.dpotrf(inner, lower=1)[0], lower=1)
    return len(active) - float(inverse.diagonal() @ ridge[active])
