"""What residuals show: against what was fitted, their distribution, their scale, the leverage of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv, ndtri

from gramian.plots.influence import Residuals
from gramian.plots.look import BLUE, GREY, ORANGE, label, told_below
from gramian.plots.matplotlib import drawn, picture
from gramian.plots.points import means, scatter
from gramian.plots.sample import Extremes

COOK = (0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Names:
    """What is on the axes."""

    title: str
    fitted: str
    residual: str
    standard: str = "standardised residual"


def _fitted(ax: Any, found: Residuals, names: Names) -> None:
    ax.axhline(0.0, color=GREY, linewidth=0.9)
    scatter(ax, found.sample[0], found.sample[1], found.sample.told)
    if found.groups is not None:
        means(ax, found.groups, found.groups.interval)
    ax.set_title("Residuals against fitted values")
    ax.set_xlabel(label(names.fitted, 45))
    ax.set_ylabel(label(names.residual, 45))


def _quantiles(ax: Any, found: Residuals, names: Names) -> None:
    seen = np.sort(found.sample[2][np.isfinite(found.sample[2])])
    n = len(seen)
    rank = np.arange(1, n + 1)
    expected = ndtri((rank - 0.5) / n)
    low, high = (ndtri(betaincinv(rank, n + 1 - rank, p)) for p in (0.025, 0.975))
    ax.fill_between(
        expected, low, high, color=BLUE, alpha=0.2, linewidth=0, label="where 95 % of normal ones would lie"
    )
    ax.plot(expected, expected, color=BLUE, linewidth=1.4)
    scatter(ax, expected, seen)
    ax.set_title("Normal Q-Q")
    ax.set_xlabel("normal quantile")
    ax.set_ylabel(names.standard)


def _scale(ax: Any, found: Residuals, names: Names) -> None:
    size = np.sqrt(np.abs(found.sample[2]))
    scatter(ax, found.sample[0], size, found.sample.told)
    if not found.sample.whole:
        groups = found.scales.groups()
        means(ax, groups, groups.interval)
    ax.set_title("Scale against fitted values")
    ax.set_xlabel(label(names.fitted, 45))
    ax.set_ylabel(f"√|{names.standard}|")


def _leverage(ax: Any, found: Residuals, names: Names) -> None:
    ax.axhline(0.0, color=GREY, linewidth=0.9)
    scatter(ax, found.sample[3], found.sample[2], found.sample.told)
    far = found.extremes
    ax.plot(
        far[2], far[1], "D", color=ORANGE, markersize=4.5, label="largest Cook's distance of all rows (row 0 first)"
    )
    _contours_of_cook(ax, found.columns)
    ax.margins(x=0.12, y=0.12)
    _numbered(ax, far)
    ax.set_title("Residuals against leverage")
    ax.set_xlabel("leverage")
    ax.set_ylabel(names.standard)


def _numbered(ax: Any, far: Extremes) -> None:
    """Numbers beside their points, on the side with more room, moved down where they would lie on each other."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    above = np.inf
    for i in np.argsort(-far[1], kind="stable"):
        h, r = float(far[2][i]), float(far[1][i])
        above = min(r, above - 0.055 * (top - bottom))
        side = 1 if h < (left + right) / 2 else -1
        beside = {"ha": "left" if side > 0 else "right", "va": "center", "fontsize": 7.5}
        ax.annotate(f"row {far.numbers[i]:,}", (h, above), (6 * side, 0), textcoords="offset points", **beside)


def _contours_of_cook(ax: Any, columns: float) -> None:
    """Curves of equal Cook's distance, where they are in view."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    h = np.linspace(max(right, 1e-12) / 500, min(right, 0.9999), 500)
    told = "Cook's distance 0.5 and 1"
    for distance in COOK:
        r = np.sqrt(distance * columns * (1 - h) / h)
        for values in (r, -r):
            inside = (values < top) & (values > bottom)
            if inside.any():
                ax.plot(h[inside], values[inside], color=BLUE, linestyle="--", linewidth=1.0, label=told)
                told = None  # type: ignore[assignment]
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)


Panel = Callable[[Any, Residuals, Names], None]
PANELS: dict[str, Panel] = {
    "residuals": _fitted,
    "qq": _quantiles,
    "scale": _scale,
    "leverage": _leverage,
}


@drawn
def panel(kind: str, found: Residuals, names: Names) -> Any:
    """One of the four pictures."""
    figure = picture(7.0, 4.8)
    PANELS[kind](figure.subplots(), found, names)
    return _finished(figure, found, names)


@drawn
def diagnostics(found: Residuals, names: Names) -> Any:
    """All four."""
    figure = picture(10.0, 8.0)
    for ax, draw in zip(figure.subplots(2, 2).flat, PANELS.values(), strict=True):
        draw(ax, found, names)
    return _finished(figure, found, names)


def _finished(figure: Any, found: Residuals, names: Names) -> Any:
    width = 100 if len(figure.axes) > 1 else 70
    figure.suptitle(label(names.title, width), ha="left", x=0.02)
    if found.unknown:
        rows = f"{found.unknown:,} row{'s'[: found.unknown != 1]}"
        figure.axes[-1].plot([], [], " ", label=f"{rows} of leverage 1 without a {names.standard}")
    told_below(figure)
    return figure
