"""Coefficients of windows over time, for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.errors import OptionError, did_you_mean, listing
from gramian.linalg.keyed.moments import Key
from gramian.typing import Level, Matrix

if TYPE_CHECKING:
    from gramian.fit.rolling.result import RollingFits

MAX_PANELS = 4


def draw(fits: RollingFits, terms: str | Sequence[str] | None, where: Level | Key | None, level: float) -> Any:
    """A figure of the coefficients of one group; parameters and errors as of `RollingFits.plot`."""
    from gramian.plots.windows import windows

    chosen = _group(fits, where)
    windows_of_group = {key[-1]: fit for key, fit in _by_key(fits).items() if key[:-1] == chosen}
    names = list(dict.fromkeys(name for fit in windows_of_group.values() for name in fit.names))
    shown = _terms(names, terms)
    values = np.full((len(shown), len(windows_of_group), 3), np.nan)
    for j, fit in enumerate(windows_of_group.values()):
        intervals: Matrix = fit.conf_int(level)
        position = {name: i for i, name in enumerate(fit.names)}
        for i, name in enumerate(shown):
            if name in position:
                at = position[name]
                values[i, j] = fit.coefficients[at], intervals[at, 0], intervals[at, 1]
    ends = list(windows_of_group)
    times = np.array(ends, "datetime64[s]") if isinstance(ends[0], str) else np.array(ends, np.float64)
    group = ", ".join(f"{name} = {part}" for name, part in zip(fits.key_names, chosen, strict=False))
    title = f"{fits.formula}{f'; {group}' if group else ''}"
    return windows(
        times, shown, values, title=title, x_label=f"{fits.key_names[-1]}: last period of the window", level=level
    )


def _by_key(fits: RollingFits) -> dict[Key, Any]:
    """The fits by keys that are all tuples."""
    return {key if isinstance(key, tuple) else (key,): fit for key, fit in fits.items()}


def _group(fits: RollingFits, where: Level | Key | None) -> Key:
    """The part of the keys before the time."""
    groups = list(dict.fromkeys(key[:-1] for key in _by_key(fits)))
    chosen = groups[0] if where is None else where if isinstance(where, tuple) else (where,)
    if chosen not in groups:
        there = [", ".join(map(str, group)) for group in groups]
        raise OptionError(f"where: no windows of {', '.join(map(str, chosen))!r} (there are {listing(there)})")
    return chosen


def _terms(names: Sequence[str], terms: str | Sequence[str] | None) -> list[str]:
    """The coefficients that are drawn."""
    if terms is None:
        slopes = [name for name in names if name != "Intercept"]
        return list(slopes or names)[:MAX_PANELS]
    chosen = [terms] if isinstance(terms, str) else list(terms)
    for name in chosen:
        if name not in names:
            raise OptionError(f"no coefficient {name!r}{did_you_mean(str(name), names)} (there are {listing(names)})")
    return chosen
