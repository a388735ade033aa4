"""Elastic net at one penalty: coordinate descent on products, accelerated by semismooth Newton steps.

Friedman, Hastie and Tibshirani (2010) for coordinate descent with covariance updates; Hintermueller, Ito and Kunisch
(2003) for the Newton step: guess from the gradient which coefficients are zero and the signs of the others, solve the
linear system for these, and stop where the solution confirms the guess. Coordinate descent takes over where the guesses
cycle; where it does not converge either, the path with this ridge is followed down to these thresholds.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from gramian.errors import ConvergenceError
from gramian.linalg.penalized.homotopy import between, homotopy
from gramian.linalg.penalized.optimality import gap
from gramian.linalg.penalized.system import Reduced
from gramian.linalg.penalized.triangle import Triangle
from gramian.typing import Codes, Matrix, Vector

NEWTON_STEPS = 6  # Newton steps before a round of descent
SWEEPS = 20  # sweeps over the working set in a round
MAX_ROUNDS = 50  # rounds before the homotopy method is used
GAP_TOLERANCE = 1e-14  # relative duality gap at which descent stops
MAX_GAP = 1e-8  # relative duality gap above which there is no solution


def descend(
    part: Reduced, threshold: Vector, ridge: Vector, start: Vector, rounds: int = MAX_ROUNDS
) -> tuple[Vector, float]:
    """Minimum of b'Sb / 2 - c'b + b'Rb / 2 + sum_j t_j |b_j|, and its duality gap relative to y'y / 2.

    Parameters
    ----------
    part : Reduced
        S : (q, q), c : (q,) and the square of the outcome.
    threshold : (q,)
        t > 0.
    ridge : (q,)
        Diagonal of R >= 0.
    start : (q,)
        Initial coefficients.
    rounds : int
        Rounds of Newton steps and descent at most.

    Raises
    ------
    ConvergenceError
        Where the relative gap stays above 1e-8.
    """
    b, half = start, max(0.5 * part.y_length**2, np.finfo(float).tiny)
    # Newton steps usually end in the first round; sweeps of descent break the cycles that guesses can fall into.
    for _ in range(rounds):
        b, solved = _newton_steps(part, threshold, ridge, b)
        relative_gap = gap(part.S, part.c, part.yy, threshold, ridge, b) / half
        if solved or relative_gap <= GAP_TOLERANCE:
            return b, relative_gap
        b = _sweeps(part.S, part.c, threshold, ridge, b)
    b = min(b, _by_homotopy(part, threshold, ridge), key=lambda x: gap(part.S, part.c, part.yy, threshold, ridge, x))
    relative_gap = gap(part.S, part.c, part.yy, threshold, ridge, b) / half
    if relative_gap > MAX_GAP:
        raise ConvergenceError(
            f"coordinate descent has a relative duality gap of {relative_gap:.1e} after {rounds * SWEEPS:,} sweeps: "
            "the columns are too nearly dependent; leave some out or use a smaller l1_ratio"
        )
    return b, relative_gap


def _by_homotopy(part: Reduced, threshold: Vector, ridge: Vector) -> Vector:
    """The minimum by homotopy: with this ridge fixed, all thresholds fall in proportion to their final values."""
    share = 1.0 / threshold
    # Columns divided by their thresholds have the same threshold, 1, at which the path is evaluated.
    S = (part.S + np.diag(ridge)) * share[:, None] * share
    rounding = part.length * part.y_length * part.rounding_error * share
    knots = homotopy(S, part.c * share, part.noise * share**2, rounding)
    return np.asarray(between(knots, np.ones(1))[0] * share) if len(knots.at) else np.zeros(len(share))


def _newton_steps(part: Reduced, threshold: Vector, ridge: Vector, b: Vector) -> tuple[Vector, bool]:
    """Newton steps: the minimum and True where a guess of signs is confirmed, else the lowest point and False."""
    S, c, square = part.S, part.c, part.S.diagonal()
    residual_products, best = c - S @ b, b
    lowest = _objective(c, threshold, ridge, b, residual_products)
    for _ in range(NEWTON_STEPS):
        pull = residual_products + square * b
        active, b = _solve_for_signs(part, threshold, ridge, np.flatnonzero(np.abs(pull) > threshold), np.sign(pull))
        residual_products = c - S @ b
        # The optimality conditions hold up to the rounding errors of S b.
        allowed = threshold + part.rounding(b[None])[0]
        allowed[active] = np.inf
        if (pull * b >= 0).all() and (np.abs(residual_products) <= allowed).all():
            return b, True
        objective = _objective(c, threshold, ridge, b, residual_products)
        if objective < lowest:
            best, lowest = b, objective
    return best, False


def _objective(c: Vector, threshold: Vector, ridge: Vector, b: Vector, residual_products: Vector) -> float:
    """The minimised function at b, given its residual products c - S b."""
    return float(-0.5 * (b @ (c + residual_products)) + 0.5 * (ridge @ b**2) + threshold @ np.abs(b))


def _solve_for_signs(
    part: Reduced, threshold: Vector, ridge: Vector, active: Codes, sign: Vector
) -> tuple[Codes, Vector]:
    """Solution of the optimality conditions for given signs, which are linear, and the columns that it uses.

    active : (k,) columns that are not zero. sign : (q,). Of linearly dependent columns the later ones are left out.
    """
    # Cholesky of all active columns is far cheaper than building up independent ones, and nearly always succeeds.
    L, dependent = _factor(part, ridge, active)
    if dependent:
        active = _independent(part, ridge, active)
        L, _ = _factor(part, ridge, active)
    b = np.zeros(len(part.c))
    if len(active):
        b[active] = lapack.dpotrs(L, part.c[active] - threshold[active] * sign[active], lower=1)[0]
    return active, b


def _factor(part: Reduced, ridge: Vector, active: Codes) -> tuple[Matrix, bool]:
    """Cholesky factor of S + R of some columns, and whether one of its pivots is rounding error."""
    inner = part.S[np.ix_(active, active)]
    if not len(active):
        return inner, False
    inner[np.diag_indices(len(active))] += ridge[active]
    L, failed = lapack.dpotrf(inner, lower=1)
    return L, bool(failed) or bool((L.diagonal() ** 2 <= part.noise[active]).any())


def _independent(part: Reduced, ridge: Vector, active: Codes) -> Codes:
    """The active columns that do not depend on earlier ones."""
    triangle, columns = Triangle(len(active)), list[int]()
    for j in active.tolist():
        if triangle.add(part.S[j, columns], float(part.S[j, j] + ridge[j]), part.noise[columns], float(part.noise[j])):
            columns.append(j)
    return np.array(columns, np.int64)


def _sweeps(S: Matrix, c: Vector, threshold: Vector, ridge: Vector, b: Vector) -> Vector:
    """Sweeps of coordinate descent over the columns that are not zero or violate optimality at zero."""
    residual_products = c - S @ b
    work = np.flatnonzero((b != 0) | (np.abs(residual_products) > threshold))
    inner, g, x = S[np.ix_(work, work)], residual_products[work], b[work]
    # Python floats: scalar access to arrays would dominate the loop.
    squares, denominators = inner.diagonal().tolist(), (inner.diagonal() + ridge[work]).tolist()
    limit = threshold[work].tolist()
    for _ in range(SWEEPS):
        for i, (square_j, denominator_j, t) in enumerate(zip(squares, denominators, limit, strict=True)):
            old = float(x[i])
            pull = float(g[i]) + square_j * old
            size = abs(pull) - t
            new = 0.0 if size <= 0 or denominator_j <= 0 else (size if pull > 0 else -size) / denominator_j
            if new != old:
                g -= inner[i] * (new - old)
                x[i] = new
    out = np.zeros(len(c))
    out[work] = x
    return out
