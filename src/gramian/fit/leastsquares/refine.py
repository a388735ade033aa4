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
from gramian.fit.leastsquares.accuracy import REFINED, BoundedSolution, ErrorBounds
from gramian.fit.leastsquares.residuals import Residuals, ResidualSums
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, assemble
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.job import Job
from gramian.formula.coordinates import Parametrization
from gramian.linalg import maps
from gramian.linalg.certificate import EPS, scaled_bounds
from gramian.linalg.doubledouble import Pair, from_fraction, pair
from gramian.linalg.solve import Solution
from gramian.typing import Matrix, Vector

MAX_STEPS = 4
RESIDUAL_EPS = 2.0**-85  # relative error of a sum of the careful pass
MAX_ERROR_RATIO = 0.5  # a step that leaves more of the error is the last


@dataclass(frozen=True, slots=True)
class RefinedCoefficients:
    """Coefficients of the solved columns as hi + lo, and bounds of what they are off."""

    b: Pair
    errors: ErrorBounds
    rss: float


def refine(first: Solved, job: Job, accumulated: Accumulated, system: System) -> Solved:
    """The fit after one pass for the residual in double-double per step, until the digits suffice or grow no more."""
    solution, design, options = first.solution, job.design, job.options
    design_with_levels = replace(design, levels=dict(accumulated.moments.levels))
    correct = _corrector(system, solution)
    coefficients, best, passes = pair(solution.coefficients), first, first.passes
    worst = np.inf
    for _ in range(MAX_STEPS):
        task = Residuals(
            design_with_levels,
            tuple(system.parametrization.groups),
            residual_direction(system.parametrization, coefficients),
            options.drop,
        )
        sums = job.fold(task)
        _check_rows(sums.rows, accumulated.moments.rows)
        with np.errstate(all="ignore"):
            step = _step(system, solution, options.alpha, coefficients, sums, correct)
        passes += 1
        coefficients, error = step.b, float(step.errors.coefficients.max(initial=0.0))
        refined_solution = replace(solution, coefficients=step.b.hi, rss=step.rss)
        bounded = BoundedSolution(refined_solution, step.errors, passes, REFINED, step.b.lo)
        fit = assemble(design, accumulated, options, system, bounded)
        best = fit if error < worst else replace(best, passes=passes)
        if fit.accuracy is None or fit.accuracy.reached or not error < MAX_ERROR_RATIO * worst:
            break
        worst = error
    return best


def _check_rows(rows: int, before: int) -> None:
    if rows != before:
        raise DataError(f"the data have changed: {before:,} rows entered the first pass, {rows:,} the next")


def residual_direction(parametrization: Parametrization, b: Pair) -> Pair:
    """What makes the residual of the stored columns, (q,): minus the coefficients, one for the response."""
    v = Pair(np.append(-b.hi, 1.0), np.append(-b.lo, 0.0))
    if parametrization.subspace is None:
        return v
    width = sum(len(g.positions) for g in parametrization.groups)
    return _pairs(maps.apply_exactly(parametrization.subspace, v, width))


def _pairs(values: list[Fraction]) -> Pair:
    pairs = [from_fraction(v) for v in values]
    return Pair(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))


def gradient(parametrization: Parametrization, products: Pair) -> Pair:
    """Products of the residual with the solved columns, (p,), from those with the stored ones."""
    if parametrization.subspace is None:
        return Pair(products.hi[:-1], products.lo[:-1])
    hi, lo = products.hi.tolist(), products.lo.tolist()
    exact = [
        sum((c * (Fraction(hi[i]) + Fraction(lo[i])) for i, c in k.items()), Fraction(0))
        for k in parametrization.subspace
    ]
    return _pairs(exact[:-1])


def _step(
    system: System,
    solution: Solution,
    alpha: float | None,
    b: Pair,
    sums: ResidualSums,
    correct: Callable[[Pair], Vector],
) -> RefinedCoefficients:
    parametrization, bounds = system.parametrization, solution.bounds
    assert bounds is not None
    g = gradient(parametrization, sums.products)
    penalty_term = pair(np.zeros(len(b.hi))) if alpha is None else half_penalty_gradient(alpha, parametrization, b)
    d = correct(g - penalty_term)
    new = b + pair(d)
    square = float(sums.square.value[0])
    magnitude = float(np.sqrt(system.squares[:-1]) @ np.abs(new.hi) + np.sqrt(system.squares[-1]))
    floor = RESIDUAL_EPS * (magnitude + np.sqrt(square))
    error = scaled_bounds(bounds.sensitivity, (bounds.product_error(d) + floor) * bounds.amplification)
    decrease = float(d @ (g.value + penalty_term.value))
    second = float(bounds.centred_norms @ error) ** 2 + 2.0 * float(error @ np.abs(penalty_term.value))
    first = float(np.abs(g.value) @ error)
    rss_error = first + second + RESIDUAL_EPS * magnitude * np.sqrt(square) + 4.0 * EPS * (abs(decrease) + square)
    return RefinedCoefficients(new, ErrorBounds(error, rss_error), max(square - decrease, 0.0))


def half_penalty_gradient(alpha: float, parametrization: Parametrization, b: Pair) -> Pair:
    """Half the gradient of alpha |T b|^2 without the intercept, exact, in the solved columns."""
    T = (
        parametrization.to_model
        if parametrization.to_model is not None
        else [{j: Fraction(1)} for j in range(len(b.hi))]
    )
    coefficients = maps.apply_exactly(T, b)
    if parametrization.constant is not None:
        coefficients[parametrization.constant] = Fraction(0)
    exact = Fraction(alpha)
    return _pairs([exact * sum((c * coefficients[i] for i, c in column.items()), Fraction(0)) for column in T])


def _corrector(system: System, solution: Solution) -> Callable[[Pair], Vector]:
    """Solves the normal equations for a gradient, the constant swept out in double-double."""
    constant = system.parametrization.constant
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
    S, constant = system.products.value[:-1, :-1], system.parametrization.constant
    A = (S + penalty)[np.ix_(others, others)]
    if constant is not None:
        A = A - np.outer(S[others, constant], S[others, constant] / S[constant, constant])
    scale = 1.0 / np.sqrt(A.diagonal())
    factor = cho_factor(A * scale[:, None] * scale, lower=True)
    return np.asarray(scale[:, None] * cho_solve(factor, np.diag(scale)))
