"""Grouped fits as text: table, JSON, CSV, Markdown, LaTeX; the parts of the key are the first columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gramian.fit.groups.tables import column_names
from gramian.formula.coding import level_name
from gramian.results import formats
from gramian.results.format_numbers import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gramian.fit.groups.result import Fits
    from gramian.fit.linear.result import LinearFit


def rendered(fits: Fits, level: float = 0.95) -> list[RenderableType]:
    """The summary as rich renderables, for a terminal."""
    from gramian.fit.groups import report as fits_report

    return fits_report.render(fits, level)


def as_table(fits: Fits, level: float = 0.95) -> str:
    """The summary as plain text."""
    return fits.summary(level)


def as_json(fits: Fits, level: float = 0.95) -> str:
    """The JSON object of schema `gramian.fits/1`."""
    return json.dumps(fits.to_dict(level), indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(fits: Fits, level: float = 0.95) -> str:
    """The columns of `tidy` as CSV: numbers with all their digits, empty fields for nulls."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number, (key, fit) in enumerate(_pairs(fits)):
        heading, *rows = csv.reader(io.StringIO(formats.as_csv(fit, level)))
        if not number:
            writer.writerow([*column_names(fits, heading), *heading])
        writer.writerows([*key, *row] for row in rows)
    return out.getvalue().removesuffix("\n")


def as_markdown(fits: Fits, level: float = 0.95) -> str:
    """The coefficients of all fits in one table of GitHub's Markdown."""
    lines: list[str] = []
    for key, fit in _pairs(fits):
        heading, rule, *rows = formats.as_markdown(fit, level).split("\n")
        if not lines:
            names = [printable(name).translate(formats.MARKDOWN) for name in fits.key_names]
            lines = ["".join(f"| {name} " for name in names) + heading, "|:--" * len(names) + rule]
        key_cells = "".join(f"| {printable(part).translate(formats.MARKDOWN)} " for part in key)
        lines += [key_cells + row for row in rows]
    return "\n".join(lines)


def as_latex(fits: Fits, level: float = 0.95) -> str:
    """The coefficients of all fits in one `tabular` for LaTeX's booktabs, with a rule between the fits."""
    lines: list[str] = []
    for key, fit in _pairs(fits):
        begin, top, heading, rule, *rows, bottom, end = formats.as_latex(fit, level).split("\n")
        if not lines:
            key_columns = "l" * len(fits.key_names)
            lines = [begin.replace("{tabular}{", "{tabular}{" + key_columns), top, _latex(fits.key_names) + heading]
        lines += [rule, *(_latex(key) + row for row in rows)]
    return "\n".join([*lines, bottom, end])


FORMATS: dict[str, Callable[[Fits, float], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
    "md": as_markdown,
    "latex": as_latex,
}


def _pairs(fits: Fits) -> Iterator[tuple[tuple[str, ...], LinearFit]]:
    """Pairs of a key, its parts as text, and the fit."""
    for key, fit in zip(fits.grouped.fits, fits.values(), strict=True):
        yield tuple(map(level_name, key)), fit


def _latex(parts: tuple[str, ...]) -> str:
    """The first cells of a row of LaTeX."""
    return "".join("".join(formats.LATEX.get(c, c) for c in printable(part)) + " & " for part in parts)
