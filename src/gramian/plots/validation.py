"""Cross-validation curves: errors on held-out rows against the penalty."""

from __future__ import annotations

from typing import Any

from gramian.plots.matplotlib import picture, styled
from gramian.plots.path import log_axis, mark, positive
from gramian.plots.style import BLUE, VERMILION, label, legend_below, wrapped
from gramian.typing import Vector

MAX_BARS = 60  # with more penalties only some have an error bar


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
    every = max(len(x) // MAX_BARS, 1)
    error_bars = ax.errorbar(
        x[::every], mean[::every], std_errors[::every], fmt="none", ecolor="0.6", elinewidth=0.9, capsize=1.8, zorder=1
    )
    (curve,) = ax.plot(x, mean, color=BLUE, linewidth=1.5, zorder=2)
    ax.plot(x[::every], mean[::every], "o", color=BLUE, markersize=2.6, zorder=2)
    i = int(mean.argmin())
    limit = ax.axhline(mean[i] + std_errors[i], color=VERMILION, linewidth=0.9, linestyle=(0, (6, 2)), zorder=0)
    log_axis(ax, x)
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
