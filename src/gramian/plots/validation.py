"""Cross-validation curves: errors on held-out rows against the penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.plots.matplotlib import FixedLocator, FuncFormatter, NullLocator, picture, styled
from gramian.plots.path import log_axis, mark, positive
from gramian.plots.style import BLUE, SKY, VERMILION, label, legend_below, wrapped
from gramian.typing import Vector

MAX_BARS = 40  # with more penalties only some have an error bar
LARGE_RATIO = 4.0  # of the largest to the least error, from which on the axis is logarithmic


@styled
def validation(
    alphas: Vector, mean: Vector, std_errors: Vector, best: float, one_se: float, *, folds: int, title: str = ""
) -> Any:
    """Mean squared errors of cross-validation with their standard errors, and the chosen penalties.

    Parameters
    ----------
    alphas, mean, std_errors : ndarray, (n,)
        Penalties, mean squared errors, and the standard errors of these.
    best : float
        Penalty with the least error.
    one_se : float
        Largest penalty whose error is within one standard error of the least.
    folds : int
        Number of folds.
    title : str
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = picture(7.0, 4.6)
    ax = figure.subplots()
    x = positive(alphas)
    i = int(mean.argmin())
    # the chosen penalties have a bar, whichever of the others have none
    chosen = {i, int(np.abs(alphas - one_se).argmin())}
    shown = sorted({*range(0, len(x), max(len(x) // MAX_BARS, 1)), *chosen})
    bars = {"ecolor": SKY, "elinewidth": 1.3, "capsize": 2.4, "zorder": 1}
    error_bars = ax.errorbar(x[shown], mean[shown], std_errors[shown], fmt="none", **bars)
    (curve,) = ax.plot(x, mean, color=BLUE, linewidth=1.0, marker="o", markersize=2.2, markevery=shown, zorder=2)
    limit = ax.axhline(mean[i] + std_errors[i], color=VERMILION, linewidth=0.9, linestyle=(0, (6, 2)), zorder=0)
    log_axis(ax, x)
    # where the errors at large penalties dwarf the others, a linear axis hides the minimum and its bars
    if float((mean - std_errors).min()) > 0 and mean.max() > LARGE_RATIO * mean.min():
        ax.set_yscale("log")
        _readable(ax, float((mean - std_errors).min()), float((mean + std_errors).max()))
    ax.set_xlabel("alpha (the penalty grows to the right)")
    ax.set_ylabel("mean squared error on the rows left out")
    handles = {
        f"mean of {folds:,} folds": curve,
        "± one standard error": error_bars,
        "least error + its standard error": limit,
    }
    mark((ax,), [("best alpha", best), ("one standard error", one_se)], x, handles)
    figure.suptitle(wrapped(label(title, 90), 74), ha="left", x=0.02)
    legend_below(figure, handles, columns=3)
    return figure


def _readable(ax: Any, low: float, high: float) -> None:
    """Ticks at 1, 2 and 5 times powers of ten on a logarithmic axis of errors."""
    tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.log10(high) + 1)
    ax.yaxis.set_major_locator(FixedLocator(np.outer(tens, (1.0, 2.0, 5.0)).ravel().tolist()))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(low / 1.1, high * 1.1)
