"""Convergence of iterative methods: errors against iterations and passes, paths over the cost, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gramian.plots.contours import contours
from gramian.plots.matplotlib import FixedLocator, FuncFormatter, NullLocator, picture, styled
from gramian.plots.overlap import curves_above, widened
from gramian.plots.style import GREY, LINES, TIMES, label, legend_below, power
from gramian.typing import Matrix, Vector

# Errors that are drawn: smaller ones are rounding of float64, larger ones mean that the method diverges.
MIN_ERROR, MAX_ERROR = 1e-17, 30.0
SIDE, HEIGHT = 4.9, 3.1  # of a panel, in inches


@dataclass(frozen=True, slots=True)
class MethodHistory:
    """Errors of one method on one problem.

    Attributes
    ----------
    name : str
        Name of the method.
    iterations, passes : ndarray, (k,)
        Iterations and passes over the rows when an error was measured.
    errors : ndarray, (k,)
        Relative errors of the coefficients.
    path : ndarray, (k, 2), or None
        Coefficients after each iteration, where there are two.
    """

    name: str
    iterations: Vector
    passes: Vector
    errors: Vector
    path: Matrix | None = None


@dataclass(frozen=True, slots=True)
class ProblemPanel:
    """All methods on one problem.

    Attributes
    ----------
    title : str
        Name of the problem.
    histories : sequence of MethodHistory
        The methods.
    names : sequence of str
        Names of the coefficients.
    cost : tuple or None
        Curvature (2, 2) and minimum (2,) where there are two coefficients and the curvature is known.
    """

    title: str
    histories: Sequence[MethodHistory]
    names: Sequence[str] = ()
    cost: tuple[Matrix, Vector] | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Measured seconds against the number of features; arrays are (m,).

    Attributes
    ----------
    features : ndarray
        Numbers of features.
    solve : ndarray
        Seconds of one direct solution.
    step : ndarray
        Seconds of one step of an iterative method.
    product : ndarray
        Seconds of the products of a million rows.
    crossover : mapping of int to float
        Number of steps, and the number of features from which on these are cheaper than the solution.
    """

    features: Vector
    solve: Vector
    step: Vector
    product: Vector
    crossover: Mapping[int, float]


@styled
def convergence(
    panels: Sequence[ProblemPanel], methods: Sequence[str], timings: Timings | None = None, title: str = ""
) -> Any:
    """One column of panels for each problem: errors against iterations, against passes, and paths; below all the times.

    Parameters
    ----------
    panels : sequence of ProblemPanel
        The problems.
    methods : sequence of str
        Names of all methods, in the order of their colours.
    timings : Timings, optional
        Measured times.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    styles = {name: LINES[i % len(LINES)] for i, name in enumerate(methods)}
    has_paths = any(c.cost is not None for c in panels)
    rows = 2 + has_paths + (timings is not None)
    figure = picture(1.0 + SIDE * len(panels), 1.2 + HEIGHT * rows + 0.4 * (timings is not None))
    grid = figure.add_gridspec(rows, len(panels))
    for k, panel in enumerate(panels):
        upper = _errors(figure.add_subplot(grid[0, k]), panel, styles, "iterations")
        upper.set_title(panel.title)
        _errors(figure.add_subplot(grid[1, k]), panel, styles, "passes")
        if panel.cost is not None:
            contours(figure.add_subplot(grid[2, k]), panel.cost, _paths(panel, styles), panel.names)
    handles = {name: figure.axes[0].plot([], [], **_style(style))[0] for name, style in styles.items()}
    if any(_diverges(history) for panel in panels for history in panel.histories):
        handles["leaves the picture: diverges"] = figure.axes[0].plot([], [], "^", color=GREY, markersize=8)[0]
    if timings is not None:
        crossover(figure.add_subplot(grid[rows - 1, :]), timings, columns=1 + len(panels))
    figure.suptitle(label(title, 45 + 45 * (len(panels) > 1)), ha="left", x=0.02)
    legend_below(figure, handles, columns=1 + len(panels))
    return figure


def _style(style: tuple[Any, ...]) -> dict[str, Any]:
    """Options of matplotlib for a colour, a line and a marker."""
    color, line, marker = style
    return {"color": color, "linestyle": line, "marker": marker, "markersize": 4.5, "linewidth": 1.5}


def _diverges(history: MethodHistory) -> bool:
    """Whether an error is too large for the picture, or not a number."""
    return bool((~(history.errors <= MAX_ERROR)).any())


def _errors(ax: Any, panel: ProblemPanel, styles: Mapping[str, tuple[Any, ...]], against: str) -> Any:
    """One panel of errors against iterations or passes; a method that diverges ends in a triangle at the top."""
    last = max((float(_last(history, against)) for history in panel.histories), default=1.0)
    covered = curves_above([_in_picture(history, against, last) for history in panel.histories])
    for history, above in zip(panel.histories, covered, strict=True):
        steps = history.iterations if against == "iterations" else history.passes
        shown = _visible_count(history.errors)
        x, y = steps[:shown], np.maximum(history.errors[:shown], MIN_ERROR)
        ax.plot(x, y, **widened(_style(styles[history.name]), above), markevery=_marks(x))
        if _diverges(history):
            x_end = steps[min(shown, len(steps) - 1)]
            ax.plot([x[-1], x_end], [y[-1], MAX_ERROR], **{**_style(styles[history.name]), "marker": ""})
            ax.plot(x_end, MAX_ERROR, "^", color=styles[history.name][0], markersize=8, clip_on=False, zorder=5)
    ax.set_yscale("log")
    ax.set_ylim(MIN_ERROR / 2, MAX_ERROR)
    ax.yaxis.set_major_locator(FixedLocator((10.0 ** np.arange(-16, 1, 4)).tolist()))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(power))
    _steps(ax, last)
    ax.set_xlabel("iterations" if against == "iterations" else "passes over the rows, if there were no moments")
    ax.set_ylabel("relative error (10⁻⁸: 8 digits)")
    return ax


def _in_picture(history: MethodHistory, against: str, last: float) -> Matrix:
    """Points (k, 2) of a curve of errors in about the units of the picture, whose axes are logarithmic."""
    steps = history.iterations if against == "iterations" else history.passes
    errors = np.clip(np.nan_to_num(history.errors, nan=MAX_ERROR), MIN_ERROR, MAX_ERROR)
    height = np.log(errors / MIN_ERROR) / np.log(MAX_ERROR / MIN_ERROR)
    return np.column_stack([np.log1p(steps) / np.log1p(max(last, 2.0)), height])


def _last(history: MethodHistory, against: str) -> float:
    """The last number of iterations or passes."""
    return float((history.iterations if against == "iterations" else history.passes)[-1])


def _steps(ax: Any, last: float) -> None:
    """Scale of the horizontal axis: linear from 0 to 1, then logarithmic."""
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    top = max(int(np.ceil(np.log10(max(last, 10.0)))), 1)
    every = -(-(top + 1) // 7)
    ticks = [0.0, 1.0, 2.0, 5.0, 10.0] if last <= 10 else [0.0, *10.0 ** np.arange(0, top + 1, every)]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(power))
    ax.set_xlim(-0.12, max(last * 1.25, 2.0))


def _visible_count(errors: Vector) -> int:
    """Number of errors before the first that is too large for the picture."""
    outside = np.flatnonzero(~(errors <= MAX_ERROR))
    return int(outside[0]) if len(outside) else len(errors)


def _marks(x: Vector) -> list[int]:
    """Positions of at most a dozen markers, evenly spread over a logarithmic axis; the last point has one."""
    if len(x) <= 12:
        return list(range(len(x)))
    positions = np.linspace(0.0, np.log1p(x[-1]), 9)
    return sorted({*np.searchsorted(np.log1p(x), positions).clip(0, len(x) - 1).tolist(), len(x) - 1})


def _paths(panel: ProblemPanel, styles: Mapping[str, tuple[Any, ...]]) -> list[tuple[Matrix, dict[str, Any]]]:
    """Coefficients and line style of the methods that have a path."""
    return [
        (history.path, _style(styles[history.name]))
        for history in panel.histories
        if history.path is not None and len(history.path) > 1
    ]


def crossover(ax: Any, timings: Timings, *, columns: int = 3) -> None:
    """Seconds of a direct solution and of many steps against the number of features.

    ax : matplotlib axes. timings : measured times. columns : columns of the legend.
    """
    n = timings.features
    hollow = {"markerfacecolor": "white"}  # the methods above have full markers, and other colours
    ax.plot(n, timings.solve, **_style(TIMES[0]), **hollow, label="one solve (Cholesky)")
    for (steps, features), style in zip(timings.crossover.items(), TIMES[2:], strict=False):
        name = f"{steps:,} steps: cheaper from {features:,.0f} on"
        ax.plot(n, steps * timings.step, **_style(style), **hollow, label=name)
    ax.plot(n, timings.product, **_style(TIMES[1]), **hollow, label="products of a million rows")
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(power))
        axis.set_minor_locator(NullLocator())
    ax.set_title("Seconds on this machine, one thread")
    ax.set_xlabel("features")
    ax.set_ylabel("seconds")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns)
