"""Corrections until the digits that are wanted are there: residual pass, what it proves, one more solve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS, digits
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.wide.kernels import CAREFUL, Gradient, GradientSums
from gramian.linalg.wide.problem import Problem
from gramian.typing import Vector

ROUNDS = 8
GAIN = 0.5  # a round that leaves more of the error is the last


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Coefficients, and what a residual pass says of them.

    b : (p,) hi + lo. constant : hi, lo. gradient : (p,) of half the objective downhill, in scaled coordinates. noise :
    norm of what rounding may have done to it. rss : residual sum of squares. careful : how it was summed.
    """

    b: Pair
    constant: tuple[float, float]
    gradient: Vector
    noise: float
    rss: float
    careful: bool


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What is known of the errors: their norm in scaled coordinates, digits (p,) and the constant's, and sigma."""

    error: float
    digits: Vector
    constant: float
    sigma: float


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """The last point, its proof, and how many residual passes there were."""

    point: Point
    proof: Proof
    rounds: int


Correct = Callable[[Point], Vector]
"""A point to a correction of its scaled coefficients."""


def refine(problem: Problem, correct: Correct, least: Callable[[], float], requested_digits: float) -> Refined:
    """Correct from zero until every coefficient has the digits wanted or nothing gets better.

    least : what is known of the least eigenvalue, after a correction; 0 where nothing is.
    """
    point = zero_point(problem)
    best, rounds = Refined(point, prove(problem, point, 0.0), 0), 0
    while rounds < ROUNDS:
        d = correct(point)
        b = point.b + pair(problem.unscale(d))
        constant = constant_of(problem, b, point, d)
        point, rounds = residual_point(problem, b, constant, careful=point.careful), rounds + 1
        proof = prove(problem, point, least())
        if (
            not point.careful
            and lacks_digits(proof, requested_digits, problem)
            and point.noise > 0.25 * _norm(point.gradient)
        ):
            point, rounds = residual_point(problem, point.b, point.constant, careful=True), rounds + 1
            proof = prove(problem, point, least())
        better = proof.error < GAIN * best.proof.error
        if proof.error <= best.proof.error:
            best = Refined(point, proof, rounds)
        if not lacks_digits(proof, requested_digits, problem) or not better or not least() > 0.0:
            break
    return Refined(best.point, best.proof, rounds)


def zero_point(problem: Problem) -> Point:
    """The point of no coefficients, from sums that are there; nothing is known of their rounding."""
    sums, zeros = problem.totals, np.zeros(len(problem.mean))
    constant = sums.y / max(sums.weight, 1e-300) if problem.centred else 0.0
    gradient = (sums.xy - problem.mean * sums.y if problem.centred else sums.xy) * problem.inverse
    rss = max(sums.yy - constant * sums.y, 0.0)
    return Point(pair(zeros), (constant, 0.0), gradient, np.inf, rss, careful=False)


def lacks_digits(proof: Proof, requested_digits: float, problem: Problem) -> bool:
    """Whether some coefficient lacks digits."""
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
    rss = max(float(sums.square.value[0]) - rest**2 / weight, 0.0)
    return Point(b, constant, scaled, noise, rss, careful)


def prove(problem: Problem, point: Point, least: float) -> Proof:
    """|error| <= |gradient| / least eigenvalue. Digits are counted relative to the larger of a coefficient and sigma /
    length of its column: without a penalty its standard error is never below that.
    """
    slack = _norm(point.gradient) + point.noise
    error = slack / least if least > 0.0 else np.inf
    b, p = point.b.hi, len(point.b.hi)
    penalty_error = 2.0 * problem.alpha * _norm(problem.unscale(np.ones(p)) * b) * error if problem.alpha else 0.0
    with np.errstate(invalid="ignore"):
        rss = np.nan_to_num(max(point.rss - penalty_error - slack * error, 0.0), nan=0.0)
    sigma = float(np.sqrt(rss / max(problem.totals.rows, 1)))
    each = error / problem.length + EPS * np.abs(b)
    column_digits = digits(np.where(problem.usable, each, 0.0), np.fmax(np.abs(b), sigma / problem.length))
    return Proof(
        error, np.where(problem.usable, column_digits, np.nan), _constant_digits(problem, point, error, sigma), sigma
    )


def _constant_digits(problem: Problem, point: Point, error: float, sigma: float) -> float:
    """Of the constant told where all columns are zero."""
    if not problem.centred:
        return float("nan")
    constant = abs(point.constant[0] - float(problem.origin @ point.b.hi))
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
    constant = point.constant[0] - float(problem.mean @ problem.unscale(d)) - float(problem.origin @ problem.unscale(z))
    return min(least, _constant_size(problem, abs(constant), sigma) / problem.constant_error)


def _norm(v: Vector) -> float:
    return float(np.linalg.norm(v))
