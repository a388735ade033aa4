"""Small data, and what a figure says."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

PNG = b"\x89PNG\r\n\x1a\n"


def straight(n: int = 60, seed: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, n)
    return {"x": x, "z": rng.normal(size=n), "group": rng.choice(list("abc"), n), "y": 3 + x / 2 + rng.normal(size=n)}


def png(figure: Any) -> bytes:
    """The picture, drawn to the last tick; warnings are errors."""
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=50)
    return sink.getvalue()


def texts(figure: Any) -> set[str]:
    """Titles, labels and legends."""
    found = {text.get_text() for legend in figure.legends for text in legend.get_texts()}
    found |= {figure.get_suptitle()}
    for ax in figure.axes:
        found |= {ax.get_title(loc=loc) for loc in ("left", "center")} | {ax.get_xlabel(), ax.get_ylabel()}
    return found


def lines(ax: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in ax.get_lines()}
