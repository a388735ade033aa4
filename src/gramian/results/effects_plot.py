"""The picture of effects: what becomes an axis, and what a line of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.errors import NumericalError, OptionError
from gramian.formula.coding import level_name
from gramian.plots.effects import Series, dots, lines
from gramian.results.effects import Effects

MIN_POINTS = 3  # different numbers that make an axis


def draw(effects: Effects, level: float, x: str | None) -> Any:
    """Lines over the column `x`, by default the one with most numbers; dots where no column has three.

    Raises OptionError for a column that is not there or has no numbers, NumericalError without any estimate.
    """
    if not np.isfinite(effects.working).any():
        raise NumericalError("the data determine none of these estimates, so there is nothing to draw")
    numeric = {name: len(set(v)) for name, v in effects.labels.items() if all(_is_number(one) for one in v)}
    if x is not None and x not in numeric:
        raise OptionError(
            f"x='{x}' is no column of numbers of these effects (those are {', '.join(numeric) or 'none'})"
        )
    axis = x if x is not None else max(numeric, key=lambda name: numeric[name], default=None)
    if axis is None or (x is None and numeric[axis] < MIN_POINTS):
        return _dots(effects, level)
    names = [name for name in effects.labels if name != axis and len(set(effects.labels[name])) > 1]
    places = np.array(effects.labels[axis], np.float64)
    interval = effects.conf_int(level)
    groups: dict[str, list[int]] = {}
    for i in range(len(effects)):
        key = ", ".join(f"{name} = {_text(effects.labels[name][i])}" for name in names)
        groups.setdefault(key, []).append(i)
    series = [Series(key, places[at], effects.estimates[at], interval[at]) for key, at in groups.items()]
    return lines(series, title=effects.title, axis=(axis, _unit(effects)), level=level)


def _dots(effects: Effects, level: float) -> Any:
    """Dots with intervals."""
    changing = [name for name, values in effects.labels.items() if len(set(values)) > 1] or list(effects.labels)
    rows = [" ".join(_text(effects.labels[name][i]) for name in changing) for i in range(len(effects))]
    every = Series("", np.arange(len(effects), dtype=np.float64), effects.estimates, effects.conf_int(level))
    centre = 1.0 if effects.link is not None and effects.link.name == "log" else 0.0
    return dots(rows, [every], title=effects.title, x_label=_unit(effects), level=level, centre=centre)


def _unit(effects: Effects) -> str:
    """Name of the axis of estimates."""
    return "ratio" if effects.link is not None and effects.link.name == "log" else "estimate"


def _is_number(value: object) -> bool:
    """Whether a label is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    """A label as text."""
    return "" if value is None else level_name(value)
