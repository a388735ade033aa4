"""Coordinate descent on products (covariance updates), with jumps to the solution that the signs of the moment suggest.

Friedman, Hastie and Tibshirani (2010) for the descent; Hintermueller, Ito and Kunisch (2003) for the jumps, a
semismooth Newton step: guess which coefficients are zero and the signs of the others, solve for these, and stop where
the solution bears the guess out. Descent takes over where the guesses go in circles.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from gramian.errors import ConvergenceError
from gramian.linalg.penalized.optimality import gap
from gramian.linalg.penalized.system import Reduced
from gramian.typing import Codes, Matrix, Vector

JUMPS = 6  # guesses before a round of descent
SWEEPS = 20  # sweeps over the working set in a round
ROUNDS = 400
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
        left = gap(part.S, part.c, part.yy, threshold, ridge, b) / half
        if solved or left <= ENOUGH:
            return b, left
        b = _sweep(part.S, part.c, threshold, ridge, b)
    left = gap(part.S, part.c, part.yy, threshold, ridge, b) / half
    if left > MOST:
        raise ConvergenceError(
            f"coordinate descent is left with a duality gap of {left:.1e} after {rounds * SWEEPS:,} sweeps: "
            "the columns are too nearly dependent; leave some out or use a smaller l1_ratio"
        )
    return b, left


def _jump(part: Reduced, threshold: Vector, ridge: Vector, b: Vector) -> tuple[Vector, bool]:
    """A few guesses of the signs; the last solution whose signs were right, and whether it is the minimum."""
    S, c, best = part.S, part.c, b
    square = S.diagonal()
    rest = c - S @ b
    for _ in range(JUMPS):
        pull = rest + square * b
        inside = np.abs(pull) > threshold
        on = np.flatnonzero(inside)
        sign = np.sign(pull[on])
        found = _solved(S, c, threshold, ridge, on, sign)
        if found is None:
            break
        b, rest = found, c - S @ found
        if (sign * b[on] >= 0).all():
            best = b
            if (inside | (np.abs(rest) <= threshold + part.rounding(b[None])[0])).all():
                return b, True
    return best, False


def _solved(S: Matrix, c: Vector, threshold: Vector, ridge: Vector, on: Codes, sign: Vector) -> Vector | None:
    """Where the signs are given the conditions are linear; None where they do not determine a solution."""
    b = np.zeros(len(c))
    if len(on):
        inner = S[np.ix_(on, on)]
        inner[np.diag_indices(len(on))] += ridge[on]
        _, x, failed = lapack.dposv(inner, c[on] - threshold[on] * sign, lower=1)
        if failed or not np.isfinite(x).all():
            return None
        b[on] = x
    return b


def _sweep(S: Matrix, c: Vector, threshold: Vector, ridge: Vector, b: Vector) -> Vector:
    """Sweeps of coordinate descent over the columns that are not zero or want to be."""
    rest = c - S @ b
    work = np.flatnonzero((b != 0) | (np.abs(rest) > threshold))
    inner, g, x = S[np.ix_(work, work)], rest[work], b[work]
    square, bottom = inner.diagonal().tolist(), (inner.diagonal() + ridge[work]).tolist()
    limit = threshold[work].tolist()
    for _ in range(SWEEPS):
        for i, (own, below, t) in enumerate(zip(square, bottom, limit, strict=True)):
            old = float(x[i])
            pull = float(g[i]) + own * old
            size = abs(pull) - t
            new = 0.0 if size <= 0 or below <= 0 else (size if pull > 0 else -size) / below
            if new != old:
                g -= inner[i] * (new - old)
                x[i] = new
    out = np.zeros(len(c))
    out[work] = x
    return out
