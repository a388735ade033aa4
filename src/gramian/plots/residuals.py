"""Pictures of residuals: against fitted values, their distribution, their scale, and against leverage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv, ndtri

from gramian.plots.influence import Residuals
from gramian.plots.matplotlib import picture, styled
from gramian.plots.points import means, scatter
from gramian.plots.sample import Extremes
from gramian.plots.style import BLUE, GREY, ORANGE, label, legend_below

COOK_LEVELS = (0.5, 1.0)  # as in R's plot.lm


@dataclass(frozen=True, slots=True)
class AxisNames:
    """Title of a figure, and names of its axes.

    Attributes
    ----------
    title : str
        The formula.
    fitted, residual, standard : str
        Names of fitted values, residuals and standardised residuals.
    """

    title: str
    fitted: str
    residual: str
    standard: str = "standardised residual"


def _fitted(ax: Any, residuals: Residuals, names: AxisNames) -> None:
    """Residuals against fitted values."""
    ax.axhline(0.0, color=GREY, linewidth=0.9)
    scatter(ax, residuals.sample[0], residuals.sample[1], residuals.sample.description)
    if residuals.groups is not None:
        means(ax, residuals.groups, residuals.groups.interval)
    ax.set_title("Residuals against fitted values")
    ax.set_xlabel(label(names.fitted, 45))
    ax.set_ylabel(label(names.residual, 45))


def _quantiles(ax: Any, residuals: Residuals, names: AxisNames) -> None:
    """Normal Q-Q plot, with a band that contains each of the ordered values with probability 0.95."""
    observed = np.sort(residuals.sample[2][np.isfinite(residuals.sample[2])])
    n = len(observed)
    rank = np.arange(1, n + 1)
    expected = ndtri((rank - 0.5) / n)
    # The i-th smallest of n uniform values has a beta(i, n + 1 - i) distribution.
    low, high = (ndtri(betaincinv(rank, n + 1 - rank, p)) for p in (0.025, 0.975))
    ax.fill_between(
        expected, low, high, color=BLUE, alpha=0.2, linewidth=0, label="where 95 % of normal ones would lie"
    )
    ax.plot(expected, expected, color=BLUE, linewidth=1.4)
    scatter(ax, expected, observed)
    ax.set_title("Normal Q-Q")
    ax.set_xlabel("normal quantile")
    ax.set_ylabel(names.standard)


def _scale(ax: Any, residuals: Residuals, names: AxisNames) -> None:
    """Square roots of absolute standardised residuals against fitted values."""
    size = np.sqrt(np.abs(residuals.sample[2]))
    scatter(ax, residuals.sample[0], size, residuals.sample.description)
    if not residuals.sample.is_complete:
        groups = residuals.scales.groups()
        means(ax, groups, groups.interval)
    ax.set_title("Scale against fitted values")
    ax.set_xlabel(label(names.fitted, 45))
    ax.set_ylabel(f"√|{names.standard}|")


def _leverage(ax: Any, residuals: Residuals, names: AxisNames) -> None:
    """Standardised residuals against leverage, with the rows of the largest Cook's distances."""
    ax.axhline(0.0, color=GREY, linewidth=0.9)
    scatter(ax, residuals.sample[3], residuals.sample[2], residuals.sample.description)
    extremes = residuals.extremes
    ax.plot(
        extremes[2],
        extremes[1],
        "D",
        color=ORANGE,
        markersize=4.5,
        label="largest Cook's distance of all rows (row 0 first)",
    )
    _contours_of_cook(ax, residuals.columns)
    ax.margins(x=0.12, y=0.12)
    _numbered(ax, extremes)
    ax.set_title("Residuals against leverage")
    ax.set_xlabel("leverage")
    ax.set_ylabel(names.standard)


def _numbered(ax: Any, extremes: Extremes) -> None:
    """Row numbers beside their points, on the side with more space, moved down where they would overlap."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    height = np.inf
    for i in np.argsort(-extremes[1], kind="stable"):
        h, r = float(extremes[2][i]), float(extremes[1][i])
        height = min(r, height - 0.055 * (top - bottom))
        side = 1 if h < (left + right) / 2 else -1
        text_style = {"ha": "left" if side > 0 else "right", "va": "center", "fontsize": 7.5}
        ax.annotate(
            f"row {1 + extremes.numbers[i]:,}", (h, height), (6 * side, 0), textcoords="offset points", **text_style
        )


def _contours_of_cook(ax: Any, columns: float) -> None:
    """Curves of equal Cook's distance D, on which r = sqrt(D p (1 - h) / h)."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    h = np.linspace(max(right, 1e-12) / 500, min(right, 0.9999), 500)
    legend_label = "Cook's distance 0.5 and 1"
    for distance in COOK_LEVELS:
        r = np.sqrt(distance * columns * (1 - h) / h)
        for values in (r, -r):
            inside = (values < top) & (values > bottom)
            if inside.any():
                ax.plot(h[inside], values[inside], color=BLUE, linestyle="--", linewidth=1.0, label=legend_label)
                legend_label = None  # type: ignore[assignment]
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)


Panel = Callable[[Any, Residuals, AxisNames], None]
PANELS: dict[str, Panel] = {
    "residuals": _fitted,
    "qq": _quantiles,
    "scale": _scale,
    "leverage": _leverage,
}


@styled
def panel(kind: str, residuals: Residuals, names: AxisNames) -> Any:
    """One of the pictures in `PANELS`.

    kind : its key. residuals : those of the rows. names : texts of the figure. Returns a matplotlib figure.
    """
    figure = picture(7.0, 4.8)
    PANELS[kind](figure.subplots(), residuals, names)
    return _finished(figure, residuals, names)


@styled
def diagnostics(residuals: Residuals, names: AxisNames) -> Any:
    """All pictures in `PANELS` in one figure, in the order of R's `plot.lm`."""
    figure = picture(10.0, 8.0)
    for ax, draw in zip(figure.subplots(2, 2).flat, PANELS.values(), strict=True):
        draw(ax, residuals, names)
    return _finished(figure, residuals, names)


def _finished(figure: Any, residuals: Residuals, names: AxisNames) -> Any:
    """Add title, legend and a note about rows of leverage 1."""
    width = 100 if len(figure.axes) > 1 else 70
    figure.suptitle(label(names.title, width), ha="left", x=0.02)
    if residuals.unknown:
        rows = f"{residuals.unknown:,} row{'s'[: residuals.unknown != 1]}"
        figure.axes[-1].plot([], [], " ", label=f"{rows} of leverage 1 without a {names.standard}")
    legend_below(figure)
    return figure
