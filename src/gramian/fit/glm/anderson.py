"""Anderson's mixing: steps of a slowly converging iteration, put together so that they converge fast.

Fisher scoring converges linearly where expected and observed information differ. The differences between its steps
say how, so a few of them give the step that Newton's method would have made, and cost no pass. After Walker and Ni,
SIAM J. Numer. Anal. 49 (2011) 1715-1735.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gramian.typing import Matrix, Vector

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
