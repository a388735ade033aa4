"""Estimates by level with their intervals, as event studies show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.matplotlib import picture, styled
from gramian.plots.style import BLUE, GREY, VERMILION, label, labels, legend_below, percent, wrapped
from gramian.typing import Mask, Matrix, Vector

MAX_LEVEL_TEXTS = 24  # more texts of levels overlap
LONG = 6  # letters: longer texts stand upright


@styled
def events(
    x: Vector,
    estimates: Vector,
    intervals: Matrix,
    is_reference: Mask,
    *,
    ticks: Sequence[str] | None = None,
    level: float = 0.95,
    title: str = "",
    x_label: str = "",
) -> Any:
    """A dot with its interval at each level, hollow at the reference levels, which are zero.

    Parameters
    ----------
    x : ndarray, (k,)
        Levels, or their places.
    estimates : ndarray, (k,)
        NaN where not determined.
    intervals : ndarray, (k, 2)
        Ends of the confidence intervals.
    is_reference : ndarray of bool, (k,)
        Levels to which the others are compared.
    ticks : sequence of str, (k,), optional
        Texts of the levels, where these are no numbers.
    level : float
        Level of the intervals.
    title, x_label : str
        Texts of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = picture(5.6, 4.0)
    ax = figure.subplots()
    ax.axhline(0.0, color=GREY, linewidth=0.9, zorder=0.5)
    shown = ~is_reference & np.isfinite(estimates)
    ax.vlines(x[shown], intervals[shown, 0], intervals[shown, 1], color=BLUE, linewidth=1.8)
    ax.plot(x[shown], estimates[shown], "o", color=BLUE, markersize=5, label=f"estimate with {percent(level)} interval")
    if is_reference.any():
        style = {"color": VERMILION, "markerfacecolor": "white", "markersize": 6, "label": "reference, zero"}
        ax.plot(x[is_reference], np.zeros(is_reference.sum()), "D", **style)
    if (unknown := ~is_reference & ~np.isfinite(estimates)).any():
        ax.plot(x[unknown], np.zeros(unknown.sum()), "x", color=GREY, markersize=6, label="not determined")
    _ticks(ax, x, ticks)
    ax.grid(axis="x", visible=False)
    ax.set_xlabel(label(x_label, 60))
    ax.set_ylabel("estimate")
    figure.suptitle(wrapped(label(title, 150), 62), ha="left", x=0.02)
    legend_below(figure)
    return figure


def _ticks(ax: Any, x: Vector, ticks: Sequence[str] | None) -> None:
    """Whole numbers as they are; texts at every level where they fit."""
    if ticks is None:
        ax.locator_params(axis="x", integer=bool((x == np.round(x)).all()), nbins=12)
        return
    every = -(-len(ticks) // MAX_LEVEL_TEXTS)
    short = labels(list(ticks), 24)[::every]
    ax.set_xticks(x[::every], short, rotation=90 if max(map(len, short)) > LONG else 0)
