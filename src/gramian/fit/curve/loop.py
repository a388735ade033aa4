"""The damped loop of a curve: numbers only, the data are behind `evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gramian.fit.curve.step import ROUNDING, Point
from gramian.fit.curve.trust_region import ACCEPTED, GROW, Region, damped, gain, next_radius
from gramian.models.curve import Shape
from gramian.typing import Vector

FIRST_RADIUS = 1.0  # a first step may change parameters by about their own size
MIN_RADIUS = 1e-13  # radius at which steps are rounding
CLOSE, FAST = 1e-6, 0.3  # standard errors, factor of shrinking: within both the next step is foreseen
MAX_ROUNDED_MOVE = 1e-5  # standard errors: a move that rounding no longer lets shrink may be so large

Evaluate = Callable[[Vector], Point | None]  # a pass; None where the curve is not defined for some row


@dataclass(frozen=True, slots=True)
class Search:
    """Where to search: bounds (p,), how many passes at most, the move in standard errors that ends it, rows."""

    low: Vector
    high: Vector
    rows: int
    max_passes: int = 50
    tolerance: float = 1e-8


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Where a search ended.

    beta : (p,) estimates, the last Gauss-Newton step included. point : the last accepted one. move : (p,) that step;
    distance : its length in standard errors. passes : evaluations. reason : None when converged, "passes" or "stuck".
    undefined : trial points at which the curve was not defined.
    """

    beta: Vector
    point: Point
    move: Vector
    distance: float
    passes: int
    undefined: int
    reason: str | None


def minimise(evaluate: Evaluate, shape: Shape, start: Point, search: Search) -> SearchResult:
    """Least squares from a point that has been evaluated (one pass).

    Every pass returns loss and triangle (R'R holds J'J and J'r) at the trial point, so an accepted step costs one pass;
    a rejected one is solved again from the same. It ends at a step shorter than `tolerance` standard errors
    (Bates and Watts, Nonlinear Regression Analysis (1988), 2.2.3), or one that moves the curve by rounding only.
    """
    state = _State(start, FIRST_RADIUS, 1, 0, np.inf)
    while True:
        move = full_step(shape, state.point, search)
        length, distance = step_lengths(state.point, move, search.rows - shape.parameters)
        reason = _stop_reason(state, length, distance, search)
        if reason != "":
            return SearchResult(
                state.point.beta + move, state.point, move, distance, state.passes, state.undefined, reason
            )
        state = _next_state(replace(state, length=length), evaluate, shape, search)


@dataclass(frozen=True, slots=True)
class _State:
    point: Point
    radius: float
    passes: int
    undefined: int
    length: float  # of the Gauss-Newton step that led here
    within_rounding: bool = False  # the last step was too small for the loss to judge it


def _stop_reason(state: _State, length: float, distance: float, search: Search) -> str | None:
    """Why to end: None when converged, empty when not yet."""
    if _remaining_error(distance, length, state.length) <= search.tolerance or length <= ROUNDING * np.sqrt(
        state.point.sum_of_squares
    ):
        return None
    if state.within_rounding and length > state.length / 2 and distance <= MAX_ROUNDED_MOVE:
        return None
    if state.radius < MIN_RADIUS:
        return "stuck"
    return "passes" if state.passes >= search.max_passes else ""


def _remaining_error(distance: float, length: float, previous: float) -> float:
    """The error after the step, in standard errors: close to the solution steps shrink by a constant factor."""
    ratio = length / previous if previous > 0 else 1.0
    return distance * ratio / (1.0 - ratio) if distance <= CLOSE and ratio < FAST else distance


def _next_state(state: _State, evaluate: Evaluate, shape: Shape, search: Search) -> _State:
    """One trial: accepted, or the same point with a smaller radius."""
    point, places = state.point, list(shape.nonlinear)
    region = _region(shape, point, search, state.radius)
    step = damped(point.reduced_jacobian, point.r, region)
    predicted = gain(point.reduced_jacobian, point.r, step)
    trial = evaluate(_after_step(shape, point, step, search))
    actual = -np.inf if trial is None else point.loss - trial.loss
    passes, undefined = state.passes + 1, state.undefined + (trial is None)
    step_size = float(np.linalg.norm(step / region.size)) if places else 0.0
    if trial is not None and predicted <= point.rounding_error and actual >= -point.rounding_error:
        return _State(trial, max(state.radius, GROW * step_size), passes, undefined, state.length, True)
    radius = next_radius(state.radius, step_size, predicted, actual)
    if trial is not None and actual > ACCEPTED * predicted:
        return _State(trial, radius, passes, undefined, state.length)
    return replace(state, radius=radius, passes=passes, undefined=undefined)


def full_step(shape: Shape, point: Point, search: Search) -> Vector:
    """The undamped Gauss-Newton step within the bounds, (p,)."""
    step = damped(point.reduced_jacobian, point.r, _region(shape, point, search, np.inf))
    return _after_step(shape, point, step, search) - point.beta


def step_lengths(point: Point, move: Vector, df: float) -> tuple[float, float]:
    """How far a step moves the curve, in units of the outcome, and in standard errors."""
    length = float(np.linalg.norm(point.J @ move))
    sigma = float(np.sqrt(point.loss / max(df, 1)))
    return length, length / sigma if sigma > 0 else np.inf if length > 0 else 0.0


def _after_step(shape: Shape, point: Point, step: Vector, search: Search) -> Vector:
    """A step of the nonlinear parameters, the linear ones following."""
    beta = point.beta.copy()
    beta[list(shape.nonlinear)] += step
    beta[list(shape.linear)] += point.linear_derivatives @ step
    return np.clip(beta, search.low, search.high)


def _region(shape: Shape, point: Point, search: Search, radius: float) -> Region:
    places = list(shape.nonlinear)
    t, lengths = np.abs(point.beta[places]), np.linalg.norm(point.J[:, places], axis=0)
    with np.errstate(divide="ignore"):
        natural = np.sqrt(point.tss) / lengths  # moves the curve by as much as the outcome varies
    size = np.where(t > 0, np.minimum(t, natural), natural)
    size = np.where(np.isfinite(size) & (size > 0), size, np.where(t > 0, t, 1.0))
    return Region(size, search.low[places] - point.beta[places], search.high[places] - point.beta[places], radius)
