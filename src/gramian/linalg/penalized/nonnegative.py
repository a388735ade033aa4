"""Nonnegative least squares from products, by the active-set method of Lawson and Hanson.

Minimises b'S b / 2 - c'b over b >= 0. A column joins where that decreases the objective most, and leaves where its
coefficient would become negative (Lawson and Hanson, "Solving Least Squares Problems", 1974, chapter 23; on products,
Bro and de Jong, Journal of Chemometrics 11, 1997). A linear penalty is subtracted from c, a quadratic one added to S.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from gramian.errors import ConvergenceError
from gramian.linalg.solve import SAFETY
from gramian.typing import Mask, Matrix, Vector

MAX_CHANGES_PER_COLUMN = 10  # changes of the set per column; three are already many


def nonnegative(S: Matrix, c: Vector, rounding_error: float) -> Vector:
    """Minimum of b'S b / 2 - c'b over b >= 0, (q,).

    Parameters
    ----------
    S : (q, q)
        Positive semidefinite.
    c : (q,)
        Products with the outcome.
    rounding_error : float
        Relative rounding error of both.

    Raises
    ------
    ConvergenceError
        Where the set cycles, which only rounding errors can cause.

    Notes
    -----
    Columns are scaled to unit length. Of linearly dependent columns some are chosen, and the others are zero.
    """
    length = np.sqrt(S.diagonal())
    back = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    # Columns of unit length, so that gains and rounding errors of different columns can be compared.
    R, r = S * back[:, None] * back, c * back
    b, inside, excluded = np.zeros(len(c)), np.zeros(len(c), bool), length == 0
    for _ in range(MAX_CHANGES_PER_COLUMN * len(c) + 1):
        noise = SAFETY * rounding_error * (np.abs(r) + np.abs(R) @ b)
        gain = np.where(inside | excluded, 0.0, r - R @ b - noise)
        best = int(np.argmax(gain)) if len(gain) else 0
        if not gain[best : best + 1].any() or gain[best] <= 0:
            return np.asarray(b * back)
        step = _with_column(R, r, b, inside, best, noise, rounding_error)
        # A column that changed nothing is excluded only until the set changes.
        excluded = (length == 0) if step is not None else excluded | (np.arange(len(c)) == best)
        b, inside = step or (b, inside)
    raise ConvergenceError("nonnegative least squares did not converge; scale the columns to similar magnitudes")


def _with_column(
    R: Matrix, r: Vector, b: Vector, inside: Mask, best: int, noise: Vector, rounding_error: float
) -> tuple[Vector, Mask] | None:
    """The solution, and its columns, with one column more; None where that column changes nothing beyond rounding.

    Parameters
    ----------
    R, r : (q, q), (q,)
        Scaled products.
    b, inside : (q,)
        Present solution and mask of its columns.
    best : int
        The column that joins.
    noise : (q,)
        Rounding errors of the gradient.
    rounding_error : float
        Relative rounding error of the products.
    """
    enlarged = inside | (np.arange(len(b)) == best)
    goal = _solution_on(R, r, enlarged, rounding_error)
    if goal is not None:
        return _move_towards(R, r, b, goal, enlarged, rounding_error) if goal[best] > 0 else None
    along = _exchange(R, inside, best)  # the column depends on those inside: it may replace one of them
    falling = inside & (along < 0)
    if not falling.any() or (r - R @ b) @ along <= noise @ np.abs(along):
        return None
    steps = np.full(len(b), np.inf)
    steps[falling] = b[falling] / -along[falling]
    leaves = int(np.argmin(steps))
    b = np.maximum(b + steps[leaves] * along, 0.0)
    enlarged[leaves], b[leaves] = False, 0.0
    goal = _solution_on(R, r, enlarged, rounding_error)
    return None if goal is None else _move_towards(R, r, b, goal, enlarged, rounding_error)


def _solution_on(R: Matrix, r: Vector, inside: Mask, rounding_error: float) -> Vector | None:
    """Unconstrained solution on some columns, (q,), zero elsewhere; None where they are linearly dependent."""
    at = np.flatnonzero(inside)
    out = np.zeros(len(r))
    if len(at):
        L, failed = lapack.dpotrf(R[np.ix_(at, at)], lower=1, clean=1)
        if failed or (L.diagonal() ** 2).min() <= SAFETY * rounding_error:
            return None
        out[at] = lapack.dpotrs(L, r[at], lower=1)[0]
    return out


def _exchange(R: Matrix, inside: Mask, best: int) -> Vector:
    """Direction (q,) in which column `best` grows and its combination of the columns inside falls."""
    at = np.flatnonzero(inside)
    out = np.zeros(len(R))
    out[best] = 1.0
    if len(at):
        L, _ = lapack.dpotrf(R[np.ix_(at, at)], lower=1, clean=1)
        out[at] = -lapack.dpotrs(L, R[at, best], lower=1)[0]
    return out


def _move_towards(
    R: Matrix, r: Vector, b: Vector, goal: Vector, inside: Mask, rounding_error: float
) -> tuple[Vector, Mask]:
    """Move towards the unconstrained solution `goal`; where a coefficient reaches 0, continue without its column."""
    inside = inside.copy()
    while (blocked := inside & (goal <= 0)).any():
        share = np.full(len(b), np.inf)
        share[blocked] = b[blocked] / (b[blocked] - goal[blocked])
        leaves = int(np.argmin(share))
        b = b + share[leaves] * (goal - b)
        inside &= ~(blocked & (b <= 0))
        inside[leaves] = False
        b = np.where(inside, b, 0.0)
        again = _solution_on(R, r, inside, rounding_error)
        assert again is not None  # a subset of independent columns is independent
        goal = again
    return goal, inside
