"""Separation: a direction in which the likelihood of a GLM rises without end.

If some x'd points the right way for every outcome on the edge of its range (up for a success, down for a failure or a
zero count) and is zero for all others, no maximum exists (Albert and Anderson 1984). Newton's steps settle into such a
direction, so the last step is the suspect, and one pass over the rows decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.predictor import Predictor
from gramian.typing import Vector

LEVEL = 0.01  # of the longest reach: what still counts as zero in a step that has nearly settled


@dataclass(frozen=True, slots=True)
class Side:
    """How far any row is moved the wrong way, and the right way. `+` keeps the larger."""

    wrong: float = 0.0
    right: float = 0.0

    def __add__(self, other: Side, /) -> Side:
        return Side(max(self.wrong, other.wrong), max(self.right, other.right))

    @property
    def separated(self) -> bool:
        """Whether the direction separates."""
        return self.right > 0.1 and self.wrong <= LEVEL * self.right


@dataclass(frozen=True, slots=True)
class Suspect:
    """A direction d, as coefficients of stored columns; `top` is the upper edge of the outcome's range."""

    predictor: Predictor
    top: float


def side(along: Vector, y: Vector, top: float) -> Side:
    """How the rows lie to a direction. along : (n,) x'd."""
    up, down = y >= top, y <= 0.0
    inner = ~(up | down)
    wrong = max(_most(-along[up]), _most(along[down]), _most(np.abs(along[inner])))
    return Side(wrong, max(_most(along[up]), _most(-along[down])))


def _most(values: Vector) -> float:
    return max(float(values.max(initial=0.0)), 0.0)
