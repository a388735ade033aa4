"""The search of a curve: Gauss-Newton steps in a trust region. It never sees rows, only the points of `evaluate`."""

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
    """Where and how long to search.

    Attributes
    ----------
    low, high : ndarray
        (p,) bounds.
    rows : int
        Rows of the data, for the residual degrees of freedom.
    max_passes : int
        Largest number of evaluations.
    tolerance : float
        Length of a step that ends the search, in standard errors.
    """

    low: Vector
    high: Vector
    rows: int
    max_passes: int = 50
    tolerance: float = 1e-8


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The end of a search.

    Attributes
    ----------
    beta : ndarray
        (p,) estimates, the last Gauss-Newton step included.
    point : Point
        The last accepted point.
    move : ndarray
        (p,) the last step.
    distance : float
        Its length in standard errors.
    passes : int
        Evaluations.
    undefined : int
        Trial points at which the curve was not finite.
    reason : str or None
        None where the search converged, else "passes" (too many) or "stuck" (no step lowers the loss).
    """

    beta: Vector
    point: Point
    move: Vector
    distance: float
    passes: int
    undefined: int
    reason: str | None


def minimise(evaluate: Evaluate, shape: Shape, start: Point, search: Search) -> SearchResult:
    """Least squares from a point that has been evaluated.

    Each pass returns the loss and the triangular factor at the trial point, so that an accepted step costs one pass,
    and after a rejected one the step is computed again from the same factor.

    Parameters
    ----------
    evaluate : callable
        Parameters (p,) -> point, or None where the curve is not finite.
    shape : Shape
        Structure of the curve.
    start : Point
        The start.
    search : Search
        Bounds and limits.

    Returns
    -------
    SearchResult
        Ended by a step shorter than `tolerance` standard errors, or one that moves the curve by rounding only.

    References
    ----------
    D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications, Wiley 1988, section 2.2.3.
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
    """State of the search.

    Attributes
    ----------
    point : Point
        The last accepted point.
    radius : float
        Radius of the trust region.
    passes, undefined : int
        As in `SearchResult`.
    length : float
        Length of the Gauss-Newton step of the point before, in units of the outcome.
    within_rounding : bool
        Whether the last step was too small for the loss to tell whether it improved.
    """

    point: Point
    radius: float
    passes: int
    undefined: int
    length: float
    within_rounding: bool = False


def _stop_reason(state: _State, length: float, distance: float, search: Search) -> str | None:
    """Why the search ends: None when converged, "passes" or "stuck" when not, "" where it goes on."""
    if _remaining_error(distance, length, state.length) <= search.tolerance or length <= ROUNDING * np.sqrt(
        state.point.sum_of_squares
    ):
        return None
    # the loss no longer resolves steps this small and they do not shrink: this is the accuracy that rounding allows
    if state.within_rounding and length > state.length / 2 and distance <= MAX_ROUNDED_MOVE:
        return None
    if state.radius < MIN_RADIUS:
        return "stuck"
    return "passes" if state.passes >= search.max_passes else ""


def _remaining_error(distance: float, length: float, previous: float) -> float:
    """Error after the step, in standard errors; where steps shrink by a constant ratio rho, it is s rho / (1 - rho)."""
    ratio = length / previous if previous > 0 else 1.0
    return distance * ratio / (1.0 - ratio) if distance <= CLOSE and ratio < FAST else distance


def _next_state(state: _State, evaluate: Evaluate, shape: Shape, search: Search) -> _State:
    """The state after one trial: the new point where it is accepted, else the same point with a smaller radius."""
    point, places = state.point, list(shape.nonlinear)
    region = _region(shape, point, search, state.radius)
    step = damped(point.reduced_jacobian, point.r, region)
    predicted = gain(point.reduced_jacobian, point.r, step)
    trial = evaluate(_after_step(shape, point, step, search))
    actual = -np.inf if trial is None else point.loss - trial.loss
    passes, undefined = state.passes + 1, state.undefined + (trial is None)
    step_size = float(np.linalg.norm(step / region.size)) if places else 0.0
    # the predicted decrease is below the rounding of the loss: accept unless the loss clearly rose
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
    """Length of a step in units of the outcome, |J move|, and in standard errors."""
    length = float(np.linalg.norm(point.J @ move))
    sigma = float(np.sqrt(point.loss / max(df, 1)))
    return length, length / sigma if sigma > 0 else np.inf if length > 0 else 0.0


def _after_step(shape: Shape, point: Point, step: Vector, search: Search) -> Vector:
    """The parameters (p,) after a step (t,) of the nonlinear ones, cut at the bounds.

    The linear ones follow to first order.
    """
    beta = point.beta.copy()
    beta[list(shape.nonlinear)] += step
    beta[list(shape.linear)] += point.linear_derivatives @ step
    return np.clip(beta, search.low, search.high)


def _region(shape: Shape, point: Point, search: Search, radius: float) -> Region:
    """The trust region at a point, in the nonlinear parameters.

    The size of a parameter is its own magnitude, or the change that moves the curve by as much as the outcome varies,
    whichever is smaller: so the region does not depend on the units of parameters.
    """
    places = list(shape.nonlinear)
    t, lengths = np.abs(point.beta[places]), np.linalg.norm(point.J[:, places], axis=0)
    with np.errstate(divide="ignore"):
        natural = np.sqrt(point.tss) / lengths  # moves the curve by as much as the outcome varies
    size = np.where(t > 0, np.minimum(t, natural), natural)
    size = np.where(np.isfinite(size) & (size > 0), size, np.where(t > 0, t, 1.0))
    return Region(size, search.low[places] - point.beta[places], search.high[places] - point.beta[places], radius)
