"""Draws the ratios that `range.py` found: over the number of columns, and for each kind of absorbed factors.

python benchmarks/range_picture.py RESULTS.json PICTURE
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SHAPE = 2  # parts of the name of a race of an array: rows x columns
COLOURS = ("#0072B2", "#D55E00", "#009E73")


def main() -> None:
    """Read results, draw them, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="JSON that range.py wrote")
    parser.add_argument("picture", type=Path, help="PNG, SVG or PDF")
    options = parser.parse_args()
    races = json.loads(options.results.read_text())["races"]
    mpl.rcParams["svg.hashsalt"] = "range"
    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _columns(left, [r for r in races if is_shape(r["name"])])
    _networks(right, [r for r in races if not is_shape(r["name"]) and not r["name"].startswith("careful")])
    figure.savefig(options.picture)


def is_shape(name: str) -> bool:
    """Whether a race is of an array of so many rows and columns."""
    parts = name.split("x")
    return len(parts) == SHAPE and all(p.isdigit() for p in parts)


def _columns(axes: Axes, races: list[dict[str, Any]]) -> None:
    """Ratios to the normal equation and to one read, over the number of columns."""
    for against, colour in zip(("numpy normal equation", "one read"), COLOURS, strict=False):
        points = sorted(
            (int(r["name"].split("x")[1]), c["of_medians"])
            for r in races
            for c in r["comparisons"]
            if c["against"] == against
        )
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=f"against {against}")
    axes.axhline(1.0, color="0.6", linewidth=0.8)
    axes.set(
        xscale="log", yscale="log", xlabel="columns", ylabel="time, as a ratio", title="Arrays in memory, digits=8"
    )
    axes.legend(frameon=False)


def _networks(axes: Axes, races: list[dict[str, Any]]) -> None:
    """Ratios to other packages, a bar for each kind of absorbed factors."""
    names = [r["name"] for r in races]
    for k, (against, colour) in enumerate(zip(("fereg", "pyfixest"), COLOURS[1:], strict=True)):
        found = {r["name"]: c["of_medians"] for r in races for c in r["comparisons"] if c["against"] == against}
        at = [names.index(name) + 0.2 * (2 * k - 1) for name in found]
        if found:
            axes.barh(at, list(found.values()), height=0.36, color=colour, label=f"against {against}")
    axes.axvline(1.0, color="0.6", linewidth=0.8)
    axes.set(xscale="log", xlabel="time, as a ratio", title="Absorbed factors, a frame in memory")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)


if __name__ == "__main__":
    main()
