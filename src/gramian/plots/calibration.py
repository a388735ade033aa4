"""Calibration plots: predicted probabilities against observed shares; and mean residuals of groups of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.plots.bins import Z_95, Bins
from gramian.plots.matplotlib import FuncFormatter, picture, styled
from gramian.plots.style import BLUE, GREY, SKY, label, legend_below
from gramian.typing import Vector

GROUPS = 20  # points of the curve


@styled
def calibration(bins: Bins, *, title: str, outcome: str) -> Any:
    """Observed shares of groups of rows with similar predictions, above the distribution of the predictions.

    Parameters
    ----------
    bins : Bins
        x are predicted probabilities, y are outcomes, weights are trials.
    title : str
        Title of the figure.
    outcome : str
        Name of the outcome.

    Returns
    -------
    matplotlib.figure.Figure
    """
    groups = bins.groups(GROUPS)
    figure = picture(6.4, 6.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    low, high = groups.wilson
    top.plot([0, 1], [0, 1], color=GREY, linewidth=1.0, linestyle="--", label="perfectly calibrated")
    error_bars = np.stack([np.maximum(groups.y - low, 0.0), np.maximum(high - groups.y, 0.0)])
    rows = f"{groups.rows.sum():,.0f} rows in {len(groups.x)} groups of like predictions, with 95 % intervals"
    top.errorbar(groups.x, groups.y, error_bars, fmt="o", color=BLUE, markersize=4.5, elinewidth=1.3, label=rows)
    top.set_ylabel(f"observed share of {label(outcome, 40)}")
    top.set_title(label(title, 70))
    edges, counts = bins.counts()
    bottom.stairs(counts, edges, fill=True, color=SKY)
    bottom.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    bottom.set_ylabel("rows")
    bottom.set_xlabel("predicted probability")
    _limits(top, groups.x, low, high)
    legend_below(figure, columns=1)
    return figure


@styled
def binned_residuals(bins: Bins, *, title: str, outcome: str) -> Any:
    """Mean residuals of groups of rows with like predictions, and where 95 % of those of a right model would lie.

    Parameters
    ----------
    bins : Bins
        x are predictions, y are outcomes less predictions.
    title : str
        Title of the figure.
    outcome : str
        Name of the outcome.

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    A. Gelman and J. Hill, Data Analysis Using Regression and Multilevel/Hierarchical Models, Cambridge University Press
    2007, section 5.6.
    """
    groups = bins.groups(2 * GROUPS)
    figure = picture(5.6, 4.2)
    ax = figure.subplots()
    width = Z_95 * groups.error
    ax.fill_between(groups.x, -width, width, color=SKY, alpha=0.35, linewidth=0, label="95 % of a right model")
    ax.axhline(0.0, color=GREY, linewidth=0.9)
    outside = np.abs(groups.y) > width
    rows = f"means of {len(groups.x)} groups of {groups.rows.sum():,.0f} rows"
    for selected, face, text in ((~outside, "white", rows), (outside, BLUE, "outside")):
        if selected.any():
            ax.plot(groups.x[selected], groups.y[selected], "o", color=BLUE, markerfacecolor=face, label=text)
    ax.set_xlabel(f"predicted {label(outcome, 40)}")
    ax.set_ylabel("mean residual")
    ax.set_title(label(title, 60))
    legend_below(figure, columns=2)
    return figure


def _limits(ax: Any, x: Vector, low: Vector, high: Vector) -> None:
    """The same limits on both axes: 0 to 1, or the part that the points fill where that is less than half."""
    ends = (min(x.min(), low.min()), max(x.max(), high.max()))
    margin = 0.06 * (ends[1] - ends[0]) + 0.005
    span = (0.0, 1.0) if ends[1] - ends[0] > 0.5 else (max(ends[0] - margin, 0.0), min(ends[1] + margin, 1.0))
    pad = 0.02 * (span[1] - span[0])
    ax.set_xlim(span[0] - pad, span[1] + pad)
    ax.set_ylim(span[0] - pad, span[1] + pad)
