"""Effects: lines with bands over a column of numbers, or dots with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gramian.plots.matplotlib import picture, styled
from gramian.plots.style import BLUE, GREY, LINES, label, labels, legend_below, percent, wrapped
from gramian.typing import Matrix, Vector

MAX_SERIES = len(LINES)  # lines that can be told apart
ROW_HEIGHT = 0.26  # inches
MAX_DOTS = 60  # more rows do not fit on a page
WIDTH = 5.6  # inches: texts can be read where the picture is 400 pixels wide


class Series(NamedTuple):
    """Estimates along an axis, or below each other.

    Attributes
    ----------
    name : str
        What distinguishes it from others; empty where there are none.
    x : Vector
        (n,) places, or numbers of rows.
    y : Vector
        (n,) estimates.
    interval : Matrix
        (n, 2) ends of the intervals.
    """

    name: str
    x: Vector
    y: Vector
    interval: Matrix


@styled
def lines(series: Sequence[Series], *, title: str, axis: tuple[str, str], level: float) -> Any:
    """Lines with bands, one for each series; at most eight.

    axis : names of the axes.
    """
    figure = picture(WIDTH, 4.2)
    ax = figure.subplots()
    colours = [BLUE, *(colour for colour, _, _ in LINES if colour != BLUE)]
    for one, colour, (_, dashes, marker) in zip(series[:MAX_SERIES], colours, LINES, strict=False):
        order = np.argsort(one.x)
        x, y, band = one.x[order], one.y[order], one.interval[order]
        ax.fill_between(x, band[:, 0], band[:, 1], color=colour, alpha=0.18, linewidth=0)
        text = label(one.name) if one.name else f"estimate with {percent(level)} band"
        every = max(1, len(x) // 8)  # markers tell lines apart, and more of them would hide the lines
        ax.plot(x, y, color=colour, linestyle=dashes, marker=marker, markevery=every, markersize=4, label=text)
    if _crosses_zero(series):
        ax.axhline(0.0, color=GREY, linewidth=0.9, zorder=0.5)
    ax.set_xlabel(label(axis[0]))
    ax.set_ylabel(axis[1])
    more = f", {MAX_SERIES} of {len(series)} lines" if len(series) > MAX_SERIES else ""
    bands = f", with {percent(level)} bands" if series[0].name else ""
    figure.suptitle(wrapped(f"{_title(title)}{bands}{more}", 62), ha="left", x=0.02)
    legend_below(figure, columns=min(len(series), 3))
    return figure


@styled
def dots(
    names: Sequence[str], series: Sequence[Series], *, title: str, x_label: str, level: float, centre: float = 0.0
) -> Any:
    """Dots with intervals, a row for each name, those of several series beside each other.

    names : of the rows. centre : where there is no effect, 1 for ratios.
    """
    shown = min(len(names), MAX_DOTS)
    height = ROW_HEIGHT * max(1.0, 0.55 * len(series))
    figure = picture(WIDTH, 1.4 + height * shown)
    ax = figure.subplots()
    ax.axvline(centre, color=GREY, linewidth=0.9)
    offsets = (np.arange(len(series)) - (len(series) - 1) / 2) * 0.7 / max(len(series), 1)
    colours = [BLUE, *(colour for colour, _, _ in LINES if colour != BLUE)]
    for one, offset, colour, (_, _, marker) in zip(series, offsets, colours * 3, LINES * 3, strict=False):
        here = (one.x < shown) & np.isfinite(one.y)
        rows, interval = one.x[here] + offset, one.interval[here]
        ax.hlines(rows, interval[:, 0], interval[:, 1], color=colour, linewidth=1.8)
        text = label(one.name) if one.name else f"estimate with {percent(level)} interval"
        ax.plot(one.y[here], rows, marker if one.name else "o", color=colour, markersize=4.5, label=text)
    ax.set_yticks(np.arange(shown), labels(list(names[:shown])))
    ax.set_ylim(shown - 0.4, -0.6)
    ax.locator_params(axis="x", nbins=6)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(x_label)
    more = f", the first {shown} of {len(names)}" if shown < len(names) else ""
    figure.suptitle(wrapped(f"{_title(title)}{more}", 62), ha="left", x=0.02)
    legend_below(figure, columns=min(len(series), 3))
    return figure


def _title(text: str) -> str:
    """A title that begins with a capital."""
    return label(text[:1].upper() + text[1:], 75)


def _crosses_zero(series: Sequence[Series]) -> bool:
    """Whether zero is among the values, or near them."""
    low = min(float(np.nanmin(one.interval)) for one in series)
    high = max(float(np.nanmax(one.interval)) for one in series)
    return low - 0.25 * (high - low) <= 0.0 <= high + 0.25 * (high - low)
