"""Draws the ratios that `range.py` found: over rows, columns and levels, and for each kind of absorbed factors.

python benchmarks/range_picture.py RESULTS.json PICTURE
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SHAPE = 2  # parts of the name of a race of an array: rows x columns
COLOURS: Mapping[str, str] = {
    "numpy normal equation": "#0072B2",
    "one read": "#D55E00",
    "DuckDB avg()": "#009E73",
    "scikit-learn-intelex": "#CC79A7",
    "glum": "#56B4E9",
    "polars-online": "#E69F00",
    "fereg": "#D55E00",
    "pyfixest": "#009E73",
}
SUBJECT = "gramian"
MARKS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # ratios of absorbed factors
Races = list[dict[str, Any]]


def main() -> None:
    """Read results, draw them, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+", help="JSON that range.py wrote, one file or several")
    parser.add_argument("picture", type=Path, help="PNG, SVG or PDF")
    options = parser.parse_args()
    races = [r for file in options.results for r in json.loads(file.read_text())["races"]]
    mpl.rcParams["svg.hashsalt"] = "range"
    figure = Figure(figsize=(11.0, 8.0), layout="constrained")
    rows, columns, levels, networks = figure.subplots(2, 2).ravel()
    _curves(rows, races, number_of("rows-"), "rows", "Ten columns in memory, 8 digits")
    _curves(columns, races, columns_of, "columns", "Arrays in memory, 8 digits")
    _curves(levels, races, number_of("levels-"), "levels", "One absorbed factor, 2,000,000 rows of a frame")
    _networks(networks, [r for r in races if is_network(r["name"])])
    dated = options.picture.suffix != ".svg"  # the same results give the same file
    figure.savefig(options.picture, metadata=None if dated else {"Date": None})


def columns_of(name: str) -> int | None:
    """The columns of a race of an array, rows x columns; None for another race."""
    parts = name.split("x")
    return int(parts[1]) if len(parts) == SHAPE and all(p.isdigit() for p in parts) else None


def number_of(prefix: str) -> Callable[[str], int | None]:
    """The number that follows a prefix; None for a race of another kind."""
    return lambda name: int(name.removeprefix(prefix)) if name.startswith(prefix) else None


def is_network(name: str) -> bool:
    """Whether a race is of absorbed factors that have a name of their own."""
    return columns_of(name) is None and not name.startswith(("rows-", "levels-", "careful-", "exact-"))


def ratios(races: Races, against: str) -> Iterable[tuple[str, float]]:
    """The name of each race with a contender, and the ratio to it."""
    for race in races:
        for c in race["comparisons"]:
            if c["subject"] == SUBJECT and c["against"] == against:
                yield race["name"], c["of_medians"]


def _curves(axes: Axes, races: Races, place: Callable[[str], int | None], label: str, title: str) -> None:
    """Ratios to every contender, over a number that is in the name of a race."""
    for against, colour in COLOURS.items():
        points = sorted((at, ratio) for name, ratio in ratios(races, against) if (at := place(name)) is not None)
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=f"against {against}")
    axes.axhline(1.0, color="0.6", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel=label, ylabel="time, as a ratio", title=title)
    _legend(axes)


def _networks(axes: Axes, races: Races) -> None:
    """Ratios to other packages, a bar for each kind of absorbed factors."""
    names = [r["name"] for r in races]
    for k, against in enumerate(("fereg", "pyfixest")):
        found = dict(ratios(races, against))
        at = [names.index(name) + 0.2 * (2 * k - 1) for name in found]
        if found:
            axes.barh(at, list(found.values()), height=0.36, color=COLOURS[against], label=f"against {against}")
    axes.axvline(1.0, color="0.6", linewidth=0.8)
    axes.set(xscale="log", xlabel="time, as a ratio", title="Absorbed factors, a frame in memory")
    axes.set_xticks(MARKS, [f"{mark:g}" for mark in MARKS])
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    _legend(axes)


def _legend(axes: Axes) -> None:
    """A legend where there is something to explain."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)


if __name__ == "__main__":
    main()
