"""Deviance of a mixed model as a function of one parameter, the others at their best, and where it reaches a value.

D. Bates, M. Maechler, B. Bolker and S. Walker, Fitting linear mixed-effects models using lme4, Journal of Statistical
Software 67 (2015), section 5.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gramian.errors import ConvergenceError
from gramian.linalg.mixed.criterion import Evaluated, evaluate, residual_part, second_derivatives
from gramian.linalg.mixed.products import GroupedProducts
from gramian.linalg.mixed.search import Minimum, search
from gramian.linalg.mixed.stacked import Stacked
from gramian.typing import Matrix, Vector

MAX_STEPS = 60
CLOSE = 1e-9  # of the root of the deviance to its value at an end
LOWER = 1e-6  # deviance below that of the fit, beyond rounding


@dataclass(frozen=True, slots=True)
class Affine:
    """How Lambda and 1 / sigma depend on the free parameters x (k,): linearly, but for a constant of the latter.

    Attributes
    ----------
    factor : ndarray of shape (k, q, q)
        Lambda = sum_k x_k factor_k.
    precision : ndarray of shape (k,)
        1 / sigma = precision @ x + constant.
    constant : float
        See `precision`.
    """

    factor: Matrix
    precision: Vector
    constant: float = 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """Sums over the groups at some parameters; complex where derivatives are taken.

    Attributes
    ----------
    sums : Evaluated
        The sums.
    factor : ndarray of shape (q, q)
        Lambda.
    precision : number
        1 / sigma.
    b : ndarray of shape (s - 1,)
        The fixed effects.
    square : number
        The weighted residual sum of squares.
    excess : number
        How much c'b of the best b is beyond the given value, over c'(X'V^-1 X)^-1 c; 0 without a given value.
    """

    sums: Evaluated
    factor: Stacked
    precision: Any
    b: Stacked
    square: Any
    excess: Any


@dataclass(frozen=True, slots=True)
class GivenDeviance:
    """The deviance, less its constants, of a model with one parameter given.

    Attributes
    ----------
    products : GroupedProducts
        Of the columns.
    rows : float
        Number of rows.
    affine : Affine
        The covariance by the free parameters.
    change : Affine
        Its derivative by the given parameter.
    contrast : ndarray of shape (s - 1,) or None
        c, where the given parameter is c'b.
    amount : float
        Its value then.
    """

    products: GroupedProducts
    rows: float
    affine: Affine
    change: Affine
    contrast: Vector | None = None
    amount: float = 0.0

    def at(self, x: Stacked) -> Point:
        """The sums at x (k,)."""
        L = np.tensordot(x, self.affine.factor, axes=1)
        sums = evaluate(self.products, L @ L.T)
        b, square = sums.solved()
        excess: Any = 0.0
        if self.contrast is not None:
            half = np.linalg.solve(sums.A[:-1, :-1], self.contrast)
            beyond = self.contrast @ b - self.amount
            excess = beyond / (self.contrast @ half)
            b, square = b - half * excess, square + beyond * excess
        return Point(sums, L, self.affine.precision @ x + self.affine.constant, b, square, excess)

    def value(self, point: Point) -> float:
        """The deviance."""
        square = point.precision**2
        if not (point.square > 0.0 and square > 0.0):
            return math.inf
        return float(point.sums.log_det - self.rows * (math.log(square) + 1.0) + square * point.square)

    def gradient(self, point: Point, x: Stacked) -> Stacked:
        """Its derivatives (k,)."""
        return self._along(point, self.affine.factor, self.affine.precision)

    def hessian(self, x: Vector) -> Matrix:
        """Its second derivatives (k, k)."""
        return second_derivatives(lambda moved: self.gradient(self.at(moved), moved), x)

    def slope(self, found: Minimum[Point]) -> float:
        """Derivative of the deviance at its minimum by the given parameter: that with the others fixed."""
        point = found.sums
        L, precision = np.tensordot(found.theta, self.change.factor, axes=1), self.change.precision @ found.theta
        by_covariance = self._along(point, L[None], np.array([precision + self.change.constant]))[0]
        return float(by_covariance - 2.0 * point.precision**2 * point.excess)

    def _along(self, point: Point, factors: Stacked, precisions: Stacked) -> Stacked:
        """Derivatives (k,) along changes of Lambda, (k, q, q), and of 1 / sigma, (k,)."""
        precision = point.precision
        slope = point.sums.E - precision**2 * residual_part(point.sums, point.b)
        by_factor = np.tensordot(factors, 2.0 * slope @ point.factor, axes=2)
        return np.asarray(by_factor + 2.0 * precisions * (precision * point.square - self.rows / precision))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter whose profile is asked for.

    Attributes
    ----------
    estimate : float
        Its value at the minimum of the deviance.
    step : float
        Size of its uncertainty, roughly.
    start : ndarray of shape (k,)
        The free parameters there.
    given : callable
        The deviance with a value of it given.
    low, high : float
        Its bounds.
    """

    estimate: float
    step: float
    start: Vector
    given: Callable[[float], GivenDeviance]
    low: float = -math.inf
    high: float = math.inf

    def interval(self, best: float, z: float) -> tuple[float, float]:
        """Values with a deviance of at most best + z^2: those that a likelihood ratio test does not reject.

        Raises ConvergenceError where a search does not converge, or finds a deviance below `best`.
        """
        return _end(self, best, z, -1.0), _end(self, best, z, 1.0)


def _end(parameter: Parameter, best: float, z: float, sign: float) -> float:
    """Where the root of the deviance beyond the best one is z, on one side, by Newton's method within a bracket."""
    bound = parameter.high if sign > 0.0 else parameter.low
    inside, outside, start = parameter.estimate, bound, parameter.start
    if math.isfinite(bound) and (inside == bound or _rooted(parameter.given(bound), start, best)[0] <= z):
        return bound
    at = _between(inside + sign * z * parameter.step, inside, outside)
    for _ in range(MAX_STEPS):
        root, slope, found = _rooted(parameter.given(at), start, best)
        if abs(root - z) <= CLOSE:
            return at
        start = found.theta
        if root < z:
            inside = at
        else:
            outside = at
        step = (z - root) / slope if slope * sign > 0.0 else math.inf * sign
        if not math.isfinite(outside):
            step = sign * min(abs(step), 2.0 * abs(inside - parameter.estimate) + parameter.step)
        after = _between(at + step, inside, outside)
        if abs(after - at) <= 1e-12 * abs(at):
            return after
        at = after
    raise ConvergenceError(
        "the end of a profile interval was not found: its deviance is not smooth; take Wald intervals"
    )


def _rooted(given: GivenDeviance, start: Vector, best: float) -> tuple[float, float, Minimum[Point]]:
    """Root of the deviance beyond the best one, its derivative by the given parameter, and where the others are."""
    found = search(given, start)
    beyond = given.value(found.sums) - best
    if not found.converged or beyond < -LOWER:
        reason = "finds a lower deviance than that of the fit" if found.converged else "does not converge"
        raise ConvergenceError(
            f"a search with one parameter given {reason}: take fewer random effects, or Wald intervals"
        )
    root = math.sqrt(max(beyond, 0.0))
    return root, given.slope(found) / (2.0 * root) if root > 0.0 else 0.0, found


def _between(at: float, inside: float, outside: float) -> float:
    """A number, or the middle of two where it is not between them."""
    if min(inside, outside) < at < max(inside, outside):
        return at
    return (inside + outside) / 2.0
