"""Colours that everyone can distinguish, and texts in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile
from textwrap import wrap
from typing import Any

# M. Okabe and K. Ito, Color Universal Design (2008)
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY, PURPLE, BLACK, GREY = "#56B4E9", "#CC79A7", "#000000", "0.45"
# colour, line and marker all differ, so that lines can be distinguished without colours
LINES = (
    (BLACK, "-", "o"),
    (VERMILION, "--", "s"),
    (BLUE, "-", "^"),
    (GREEN, "-.", "D"),
    (ORANGE, (0, (6, 1.5)), "v"),
    (PURPLE, ":", "P"),
    (SKY, (0, (3, 1, 1, 1, 1, 1)), "X"),
    (GREY, (0, (1, 1)), "*"),
)
# of P. Tol's muted scheme (2021): none of them is a colour of `LINES`
TIMES = (
    ("#332288", "-", "h"),
    ("#661100", ":", "d"),
    ("#882255", "--", "p"),
    ("#999933", "-.", "<"),
    ("#CC6677", (0, (6, 1.5)), ">"),
    ("#44AA99", (0, (3, 1, 1, 1)), "H"),
)
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
CONTEXT = 10  # characters to each side of the part in which names differ
MAX_PLAIN_TICK = 10_000  # larger powers of ten are written with their exponent


def label(text: str, max_length: int = 40) -> str:
    """A name on one line, shortened in its middle, with dollar signs escaped, which would begin a formula."""
    if text.startswith("`") and text.endswith("`") and text.count("`") == 2:
        text = text[1:-1]
    flat = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shortened(flat, max_length).replace("$", r"\$")


def shortened(text: str, max_length: int) -> str:
    """At most `max_length` characters: both ends with an ellipsis between them."""
    if len(text) <= max_length:
        return text
    tail = (max_length - 1) // 2
    return f"{text[: max_length - 1 - tail]}…{text[len(text) - tail :]}"


def labels(names: Sequence[str], max_length: int = 40) -> list[str]:
    """Short names that differ: of long names with the same ends the part is shown in which they differ."""
    short = [label(name, max_length) for name in names]
    for text in {t for t in short if short.count(t) > 1}:
        alike = [i for i, t in enumerate(short) if t == text]
        prefix = _common([names[i] for i in alike])
        suffix = _common([names[i][prefix:][::-1] for i in alike])
        for i in alike:
            name = names[i]
            begin, end = max(prefix - CONTEXT, 0), min(len(name) - suffix + CONTEXT, len(name))
            short[i] = label("…" * (begin > 0) + name[begin:end] + "…" * (end < len(name)), max_length)
    return short


def _common(names: Sequence[str]) -> int:
    """Number of characters that all names begin with."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))


def wrapped(text: str, width: int) -> str:
    """A title in as many lines as it needs."""
    return "\n".join(wrap(text, width))


def power(value: float, _: object = None) -> str:
    """Text of a tick on a logarithmic axis: 1, 10, ..., 10⁵, and 10⁻¹, 10⁻²."""
    if value == 0:
        return "0"
    exponent = round(math.log10(abs(value)))
    if 1 <= value <= MAX_PLAIN_TICK:
        return f"{value:,.0f}"
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


def percent(level: float) -> str:
    """A level as text: 95 %."""
    return f"{100 * level:.6g} %"


def legend_below(figure: Any, handles: dict[str, Any] | None = None, columns: int = 2) -> None:
    """A legend below all axes; its points are dark, though those in the picture may be pale."""
    if handles is None:
        pairs = [zip(*ax.get_legend_handles_labels(), strict=True) for ax in figure.axes]
        handles = {text: handle for ax in pairs for handle, text in ax}
    legend = figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
    for handle in legend.legend_handles:
        if hasattr(handle, "set_sizes"):
            handle.set_sizes([14])
            handle.set_alpha(0.9)
