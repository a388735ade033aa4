"""The search of a curve: Gauss-Newton steps in a trust region. It never sees rows, only the points of `evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.fit.curve.acceleration import History, accelerated
from gramian.fit.curve.step import ROUNDING, Point
from gramian.fit.curve.trust_region import ACCEPTED, GROW, Region, damped, gain, next_radius
from gramian.models.curve import Shape
from gramian.typing import Vector

MAX_PASSES = 200
TOLERANCE = 1e-9  # standard errors: about nine digits of these, and of parameters that are no smaller
FIRST_RADIUS = 1.0  # a first step may change parameters by about their own size
MIN_RADIUS = 1e-13  # radius at which steps are rounding
STALLED = 5  # points that rounding decides: so many without a clearly shorter step are the end
SHORTER = 0.9  # a clearly shorter step; a slow but steady search makes one in `STALLED` points
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
        Error of the parameters that ends the search, in standard errors.
    """

    low: Vector
    high: Vector
    rows: int
    max_passes: int = MAX_PASSES
    tolerance: float = TOLERANCE


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


@np.errstate(over="ignore", invalid="ignore")  # a step that is no number lowers no loss, so it is not taken
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
        Ended where the error of the parameters is below `tolerance` standard errors, or rounding allows no less.

    References
    ----------
    D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications, Wiley 1988, section 2.2.3.
    """
    state = _State(start, FIRST_RADIUS, 1, 0)
    while True:
        step, proposal = _steps(shape, state, search)
        move = _after_step(shape, state.point, proposal, search) - state.point.beta
        length, distance = step_lengths(state.point, move, search.rows - shape.parameters)
        reason = _stop_reason(state, length, distance, search)
        if reason != "":
            beta = state.point.beta + move
            return SearchResult(beta, state.point, move, distance, state.passes, state.undefined, reason)
        state = _next_state(_with_length(state, length), step, proposal, evaluate, shape, search)


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
        Length of the step proposed at the point before, in units of the outcome.
    shortest : float
        The shortest one so far.
    stalled : int
        Points since a clearly shorter step, where the loss is too rounded to say whether it improved.
    history : History
        The points before, as long as full steps were made.
    """

    point: Point
    radius: float
    passes: int
    undefined: int
    length: float = np.inf
    shortest: float = np.inf
    stalled: int = 0
    history: History = field(default_factory=History)


def _steps(shape: Shape, state: _State, search: Search) -> tuple[Vector, Vector]:
    """The Gauss-Newton step within the bounds, and the accelerated one where it does not leave them; (t,) each."""
    point, places = state.point, list(shape.nonlinear)
    region = _region(shape, point, search, np.inf)
    step = damped(point.reduced_jacobian, point.r, region)
    proposal = accelerated(point.reduced_jacobian, state.history, point.beta[places], step)
    return step, proposal if ((region.low <= proposal) & (proposal <= region.high)).all() else step


def _stop_reason(state: _State, length: float, distance: float, search: Search) -> str | None:
    """Why the search ends: None when converged, "passes" or "stuck" when not, "" where it goes on."""
    if length <= ROUNDING * np.sqrt(state.point.sum_of_squares):
        return None
    # steps that shrink by a constant ratio add up to the error: distance (1 + ratio + ratio^2 + ...)
    ratio = length / state.length
    if ratio < 1.0 and distance <= (1.0 - ratio) * search.tolerance:
        return None
    if state.stalled >= STALLED and distance <= MAX_ROUNDED_MOVE:
        return None
    if state.radius < MIN_RADIUS:
        return "stuck"
    return "passes" if state.passes >= search.max_passes else ""


def _with_length(state: _State, length: float) -> _State:
    """The state with the length of the step that is proposed at its point."""
    shorter = length < SHORTER * state.shortest
    return replace(
        state,
        length=length,
        shortest=length if shorter else state.shortest,
        stalled=0 if shorter else state.stalled,
    )


def _next_state(
    state: _State, step: Vector, proposal: Vector, evaluate: Evaluate, shape: Shape, search: Search
) -> _State:
    """The state after one trial: the new point where it is accepted, else the same point with a smaller radius.

    step, proposal : from `_steps`.
    """
    point, places = state.point, list(shape.nonlinear)
    region = _region(shape, point, search, state.radius)
    full = _size(proposal, region) <= state.radius
    taken = proposal if full else damped(point.reduced_jacobian, point.r, region)
    # what Gauss-Newton promises: an accelerated step is one that its model does not foresee
    predicted = gain(point.reduced_jacobian, point.r, step if full else taken)
    trial = evaluate(_after_step(shape, point, taken, search))
    actual = -np.inf if trial is None else point.loss - trial.loss
    after = replace(state, passes=state.passes + 1, undefined=state.undefined + (trial is None))
    history = state.history.extended(point.beta[places], step) if full else History()
    size = _size(taken, region)
    # the predicted decrease is below the rounding of the loss: accept unless the loss clearly rose
    if trial is not None and predicted <= point.rounding_error and actual >= -point.rounding_error:
        radius = max(state.radius, GROW * size)
        return replace(after, point=trial, radius=radius, history=history, stalled=state.stalled + 1)
    radius = next_radius(state.radius, size, predicted, actual)
    if trial is not None and actual > ACCEPTED * predicted:
        return replace(after, point=trial, radius=radius, history=history)
    # an accelerated step that fails says nothing of the Gauss-Newton step, which is tried next
    return replace(after, history=History(), radius=state.radius if full and state.history.points else radius)


def _size(step: Vector, region: Region) -> float:
    """Length of a step (t,) in units of the region."""
    return float(np.linalg.norm(step / region.size))


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
