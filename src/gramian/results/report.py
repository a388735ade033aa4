"""Parts of the summaries of fits: the same lines in colour for a console, and as plain text for `summary()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from gramian.results.format_numbers import aligned, number, printable, share_of_draws, stars
from gramian.results.tables import columns
from gramian.typing import Level, Vector

if TYPE_CHECKING:
    from gramian.results.dropped_rows import HasDroppedRows
    from gramian.results.estimates import Estimates

MAX_COEFFICIENTS = 60  # longer tables scroll off the screen; tidy() has all coefficients
MAX_NOTES = 12  # aliased columns, empty cells that are named
MIN_WIDTH, MAX_WIDTH = 80, 10_000
HEADINGS = {  # of the columns of estimates, in their order
    "estimate": "estimate",
    "variance": "variance",
    "std_dev": "std. dev.",
    "correlation": "correlation",
    "bias": "bias",
    "std_error": "std. error",
    "statistic": "",
    "df": "df",
    "p_value": "p-value",
    "conf_low": "low",
    "conf_high": "high",
    "digits": "digits",
}
LONG = ("estimate", "conf_low", "conf_high")
LEGEND = "p-values: *** below 0.001, ** below 0.01, * below 0.05, . below 0.1"


def to_text(parts: list[RenderableType]) -> str:
    """Parts of a report as plain text, as wide as the widest table."""
    # A table is measured on a console that is wide enough for everything: in a narrow one rich would cut cells.
    ruler = Console(file=StringIO(), width=MAX_WIDTH)
    width = max([MIN_WIDTH, *(Measurement.get(ruler, ruler.options, p).maximum for p in parts if isinstance(p, Table))])
    out = StringIO()
    console = Console(file=out, width=width, color_system=None, emoji=False, markup=False, highlight=False)
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def join_blocks(
    title: Text, rows: list[str], table: list[RenderableType], quality: list[str], notes: list[str]
) -> list[RenderableType]:
    """Blocks of a report from top to bottom, with an empty line between them; blocks without lines are left out."""
    blocks: list[list[RenderableType]] = [
        [title, *map(Text, rows)],
        table,
        [*map(Text, quality)],
        [*(Text(line, style="yellow") for line in notes)],
    ]
    out: list[RenderableType] = []
    for block in filter(None, blocks):
        out += [Text(""), *block] if out else block
    return out


def describe_rows(fit: HasDroppedRows, count: str | None = None, where: str | None = None) -> list[str]:
    """Lines about the rows: how many were used and how many dropped, by cause and by column.

    count : name of the column of frequency weights, if there is one. where : condition on the rows, if there is one.
    """
    dropped = sum(fit.dropped_rows.values())
    if count:
        lines = [f"{fit.rows:,} rows, the sum of {printable(count)}"]
    else:
        lines = [f"{fit.rows:,} rows used of {fit.rows + dropped:,}"]
    if where is not None:
        lines[0] += f" where {printable(where)}"
    if dropped:
        causes = ", ".join(f"{n:,} {printable(cause)}" for cause, n in fit.dropped_rows.items())
        by_column = sorted(fit.missing.items(), key=lambda pair: -pair[1])
        lines.append(
            f"{dropped:,} left out: {causes}" + listed(" (", [f"{printable(c)} {n:,}" for c, n in by_column], ")")
        )
    return lines


def coefficient_table(fit: Estimates, level: float) -> list[RenderableType]:
    """The table of coefficients, with the meaning of its marks below."""
    if not fit.names:
        return [Text("no coefficients")]
    values = columns(fit, level)
    table = estimate_table({"": fit.names}, values, level, statistic=fit.statistic)
    more = len(fit.names) - MAX_COEFFICIENTS
    return [
        table,
        *([Text(f"... {more:,} more coefficients; tidy() has all of them")] if more > 0 else []),
        *legend(values["p_value"]),
    ]


def estimate_table(
    labels: Mapping[str, Sequence[str]],
    values: Mapping[str, Vector],
    level: float,
    *,
    statistic: str = "t",
    draws: int = 0,
    digits: int | None = None,
) -> Table:
    """A table of the first estimates, those columns of `HEADINGS` that there are.

    Parameters
    ----------
    labels : heading -> names of the rows.
    values : column -> its numbers.
    level : of the intervals.
    statistic : name of the test statistic.
    draws : number of draws of which p-values are shares; 0 for a known distribution.
    digits : significant digits of all numbers; None for 6 of estimates and ends of intervals, 4 of others.
    """
    headings = {**HEADINGS, "statistic": statistic, "conf_low": f"{100 * level:.6g} % low"}
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    cells: list[list[str]] = []
    for heading, texts in labels.items():
        table.add_column(printable(heading), no_wrap=True)
        cells.append([printable(text) for text in texts[:MAX_COEFFICIENTS]])
    for name, heading in headings.items():
        if name not in values:
            continue
        shown, is_p = np.asarray(values[name][:MAX_COEFFICIENTS], np.float64), name == "p_value"
        table.add_column(Text(heading, justify="right"), justify="right" if is_p else "left", no_wrap=True)
        if is_p:
            table.add_column("", no_wrap=True)
            cells += [[share_of_draws(p, draws) for p in shown], [stars(p) for p in shown]]
        elif name == "digits":
            cells.append([format_digits(v) for v in shown])
        else:
            cells.append(aligned(shown, digits or (6 if name in LONG else 4)))
    for row in zip(*cells, strict=True):
        table.add_row(*(Text(cell) for cell in row))
    return table


def legend(p: Vector) -> list[RenderableType]:
    """Meaning of the marks of significance, where there are any."""
    return [Text(LEGEND, style="dim")] if (p < 0.1).any() else []


def format_digits(value: float) -> str:
    """Certified digits, rounded down to one decimal; nothing for NaN."""
    return "" if np.isnan(value) else f"{np.floor(10.0 * value) / 10.0:.1f}"


def describe_work(fit: Estimates) -> str:
    """Line about the kind of standard errors, the condition number and the passes over the data."""
    passes = "one pass" if fit.passes == 1 else f"{fit.passes} passes"
    std_errors = f"std. errors: {printable(fit.covariance.description)}"
    return f"{std_errors}; condition {number(fit.condition, 3)}; {passes} over the data"


def describe_columns(
    fit: Estimates, empty_cells: Mapping[str, int], levels: Mapping[str, Sequence[Level]]
) -> list[str]:
    """Notes about linear combinations of columns, combinations of levels without rows, and factors with one level."""
    notes = [f"{printable(name)} = {printable(what)}" for name, what in islice(fit.aliased.items(), MAX_NOTES)]
    if notes:
        action = "left out" if np.isnan(fit.coefficients).any() else "kept, the solution has the least norm"
        more = [f"  ... {len(fit.aliased) - MAX_NOTES:,} more"] if len(fit.aliased) > MAX_NOTES else []
        notes = [f"combinations of other columns, {action}:", *(f"  {note}" for note in notes), *more]
    for label, n in islice(empty_cells.items(), MAX_NOTES):
        notes.append(f"{printable(label)}: combinations of levels without a row, so without a coefficient: {n:,}")
    single = [printable(name) for name, names in levels.items() if len(names) == 1]
    if single:
        notes.append(listed("only one level: ", single))
    return notes


def listed(prefix: str, parts: list[str], suffix: str = "") -> str:
    """Up to `MAX_NOTES` parts between prefix and suffix, then how many more there are; nothing without parts."""
    more = f", {len(parts) - MAX_NOTES:,} more" if len(parts) > MAX_NOTES else ""
    return f"{prefix}{', '.join(parts[:MAX_NOTES])}{more}{suffix}" if parts else ""
