"""The one loop: a solver proposes a step, a search decides how far, every trial point costs one pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from gramian.errors import ConvergenceError
from gramian.typing import Matrix, Vector

MAX_HALVINGS = 12
SLACK = 1e-11  # relative rounding of a sum of losses
NEAR = 1e-3  # standard errors: closer than this losses differ by rounding only


T_co = TypeVar("T_co", covariant=True)


class Proposal(Protocol[T_co]):
    """A point that has been evaluated, and the step that is proposed from there."""

    @property
    def length(self) -> float:
        """The length of the step in standard errors."""
        ...

    @property
    def loss(self) -> float:
        """The loss at the point."""
        ...

    def trial(self, share: float) -> T_co:
        """The point reached by that share of the step."""
        ...


P = TypeVar("P", bound=Proposal[Any])


@dataclass(slots=True)
class IterationHistory(Generic[P]):
    """What the loop went through: the last proposal, and the lengths of all steps."""

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

    first : the proposal from the start, which has cost so many passes. evaluate : one pass at a trial point.
    predicted : from the lengths of the steps so far, the last one proposed but not yet taken, the error that will be
    left, in standard errors. The last step is taken by the caller. Raises ConvergenceError, which says why.
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
    if not math.isfinite(new.loss):
        return False
    return new.loss <= current.loss + SLACK * abs(current.loss) or current.length < NEAR


def quadratic_convergence(lengths: list[float]) -> float:
    """Newton's steps: s_3 = s_2^3 / s_1^2; a step that is no shorter than a third of the last is its own bound."""
    if len(lengths) < 2 or not lengths[-1] < lengths[-2] / 3.0:
        return lengths[-1]
    return min(lengths[-1], lengths[-1] ** 3 / lengths[-2] ** 2)


def linear_convergence(lengths: list[float]) -> float:
    """Steps that shrink by a constant factor rho, at best a twentieth: s rho / (1 - rho)."""
    if len(lengths) < 2 or not lengths[-2]:
        return lengths[-1]
    rho = max(lengths[-1] / lengths[-2], 0.05)
    return lengths[-1] * rho / (1.0 - rho) if rho < 0.5 else lengths[-1]


def _not_converged(lengths: list[float], max_passes: int) -> str:
    last = ", ".join(f"{s:.3g}" for s in lengths[-4:])
    return (
        f"no convergence after {max_passes} passes: the last steps were {last} standard errors long; allow more "
        "passes (max_passes=), shrink the coefficients (ridge=), or use another link, if a mean is about to leave its "
        "range"
    )


DEPTH = 6


INDEPENDENT = 1e-10


class PastIterate(NamedTuple):
    """A point and the step that was proposed from there."""

    b: Vector
    move: Vector


def anderson_step(iterates: Sequence[PastIterate], metric: Matrix) -> Vector:
    """The step from the last of the points. metric : (p, p) in which steps are measured."""
    last, recent = iterates[-1], iterates[-1 - DEPTH :]
    if len(recent) < 2:
        return last.move
    points = np.column_stack([b.b - a.b for a, b in pairwise(recent)])
    steps = np.column_stack([b.move - a.move for a, b in pairwise(recent)])
    inner = steps.T @ metric @ steps
    size = np.sqrt(np.maximum(inner.diagonal(), np.finfo(float).tiny))
    rhs = steps.T @ (metric @ last.move) / size
    weights = np.linalg.lstsq(inner / size[:, None] / size, rhs, rcond=INDEPENDENT)[0] / size
    return np.asarray(last.move - (points + steps) @ weights)
