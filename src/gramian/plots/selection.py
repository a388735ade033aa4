"""Model selection: the criterion of the best models of each size, and their terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gramian.plots.matplotlib import FixedLocator, FuncFormatter, NullLocator, picture, styled
from gramian.plots.style import BLUE, GREY, VERMILION, label, labels, legend_below, power, wrapped
from gramian.typing import Codes, Mask, Vector

MAX_TERMS = 60  # more lines do not fit on a page
MAX_TICKS = 30  # numbers of columns that fit on the axis
MARGIN = 0.6  # of the axis beside the smallest and the largest model, in columns
LINEAR_LIMIT = 10.0  # a model with a criterion this much worse is out of question: logarithmic from here


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate models; k of them.

    Attributes
    ----------
    columns : ndarray of int, (k,)
        Numbers of columns.
    values : ndarray, (k,)
        Values of the criterion.
    best : int
        Position of the chosen model.
    terms : sequence of str, (t,)
        Names of all terms.
    has_term : ndarray of bool, (t, k)
        Which terms each model has.
    criterion : str
        Name of the criterion.
    higher : bool
        Whether larger values are better.
    """

    columns: Codes
    values: Vector
    best: int
    terms: Sequence[str]
    has_term: Mask
    criterion: str
    higher: bool = False


@styled
def selection(candidates: Candidates, title: str = "") -> Any:
    """The criterion against the number of columns, above the terms of the best model of each size.

    candidates : the models. title : that of the figure. Returns a matplotlib figure.
    """
    candidates = replace(candidates, values=_drawable(candidates.values))
    front = _front(candidates)
    shown = _shown(candidates, front)
    figure = picture(7.0, 3.9 + 0.2 * len(shown))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3.0, 0.3 + 0.2 * len(shown)])
    _criterion(top, candidates, front)
    _terms(bottom, candidates, front, shown)
    figure.suptitle(wrapped(label(title, 140), 74), ha="left", x=0.02)
    legend_below(figure, columns=3)
    return figure


def _drawable(values: Vector) -> Vector:
    """Values of a criterion; those of fits without any residual, minus infinity, become the smallest finite one."""
    least = values.min(initial=np.inf, where=np.isfinite(values))
    return np.where(np.isneginf(values), least if np.isfinite(least) else 0.0, values)


def _front(candidates: Candidates) -> list[int]:
    """Positions of the best candidates of each number of columns."""
    sign = -1.0 if candidates.higher else 1.0
    order = np.lexsort((sign * candidates.values, candidates.columns))
    _, first = np.unique(candidates.columns[order], return_index=True)
    return [int(i) for i in order[first] if np.isfinite(candidates.values[i])]


def _shown(candidates: Candidates, front: list[int]) -> list[int]:
    """Terms that are drawn, those in most of the best models first."""
    often = candidates.has_term[:, front].sum(axis=1)
    return [int(t) for t in np.argsort(-often, kind="stable")[:MAX_TERMS]]


def _criterion(ax: Any, candidates: Candidates, front: list[int]) -> None:
    """Values of the criterion, or differences to the best where smaller is better; logarithmic above 10."""
    best = candidates.values[candidates.best]
    values = candidates.values if candidates.higher else candidates.values - best
    others = [i for i in range(len(values)) if i not in set(front) and np.isfinite(values[i])]
    if others:
        ax.plot(candidates.columns[others], values[others], "o", color=GREY, markersize=3.0, label="other subsets")
    ax.plot(candidates.columns[front], values[front], "-o", color=BLUE, markersize=4.0, label="best of its size")
    ring = {"markersize": 10, "markeredgewidth": 1.8, "markerfacecolor": "none", "color": VERMILION}
    ax.plot(
        candidates.columns[candidates.best],
        values[candidates.best],
        "o",
        label=f"best: {candidates.columns[candidates.best]} columns",
        **ring,
    )
    if candidates.higher:
        ax.set_ylabel(candidates.criterion)
        return
    top = float(np.nanmax(values[np.isfinite(values)]))
    decades = [LINEAR_LIMIT * 10.0**k for k in range(1, 16) if LINEAR_LIMIT * 10.0**k <= top * 1.5]
    # the differences that decide keep a third of the height, however bad the worst models are
    ax.set_yscale("symlog", linthresh=LINEAR_LIMIT, linscale=1.2 + 0.4 * len(decades))
    ax.yaxis.set_major_locator(FixedLocator([0.0, 2.0, 5.0, LINEAR_LIMIT, *decades[:: -(-len(decades) // 5) or 1]]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(_tick))
    ax.set_ylim(-0.9, max(top * 1.4, LINEAR_LIMIT))
    ax.set_ylabel(f"{candidates.criterion} above the best, {best:,.2f}")


def _tick(value: float, position: object = None) -> str:
    """Text of a tick."""
    return f"{value:g}" if value <= LINEAR_LIMIT else power(value, position)


def _ticks(ax: Any, sizes: Codes) -> None:
    """Ticks at the sizes of the models where they fit side by side, else at some whole numbers."""
    ax.set_xlim(sizes.min() - MARGIN, sizes.max() + MARGIN)
    if len(sizes) <= MAX_TICKS and np.ptp(sizes) < MAX_TICKS:
        ax.xaxis.set_major_locator(FixedLocator(sizes.tolist()))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    else:
        ax.locator_params(axis="x", integer=True)


def _terms(ax: Any, candidates: Candidates, front: list[int], shown: list[int]) -> None:
    """Squares for the terms of the best model of each size."""
    for row, term in enumerate(shown):
        has = [i for i in front if candidates.has_term[term, i]]
        chosen = [i for i in has if i == candidates.best]
        ax.plot(candidates.columns[has], [row] * len(has), "s", color=BLUE, markersize=5.0)
        ax.plot(candidates.columns[chosen], [row] * len(chosen), "s", color=VERMILION, markersize=6.5)
    ax.set_yticks(range(len(shown)), labels([candidates.terms[t] for t in shown], 28))
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    _ticks(ax, candidates.columns[front])
    shown_of_all = (
        "" if len(shown) == len(candidates.terms) else f" ({len(shown)} of {len(candidates.terms):,} terms are shown)"
    )
    ax.set_xlabel(f"columns{shown_of_all}")
