"""The outer iteration: a step is proposed, halved until the loss falls, and each trial point costs one pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from gramian.errors import ConvergenceError
from gramian.typing import Vector

MAX_HALVINGS = 12
SLACK = 1e-11  # relative rounding of a sum of losses
NEAR = 1e-3  # standard errors: closer than this losses differ by rounding only
SLOW_RATIO = 0.4  # steps that shrink by less than this are not Newton's near a solution


T_co = TypeVar("T_co", covariant=True)


class Proposal(Protocol[T_co]):
    """A point that has been evaluated, with the step proposed from it."""

    @property
    def length(self) -> float:
        """The length of the step in standard errors."""
        ...

    @property
    def loss(self) -> float:
        """The loss at the point."""
        ...

    def trial(self, share: float) -> T_co:
        """The point after this share of the step, 0 < share <= 1."""
        ...


P = TypeVar("P", bound=Proposal[Any])


@dataclass(slots=True)
class IterationHistory(Generic[P]):
    """State of the iteration.

    Attributes
    ----------
    current : Proposal
        The last accepted point and its step.
    passes : int
        Passes so far.
    lengths : list of float
        Lengths of all proposed steps, in standard errors; the last one has not been taken.
    """

    current: P
    passes: int
    lengths: list[float] = field(default_factory=list)


def iterate(
    first: P,
    evaluate: Callable[[Any, IterationHistory[P]], P],
    predicted: Callable[[list[float]], float],
    tolerance: float,
    max_passes: int,
    passes: int = 1,
) -> IterationHistory[P]:
    """Step until the error predicted for the point after the next step is below the tolerance.

    Parameters
    ----------
    first : Proposal
        The proposal at the start.
    evaluate : callable
        One pass at a trial point.
    predicted : callable
        Lengths of the steps so far, the last not yet taken -> the error that will remain after it, in standard errors.
    tolerance : float
        Largest error, in standard errors.
    max_passes : int
        Largest number of passes.
    passes : int
        Passes that the first proposal has cost.

    Returns
    -------
    IterationHistory
        The caller takes its last step, which saves the pass that would only confirm it.

    Raises
    ------
    ConvergenceError
        Where the passes are used up, or the loss does not fall along a step.
    """
    history = IterationHistory(first, passes, [first.length])
    while not predicted(history.lengths) <= tolerance:
        share = 1.0
        for _ in range(MAX_HALVINGS):
            if history.passes >= max_passes:
                raise ConvergenceError(_not_converged(history.lengths, max_passes))
            new = evaluate(history.current.trial(share), history)
            history.passes += 1
            if _accepted(new, history.current):
                break
            share /= 2
        else:
            raise ConvergenceError(
                f"no convergence: the loss {history.current.loss:.8g} does not fall along the step, even after "
                f"{MAX_HALVINGS} halvings; the model may not fit these data (a link that gives impossible means, "
                "columns of very different size, or an outcome that does not vary)"
            )
        history.current = new
        history.lengths.append(new.length)
    return history


def _accepted(new: Proposal[Any], current: Proposal[Any]) -> bool:
    """Whether the loss at the new point has not risen; close to the solution, where rounding hides that, always."""
    if not math.isfinite(new.loss):
        return False
    return new.loss <= current.loss + SLACK * abs(current.loss) or current.length < NEAR


def quadratic_convergence(lengths: list[float]) -> float:
    """Error after the last step when steps converge quadratically, s_3 = s_2^3 / s_1^2, as Newton's do.

    A step longer than a third of the one before shows that the limit is not reached: then its own length is the bound.
    """
    if len(lengths) < 2 or not lengths[-1] < lengths[-2] / 3.0:
        return lengths[-1]
    ratio = lengths[-1] / lengths[-2]
    return min(lengths[-1], lengths[-1] * ratio * ratio)


def linear_convergence(lengths: list[float]) -> float:
    """Error after the last step when steps shrink by a constant factor rho: s rho / (1 - rho).

    rho is taken as 1/20 at least; from 1/2 on the last length itself is returned, since rho is then not yet constant.
    """
    if len(lengths) < 2 or not lengths[-2]:
        return lengths[-1]
    # the floor keeps one lucky short step from ending the iteration
    rho = max(lengths[-1] / lengths[-2], 0.05)
    return lengths[-1] * rho / (1.0 - rho) if rho < 0.5 else lengths[-1]


def _not_converged(lengths: list[float], max_passes: int) -> str:
    """The message for too many passes: the last lengths, and what to try."""
    last = ", ".join(f"{s:.3g}" for s in lengths[-4:])
    return (
        f"no convergence after {max_passes} passes: the last steps were {last} standard errors long; allow more "
        "passes (max_passes=), shrink the coefficients (ridge=), or use another link, if a mean is about to leave its "
        "range"
    )


DEPTH = 6  # earlier points that are combined with the last


INDEPENDENT = 1e-10  # share of the largest singular value below which differences count as dependent


class PastIterate(NamedTuple):
    """A point of the iteration, and the step proposed from it.

    Attributes
    ----------
    b : ndarray
        (p,) coefficients.
    move : ndarray
        (p,) step, before any combination with earlier ones.
    """

    b: Vector
    move: Vector


def anderson_step(iterates: Sequence[PastIterate], metric: Any) -> Vector:
    """Anderson acceleration of a fixed-point iteration: the step (p,) from the last point, combined with earlier ones.

    The combination minimises the norm of the mixed residual step in the metric, a matrix (p, p), which may be
    sparse: the information matrix, in which a norm is a number of standard errors.

    References
    ----------
    H. F. Walker and P. Ni, Anderson acceleration for fixed-point iterations, SIAM Journal on Numerical Analysis 49
    (2011), 1715-1735.
    """
    last, recent = iterates[-1], iterates[-1 - DEPTH :]
    if len(recent) < 2:
        return last.move
    points = np.column_stack([b.b - a.b for a, b in pairwise(recent)])
    steps = np.column_stack([b.move - a.move for a, b in pairwise(recent)])
    inner = steps.T @ metric @ steps
    # differences shrink from step to step: scaled to length one, so that the cutoff compares directions, not lengths
    size = np.sqrt(np.maximum(inner.diagonal(), np.finfo(float).tiny))
    rhs = steps.T @ (metric @ last.move) / size
    weights = np.linalg.lstsq(inner / size[:, None] / size, rhs, rcond=INDEPENDENT)[0] / size
    return np.asarray(last.move - (points + steps) @ weights)


def slow_steps(lengths: Sequence[float]) -> int:
    """How many of the last steps shrank less than Newton's steps near a solution do."""
    steps = 0
    for before, after in zip(lengths[-2::-1], lengths[:0:-1], strict=True):
        if not after > SLOW_RATIO * before:
            break
        steps += 1
    return steps
