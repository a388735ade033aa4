"""The table of effects as parts that rich can print."""

from __future__ import annotations

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.formula.coding import level_name
from gramian.results.effects import Effects
from gramian.results.format_numbers import aligned, p_value, printable, stars
from gramian.results.report import LEGEND, MAX_COEFFICIENTS


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
    marks = [Text(LEGEND, style="dim")] if (effects.p_values < 0.1).any() else []
    return [Text(effects.title, style="bold"), _table(effects, level), *marks, *map(Text, notes)]


def _table(effects: Effects, level: float) -> Table:
    """The table, a row for each estimate."""
    shown = slice(0, MAX_COEFFICIENTS)
    values = {name: v[shown] for name, v in effects.columns(level).items()}
    cells = {name: aligned(v, 6 if name in ("estimate", "conf_low", "conf_high") else 4) for name, v in values.items()}
    p = values["p_value"]
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    for name in effects.labels:
        table.add_column(printable(name), no_wrap=True)
    for heading in ("estimate", "std. error", effects.statistic, "p-value", "", f"{100 * level:.6g} % low", "high"):
        is_right = heading == "p-value"
        table.add_column(Text(heading, justify="right"), justify="right" if is_right else "left", no_wrap=True)
    labels = [
        ["" if v is None else printable(level_name(v)) for v in column[shown]] for column in effects.labels.values()
    ]
    rows = zip(
        *labels, cells["estimate"], cells["std_error"], cells["statistic"], map(p_value, p), map(stars, p),
        cells["conf_low"], cells["conf_high"], strict=True,
    )  # fmt: skip
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
