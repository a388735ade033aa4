"""Iterative refinement of wide least squares: residual pass, error estimate, one more correction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS, digits
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.wide.kernels import CAREFUL, Gradient, GradientSums
from gramian.linalg.wide.predictions import Bounds, prediction_digits
from gramian.linalg.wide.problem import Problem
from gramian.typing import Vector

ROUNDS = 8  # residual passes
GAIN = 0.5  # share of the error that a correction must not exceed: else it is the last


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Coefficients, with the gradient and objective of a residual pass at them.

    Attributes
    ----------
    b : Pair
        (p,) coefficients.
    constant : tuple of float
        hi, lo.
    gradient : ndarray
        (p,) X'W r - alpha b in scaled coordinates: half the gradient of the objective, downhill.
    noise : float
        Bound of the norm of its rounding error.
    rss : float
        Residual sum of squares.
    rss_error : float
        Bound of its rounding error.
    careful : bool
        Whether the pass was in double-double.
    prediction_rounding : float
        Norm of the rounding errors of predictions.
    """

    b: Pair
    constant: tuple[float, float]
    gradient: Vector
    noise: float
    rss: float
    rss_error: float
    careful: bool
    prediction_rounding: float

    @property
    def gradient_bound(self) -> float:
        """Bound of the norm of the gradient: the computed norm plus its rounding error."""
        return _norm(self.gradient) + self.noise


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """Error estimate at a point.

    Attributes
    ----------
    error : float
        Bound of the norm of the error, in scaled coordinates.
    digits : ndarray
        (p,) digits of the coefficients.
    constant : float
        Digits of the constant.
    sigma : float
        Lower bound of the residual standard deviation.
    predictions : float
        Digits of predictions where columns may be dependent; NaN where the coefficients are determined.
    """

    error: float
    digits: Vector
    constant: float
    sigma: float
    predictions: float


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """The result of refinement.

    Attributes
    ----------
    point : Point
        Coefficients of most digits.
    proof : Proof
        Their error estimate.
    rounds : int
        Residual passes.
    """

    point: Point
    proof: Proof
    rounds: int


Correct = Callable[[Point, bool], Vector]
"""A point to a correction of its scaled coefficients; True for a bold one, that may turn out to be none."""


def refine(problem: Problem, correct: Correct, bounds: Callable[[], Bounds], requested_digits: float) -> Refined:
    """Correct from zero until all digits requested are reached or nothing improves.

    Parameters
    ----------
    problem : Problem
        The problem.
    correct : callable
        Point -> correction (p,) of the scaled coefficients; its second argument asks for a bold one, which may fail.
    bounds : callable
        Bounds of the eigenvalues, as far as they are known by now.
    requested_digits : float
        Digits that are asked for.

    Returns
    -------
    Refined
        With the point of most digits: where columns are dependent, later points may predict worse.
    """
    best, rounds, bold = zero_point(problem), 0, False
    proof = prove(problem, best, bounds())
    most_certain = best, proof
    while rounds < ROUNDS:
        d = correct(best, bold)
        b = best.b + pair(problem.unscale(d))
        point, rounds = residual_point(problem, b, constant_of(problem, b, best, d), careful=best.careful), rounds + 1
        new_proof = prove(problem, point, bounds())
        # rounding dominates the gradient in float64: sum it again in double-double before judging the correction
        if (
            not point.careful
            and lacks_digits(new_proof, requested_digits, problem)
            and point.noise > 0.25 * _norm(point.gradient)
        ):
            point, rounds = residual_point(problem, point.b, point.constant, careful=True), rounds + 1
            new_proof = prove(problem, point, bounds())
        taken = lower(problem, point, best, bold=bold)
        better = taken and (bold or point.gradient_bound < GAIN * best.gradient_bound)
        if taken:
            best, proof = point, new_proof
        if not proof.predictions < most_certain[1].predictions:
            most_certain = best, proof
        if not lacks_digits(proof, requested_digits, problem) or (not better and (bold or bounds().least > 0.0)):
            break
        # an eigenvalue that looks like zero may still carry predictions: one last correction along these directions
        bold = bold or not better
    return Refined(*most_certain, rounds)


def lower(problem: Problem, point: Point, before: Point, *, bold: bool) -> bool:
    """Whether a correction lowered the gradient without raising the objective by more than rounding explains.

    The decrease of the objective is the squared change of the predictions, so for a bold correction it is enough.
    """
    fallen, rounding = _objective(problem, before) - _objective(problem, point), point.rss_error + before.rss_error
    return (bold and fallen > rounding) or (point.gradient_bound <= before.gradient_bound and fallen >= -rounding)


def _objective(problem: Problem, point: Point) -> float:
    """r'Wr + alpha b'b at a point."""
    return point.rss + problem.alpha * float(point.b.hi @ point.b.hi)


def zero_point(problem: Problem) -> Point:
    """The point b = 0 from the totals of the first pass; its noise is infinite, since no residual pass bounds it."""
    sums, zeros = problem.totals, np.zeros(len(problem.mean))
    constant = sums.y / max(sums.weight, 1e-300) if problem.centred else 0.0
    gradient = (sums.xy - problem.mean * sums.y if problem.centred else sums.xy) * problem.inverse
    rss = max(sums.yy - constant * sums.y, 0.0)
    rss_error = (4.0 * float(np.sqrt(sums.rows)) + 12.0) * EPS * sums.yy
    return Point(pair(zeros), (constant, 0.0), gradient, np.inf, rss, rss_error, careful=False, prediction_rounding=0.0)


def lacks_digits(proof: Proof, requested_digits: float, problem: Problem) -> bool:
    """Whether some coefficient has too few digits, or, of dependent columns, the predictions."""
    if not np.isnan(proof.predictions):
        return proof.predictions < requested_digits
    fewest = float(proof.digits[problem.usable].min(initial=16.0))
    return (min(fewest, proof.constant) if problem.centred else fewest) < requested_digits


def constant_of(problem: Problem, b: Pair, before: Point, d: Vector) -> tuple[float, float]:
    """The constant (hi, lo) for corrected coefficients, to float64; d : (p,) the correction in scaled coordinates."""
    if not problem.centred:
        return 0.0, 0.0
    step = -float(problem.mean @ problem.unscale(d))
    constant = Pair(np.array([before.constant[0]]), np.array([before.constant[1]])) + pair(np.array([step]))
    return float(constant.hi[0]), float(constant.lo[0])


def residual_point(problem: Problem, b: Pair, constant: tuple[float, float], *, careful: bool) -> Point:
    """The point at coefficients b, by a residual pass; the constant is replaced by its best value."""
    if not problem.centred:
        constant = 0.0, 0.0
    (sums,) = problem.fold([Gradient(b, constant, careful)])
    return _point(problem, sums, b, constant, careful)


def _point(problem: Problem, sums: GradientSums, b: Pair, constant: tuple[float, float], careful: bool) -> Point:
    """The point from the sums of a residual pass.

    Parameters
    ----------
    problem : Problem
        The problem.
    sums : GradientSums
        Sums at b and the constant.
    b : Pair
        (p,) coefficients.
    constant : tuple of float
        hi, lo.
    careful : bool
        Whether the sums are in double-double.
    """
    mean, centred, weight = problem.mean, problem.centred, max(problem.totals.weight, 1e-300)
    exact_gradient = pair(np.full(len(b.hi), problem.alpha)) * b
    penalty_gradient = exact_gradient if careful else pair(problem.alpha * b.hi)
    g = sums.columns - penalty_gradient
    rest = float(sums.constant.value[0])
    if centred:
        # the columns are not centred in memory: take away the mean's share of the gradient
        g = g - pair(mean) * pair(np.full(len(mean), rest))
    rounding_errors = (
        (2.0 * np.sqrt(problem.totals.entries) + 6.0) * EPS if not careful else np.full(len(mean), CAREFUL)
    )
    rounding_error = (2.0 * np.sqrt(problem.totals.rows) + 6.0) * EPS if not careful else CAREFUL
    # errors of the residuals, of the sums, and of the penalty's gradient, column by column
    error = (
        sums.by_row
        + rounding_errors * sums.by_column
        + EPS * (1.0 if not careful else CAREFUL) * np.abs(penalty_gradient.hi)
    )
    if centred:
        error = (
            error
            + np.abs(mean) * (sums.constant_error + rounding_error * sums.residual_size)
            + 4.0 * EPS * np.abs(mean * rest)
        )
        # the constant that makes the residuals sum to zero: its normal equation alone, which needs no solve
        updated = Pair(*(np.array([v]) for v in constant)) + pair(np.array([rest / weight]))
        constant = float(updated.hi[0]), float(updated.lo[0])
    scaled = np.where(problem.usable, g.value / problem.length, 0.0)
    noise = _norm(np.where(problem.usable, error / problem.length, 0.0)) + 4.0 * EPS * _norm(scaled)
    square = float(sums.square.value[0])
    # the residual sum of squares after that change of the constant
    rss = max(square - rest**2 / weight, 0.0) if centred else square
    rss_error = 2.0 * sums.drift + (rounding_error + 4.0 * EPS) * square
    return Point(b, constant, scaled, noise, rss, rss_error, careful, EPS * float(np.sqrt(sums.magnitude_square)))


def prove(problem: Problem, point: Point, bounds: Bounds) -> Proof:
    """Error estimate at a point: |error| <= |gradient| / smallest eigenvalue.

    Digits are relative to the larger of a coefficient and sigma / length of its column: without a penalty its standard
    error is never smaller than that.
    """
    gradient_bound, least = point.gradient_bound, bounds.least
    error = gradient_bound / least if least > 0.0 else np.inf
    b, p = point.b.hi, len(point.b.hi)
    penalty_error = 2.0 * problem.alpha * _norm(problem.unscale(np.ones(p)) * b) * error if problem.alpha else 0.0
    with np.errstate(invalid="ignore"):
        # the RSS at the exact solution is smaller by at most gradient_bound * error, so that sigma is a lower bound
        rss = np.nan_to_num(max(point.rss - penalty_error - gradient_bound * error, 0.0), nan=0.0)
    sigma = float(np.sqrt(rss / max(problem.totals.rows, 1)))
    # the norm of the error in scaled coordinates bounds each element; EPS is the rounding of b to float64
    each = error / problem.length + EPS * np.abs(b)
    column_digits = digits(np.where(problem.usable, each, 0.0), np.fmax(np.abs(b), sigma / problem.length))
    constant = _constant_digits(problem, point, error, sigma)
    predictions = float("nan") if least > 0.0 else _prediction_digits(problem, point, bounds)
    return Proof(error, np.where(problem.usable, column_digits, np.nan), constant, sigma, predictions)


def _prediction_digits(problem: Problem, point: Point, bounds: Bounds) -> float:
    """Digits of the predictions at a point."""
    sums, residual = problem.totals, float(np.sqrt(point.rss))
    fitted = float(np.sqrt(max(zero_point(problem).rss - point.rss, 0.0)))
    size = max(fitted, residual / float(np.sqrt(max(sums.rows, 1))))
    return prediction_digits(bounds, point.gradient_bound, residual, problem.entries, point.prediction_rounding, size)


def _constant_digits(problem: Problem, point: Point, error: float, sigma: float) -> float:
    """Digits of the constant where all columns are zero; NaN without a constant."""
    if not problem.centred:
        return float("nan")
    constant = abs(point.constant[0] + problem.outcome - float(problem.origin @ point.b.hi))
    constant_error = problem.constant_error * error + 4.0 * EPS * constant
    return float(digits(np.array([constant_error]), np.array([_constant_size(problem, constant, sigma)]))[0])


def _constant_size(problem: Problem, constant: float, sigma: float) -> float:
    """The size that errors of the constant are relative to: its own, or its standard error if columns were centred."""
    return max(constant, sigma / float(np.sqrt(max(problem.totals.weight, 1e-300))))


def least_size(problem: Problem, point: Point, d: Vector, z: Vector, rss: float) -> float:
    """The norm that errors are relative to for the coefficient, or constant, that needs the smallest error.

    problem : the problem. point : where the correction started. d : (p,) the correction, and z : (p,) the coefficients
    after it, both scaled. rss : residual sum of squares there.
    """
    sigma = float(np.sqrt(rss / max(problem.totals.rows, 1)))
    least = float(np.fmax(np.abs(z), sigma)[problem.usable].min(initial=np.inf))
    if not problem.centred or not problem.constant_error:
        return least
    level = point.constant[0] + problem.outcome - float(problem.mean @ problem.unscale(d))
    constant = abs(level - float(problem.origin @ problem.unscale(z)))
    return min(least, _constant_size(problem, constant, sigma) / problem.constant_error)


def _norm(v: Vector) -> float:
    """Euclidean norm."""
    return float(np.linalg.norm(v))
