"""Rows as points, with the line or curve that was fitted to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gramian.plots.bins import Groups
from gramian.plots.matplotlib import picture, styled
from gramian.plots.style import BLUE, GREY, ORANGE, VERMILION, label, legend_below, percent, wrapped
from gramian.typing import Matrix, Vector

TITLE = 76  # characters of a line of the title
MAX_BOLD_POINTS = 400  # more points overlap, so that they are drawn small and pale


@dataclass(frozen=True, slots=True)
class Curve:
    """Values of a fit for a line in a picture.

    Attributes
    ----------
    x : ndarray, (m,)
        Increasing values.
    y : ndarray, (m,)
        Fitted values.
    band : ndarray, (2, m), or None
        Lower and upper ends of the confidence intervals, NaN where there is none.
    level : float
        Their level.
    stopped : bool
        Whether these are the values where a search stopped before it converged.
    title : str
        Title of a picture of it, line by line; made of the names of x and y where it is empty.
    """

    x: Vector
    y: Vector
    band: Matrix | None = None
    level: float = 0.95
    stopped: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        """What the line is, for the legend."""
        return "where the search stopped" if self.stopped else f"fitted {'line' if _straight(self) else 'curve'}"


@styled
def line(
    x: Vector,
    y: Vector,
    curve: Curve,
    *,
    names: tuple[str, str],
    description: str,
    groups: tuple[Groups, Matrix] | None = None,
    drops: Vector | None = None,
) -> Any:
    """Points with the fitted curve and its confidence band.

    Parameters
    ----------
    x, y : ndarray, (n,)
        The points.
    curve : Curve
        The fitted line or curve.
    names : tuple of str
        Names of x and y.
    description : str
        Which rows the points are, for the legend.
    groups : Groups and ndarray, (2, g), optional
        Means of groups of rows with their intervals, where the points are not all rows.
    drops : ndarray, (n,), optional
        Heights to which vertical lines lead from the points: the fitted values, so that the lines are residuals.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = picture(7.0, 4.8)
    ax = figure.subplots()
    scatter(ax, x, y, description)
    if drops is not None:
        ax.vlines(x, np.minimum(y, drops), np.maximum(y, drops), color=ORANGE, linewidth=1.2, label="residuals")
    if groups is not None:
        means(ax, *groups)
    if curve.band is not None and np.isfinite(curve.band).any():
        band = {"alpha": 0.25, "linewidth": 0, "label": f"{percent(curve.level)} band of the mean"}
        ax.fill_between(curve.x, *curve.band, color=BLUE, zorder=2.5, **band)
    ax.plot(curve.x, curve.y, color=BLUE, linewidth=2.0, label=curve.name, zorder=3)
    ax.set_xlabel(label(names[0], 60))
    ax.set_ylabel(label(names[1], 50))
    about = f"{label(names[1])} against {label(names[0])}, with the {curve.name}"
    parts = [label(part, 3 * TITLE) for part in curve.title.splitlines()] or [about]
    ax.set_title("\n".join(wrapped(part, TITLE) for part in parts))
    legend_below(figure)
    return figure


@styled
def against_predicted(predicted: Vector, y: Vector, *, name: str, description: str) -> Any:
    """Outcomes against predictions, (n,) each, for models with several predictors."""
    figure = picture(6.0, 5.0)
    ax = figure.subplots()
    scatter(ax, predicted, y, description)
    ends = np.array([min(predicted.min(), y.min()), max(predicted.max(), y.max())])
    ax.plot(ends, ends, color=BLUE, label="outcome = prediction")
    ax.set_xlabel(f"predicted {label(name)}")
    ax.set_ylabel(label(name, 50))
    ax.set_title(f"{label(name)} against its predictions")
    legend_below(figure)
    return figure


def scatter(ax: Any, x: Vector, y: Vector, description: str | None = None) -> None:
    """Points; the more there are, the smaller and paler."""
    bold = len(x) <= MAX_BOLD_POINTS
    size, alpha = (14, 0.8) if bold else (5, max(0.18, min(0.6, 400 / len(x))))
    ax.scatter(
        x,
        y,
        size,
        color=GREY if not bold else "0.25",
        alpha=alpha,
        linewidths=0,
        label=description,
        rasterized=not bold,
    )


def means(ax: Any, groups: Groups, interval: Matrix) -> None:
    """Means of groups with 95 % intervals, (2, g)."""
    ax.errorbar(
        groups.x,
        groups.y,
        np.maximum(np.nan_to_num(np.stack([groups.y - interval[0], interval[1] - groups.y])), 0.0),
        fmt="s",
        color=VERMILION,
        markersize=3.8,
        elinewidth=1.1,
        label="means of groups of all rows, with 95 % intervals",
        zorder=4,
    )


def _straight(curve: Curve) -> bool:
    """Whether the curve is a straight line to rounding error."""
    if len(curve.x) < 3:
        return True
    chord = np.interp(curve.x, curve.x[[0, -1]], curve.y[[0, -1]])
    return bool(np.nanmax(np.abs(curve.y - chord)) <= 1e-9 * (np.nanmax(np.abs(curve.y)) + 1e-300))
