"""Corrections until the digits that are wanted are there: residual pass, what it proves, one more solve."""

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

ROUNDS = 8
GAIN = 0.5  # a round that leaves more of the error is the last


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Coefficients, and what a residual pass says of them.

    b : (p,) hi + lo. constant : hi, lo. gradient : (p,) of half the objective downhill, in scaled coordinates. noise :
    norm of what rounding may have done to it. rss : residual sum of squares, doubt : what rounding may have done to it.
    careful : how they were summed. spread : norm of what rounding may do to predictions.
    """

    b: Pair
    constant: tuple[float, float]
    gradient: Vector
    noise: float
    rss: float
    doubt: float
    careful: bool
    spread: float

    @property
    def slack(self) -> float:
        """Norm that the gradient may have."""
        return _norm(self.gradient) + self.noise


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What is known of the errors: their norm in scaled coordinates, digits (p,) and the constant's, and sigma.

    predictions : digits of the predictions of dependent columns; NaN where the coefficients themselves are determined.
    """

    error: float
    digits: Vector
    constant: float
    sigma: float
    predictions: float


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """A point, its proof, and how many residual passes there were."""

    point: Point
    proof: Proof
    rounds: int


Correct = Callable[[Point, bool], Vector]
"""A point to a correction of its scaled coefficients; True for a bold one, that may turn out to be none."""


def refine(problem: Problem, correct: Correct, bounds: Callable[[], Bounds], requested_digits: float) -> Refined:
    """Correct from zero until the digits wanted are there or nothing gets better.

    bounds : what is known of the eigenvalues, after a correction.
    """
    best, rounds, bold = zero_point(problem), 0, False
    proof = prove(problem, best, bounds())
    surest = best, proof
    while rounds < ROUNDS:
        d = correct(best, bold)
        b = best.b + pair(problem.unscale(d))
        point, rounds = residual_point(problem, b, constant_of(problem, b, best, d), careful=best.careful), rounds + 1
        found = prove(problem, point, bounds())
        if (
            not point.careful
            and lacks_digits(found, requested_digits, problem)
            and point.noise > 0.25 * _norm(point.gradient)
        ):
            point, rounds = residual_point(problem, point.b, point.constant, careful=True), rounds + 1
            found = prove(problem, point, bounds())
        taken = lower(problem, point, best, bold=bold)
        better = taken and (bold or point.slack < GAIN * best.slack)
        if taken:
            best, proof = point, found
        if not proof.predictions < surest[1].predictions:
            surest = best, proof
        if not lacks_digits(proof, requested_digits, problem) or (not better and (bold or bounds().least > 0.0)):
            break
        bold = bold or not better
    return Refined(*surest, rounds)


def lower(problem: Problem, point: Point, before: Point, *, bold: bool) -> bool:
    """Whether a correction has lowered the gradient without raising the objective by more than rounding explains.

    The objective's fall is the square of what predictions have gained, so that of a bold one is enough.
    """
    fallen, rounding = _objective(problem, before) - _objective(problem, point), point.doubt + before.doubt
    return (bold and fallen > rounding) or (point.slack <= before.slack and fallen >= -rounding)


def _objective(problem: Problem, point: Point) -> float:
    return point.rss + problem.alpha * float(point.b.hi @ point.b.hi)


def zero_point(problem: Problem) -> Point:
    """The point of no coefficients, from sums that are there; nothing is known of their gradient's rounding."""
    sums, zeros = problem.totals, np.zeros(len(problem.mean))
    constant = sums.y / max(sums.weight, 1e-300) if problem.centred else 0.0
    gradient = (sums.xy - problem.mean * sums.y if problem.centred else sums.xy) * problem.inverse
    rss = max(sums.yy - constant * sums.y, 0.0)
    doubt = (4.0 * float(np.sqrt(sums.rows)) + 12.0) * EPS * sums.yy
    return Point(pair(zeros), (constant, 0.0), gradient, np.inf, rss, doubt, careful=False, spread=0.0)


def lacks_digits(proof: Proof, requested_digits: float, problem: Problem) -> bool:
    """Whether some coefficient lacks digits; of dependent columns, whether predictions do."""
    if not np.isnan(proof.predictions):
        return proof.predictions < requested_digits
    fewest = float(proof.digits[problem.usable].min(initial=16.0))
    return (min(fewest, proof.constant) if problem.centred else fewest) < requested_digits


def constant_of(problem: Problem, b: Pair, before: Point, d: Vector) -> tuple[float, float]:
    """The constant that goes with moved coefficients, as well as float64 means tell."""
    if not problem.centred:
        return 0.0, 0.0
    step = -float(problem.mean @ problem.unscale(d))
    constant = Pair(np.array([before.constant[0]]), np.array([before.constant[1]])) + pair(np.array([step]))
    return float(constant.hi[0]), float(constant.lo[0])


def residual_point(problem: Problem, b: Pair, constant: tuple[float, float], *, careful: bool) -> Point:
    """The residual pass at some coefficients; the constant is made the best one."""
    if not problem.centred:
        constant = 0.0, 0.0
    (sums,) = problem.fold([Gradient(b, constant, careful)])
    return _point(problem, sums, b, constant, careful)


def _point(problem: Problem, sums: GradientSums, b: Pair, constant: tuple[float, float], careful: bool) -> Point:
    mean, centred, weight = problem.mean, problem.centred, max(problem.totals.weight, 1e-300)
    exactly = pair(np.full(len(b.hi), problem.alpha)) * b
    pull = exactly if careful else pair(problem.alpha * b.hi)
    g = sums.columns - pull
    rest = float(sums.constant.value[0])
    if centred:
        g = g - pair(mean) * pair(np.full(len(mean), rest))
    rounding_errors = (
        (2.0 * np.sqrt(problem.totals.entries) + 6.0) * EPS if not careful else np.full(len(mean), CAREFUL)
    )
    rounding_error = (2.0 * np.sqrt(problem.totals.rows) + 6.0) * EPS if not careful else CAREFUL
    error = sums.by_row + rounding_errors * sums.by_column + EPS * (1.0 if not careful else CAREFUL) * np.abs(pull.hi)
    if centred:
        error = (
            error
            + np.abs(mean) * (sums.constant_error + rounding_error * sums.residual_size)
            + 4.0 * EPS * np.abs(mean * rest)
        )
        updated = Pair(*(np.array([v]) for v in constant)) + pair(np.array([rest / weight]))
        constant = float(updated.hi[0]), float(updated.lo[0])
    scaled = np.where(problem.usable, g.value / problem.length, 0.0)
    noise = _norm(np.where(problem.usable, error / problem.length, 0.0)) + 4.0 * EPS * _norm(scaled)
    square = float(sums.square.value[0])
    rss = max(square - rest**2 / weight, 0.0) if centred else square
    doubt = 2.0 * sums.drift + (rounding_error + 4.0 * EPS) * square
    return Point(b, constant, scaled, noise, rss, doubt, careful, EPS * float(np.sqrt(sums.reach)))


def prove(problem: Problem, point: Point, bounds: Bounds) -> Proof:
    """|error| <= |gradient| / least eigenvalue. Digits are counted relative to the larger of a coefficient and sigma /
    length of its column: without a penalty its standard error is never below that.
    """
    slack, least = point.slack, bounds.least
    error = slack / least if least > 0.0 else np.inf
    b, p = point.b.hi, len(point.b.hi)
    penalty_error = 2.0 * problem.alpha * _norm(problem.unscale(np.ones(p)) * b) * error if problem.alpha else 0.0
    with np.errstate(invalid="ignore"):
        rss = np.nan_to_num(max(point.rss - penalty_error - slack * error, 0.0), nan=0.0)
    sigma = float(np.sqrt(rss / max(problem.totals.rows, 1)))
    each = error / problem.length + EPS * np.abs(b)
    column_digits = digits(np.where(problem.usable, each, 0.0), np.fmax(np.abs(b), sigma / problem.length))
    constant = _constant_digits(problem, point, error, sigma)
    predictions = float("nan") if least > 0.0 else _prediction_digits(problem, point, bounds)
    return Proof(error, np.where(problem.usable, column_digits, np.nan), constant, sigma, predictions)


def _prediction_digits(problem: Problem, point: Point, bounds: Bounds) -> float:
    sums, residual = problem.totals, float(np.sqrt(point.rss))
    fitted = float(np.sqrt(max(zero_point(problem).rss - point.rss, 0.0)))
    size = max(fitted, residual / float(np.sqrt(max(sums.rows, 1))))
    return prediction_digits(bounds, point.slack, residual, problem.entries, point.spread, size)


def _constant_digits(problem: Problem, point: Point, error: float, sigma: float) -> float:
    """Of the constant told where all columns are zero."""
    if not problem.centred:
        return float("nan")
    constant = abs(point.constant[0] + problem.outcome - float(problem.origin @ point.b.hi))
    constant_error = problem.constant_error * error + 4.0 * EPS * constant
    return float(digits(np.array([constant_error]), np.array([_constant_size(problem, constant, sigma)]))[0])


def _constant_size(problem: Problem, constant: float, sigma: float) -> float:
    return max(constant, sigma / float(np.sqrt(max(problem.totals.weight, 1e-300))))


def least_size(problem: Problem, point: Point, d: Vector, z: Vector, rss: float) -> float:
    """What the error's norm is relative to for the coefficient, or constant, that asks most of it.

    z : (p,) scaled coefficients, d : (p,) what they were corrected by since the point. rss : there.
    """
    sigma = float(np.sqrt(rss / max(problem.totals.rows, 1)))
    least = float(np.fmax(np.abs(z), sigma)[problem.usable].min(initial=np.inf))
    if not problem.centred or not problem.constant_error:
        return least
    level = point.constant[0] + problem.outcome - float(problem.mean @ problem.unscale(d))
    constant = abs(level - float(problem.origin @ problem.unscale(z)))
    return min(least, _constant_size(problem, constant, sigma) / problem.constant_error)


def _norm(v: Vector) -> float:
    return float(np.linalg.norm(v))
