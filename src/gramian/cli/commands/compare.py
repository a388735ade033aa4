"""The command `gramian compare`: a direct solution compared with gradient descent and other iterations."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gramian.cli.drawing import check_plot, plot, write_plot
from gramian.cli.options import DATA, data, files, missing_rows, progress
from gramian.errors import OptionError

if TYPE_CHECKING:
    from gramian.comparison import Comparison

FORMATS = ("table", "json", "csv", "md")


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option("--methods", metavar="NAMES", help="Compare these, separated by commas.  [default: all]")
@click.option(
    "--digits", metavar="LIST", default="2,4,8,12", show_default=True, help="Count steps to so many right digits."
)
@click.option(
    "--scale/--no-scale", default=None, help="Standardise the columns, or take them as they are.  [default: both]"
)
@click.option("--rate", type=float, default=0.01, show_default=True, help="Fixed rate of gradient descent.")
@click.option(
    "--passes", type=int, default=10, show_default=True, help="Passes of stochastic gradient descent, at most."
)
@click.option("--sweep", is_flag=True, help="Measure time against the number of features on this machine, too.")
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column.")
@click.option("--counts", metavar="COLUMN", help="Let a row stand for as many rows as this column says.")
@missing_rows
@click.option("--threads", metavar="N", type=int, help="Read with so many threads.  [default: one per core]")
@click.option(
    "--format", type=click.Choice(FORMATS), default="table", show_default=True, help="Print the result as this."
)
@click.option("--explain", is_flag=True, help="Say what would be read, how often and why, and stop before the pass.")
@plot("errors against iterations and passes")
@progress
def command(
    formula: str,
    data: tuple[str, ...],
    methods: str | None,
    digits: str,
    scale: bool | None,
    threads: int | None,
    format: str,
    plot: Path | None,
    explain: bool,
    progress: bool,
    **option_values: Any,
) -> None:
    """Compare ways to the least squares solution on DATA.

    The normal equation, gradient descent (fixed rate, best rate, line search), Nesterov, conjugate gradient, L-BFGS and
    stochastic gradient descent: steps to so many digits, counted and predicted, with and without feature scaling. All
    but the last work on the moments of one pass; the last reads the rows again for each of its passes.

    \b
    gramian compare "price ~ year + size" houses.csv
    gramian compare "y ~ x + z" data.parquet --methods best-rate,conjugate-gradient --digits 6 --scale
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.progress import watching
    from gramian.comparison import compare
    from gramian.comparison.plan import plan_compare
    from gramian.engines.local import Local

    check_plot(plot)
    # Names and digits are checked before anything is read.
    names = None if methods is None else [name.strip() for name in methods.split(",")]
    digit_targets = parse_digits(digits)
    if explain:
        plan_options = {name: option_values[name] for name in ("passes", "weights", "counts", "na")}
        click.echo(
            str(plan_compare(formula, files(data), methods=names, threads=Local(threads).workers, **plan_options))
        )
        return
    with watching(progress) as watch:
        result = compare(
            formula,
            files(data),
            methods=names,
            digits=digit_targets,
            scale_features=scale,
            engine=Local(threads),
            progress=watch,
            **option_values,
        )
    click.echo(FORMATTERS[format](result))
    if plot is not None:
        write_plot(result.plot(), plot)


def parse_digits(text: str) -> list[float]:
    """Targets from numbers with commas between them. Raises OptionError for other texts."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--digits must be numbers separated by commas, such as 2,4,8; found {text!r}") from None


def _table(result: Comparison) -> str:
    """The comparison as plain text."""
    return result.summary()


def _json(result: Comparison) -> str:
    """The comparison as JSON."""
    return json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)


def _csv(result: Comparison) -> str:
    """All columns of the table as CSV; empty where unknown."""
    buffer = io.StringIO()
    table = result.table
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows([_cell(v) for v in row.values()] for row in table.to_pylist())
    return buffer.getvalue().removesuffix("\n")


def _cell(value: object) -> str:
    """Value of a CSV cell."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _markdown(result: Comparison) -> str:
    """The table in GitHub's Markdown."""
    table = result.table
    lines = ["| " + " | ".join(table.column_names) + " |", "|" + "---|" * table.num_columns]
    for row in table.to_pylist():
        lines.append("| " + " | ".join(_short(v).replace("|", r"\|") for v in row.values()) + " |")
    return "\n".join(lines)


def _short(value: object) -> str:
    """Value of a Markdown cell: numbers with three digits."""
    return f"{value:.3g}" if isinstance(value, float) else _cell(value)


FORMATTERS = {"table": _table, "json": _json, "csv": _csv, "md": _markdown}
