"""Regularisation paths: coefficients against the penalty, which grows to the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.matplotlib import FixedLocator, FuncFormatter, NullLocator, picture, styled
from gramian.plots.style import GREY, LINES, label, labels, legend_below, power, wrapped
from gramian.typing import Codes, Matrix, Vector

MAX_NAMED = len(LINES)  # coefficients with a colour of their own
MIN_ALPHA_RATIO = 1e-10  # of the largest penalty: the edge of the axis where a path ends at penalty 0
SHORT_AXIS_RATIO = 100.0  # an axis of less than two decades has ticks at 1, 2, 5
GRID = 400  # points of a curve: what is straight in alpha is bent on a logarithmic axis


@styled
def path(
    alphas: Vector,
    coefficients: Matrix,
    names: Sequence[str],
    sizes: Vector,
    df: Vector,
    *,
    straight: bool = False,
    title: str = "",
    marks: Sequence[tuple[str, float]] = (),
) -> Any:
    """Coefficients, and below them the degrees of freedom, against the penalty.

    Parameters
    ----------
    alphas : ndarray, (n,)
        Falling penalties.
    coefficients : ndarray, (n, q)
        Coefficients at each penalty.
    names : sequence of str, (q,)
        Names of the coefficients.
    sizes : ndarray, (q,)
        Factors that make coefficients comparable, such as standard deviations; the eight largest products are named.
    df : ndarray, (n,)
        Degrees of freedom.
    straight : bool
        Whether coefficients are linear between the penalties, as those of the lasso are.
    title : str
        Title of the figure.
    marks : sequence of (name, alpha)
        Penalties that are marked by a vertical line.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = picture(7.0, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1.0])
    shown = _named_columns(coefficients, sizes)
    x, B = _drawable(alphas, coefficients, straight=straight)
    handles = _lines(upper, x, B, shown, labels([names[j] for j in shown], 30))
    upper.axhline(0.0, color=GREY, linewidth=0.9, zorder=0)
    upper.set_ylabel("coefficient")
    lower.plot(
        np.maximum(alphas, x.min()),
        df,
        color=LINES[0][0],
        linewidth=1.4,
        drawstyle="steps-pre" if straight else None,
    )
    lower.locator_params(axis="y", integer=True, nbins=5)
    lower.set_ylabel("degrees of\nfreedom")
    lower.set_xlabel("alpha (the penalty grows to the right)")
    log_axis(lower, x)
    mark((upper, lower), marks, x, handles)
    figure.suptitle(wrapped(label(title, 90), 74), ha="left", x=0.02)
    legend_below(figure, handles, columns=3)
    return figure


def log_axis(ax: Any, x: Vector) -> None:
    """Logarithmic axis of penalties, with ticks at 1, 2 and 5 times powers of ten where it is short."""
    ax.set_xscale("log")
    short = x.max() < SHORT_AXIS_RATIO * x.min()
    if short:
        tens = np.outer(10.0 ** np.arange(np.floor(np.log10(x.min())), np.log10(x.max()) + 1), (1.0, 2.0, 5.0))
        ax.xaxis.set_major_locator(FixedLocator(tens.ravel().tolist()))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if short else power(value)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(x.min() / 1.15, x.max() * 1.15)


def mark(axes: Sequence[Any], marks: Sequence[tuple[str, float]], x: Vector, handles: dict[str, Any]) -> None:
    """Vertical lines at chosen penalties; adds their entries to `handles`, the legend."""
    for (name, alpha), line in zip(marks, ("--", ":", "-."), strict=False):
        for ax in axes:
            handles[f"{name}: {alpha:.3g}"] = ax.axvline(
                max(alpha, x.min()), color="0.2", linestyle=line, linewidth=1.1
            )


def positive(alphas: Vector) -> Vector:
    """Penalties for a logarithmic axis: 0 is drawn at the edge, below all others."""
    if alphas.all() or not alphas.any():
        return alphas if alphas.all() else np.maximum(alphas, MIN_ALPHA_RATIO)
    least = 0.5 * float(alphas[alphas > 0].min())
    return np.maximum(alphas, max(least, float(alphas.max()) * MIN_ALPHA_RATIO))


def _named_columns(coefficients: Matrix, sizes: Vector) -> Codes:
    """Positions of the coefficients that are named in the legend: the largest, in their order."""
    effect_sizes = np.abs(coefficients).max(axis=0, initial=0.0) * sizes
    largest = np.argsort(-effect_sizes, kind="stable")[:MAX_NAMED]
    return np.sort(largest[effect_sizes[largest] > 0])


def _drawable(alphas: Vector, coefficients: Matrix, *, straight: bool) -> tuple[Vector, Matrix]:
    """Penalties (m,) and coefficients (m, q) as points of curves.

    What is linear in alpha is bent on a logarithmic axis, so that it needs more points than its ends.
    """
    if not straight or len(alphas) < 2 or not alphas.max() > 0:
        return positive(alphas), coefficients
    low = float(positive(alphas).min())
    x = np.union1d(np.geomspace(low, alphas.max(), GRID), alphas[alphas >= low])[::-1]
    return x, np.column_stack([np.interp(-x, -alphas, b) for b in coefficients.T])


def _lines(ax: Any, x: Vector, B: Matrix, shown: Codes, names: Sequence[str]) -> dict[str, Any]:
    """Lines of the coefficients, those without a name in grey; returns the entries of the legend."""
    others = np.setdiff1d(np.arange(B.shape[1]), shown)
    ax.plot(x, B[:, others], color="0.75", linewidth=0.7)
    handles = {}
    for (color, line, _), j, name in zip(LINES, shown, names, strict=False):
        (handles[name],) = ax.plot(x, B[:, j], color=color, linestyle=line, linewidth=1.5)
    if (B[:, others] != 0).any():
        handles[f"{len(others):,} more"] = ax.plot([], [], color="0.75", linewidth=0.7)[0]
    return handles
