"""The report of a selection: the models by size, the best one marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.fit.selection.plot import CRITERIA
from gramian.plots.style import shortened
from gramian.results.format_numbers import aligned, number, printable
from gramian.results.report import to_text

if TYPE_CHECKING:
    from gramian.fit.selection.result import Selection

MAX_MODELS = 60  # models that are shown
MAX_TERMS_WIDTH = 70  # characters for the terms of a model
METHODS = {"best": "best subsets", "forward": "forward, a term at a time", "backward": "backward, a term at a time"}
DIGITS = {"rss": 6, "aic": 7, "bic": 7, "adj_r_squared": 5, "cp": 5}
HEADINGS = {"rss": "RSS", "aic": "AIC", "bic": "BIC", "adj_r_squared": "adj. R squared", "cp": "Cp"}


def text(selection: Selection) -> str:
    """The report as plain text, several lines."""
    return to_text(render(selection))


def render(selection: Selection) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    heading = f"Selection of terms by {CRITERIA[selection.criterion]}, {METHODS[selection.method]}"
    rows = f"{selection.selected.solved.rows:,} rows"
    title = Text.assemble((heading, "bold"), "\n", printable(selection.formula), "\n", rows)
    shown = _shown(selection)
    more = len(selection.selected.candidates) - len(shown)
    note = [Text(f"... {more:,} more models; table has all of them")] if more else []
    return [title, Text(""), _table(selection, shown), *note, Text(""), *map(Text, _best(selection))]


def _shown(selection: Selection) -> list[int]:
    """Positions of the models in the table: all, or those around the best one."""
    count, winner = len(selection.selected.candidates), selection.selected.winner
    # the window is moved inwards at both ends, so that it always shows the same number of models
    first = max(min(winner - MAX_MODELS // 2, count - MAX_MODELS), 0)
    return list(range(first, min(first + MAX_MODELS, count)))


def _table(selection: Selection, shown: list[int]) -> Table:
    """The table of these models."""
    models = [selection.selected.candidates[i] for i in shown]
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for heading in ("columns", *HEADINGS.values()):
        table.add_column(Text(heading, justify="right"), justify="right", no_wrap=True)
    table.add_column("terms", no_wrap=True)
    cells = [aligned(np.array([getattr(m, name) for m in models]), digits) for name, digits in DIGITS.items()]
    for i, model, *numbers in zip(shown, models, *cells, strict=True):
        terms = shortened(printable(" + ".join(model.terms)), MAX_TERMS_WIDTH)
        mark = "*" if i == selection.selected.winner else ""
        table.add_row(mark, str(model.columns), *map(Text, numbers), Text(terms))
    return table


def _best(selection: Selection) -> list[str]:
    """Lines about the best model."""
    fit = selection.best
    perfect = (
        ["its fit is perfect to rounding"] if selection.selected.candidates[selection.selected.winner].perfect else []
    )
    return [
        f"* best: {printable(fit.formula)}",
        f"sigma {number(fit.sigma)}, R squared {number(fit.r_squared, 5)}, adjusted {number(fit.adj_r_squared, 5)}",
        *perfect,
        "its p-values and intervals are as if these terms had been chosen without looking at the outcome",
    ]
