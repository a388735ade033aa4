"""Coefficients with their confidence intervals; those of similar size share an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.matplotlib import picture, styled
from gramian.plots.style import BLUE, GREY, label, labels, percent, wrapped
from gramian.typing import Codes, Matrix, Vector

MAX_COEFFICIENTS = 60  # more lines do not fit on a page
MAX_PANELS = 4
MAX_SIZE_RATIO = 25.0  # intervals that are this much longer than others get an axis of their own
ROW_HEIGHT, PANEL_MARGIN = 0.24, 0.62  # inches


@styled
def coefficients(
    names: Sequence[str],
    estimates: Vector,
    intervals: Matrix,
    *,
    term_numbers: Sequence[int] | None = None,
    level: float = 0.95,
    title: str = "",
    x_label: str = "estimate",
) -> Any:
    """Dots with intervals, from top to bottom in the order of the names.

    Parameters
    ----------
    names : sequence of str, (p,)
        Names of the coefficients.
    estimates : ndarray, (p,)
        NaN where not determined.
    intervals : ndarray, (p, 2)
        Ends of the confidence intervals.
    term_numbers : sequence of int, (p,), optional
        Coefficients with the same number share an axis.
    level : float
        Level of the intervals.
    title, x_label : str
        Texts of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Of more than 60 coefficients those with the largest |estimate| / standard error are drawn.
    """
    shown = _shown(estimates, intervals)
    estimates, intervals = estimates[shown], intervals[shown]
    terms = shown if term_numbers is None else np.asarray(term_numbers)[shown]
    short_names = labels([names[i] for i in shown])
    panels = _panels(estimates, intervals, terms)
    sizes = [len(p) for p in panels]
    figure = picture(7.0, 0.9 + sum(ROW_HEIGHT * n + PANEL_MARGIN for n in sizes))
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[ROW_HEIGHT * n + 0.1 for n in sizes])[:, 0]
    for ax, members in zip(axes, panels, strict=True):
        _draw(ax, [short_names[i] for i in members], estimates[members], intervals[members])
    axes[-1].set_xlabel(x_label + (", every panel on a scale of its own" if len(panels) > 1 else ""))
    figure.suptitle(wrapped(_title(title, len(shown), len(names)), 74), ha="left", x=0.02)
    _legend(figure, estimates, intervals, level)
    return figure


def _shown(estimates: Vector, intervals: Matrix) -> Codes:
    """Positions of the coefficients that are drawn."""
    if len(estimates) <= MAX_COEFFICIENTS:
        return np.arange(len(estimates))
    half = (intervals[:, 1] - intervals[:, 0]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        significance = np.nan_to_num(np.abs(estimates) / half, nan=-1.0)
    return np.sort(np.argsort(-significance, kind="stable")[:MAX_COEFFICIENTS])


def _title(title: str, shown: int, total: int) -> str:
    """The title, with the number of coefficients where not all are drawn."""
    subject = "Coefficients" if shown == total else f"{shown} of {total:,} coefficients, the most significant"
    return f"{subject} of {label(title, 75)}" if title else subject


def _panels(estimates: Vector, intervals: Matrix, terms: Codes) -> list[Codes]:
    """Positions of the coefficients of each panel: terms of similar size, in at most four panels."""
    size = np.nan_to_num(np.abs(np.column_stack([estimates, intervals])), nan=0.0, posinf=0.0).max(axis=1)
    largest = {int(t): float(size[terms == t].max()) for t in dict.fromkeys(terms.tolist())}
    groups: list[list[int]] = []
    for term in sorted((t for t in largest if largest[t] > 0), key=lambda t: -largest[t]):
        if groups and (largest[groups[-1][0]] < MAX_SIZE_RATIO * largest[term] or len(groups) == MAX_PANELS):
            groups[-1].append(term)
        else:
            groups.append([term])
    empty = [t for t in largest if not largest[t] > 0]
    # Terms without any size (all zero, or not determined) fit on every axis.
    groups = [[*groups[0], *empty], *groups[1:]] if groups else [empty]
    return sorted((np.flatnonzero(np.isin(terms, g)) for g in groups), key=lambda p: int(p[0]))


def _draw(ax: Any, names: list[str], estimates: Vector, intervals: Matrix) -> None:
    """One panel. Dots are filled where the interval excludes zero."""
    rows = np.arange(len(names))
    ax.axvline(0.0, color=GREY, linewidth=0.9)
    ax.hlines(rows, intervals[:, 0], intervals[:, 1], color=BLUE, linewidth=1.8)
    significant = _excludes_zero(intervals)
    for selected, face in ((significant, BLUE), (~significant, "white")):
        ax.plot(estimates[selected], rows[selected], "o", color=BLUE, markerfacecolor=face, markersize=4.5)
    for i in np.flatnonzero(np.isnan(estimates)):
        ax.annotate("not determined", (0.0, i), (4, 0), textcoords="offset points", va="center", fontsize=8, color=GREY)
    ax.set_yticks(rows, names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.locator_params(axis="x", nbins=7)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)


def _excludes_zero(intervals: Matrix) -> Any:
    """Whether each interval excludes zero, (p,)."""
    with np.errstate(invalid="ignore"):
        return (intervals[:, 0] > 0) | (intervals[:, 1] < 0)


def _legend(figure: Any, estimates: Vector, intervals: Matrix, level: float) -> None:
    """Legend of the dots that occur."""
    significant, ax = _excludes_zero(intervals), figure.axes[0]
    text = percent(level)
    handles = []
    if significant.any():
        handles += ax.plot([], [], "-o", color=BLUE, markersize=4.5, label=f"{text} interval without zero")
    if (~significant & np.isfinite(estimates)).any():
        text = f"{text} interval with zero" if np.isfinite(intervals).any() else "estimate"
        handles += ax.plot([], [], "-o", color=BLUE, markerfacecolor="white", markersize=4.5, label=text)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
