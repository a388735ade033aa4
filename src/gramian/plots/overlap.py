"""Curves that lie on each other: the lower ones are drawn wider, so that all of them can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.typing import Matrix, Vector

POINTS = 200  # on each curve, for the distances between curves
NEAR = 0.012  # of the width of a picture: curves that are nearer to each other cannot be distinguished
WIDER = 1.7  # points of line width for each curve above


def curves_above(curves: Sequence[Matrix]) -> list[int]:
    """For each curve, in the order of drawing, how many later ones it is covered by.

    curves : points (k, 2) of each curve, in units of the width and height of the picture.
    """
    dense = [_evenly(curve) for curve in curves]
    return [sum(_covers(above, curve) for above in dense[i + 1 :]) for i, curve in enumerate(dense)]


def widened(style: dict[str, Any], above: int) -> dict[str, Any]:
    """The style of a curve that `above` others cover: a wide band without gaps."""
    if not above:
        return style
    width = style["linewidth"] + WIDER * above
    return {**style, "linestyle": "-", "linewidth": width, "solid_capstyle": "butt"}


def _covers(above: Matrix, curve: Matrix) -> bool:
    """Whether all points (m, 2) of a curve are near to some point (m, 2) of the one above."""
    distances = np.hypot(*(curve[:, None, :] - above[None]).transpose(2, 0, 1))
    return bool((distances.min(axis=1) <= NEAR).all())


def _evenly(curve: Matrix) -> Matrix:
    """Points at even distances along a curve, (m, 2)."""
    lengths = np.hypot(*np.diff(curve, axis=0).T)
    along: Vector = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.linspace(0.0, along[-1], POINTS)
    return np.column_stack([np.interp(at, along, curve[:, k]) for k in range(2)])
