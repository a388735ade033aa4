"""Many fits in one table: a line for each, and a column for each coefficient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, starmap
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.formula.coding import level_name
from gramian.linalg.keyed.moments import Key
from gramian.results import report
from gramian.results.format_numbers import printable, significant, stars
from gramian.results.tables import columns

if TYPE_CHECKING:
    from gramian.results.estimates import Estimates

MAX_LINES = 60  # fits that have a line
MAX_TERMS = 5  # coefficients that have a column
ALIASED = "left out"


def overview(names: Sequence[str], fits: Mapping[Key, Estimates], level: float) -> list[RenderableType]:
    """The table, what its numbers are, and where the rest is.

    names : of the parts of a key. level : coverage of confidence intervals, which are not shown.
    """
    terms = list(dict.fromkeys(name for fit in fits.values() for name in fit.names))
    shown = terms[:MAX_TERMS]
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(Text(printable(name)), no_wrap=True)
    lines = [(key, fit, _digits(fit)) for key, fit in islice(fits.items(), MAX_LINES)]
    has_digits = not all(np.isnan(digits) for _, _, digits in lines)
    for heading in ("rows", *map(printable, shown), *["digits"] * has_digits):
        table.add_column(Text(heading, justify="right"), justify="right", no_wrap=True)
    for key, fit, digits in lines:
        cells = (*map(level_name, key), *_line(fit, shown, level), *[report.format_digits(digits)] * has_digits)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return [Text(""), table, *(Text(line, style="dim") for line in _notes(fits, terms))]


def _line(fit: Estimates, terms: Sequence[str], level: float) -> list[str]:
    """Rows of a fit, and a cell for each term that it has."""
    values = columns(fit, level)
    numbers = zip(values["estimate"], values["std_error"], values["p_value"], strict=True)
    cells = dict(zip(fit.names, starmap(_cell, numbers), strict=True))
    return [f"{fit.rows:,}", *(cells.get(term, "") for term in terms)]


def _cell(estimate: float, std_error: float, p: float) -> str:
    """Estimate, standard error in brackets, mark of significance."""
    if np.isnan(estimate):
        return ALIASED
    return f"{significant(estimate, 4)} ({significant(std_error, 3) or 'unknown'}) {stars(p):3}"


def _digits(fit: Estimates) -> float:
    """Digits that are certain in all coefficients; NaN where none are certified."""
    certified = getattr(fit.solved, "accuracy", None)
    return np.nan if certified is None else float(certified.fewest_digits)


def _notes(fits: Mapping[Key, Estimates], terms: Sequence[str]) -> list[str]:
    """What stands in the brackets, what is not shown, and where it is."""
    names = list(dict.fromkeys(fit.covariance.name for fit in fits.values()))
    lines = [f"estimates with standard errors ({printable(', '.join(names[:3]))}) in brackets; {report.LEGEND}"]
    if len(fits) > MAX_LINES:
        lines.append(f"... {len(fits) - MAX_LINES:,} more fits")
    if len(terms) > MAX_TERMS:
        more = ", ".join(map(printable, terms[MAX_TERMS : 2 * MAX_TERMS]))
        lines.append(
            f"... {len(terms) - MAX_TERMS:,} more coefficients: {more}{', ...' * (len(terms) > 2 * MAX_TERMS)}"
        )
    return [*lines, "all of them: tidy() and glance(); one fit: by its key, as fits[key].summary()"]
