"""The cost of two coefficients: its contours, and the ways of methods over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.style import label
from gramian.typing import Matrix, Vector

GRID, LEVELS = 240, 14
MAX_STEPS = 20  # of each way; more of them blacken the picture
MAX_COST_RATIO = 2.0  # times the cost at zero: ways that are higher diverge
MIN_HEIGHT_RATIO = 1e-30  # of the cost at the corner: what is below is the minimum itself


def contours(
    ax: Any, cost: tuple[Matrix, Vector], paths: Sequence[tuple[Matrix, dict[str, Any]]], names: Sequence[str]
) -> None:
    """Contours of (b - minimum)' curvature (b - minimum), evenly in its logarithm, and paths (k, 2) from zero."""
    curvature, minimum = cost
    paths = [(path[: MAX_STEPS + 1], style) for path, style in paths]
    (left, right), (bottom, top) = _view(curvature, minimum, [path for path, _ in paths])
    x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(bottom, top, GRID))
    height = _height(curvature, np.stack([x - minimum[0], y - minimum[1]], axis=-1))
    low, high = max(float(np.quantile(height, 0.005)), MIN_HEIGHT_RATIO * float(height.max())), float(height.max())
    if low < high:
        levels = np.geomspace(low, high, LEVELS)[:-1]
        ax.contour(x, y, np.maximum(height, 0.0), levels=levels, colors="0.75", linewidths=0.7)
    for path, style in paths:
        ax.plot(path[:, 0], path[:, 1], **{**style, "markersize": 3.5, "linewidth": 1.2})
    ax.plot(*minimum, "*", color="black", markersize=11, zorder=6)
    for text, (label_x, label_y) in (("minimum", minimum), ("start", (0.0, 0.0))):
        side = 1 if label_x < (left + right) / 2 else -1
        up = 1 if label_y > (bottom + top) / 2 else -1
        text_style: dict[str, Any] = {"ha": "left" if side > 0 else "right", "va": "center", "fontsize": 8, "zorder": 7}
        ax.annotate(text, (label_x, label_y), (2 * side, 12 * up), textcoords="offset points", **text_style)
    ax.set_title(f"contours of the cost, at most {MAX_STEPS} steps of each", fontsize=9)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_xlabel(f"coefficient of {label(names[0], 30)}")
    ax.set_ylabel(f"coefficient of {label(names[1], 30)}")
    ax.grid(visible=False)


def _height(curvature: Matrix, difference: Matrix) -> Matrix:
    return np.asarray(np.einsum("...i,ij,...j->...", difference, curvature, difference))


def _view(curvature: Matrix, minimum: Vector, paths: Sequence[Matrix]) -> Matrix:
    """Limits (2, 2) that hold zero, the minimum and the paths, unless these climb far above where they began."""
    finite = [p[np.isfinite(p).all(axis=1) & (np.abs(p) < 1e100).all(axis=1)] for p in paths]
    highest = MAX_COST_RATIO * float(_height(curvature, -minimum))
    bounded = [p[_height(curvature, p - minimum) <= highest] for p in finite]
    points = np.concatenate([np.zeros((1, 2)), minimum[None], *bounded])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.18 * np.maximum(high - low, 1e-9 * np.abs(minimum).max() + 1e-300)
    return np.column_stack([low - margin, high + margin])


def curvature_from(minimum: Vector, first: Vector, trace: float | None) -> Matrix | None:
    """The symmetric A, up to a factor, of a cost whose minimum is known and a first step from zero.

    From zero methods go along c = A minimum. Scaled so that the step is c itself, A minimum = first; the third equation
    for the three entries of A is its trace, or where that is not known the exact line search, first'A first =
    first'first. None where these do not determine A.
    """
    (x, y), (p, q) = minimum, first
    third = ((p * p, 2 * p * q, q * q), p * p + q * q) if trace is None else ((1.0, 0.0, 1.0), trace)
    system = np.array([(x, y, 0.0), (0.0, x, y), third[0]])
    right_side = np.array([p, q, third[1]])
    scale = np.linalg.norm(system, axis=1)
    if not (scale > 0).all() or np.linalg.cond(system / scale[:, None]) > 1e12:
        return None
    a, b, d = np.linalg.solve(system / scale[:, None], right_side / scale)
    A = np.array([[a, b], [b, d]])
    return A if a >= 0 and d >= 0 and a * d - b * b >= -1e-9 * a * d else None
