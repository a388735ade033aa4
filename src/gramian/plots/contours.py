"""Contours of a quadratic cost of two coefficients, and the paths of iterative methods over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.overlap import curves_above, widened
from gramian.plots.style import label
from gramian.typing import Matrix, Vector

GRID, LEVELS = 240, 14  # points to each side, contours
MAX_STEPS = 20  # of each path; more of them blacken the picture
MAX_COST_RATIO = 2.0  # times the cost at zero: paths that are higher diverge
MAX_EQUAL = 20.0  # condition up to which axes of one scale show the contours as they are; others would be lines
PROPORTION = 1.75  # width of a panel over its height
MIN_HEIGHT_RATIO = 1e-30  # of the highest cost: smaller differences are rounding at the minimum


def contours(
    ax: Any, cost: tuple[Matrix, Vector], paths: Sequence[tuple[Matrix, dict[str, Any]]], names: Sequence[str]
) -> None:
    """Draw the contours of (b - minimum)' curvature (b - minimum), and paths from zero.

    Parameters
    ----------
    ax : matplotlib axes
        Where to draw.
    cost : tuple
        Curvature (2, 2) and minimum (2,).
    paths : sequence of tuple
        Coefficients (k, 2) after each step, and the style of their line.
    names : sequence of str, (2,)
        Names of the coefficients.

    Notes
    -----
    Contours are evenly spaced in the logarithm of the cost: near the minimum evenly spaced ones would show nothing.
    """
    curvature, minimum = cost
    round_enough = np.linalg.cond(curvature) <= MAX_EQUAL
    paths = [(path[: MAX_STEPS + 1], style) for path, style in paths]
    view = _view(curvature, minimum, [path for path, _ in paths])
    (left, right), (bottom, top) = _in_proportion(view) if round_enough else view
    x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(bottom, top, GRID))
    height = _height(curvature, np.stack([x - minimum[0], y - minimum[1]], axis=-1))
    low, high = max(float(np.quantile(height, 0.005)), MIN_HEIGHT_RATIO * float(height.max())), float(height.max())
    if low < high:
        levels = np.geomspace(low, high, LEVELS)[:-1]
        ax.contour(x, y, np.maximum(height, 0.0), levels=levels, colors="0.75", linewidths=0.7)
    sides = np.array([right - left, top - bottom])
    covered = curves_above([path / sides for path, _ in paths])
    for (path, style), above in zip(paths, covered, strict=True):
        ax.plot(path[:, 0], path[:, 1], **widened({**style, "markersize": 3.5, "linewidth": 1.2}, above))
    ax.plot(*minimum, "*", color="black", markersize=11, zorder=6)
    for text, (label_x, label_y) in (("minimum", minimum), ("start", (0.0, 0.0))):
        side = 1 if label_x < (left + right) / 2 else -1
        up = 1 if label_y > (bottom + top) / 2 else -1
        text_style: dict[str, Any] = {"ha": "left" if side > 0 else "right", "va": "center", "fontsize": 8, "zorder": 7}
        ax.annotate(text, (label_x, label_y), (2 * side, 12 * up), textcoords="offset points", **text_style)
    scales = "axes of one scale" if round_enough else "axes of different scales"
    ax.set_title(f"contours of the cost, at most {MAX_STEPS} steps of each; {scales}", fontsize=9)
    if round_enough:
        ax.set_aspect("equal")
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_xlabel(f"coefficient of {label(names[0], 30)}")
    ax.set_ylabel(f"coefficient of {label(names[1], 30)}")
    ax.grid(visible=False)


def _in_proportion(view: Matrix) -> Matrix:
    """Limits (2, 2) of axes of one scale that show at least the view, (2, 2), in the proportion of a panel."""
    spans = view[:, 1] - view[:, 0]
    spans_shown = np.maximum(spans, spans[::-1] * np.array([PROPORTION, 1.0 / PROPORTION]))
    middle = view.mean(axis=1)
    return np.column_stack([middle - spans_shown / 2, middle + spans_shown / 2])


def _height(curvature: Matrix, difference: Matrix) -> Matrix:
    """Quadratic form of each difference, (...,) for differences (..., 2)."""
    return np.asarray(np.einsum("...i,ij,...j->...", difference, curvature, difference))


def _view(curvature: Matrix, minimum: Vector, paths: Sequence[Matrix]) -> Matrix:
    """Limits (2, 2) of the axes that contain zero, the minimum and the paths, except for points of high cost."""
    # Squares of coefficients above 1e100 would overflow.
    finite = [p[np.isfinite(p).all(axis=1) & (np.abs(p) < 1e100).all(axis=1)] for p in paths]
    highest = MAX_COST_RATIO * float(_height(curvature, -minimum))
    bounded = [p[_height(curvature, p - minimum) <= highest] for p in finite]
    points = np.concatenate([np.zeros((1, 2)), minimum[None], *bounded])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.18 * np.maximum(high - low, 1e-9 * np.abs(minimum).max() + 1e-300)
    return np.column_stack([low - margin, high + margin])


def curvature_from(minimum: Vector, first: Vector, trace: float | None) -> Matrix | None:
    """Curvature A, up to a factor, of a cost with known minimum and known first step from zero.

    Parameters
    ----------
    minimum : ndarray, (2,)
        Coefficients at the minimum.
    first : ndarray, (2,)
        Coefficients after the first step.
    trace : float or None
        Trace of A, where it is known.

    Returns
    -------
    ndarray, (2, 2), or None
        None where the equations do not determine A.

    Notes
    -----
    The first step goes along the negative gradient A minimum. With A scaled so that both are equal, A minimum = first
    gives two equations for the three entries of a symmetric A. The third is the trace, or else the exact line search of
    a step of that length: first' A first = first' first.
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
