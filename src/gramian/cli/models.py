"""What the commands of models have in common: their options, and how a fit is printed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gramian.cli.drawing import check_plot
from gramian.cli.options import FILE, engine, engine_for, files, missing_rows, progress

if TYPE_CHECKING:
    from gramian.batch import Source
    from gramian.cli.bootstrap import Draws
    from gramian.results.estimates import Estimates

F = TypeVar("F", bound=Any)
FORMATS = ("table", "json", "csv", "md", "latex")
LEVEL = 0.95
MAX_NAMED = 10  # coefficients that are listed as not determined


def model_options(command: F) -> F:
    """Decorator that adds the options of a model of one pass: --counts, --na, --format, --save and others."""
    counts = click.option("--counts", metavar="COLUMN", help="Let a row stand for as many rows as this column says.")
    format = click.option(
        "--format", type=click.Choice(FORMATS), default="table", show_default=True, help="Print the result as this."
    )
    save = click.option("--save", metavar="FIT", type=FILE, help="Save the fit to this file, to predict from it later.")
    explain = click.option(
        "--explain", is_flag=True, help="Say what would be read, how often and why, and stop before the pass."
    )
    for decorate in (progress, engine, explain, save, format, missing_rows, counts):
        command = decorate(command)
    return command


def began(
    data: tuple[str, ...], save: Path | None, plot: Path | None, options: dict[str, Any]
) -> tuple[Source, dict[str, Any]]:
    """The source of DATA, and the options of the model with its engine, after all files were checked.

    options : of `model_options` and of the model, those of the engine among them.
    """
    from gramian.cli.output import check_output_path
    from gramian.data.source import source_of

    check_plot(plot)
    source = source_of(files(data))
    check_output_path(save, (read.name for read in source.inputs))
    own = {name: value for name, value in options.items() if name not in ("engine", "threads")}
    return source, {**own, "engine": engine_for(options["engine"], options["threads"])}


def print_fit(fit: Estimates, format: str, more: Draws | None = None, name: str = "bootstrap") -> None:
    """Print the fit in a format, and dropped rows to stderr where the format has no place for them.

    more : a further result of the fit, printed as "table" or "json", there under a name.
    """
    from gramian.cli.output import show
    from gramian.results import formats

    if format == "table":
        show([*fit.render(), *(["", *more.render()] if more else [])])
        return
    if more is not None:
        click.echo(formats.json_text(fit.to_dict(LEVEL) | {name: more.to_dict()}))
        return
    click.echo(formats.FORMATS[format](fit, LEVEL))
    if format != "json":
        for line in _dropped_lines(fit):
            click.echo(line, err=True)


def _dropped_lines(fit: Estimates) -> Iterator[str]:
    """Lines about dropped rows and coefficients that are not determined."""
    if fit.dropped_rows:
        causes = ", ".join(f"{n:,} {cause}" for cause, n in fit.dropped_rows.items())
        yield f"{fit.rows:,} rows; left out: {causes}"
    for name, what in islice(fit.aliased.items(), MAX_NAMED):
        yield f"not determined: {name} = {what}"
    if len(fit.aliased) > MAX_NAMED:
        yield f"not determined: {len(fit.aliased) - MAX_NAMED:,} more"
