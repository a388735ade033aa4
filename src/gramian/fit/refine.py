"""Refinement: one more pass for a careful residual, one more step; the coefficients are kept as hi + lo.

Iterative refinement of the normal equations with the residual of the least-squares problem itself in double-double
(Björck, "Numerical Methods for Least Squares Problems", section 2.9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from gramian.errors import DataError
from gramian.fit.accuracy import REFINED, Errors
from gramian.fit.linear import System, assembled
from gramian.fit.options import Options
from gramian.fit.passes import Accumulated
from gramian.fit.residuals import Residuals, ResidualSums
from gramian.fit.solved import Solved
from gramian.formula.coordinates import Frame
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.certificate import UNIT, times
from gramian.linalg.doubledouble import Pair, from_fraction, pair
from gramian.linalg.solve import Solution
from gramian.typing import Matrix, Vector

STEPS = 4
CAREFUL = 2.0**-85  # relative error of a sum of the careful pass
GAIN = 0.5  # a step that leaves more of the error is the last


@dataclass(frozen=True, slots=True)
class Point:
    """Coefficients of the solved columns as hi + lo, and bounds of what they are off."""

    b: Pair
    errors: Errors
    rss: float


def refined(
    first: Solved,
    design: Design,
    done: Accumulated,
    options: Options,
    system: System,
    careful: Callable[[Residuals], ResidualSums],
) -> Solved:
    """The fit after one pass `careful` for each step, until the digits are there or grow no more."""
    solution = first.solution
    told = replace(design, levels=dict(done.moments.levels))
    correct = _corrector(system, solution)
    point, best, passes = pair(solution.coefficients), first, first.passes
    worst = np.inf
    for _ in range(STEPS):
        task = Residuals(told, tuple(system.frame.groups), direction(system.frame, point), options.drop)
        sums = careful(task)
        _check(sums.rows, done.moments.rows)
        with np.errstate(all="ignore"):
            at = _step(system, solution, options.alpha, point, sums, correct)
        passes += 1
        point, error = at.b, float(at.errors.coefficients.max(initial=0.0))
        new = replace(solution, coefficients=at.b.hi, rss=at.rss)
        fit = assembled(design, done, options, system, new, at.errors, passes, REFINED, at.b.lo)
        best = fit if error < worst else replace(best, passes=passes)
        if fit.accuracy is None or fit.accuracy.reached or not error < GAIN * worst:
            break
        worst = error
    return best


def _check(found: int, before: int) -> None:
    if found != before:
        raise DataError(f"the data have changed: {before:,} rows entered the first pass, {found:,} the next")


def direction(frame: Frame, b: Pair) -> Pair:
    """What makes the residual of the stored columns, (q,): minus the coefficients, one for the response."""
    v = Pair(np.append(-b.hi, 1.0), np.append(-b.lo, 0.0))
    if frame.subspace is None:
        return v
    width = sum(len(g.positions) for g in frame.groups)
    return _pairs(maps.exactly(frame.subspace, v, width))


def _pairs(values: list[Fraction]) -> Pair:
    told = [from_fraction(v) for v in values]
    return Pair(np.array([p[0] for p in told]), np.array([p[1] for p in told]))


def gradient(frame: Frame, products: Pair) -> Pair:
    """Products of the residual with the solved columns, (p,), from those with the stored ones."""
    if frame.subspace is None:
        return Pair(products.hi[:-1], products.lo[:-1])
    hi, lo = products.hi.tolist(), products.lo.tolist()
    exact = [sum((c * (Fraction(hi[i]) + Fraction(lo[i])) for i, c in k.items()), Fraction(0)) for k in frame.subspace]
    return _pairs(exact[:-1])


def _step(
    system: System,
    solution: Solution,
    alpha: float | None,
    b: Pair,
    sums: ResidualSums,
    correct: Callable[[Pair], Vector],
) -> Point:
    frame, bounds = system.frame, solution.bounds
    assert bounds is not None
    g = gradient(frame, sums.products)
    pull = pair(np.zeros(len(b.hi))) if alpha is None else penalty_pull(alpha, frame, b)
    d = correct(g - pull)
    new = b + pair(d)
    square = float(sums.square.value[0])
    everything = float(np.sqrt(system.squares[:-1]) @ np.abs(new.hi) + np.sqrt(system.squares[-1]))
    floor = CAREFUL * (everything + np.sqrt(square))
    error = times(bounds.reach, (bounds.moved(d) + floor) * bounds.room)
    fall = float(d @ (g.value + pull.value))
    second = float(bounds.lengths @ error) ** 2 + 2.0 * float(error @ np.abs(pull.value))
    first = float(np.abs(g.value) @ error)
    off = first + second + CAREFUL * everything * np.sqrt(square) + 4.0 * UNIT * (abs(fall) + square)
    return Point(new, Errors(error, off), max(square - fall, 0.0))


def penalty_pull(alpha: float, frame: Frame, b: Pair) -> Pair:
    """Half the gradient of alpha |T b|^2 without the intercept, exact, in the solved columns."""
    T = frame.told if frame.told is not None else [{j: Fraction(1)} for j in range(len(b.hi))]
    told = maps.exactly(T, b)
    if frame.constant is not None:
        told[frame.constant] = Fraction(0)
    exact = Fraction(alpha)
    return _pairs([exact * sum((c * told[i] for i, c in column.items()), Fraction(0)) for column in T])


def _corrector(system: System, solution: Solution) -> Callable[[Pair], Vector]:
    """Solves the normal equations for a gradient, the constant swept out in double-double."""
    constant = system.frame.constant
    others = np.array([j for j in range(len(solution.coefficients)) if j != constant], np.int64)
    V = solution.inverse[np.ix_(others, others)]
    if system.penalty is not None:
        V = _penalised_inverse(system, others, system.penalty)

    def correct(g: Pair) -> Vector:
        d = np.zeros(len(g.hi))
        if constant is None:
            return np.asarray(V @ g.value)
        weight = float(system.products.hi[constant, constant])
        mean = system.products.value[constant, others] / weight
        first = Pair(np.full(len(others), g.hi[constant]), np.full(len(others), g.lo[constant]))
        d[others] = V @ (Pair(g.hi[others], g.lo[others]) - pair(mean) * first).value
        d[constant] = g.value[constant] / weight - mean @ d[others]
        return d

    return correct


def _penalised_inverse(system: System, others: np.ndarray, penalty: Matrix) -> Matrix:
    S, constant = system.products.value[:-1, :-1], system.frame.constant
    A = (S + penalty)[np.ix_(others, others)]
    if constant is not None:
        A = A - np.outer(S[others, constant], S[others, constant] / S[constant, constant])
    root = 1.0 / np.sqrt(A.diagonal())
    factor = cho_factor(A * root[:, None] * root, lower=True)
    return np.asarray(root[:, None] * cho_solve(factor, np.diag(root)))
