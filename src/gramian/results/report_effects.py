"""The table of effects as parts that rich can print."""

from __future__ import annotations

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.formula.coding import level_name
from gramian.results.effects import Effects
from gramian.results.format_numbers import printable
from gramian.results.report import MAX_COEFFICIENTS, estimate_table, legend


def render(effects: Effects, level: float) -> list[RenderableType]:
    """Title, table and notes."""
    notes = [f"averages over {effects.rows:,} rows"] if effects.rows is not None else []
    notes += map(printable, effects.notes)
    if effects.adjustment.name != "none":
        notes.append(f"p-values and intervals adjusted for {len(effects)} comparisons: {effects.adjustment.name}")
    if np.isnan(effects.working).any():
        notes.append("empty: the data do not determine it")
    more = len(effects) - MAX_COEFFICIENTS
    if more > 0:
        notes.append(f"... {more:,} more; tidy() has all of them")
    return [Text(effects.title, style="bold"), _table(effects, level), *legend(effects.p_values), *map(Text, notes)]


def _table(effects: Effects, level: float) -> Table:
    """The table, a row for each estimate."""
    labels = {
        name: ["" if v is None else level_name(v) for v in column[:MAX_COEFFICIENTS]]
        for name, column in effects.labels.items()
    }
    return estimate_table(labels, effects.columns(level), level, statistic=effects.statistic)
