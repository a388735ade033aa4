"""Regularisation paths: coefficients against the penalty, which grows to the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gramian.plots.matplotlib import FixedLocator, FuncFormatter, NullLocator, picture, styled
from gramian.plots.style import GREY, LINES, label, labels, legend_below, power, wrapped
from gramian.typing import Codes, Matrix, Vector

MAX_NAMED = len(LINES)  # coefficients that have a colour and a name
MIN_ALPHA_RATIO = 1e-10  # of the largest penalty: where a path goes down to 0, its edge is drawn no lower
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
    """Coefficients, and below them the degrees of freedom, against alpha.

    alphas : (n,) falling. coefficients : (n, q). sizes : (q,) by which the coefficients that are told by name are
    chosen, the eight largest. freedom : (n,). straight : whether coefficients are straight lines between the alphas.
    marks : names of penalties that are shown.
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
    """Penalties on a logarithmic axis; between the powers of ten there are ticks where it is short."""
    ax.set_xscale("log")
    short = x.max() < SHORT_AXIS_RATIO * x.min()
    if short:
        tens = np.outer(10.0 ** np.arange(np.floor(np.log10(x.min())), np.log10(x.max()) + 1), (1.0, 2.0, 5.0))
        ax.xaxis.set_major_locator(FixedLocator(tens.ravel().tolist()))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if short else power(value)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(x.min() / 1.15, x.max() * 1.15)


def mark(axes: Sequence[Any], marks: Sequence[tuple[str, float]], x: Vector, handles: dict[str, Any]) -> None:
    """Vertical lines at penalties that were chosen."""
    for (name, alpha), line in zip(marks, ("--", ":", "-."), strict=False):
        for ax in axes:
            handles[f"{name}: {alpha:.3g}"] = ax.axvline(
                max(alpha, x.min()), color="0.2", linestyle=line, linewidth=1.1
            )


def positive(alphas: Vector) -> Vector:
    """Penalties that a logarithmic axis can show: a zero stands at its edge, below all others."""
    if alphas.all() or not alphas.any():
        return alphas if alphas.all() else np.maximum(alphas, MIN_ALPHA_RATIO)
    least = 0.5 * float(alphas[alphas > 0].min())
    return np.maximum(alphas, max(least, float(alphas.max()) * MIN_ALPHA_RATIO))


def _named_columns(coefficients: Matrix, sizes: Vector) -> Codes:
    """Columns with a name in the legend: the largest ones, in their order."""
    effect_sizes = np.abs(coefficients).max(axis=0, initial=0.0) * sizes
    largest = np.argsort(-effect_sizes, kind="stable")[:MAX_NAMED]
    return np.sort(largest[effect_sizes[largest] > 0])


def _drawable(alphas: Vector, coefficients: Matrix, *, straight: bool) -> tuple[Vector, Matrix]:
    """Penalties and coefficients as points of curves."""
    if not straight or len(alphas) < 2 or not alphas.max() > 0:
        return positive(alphas), coefficients
    low = float(positive(alphas).min())
    x = np.union1d(np.geomspace(low, alphas.max(), GRID), alphas[alphas >= low])[::-1]
    return x, np.column_stack([np.interp(-x, -alphas, b) for b in coefficients.T])


def _lines(ax: Any, x: Vector, B: Matrix, shown: Codes, names: Sequence[str]) -> dict[str, Any]:
    others = np.setdiff1d(np.arange(B.shape[1]), shown)
    ax.plot(x, B[:, others], color="0.75", linewidth=0.7)
    handles = {}
    for (color, line, _), j, name in zip(LINES, shown, names, strict=False):
        (handles[name],) = ax.plot(x, B[:, j], color=color, linestyle=line, linewidth=1.5)
    if (B[:, others] != 0).any():
        handles[f"{len(others):,} more"] = ax.plot([], [], color="0.75", linewidth=0.7)[0]
    return handles
