"""Coordinate descent on products (covariance updates), with jumps to the solution that the signs of the moment suggest.

Friedman, Hastie and Tibshirani (2010) for the descent; Hintermueller, Ito and Kunisch (2003) for the jumps, a
semismooth Newton step: guess which coefficients are zero and the signs of the others, solve for these, and stop where
the solution bears the guess out. Descent takes over where the guesses go in circles; where it does not settle either,
the path with this ridge is followed down to these thresholds.
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

JUMPS = 6  # guesses before a round of descent
CYCLES = 20  # sweeps over the working set in a round
ROUNDS = 50
ENOUGH = 1e-14  # relative gap at which the descent itself may stop
MOST = 1e-8  # relative gap that is no solution any more


def descend(
    part: Reduced, threshold: Vector, ridge: Vector, start: Vector, rounds: int = ROUNDS
) -> tuple[Vector, float]:
    """Minimum of b'Sb / 2 - c'b + b'Rb / 2 + |t o b|_1, and its duality gap relative to y'y / 2.

    threshold : (q,) t > 0, ridge : (q,) diagonal of R >= 0, start : (q,) where to begin.
    Raises ConvergenceError where the gap stays above 1e-8.
    """
    b, half = start, max(0.5 * part.y_length**2, np.finfo(float).tiny)
    for _ in range(rounds):
        b, solved = _jump(part, threshold, ridge, b)
        relative_gap = gap(part.S, part.c, part.yy, threshold, ridge, b) / half
        if solved or relative_gap <= ENOUGH:
            return b, relative_gap
        b = _cycle(part.S, part.c, threshold, ridge, b)
    b = min(b, _by_homotopy(part, threshold, ridge), key=lambda x: gap(part.S, part.c, part.yy, threshold, ridge, x))
    relative_gap = gap(part.S, part.c, part.yy, threshold, ridge, b) / half
    if relative_gap > MOST:
        raise ConvergenceError(
            f"coordinate descent is left with a duality gap of {relative_gap:.1e} after {rounds * CYCLES:,} sweeps: "
            "the columns are too nearly dependent; leave some out or use a smaller l1_ratio"
        )
    return b, relative_gap


def _by_homotopy(part: Reduced, threshold: Vector, ridge: Vector) -> Vector:
    """The solution by homotopy: with this ridge, and every threshold falling in proportion until it is what it is."""
    share = 1.0 / threshold
    S = (part.S + np.diag(ridge)) * share[:, None] * share
    rounding = part.length * part.y_length * part.rounding_error * share
    knots = homotopy(S, part.c * share, part.noise * share**2, rounding)
    return np.asarray(between(knots, np.ones(1))[0] * share) if len(knots.at) else np.zeros(len(share))


def _jump(part: Reduced, threshold: Vector, ridge: Vector, b: Vector) -> tuple[Vector, bool]:
    """A few guesses of the signs: the minimum, where one is right (True), else the lowest point on the way."""
    S, c, square = part.S, part.c, part.S.diagonal()
    rest, best = c - S @ b, b
    lowest = _objective(c, threshold, ridge, b, rest)
    for _ in range(JUMPS):
        pull = rest + square * b
        active, b = _solve_for_signs(part, threshold, ridge, np.flatnonzero(np.abs(pull) > threshold), np.sign(pull))
        rest = c - S @ b
        allowed = threshold + part.rounding(b[None])[0]
        allowed[active] = np.inf
        if (pull * b >= 0).all() and (np.abs(rest) <= allowed).all():
            return b, True
        objective = _objective(c, threshold, ridge, b, rest)
        if objective < lowest:
            best, lowest = b, objective
    return best, False


def _objective(c: Vector, threshold: Vector, ridge: Vector, b: Vector, rest: Vector) -> float:
    """What is minimised, at coefficients that leave these products with the residual."""
    return float(-0.5 * (b @ (c + rest)) + 0.5 * (ridge @ b**2) + threshold @ np.abs(b))


def _solve_for_signs(
    part: Reduced, threshold: Vector, ridge: Vector, active: Codes, sign: Vector
) -> tuple[Codes, Vector]:
    """Where the signs are given the conditions are linear: who is in, and the solution.

    Of columns that depend on each other the later ones are left out.
    """
    L, dependent = _factor(part, ridge, active)
    if dependent:
        active = _independent(part, ridge, active)
        L, _ = _factor(part, ridge, active)
    b = np.zeros(len(part.c))
    if len(active):
        b[active] = lapack.dpotrs(L, part.c[active] - threshold[active] * sign[active], lower=1)[0]
    return active, b


def _factor(part: Reduced, ridge: Vector, active: Codes) -> tuple[Matrix, bool]:
    """Cholesky factor of S + R of some columns, and whether one of its pivots is rounding."""
    inner = part.S[np.ix_(active, active)]
    if not len(active):
        return inner, False
    inner[np.diag_indices(len(active))] += ridge[active]
    L, failed = lapack.dpotrf(inner, lower=1)
    return L, bool(failed) or bool((L.diagonal() ** 2 <= part.noise[active]).any())


def _independent(part: Reduced, ridge: Vector, active: Codes) -> Codes:
    triangle, columns = Triangle(len(active)), list[int]()
    for j in active.tolist():
        if triangle.add(part.S[j, columns], float(part.S[j, j] + ridge[j]), part.noise[columns], float(part.noise[j])):
            columns.append(j)
    return np.array(columns, np.int64)


def _cycle(S: Matrix, c: Vector, threshold: Vector, ridge: Vector, b: Vector) -> Vector:
    """Sweeps of coordinate descent over the columns that are not zero or want to be."""
    rest = c - S @ b
    work = np.flatnonzero((b != 0) | (np.abs(rest) > threshold))
    inner, g, x = S[np.ix_(work, work)], rest[work], b[work]
    squares, bottoms = inner.diagonal().tolist(), (inner.diagonal() + ridge[work]).tolist()
    limit = threshold[work].tolist()
    for _ in range(CYCLES):
        for i, (square_j, bottom_j, t) in enumerate(zip(squares, bottoms, limit, strict=True)):
            old = float(x[i])
            pull = float(g[i]) + square_j * old
            size = abs(pull) - t
            new = 0.0 if size <= 0 or bottom_j <= 0 else (size if pull > 0 else -size) / bottom_j
            if new != old:
                g -= inner[i] * (new - old)
                x[i] = new
    out = np.zeros(len(c))
    out[work] = x
    return out
