"""Intervals that cut a column of numbers into levels: `cut(x, c(18, 30, 65))`, with R's labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

import numpy as np

from gramian.errors import FormulaError
from gramian.formula.functions import literal_values
from gramian.formula.syntax import Call, label
from gramian.typing import Codes, Vector

FEWEST_DIGITS, MOST_DIGITS = 3, 12  # of breaks in labels: as few as keep them apart, as R's dig.lab


@dataclass(frozen=True, slots=True)
class Cut:
    """Intervals between breaks.

    Attributes
    ----------
    breaks : tuple of float
        Their ends, ascending.
    labels : tuple of str
        Names of the intervals.
    right : bool
        Whether an interval contains its upper end, else its lower one.
    include_lowest : bool
        Whether the first interval (the last one, if not `right`) contains its other end, too.
    """

    breaks: tuple[float, ...]
    labels: tuple[str, ...]
    right: bool
    include_lowest: bool

    def codes(self, x: Vector) -> Codes:
        """The interval of each value, -1 outside of all."""
        breaks = np.array(self.breaks)
        codes = np.searchsorted(breaks, x, side="left" if self.right else "right") - 1
        if self.include_lowest:
            codes[x == breaks[0 if self.right else -1]] = 0 if self.right else len(breaks) - 2
        codes[np.isnan(x) | (codes >= len(breaks) - 1)] = -1
        return codes


def cut_of(call: Call) -> Cut:
    """The intervals that a call asks for. Raises FormulaError for labels that do not fit the breaks."""
    keywords = {key: literal_values(value) for key, value in call.keywords}
    right, lowest = keywords.get("right", (True,))[0], keywords.get("include_lowest", (False,))[0]
    breaks = tuple(sorted(literal_values(call.arguments[1])))
    labels = keywords.get("labels") or _labels(breaks, right=right, include_lowest=lowest)
    if len({*labels}) != len(breaks) - 1 or len(labels) != len(breaks) - 1:
        message = (
            f"{label(call)}: {len(breaks)} breaks make {len(breaks) - 1} intervals, and need as many different labels"
        )
        raise FormulaError(f"{message}, found {len(labels)}")
    return Cut(breaks, labels, right, lowest)


def _labels(breaks: tuple[float, ...], *, right: bool, include_lowest: bool) -> tuple[str, ...]:
    """`(18,30]`, or `[18,30)`, with as few digits as keep neighbouring breaks apart."""
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        # R writes infinity with its sign or a blank
        texts = [f"{b:.{digits}g}" if isfinite(b) else "-Inf" if b < 0 else " Inf" for b in breaks]
        if all(a != b for a, b in pairwise(texts)):
            break
    left, close = ("(", "]") if right else ("[", ")")
    labels = [f"{left}{a},{b}{close}" for a, b in pairwise(texts)]
    if include_lowest and right:
        labels[0] = f"[{labels[0][1:]}"
    elif include_lowest:
        labels[-1] = f"{labels[-1][:-1]}]"
    return tuple(labels)
