"""Coefficients over time, with the bands of their confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.matplotlib import picture, styled
from gramian.plots.style import BLUE, GREY, label, labels, percent, wrapped

PANEL_HEIGHT = 1.7  # inches


@styled
def windows(
    times: np.ndarray,
    names: Sequence[str],
    values: np.ndarray,
    *,
    title: str = "",
    x_label: str = "",
    level: float = 0.95,
) -> Any:
    """A panel for each coefficient, one below the other.

    Parameters
    ----------
    times : ndarray, (m,)
        Numbers or datetime64.
    names : sequence of str, (p,)
        Names of the coefficients.
    values : ndarray, (p, m, 3)
        Estimate and ends of the interval, NaN where there is none.
    title, x_label : str
        Texts of the figure.
    level : float
        Level of the intervals.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = picture(7.0, 0.9 + PANEL_HEIGHT * len(names))
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for ax, name, (estimate, low, high) in zip(axes, labels(names), np.moveaxis(values, 2, 1), strict=True):
        ax.fill_between(times, low, high, color=BLUE, alpha=0.2, linewidth=0.0)
        ax.plot(times, estimate, color=BLUE, marker="." if len(times) < 3 else None)
        finite = np.isfinite(low) & np.isfinite(high)
        if finite.any() and low[finite].min() < 0.0 < high[finite].max():
            ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        ax.set_ylabel(name)
    axes[-1].set_xlabel(label(x_label, 140))
    figure.suptitle(wrapped(label(f"{title} ({percent(level)} intervals)", 140), 74), ha="left", x=0.02)
    return figure
