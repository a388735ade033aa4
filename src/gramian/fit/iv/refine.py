"""Iterative refinement of two-stage least squares: residuals of both stages from the rows, in double-double.

With the multipliers l of the instruments Z, the coefficients b of the regressors X solve

    Z'(y - Z l - X b) = 0,    X'Z l = 0,

whose left sides a pass sums precisely: r = y - Z l - X b and s = Z l row by row. The corrections (m, d) solve the same
system, whose inverse is known from the sums of the first pass. The error of the new b is that of the correction, and of
the residuals' sums: the same sensitivities as after one pass, times the errors of products with (m, d).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.fit.iv.solve import IvRun
from gramian.fit.iv.system import IvSystem
from gramian.fit.leastsquares.accuracy import REFINED, BoundedSolution, ErrorBounds
from gramian.fit.leastsquares.refine import MAX_ERROR_RATIO, MAX_STEPS, RESIDUAL_EPS, gradient
from gramian.fit.leastsquares.residuals import Residuals
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import assemble
from gramian.fit.passes.combined import CombinedPass
from gramian.fit.passes.job import Job
from gramian.linalg import maps
from gramian.linalg.certificate import EPS, MAX_REFINABLE_RHO, scaled_bounds
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.moments import Moments
from gramian.linalg.solve import Solution
from gramian.linalg.triangular import solve_triangular
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Sides:
    """What is left of both sides of the system, in the joint columns, the instruments first.

    Attributes
    ----------
    first, second : Pair of shape (q,)
        Products of r, and of -Z l, with all columns.
    square : float
        Sum of squares of y - X b, but for the term of r and Z l, which are orthogonal at the solution.
    """

    first: Pair
    second: Pair
    square: float


@dataclass(frozen=True, slots=True)
class Corrector:
    """Solves for corrections, in the centred and scaled columns of the first stage.

    Attributes
    ----------
    system : IvSystem
        Both stages.
    root : ndarray of shape (r, r)
        L^-T of the instruments.
    V : ndarray of shape (m, m)
        (X'PX)^-1.
    norms : tuple of two ndarrays
        Square roots of the squares ever summed of instruments and regressors.
    """

    system: IvSystem
    root: Matrix
    V: Matrix
    norms: tuple[Vector, Vector]

    def multipliers(self, solution: Solution) -> Vector:
        """l (width,) of the instruments at the solution of the first pass, in the columns themselves."""
        stage, own = self.system.stage, self.system.stage.centred
        b = solution.coefficients[self.system.places] * own.y_scale / own.scale[stage.regressors]
        return self.of_instruments(self.root @ (stage.T[:, -1] - stage.T[:, :-1] @ b), 0.0)

    def of_instruments(self, scaled: Vector, shift: float) -> Vector:
        """Multipliers (width,) from those of centred and scaled instruments; shift : the mean of Z l that is wanted."""
        system, own, at = self.system, self.system.stage.centred, self.system.stage.used
        slopes, out = scaled * own.scale[at] / own.y_scale, np.zeros(self.system.width)
        out[system.used] = slopes
        if own.constant is not None:
            out[own.constant] = shift - own.mean[at] @ slopes
        return out

    def solve(self, sides: Sides) -> tuple[Vector, Vector, float]:
        """Corrections m (width,) and d (p,), and the error of products with them, in the scale of the outcome."""
        system, stage, own = self.system, self.system.stage, self.system.stage.centred
        constant, width, places = own.constant, self.system.width, self.system.places
        mean_first = mean_second = 0.0
        first = self._centred(sides.first, system.used, stage.used)
        second = self._centred(sides.second, width + places, stage.regressors)
        if constant is not None:
            mean_first, mean_second = (float(side.value[constant]) / own.weight for side in (sides.first, sides.second))
        projected = stage.T[:, :-1]
        half = self.root.T @ first
        scaled = self.V @ (projected.T @ half - second)
        of_instruments = self.root @ (half - projected @ scaled)
        d = np.zeros(len(system.system.columns))
        d[places] = scaled * own.scale[stage.regressors] / own.y_scale
        own_constant = system.system.parametrization.constant
        if own_constant is not None:
            d[own_constant] = mean_first - own.mean[stage.regressors] @ d[places] - mean_second
        number = float(self.norms[0] @ np.abs(of_instruments) + self.norms[1] @ np.abs(scaled))
        error = stage.rounding_error * (
            number / own.y_scale + np.sqrt(own.weight) * (abs(mean_first) + abs(mean_second))
        )
        return self.of_instruments(of_instruments, mean_second), d, error

    def _centred(self, side: Pair, at: Codes, columns: Codes) -> Vector:
        """A side of the system at some columns, less its mean times theirs, scaled as they are."""
        own = self.system.stage.centred
        part = Pair(side.hi[at], side.lo[at])
        if own.constant is not None:
            mean = np.full(len(at), side.hi[own.constant]), np.full(len(at), side.lo[own.constant])
            part = part - pair(own.mean[columns]) * Pair(*mean)
        return np.asarray(part.value * own.scale[columns] * own.y_scale)


def can_refine(run: IvRun) -> bool:
    """Whether steps gain digits: without absorbed factors, and where columns that are left out depend on others."""
    bounds, accuracy = run.two_stage.bounds, run.accuracy
    determined = run.proved and accuracy is not None and not accuracy.doubtful
    within = run.system.system.partialled_out
    return determined and within is None and bounds is not None and bounds.rho < MAX_REFINABLE_RHO


def refined(system: IvSystem, first: Solved, job: Job, moments: Moments) -> Solved:
    """The model with more digits: steps until it has those requested, or a step gains less than a factor of two.

    first : the model of the first pass, by two-stage least squares. moments : of the joint design.
    """
    solution, stage, own = first.solution, system.stage, system.stage.centred
    assert solution.bounds is not None
    corrector, before = _corrector(system, solution), job.passes - first.passes
    b, multipliers, best, worst = pair(solution.coefficients), pair(corrector.multipliers(solution)), first, np.inf
    for _ in range(MAX_STEPS):
        sides = _sides(system, job, moments, multipliers, b)
        m, d, error_of_correction = corrector.solve(sides)
        residual = (sides.first - sides.second).value[system.width :]  # X'(y - X b)
        multipliers, b = multipliers + pair(m), b + pair(d)
        size = solution.bounds.response_norm + float(solution.bounds.summed_norms @ np.abs(b.hi))
        size += float(corrector.norms[0] @ np.abs(multipliers.hi[system.used] / own.scale[stage.used]))
        number = (error_of_correction + RESIDUAL_EPS * size) * solution.bounds.amplification
        errors = scaled_bounds(solution.bounds.sensitivity, number)
        rss, rss_error = _sum_of_squares(system, sides, multipliers, residual, d, errors, solution)
        if not np.isfinite(b.hi).all():
            break
        step = replace(
            solution,
            coefficients=b.hi,
            rss=max(rss, 0.0),
            low=b.lo,
            bounds=replace(solution.bounds, refined_error=number),
        )
        bounded = BoundedSolution(step, ErrorBounds(errors, rss_error), job.passes - before, REFINED, b.lo)
        fit = assemble(system.design, system.sums, job.options, system.system, bounded)
        worst_error = float(errors.max(initial=0.0))
        best = fit if worst_error < worst else replace(best, passes=job.passes - before)
        if fit.accuracy is None or fit.accuracy.reached or not worst_error < MAX_ERROR_RATIO * worst:
            break
        worst = worst_error
    return best


def _sum_of_squares(
    system: IvSystem,
    sides: Sides,
    multipliers: Pair,
    residual: Vector,
    d: Vector,
    errors: Vector,
    solution: Solution,
) -> tuple[float, float]:
    """The residual sum of squares after a step d (p,), and the bound of its error.

    residual : (p,) X'(y - X b) before the step. errors : (p,) bounds of the coefficients after it.
    """
    assert solution.bounds is not None
    crossed = float(multipliers.hi @ sides.first.value[: system.width])
    norms = solution.bounds.centred_norms
    change = 2.0 * float(residual @ d)
    rss = sides.square + 2.0 * crossed - change
    first = 2.0 * float(np.abs(residual) @ errors)
    second = float(norms @ (errors + np.abs(d))) ** 2
    return rss, first + second + 2.0 * abs(crossed) + 8.0 * EPS * (sides.square + abs(change))


def _corrector(system: IvSystem, solution: Solution) -> Corrector:
    """What solves for corrections."""
    stage, own = system.stage, system.stage.centred
    norms = np.sqrt(own.summed_squares) + np.abs(own.mean * own.scale) * np.sqrt(own.weight)
    scale = own.scale[stage.regressors]
    V = solution.inverse[np.ix_(system.places, system.places)] / scale[:, None] / scale
    root = solve_triangular(stage.L, np.eye(len(stage.L)), lower=True, trans=1)
    return Corrector(system, root, V, (norms[stage.used], norms[stage.regressors]))


def _sides(system: IvSystem, job: Job, moments: Moments, multipliers: Pair, b: Pair) -> Sides:
    """Both sides at multipliers (width,) and coefficients (p,), from one pass."""
    design = replace(job.design, levels=dict(moments.levels))
    zeros, parametrization = pair(np.zeros(len(b.hi))), system.parametrization
    first, second = (
        Residuals(design, tuple(parametrization.groups), _direction(system, multipliers, own, y), job.options.drop)
        for own, y in ((b, 1.0), (zeros, 0.0))
    )
    sums = job.fold(CombinedPass(first, second))
    square = float(sums.first.square.value[0] + sums.second.square.value[0])
    return Sides(
        gradient(parametrization, sums.first.products), gradient(parametrization, sums.second.products), square
    )


def _direction(system: IvSystem, multipliers: Pair, b: Pair, y: float) -> Pair:
    """The vector v with which the stored columns give y - Z l - X b."""
    parametrization = system.parametrization
    v = Pair(
        np.concatenate([-multipliers.hi, -b.hi, [y]]),
        np.concatenate([-multipliers.lo, -b.lo, [0.0]]),
    )
    if parametrization.subspace is None:
        return v
    width = sum(len(g.positions) for g in parametrization.groups)
    return maps.pairs_of(maps.apply_exactly(parametrization.subspace, v, width))
