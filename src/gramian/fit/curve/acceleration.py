"""Acceleration of Gauss-Newton steps that shrink slowly, as they do where residuals are large and the curve bends.

Near the minimum a step changes by a fixed linear map from one point to the next. The steps of a few points show this
map, and the combination of them that would leave no step is a better point (D. G. Anderson, Iterative procedures for
nonlinear integral equations, Journal of the ACM 12 (1965), 547-560).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.curve.trust_region import RANK
from gramian.typing import Matrix, Vector

DEPTH = 2  # points that are remembered: more of them took more passes on most of NIST's sets


@dataclass(frozen=True, slots=True)
class History:
    """Consecutive points that were left by a full step; the last one is the newest.

    Attributes
    ----------
    points : tuple of ndarray
        Nonlinear parameters, (t,) each.
    steps : tuple of ndarray
        Gauss-Newton steps from these points, (t,) each.
    """

    points: tuple[Vector, ...] = ()
    steps: tuple[Vector, ...] = ()

    def extended(self, point: Vector, step: Vector) -> History:
        """The history with one more point, and without the oldest where there are too many."""
        return History((*self.points, point)[-DEPTH:], (*self.steps, step)[-DEPTH:])


def accelerated(J: Matrix, history: History, point: Vector, step: Vector) -> Vector:
    """The step (t,) from a point (t,) whose Gauss-Newton step is `step`, (t,); `step` itself without a history.

    J : (m, t) derivatives at the point. Among the affine combinations of the points, the one whose combined step moves
    the curve least is taken, and this step is added.
    """
    if not history.points:
        return step
    points, steps = (np.array([*earlier, last]).T for earlier, last in ((history.points, point), (history.steps, step)))
    changes, differences = np.diff(steps, axis=1), np.diff(points, axis=1)
    share = np.linalg.lstsq(J @ changes, J @ step, rcond=RANK)[0]
    return np.asarray(step - (differences + changes) @ share)
