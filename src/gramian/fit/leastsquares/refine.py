"""Iterative refinement of a fit: a pass for a precise residual, then a correction of the coefficients.

The residual r = y - X b of the least-squares problem itself, not that of the normal equations, is computed row by row
in double-double, or by products of slices where their 75 bits suffice, and b is corrected by d = (X'WX)^-1 X'Wr;
coefficients are held in double-double.

References
----------
Björck, Å. (1996). Numerical Methods for Least Squares Problems. SIAM, section 2.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import sqrt

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
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.residuals.products import MAX_BLOCK_ROWS
from gramian.linalg.solve import Solution
from gramian.typing import Matrix, Vector

MAX_STEPS = 4
RESIDUAL_EPS = 2.0**-85  # relative error of a double-double sum over the rows
SLICED_EPS = (
    2.0**-62
)  # the same for products of slices, if the largest value of a column is some hundred times its root mean square
MAX_ERROR_RATIO = 0.5  # a step whose error bound is a larger share of the one before is the last


@dataclass(frozen=True, slots=True)
class RefinedCoefficients:
    """Solved coefficients after a step.

    Attributes
    ----------
    b : Pair of shape (p,)
        Coefficients in double-double, in the scale of the solved columns.
    errors : ErrorBounds
        Bounds of their errors, and of the error of rss.
    rss : float
        Residual sum of squares, in the scale of the solved columns.
    error : float
        The number that, times the sensitivities, bounds the errors of b.
    """

    b: Pair
    errors: ErrorBounds
    rss: float
    error: float


def refine(first: Solved, job: Job, accumulated: Accumulated, system: System, *, sliced: bool) -> Solved:
    """Refine a fit until it has the requested digits, or a step gains less than a factor of two.

    Each step reads the rows once. Raises DataError if other rows are read than in the first pass.

    Parameters
    ----------
    first : Solved
        The fit of the first pass.
    job : Job
        Runs the passes.
    accumulated : Accumulated
        Sums of the first pass.
    system : System
        The normal equations that were solved.
    sliced : bool
        Whether the first step may be made of products of slices, if these can give the requested digits.
    """
    solution, design, options, parametrization = first.solution, job.design, job.options, system.parametrization
    design_with_levels = replace(design, levels=dict(accumulated.moments.levels))
    correct = _corrector(system, solution)
    coefficients, best, passes = pair(solution.coefficients), first, first.passes
    worst = np.inf  # error bound of the best step so far
    for _ in range(MAX_STEPS):
        task = Residuals(
            design_with_levels,
            tuple(parametrization.groups),
            residual_direction(parametrization, coefficients),
            options.drop,
            sliced and slices_suffice(best, options.digits),
        )
        sums = job.fold(task)
        _check_rows(sums.rows, accumulated.moments.rows)
        with np.errstate(all="ignore"):
            low_norms = np.sqrt(first.weight) * sums.grid
            step = _step(system, solution, options.alpha, coefficients, sums, low_norms, correct)
        passes += 1
        if not np.isfinite(step.b.hi).all():
            return replace(best, passes=passes)
        coefficients, error = step.b, float(step.errors.coefficients.max(initial=0.0))
        refined_solution = replace(
            solution,
            coefficients=step.b.hi,
            rss=step.rss,
            low=step.b.lo,
            bounds=None if solution.bounds is None else replace(solution.bounds, refined_error=step.error),
        )
        bounded = BoundedSolution(refined_solution, step.errors, passes, REFINED, step.b.lo)
        fit = assemble(design, accumulated, options, system, bounded)
        best = fit if error < worst else replace(best, passes=passes)
        if fit.accuracy is None or fit.accuracy.reached or not error < MAX_ERROR_RATIO * worst:
            break
        worst = error
    return best


def _check_rows(rows: int, before: int) -> None:
    """Raise DataError if a pass had another number of rows than the first one."""
    if rows != before:
        raise DataError(f"the data have changed: {before:,} rows entered the first pass, {rows:,} the next")


def residual_direction(parametrization: Parametrization, b: Pair) -> Pair:
    """The vector v (q,) with which the stored columns Z give the residual Z v: (-b, 1) in the stored columns."""
    v = Pair(np.append(-b.hi, 1.0), np.append(-b.lo, 0.0))
    if parametrization.subspace is None:
        return v
    width = sum(len(g.positions) for g in parametrization.groups)
    return maps.pairs_of(maps.apply_exactly(parametrization.subspace, v, width))


def gradient(parametrization: Parametrization, products: Pair) -> Pair:
    """Products X'Wr of the residual with the solved columns, (p,), from those with the stored ones, (q,)."""
    if parametrization.subspace is None:
        return Pair(products.hi[:-1], products.lo[:-1])
    hi, lo = products.hi.tolist(), products.lo.tolist()
    exact = [
        sum((c * (Fraction(hi[i]) + Fraction(lo[i])) for i, c in k.items()), Fraction(0))
        for k in parametrization.subspace
    ]
    return maps.pairs_of(exact[:-1])


def _step(
    system: System,
    solution: Solution,
    alpha: float | None,
    b: Pair,
    sums: ResidualSums,
    low_norms: Vector,
    correct: Callable[[Pair], Vector],
) -> RefinedCoefficients:
    """One correction b + d, d = V (X'Wr - P b), with error bounds.

    The error of the new b is that of d, sensitivity times the errors of V's products, plus the error of the residual
    sums. To first order rss decreases by d'(g + P b): it changes by d'X'WX d - 2 d'g, and X'WX d = g - P (b + d).
    """
    parametrization, bounds = system.parametrization, solution.bounds
    assert bounds is not None
    g = gradient(parametrization, sums.products)
    penalty_term = pair(np.zeros(len(b.hi))) if alpha is None else half_penalty_gradient(alpha, parametrization, b)
    d, slope, penalty = correct(g - penalty_term), g.value, penalty_term.value
    new = b + pair(d)
    square = float(sums.square.value[0])
    magnitude = float(np.sqrt(system.squares[:-1]) @ np.abs(new.hi) + np.sqrt(system.squares[-1]))
    # rounding errors of the double-double sums limit what any number of steps can reach
    floor = RESIDUAL_EPS * (magnitude + np.sqrt(square)) + _slicing_error(system, b, low_norms, np.sqrt(square))
    number = (bounds.product_error(d) + floor) * bounds.amplification
    error = scaled_bounds(bounds.sensitivity, number)
    decrease = float(d @ (slope + penalty))
    second = float(bounds.centred_norms @ error) ** 2 + 2.0 * float(error @ np.abs(penalty))
    first = float(np.abs(slope) @ error)
    rss_error = first + second + floor * np.sqrt(square) + 4.0 * EPS * (abs(decrease) + square)
    return RefinedCoefficients(new, ErrorBounds(error, rss_error), max(square - decrease, 0.0), number)


def slices_suffice(fit: Solved, wanted: float) -> bool:
    """Whether a residual of products of slices gains the missing digits, and one more.

    Both the present error of the coefficients and what slicing leaves of it are the same sensitivities times a number.
    """
    bounds, accuracy = fit.solution.bounds, fit.accuracy
    if bounds is None or accuracy is None or accuracy.precision == REFINED:
        return False
    missing = max(wanted - float(accuracy.digits.min(initial=wanted)), 0.0)
    b = fit.solution.coefficients
    magnitude = float(bounds.summed_norms @ np.abs(b)) + bounds.response_norm
    return SLICED_EPS * magnitude <= float(10.0 ** -(missing + 1.0)) * bounds.error(b)


def _slicing_error(system: System, b: Pair, low_norms: Vector, residual_norm: float) -> float:
    """Bound of what products with a residual miss where parts of columns were rounded, in the scale of the outcome.

    low_norms : (q,) t, norms of the parts of the stored columns whose products were rounded, with a rounding error g.
    A residual X v misses at most g t'|v| then, and X_i'r misses g t_i |r|.
    """
    if not low_norms.any():
        return 0.0
    v, norms = residual_direction(system.parametrization, b).hi, np.sqrt(system.stored.diagonal())
    ratio = np.divide(low_norms, norms, out=np.zeros_like(norms), where=norms > 0.0).max(initial=0.0)
    rounding_error = (2.0 * sqrt(max(len(v), MAX_BLOCK_ROWS)) + 8.0) * EPS  # of a product with a vector or a column
    return rounding_error * (float(low_norms @ np.abs(v)) + float(ratio) * residual_norm)


def half_penalty_gradient(alpha: float, parametrization: Parametrization, b: Pair) -> Pair:
    """Half the gradient of the penalty, alpha T'T b without the intercept, in exact arithmetic; (p,)."""
    T = (
        parametrization.to_model
        if parametrization.to_model is not None
        else [{j: Fraction(1)} for j in range(len(b.hi))]
    )
    coefficients = maps.apply_exactly(T, b)
    if parametrization.constant is not None:
        coefficients[parametrization.constant] = Fraction(0)
    exact = Fraction(alpha)
    return maps.pairs_of([exact * sum((c * coefficients[i] for i, c in column.items()), Fraction(0)) for column in T])


def _corrector(system: System, solution: Solution) -> Callable[[Pair], Vector]:
    """A function that solves X'WX d = g (plus a penalty) for d (p,).

    The constant is eliminated in double-double: g of the slopes and g of the constant times the means nearly cancel.
    """
    constant = system.parametrization.constant
    others = np.array([j for j in range(len(solution.coefficients)) if j != constant], np.int64)
    V = solution.inverse[1:, 1:] if constant == 0 else solution.inverse[np.ix_(others, others)]
    if system.penalty is not None:
        V = _penalised_inverse(system, others, system.penalty)

    def correct(g: Pair) -> Vector:
        """The correction d (p,) for a gradient g (p,)."""
        d = np.zeros(len(g.hi))
        if constant is None:
            return np.asarray(V @ g.value)
        weight = float(system.products.hi[constant, constant])
        row = Pair(system.products.hi[constant, others], system.products.lo[constant, others])
        mean = row.value / weight
        first = Pair(np.full(len(others), g.hi[constant]), np.full(len(others), g.lo[constant]))
        d[others] = V @ (Pair(g.hi[others], g.lo[others]) - pair(mean) * first).value
        d[constant] = g.value[constant] / weight - mean @ d[others]
        return d

    return correct


def _penalised_inverse(system: System, others: np.ndarray, penalty: Matrix) -> Matrix:
    """(S + P)^-1 of the columns other than the constant, about their means; the solution holds V S V instead."""
    S, constant = system.products.value[:-1, :-1], system.parametrization.constant
    A = (S + penalty)[np.ix_(others, others)]
    if constant is not None:
        A = A - np.outer(S[others, constant], S[others, constant] / S[constant, constant])
    if not len(others):
        return np.zeros((0, 0))
    # unit diagonal: the units of columns do not cost digits
    scale = 1.0 / np.sqrt(A.diagonal())
    factor = cho_factor(A * scale[:, None] * scale, lower=True)
    return np.asarray(scale[:, None] * cho_solve(factor, np.diag(scale)))
