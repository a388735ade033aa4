"""Draws of a bootstrap as a histogram, and estimates without each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.matplotlib import picture, styled
from gramian.plots.style import BLUE, GREY, VERMILION, label, legend_below, wrapped
from gramian.typing import Vector

MAX_TICKS = 40  # names of clusters that can be read below each other
MAX_BARS = 60


@styled
def histogram(draws: Vector, estimate: float, interval: Vector, *, title: str, labels: tuple[str, str]) -> Any:
    """A histogram of draws (d,), with the estimate and the ends of its interval.

    labels : of the axis, and of the interval.
    """
    figure = picture(5.6, 3.8)
    ax = figure.subplots()
    bars = int(np.clip(2.0 * np.cbrt(len(draws)), 10, MAX_BARS))  # Rice's rule
    ax.hist(draws, bins=bars, color=BLUE, alpha=0.45, linewidth=0)
    ax.axvline(estimate, color=BLUE, linewidth=1.6, label="estimate")
    for end, text in zip(interval, (labels[1], None), strict=True):
        ax.axvline(end, color=VERMILION, linewidth=1.2, linestyle="--", label=text)
    ax.set_xlabel(label(labels[0]))
    ax.set_ylabel("draws")
    ax.set_title(wrapped(title, 60))
    legend_below(figure)
    return figure


@styled
def without_clusters(clusters: Sequence[str], values: Vector, estimate: float, labels: tuple[str, str]) -> Any:
    """Estimates without each cluster (G,), in order, beside the estimate with all.

    labels : name of the coefficient, and of the column of clusters.
    """
    order = np.argsort(values)
    is_long = len(values) > MAX_TICKS
    figure = picture(5.6, 4.2 if is_long else 1.4 + 0.2 * len(values))
    ax = figure.subplots()
    ax.plot(values[order], np.arange(len(values)), linestyle="none", marker="o", markersize=4, color=BLUE)
    ax.axvline(estimate, color=GREY, linewidth=1.2, zorder=0.5, label="with all clusters")
    if is_long:
        ax.set_ylabel(f"clusters by {label(labels[1])}, in this order")
    else:
        ax.set_yticks(np.arange(len(values)), [label(clusters[i]) for i in order])
    ax.set_xlabel(f"{label(labels[0])} without one {label(labels[1])}")
    legend_below(figure)
    return figure
