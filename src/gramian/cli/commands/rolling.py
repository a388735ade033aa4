"""The command `gramian rolling`: linear fits in windows of time, from one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gramian.cli.drawing import check_plot, plot, write_plot
from gramian.cli.fits import print_fits
from gramian.cli.options import DATA, check_formula, data, engine, engine_for, files, missing_rows, progress

FORMATS = ("table", "json", "csv", "md", "latex")
LEVEL = 0.95


@click.command(epilog=DATA)
@click.argument("formula")
@data
@click.option("--on", metavar="COLUMN", required=True, help="Go along this column of dates, times or numbers.")
@click.option("--window", metavar="LENGTH", help="Length of a window: 30d, 12mo, 6h; a number along numbers.")
@click.option("--every", metavar="LENGTH", help="Length of a period, of which windows consist.  [default: 1 unit]")
@click.option("--half-life", metavar="LENGTH", help="In place of --window: let weights decay by half in this time.")
@click.option("--min-rows", metavar="N", type=int, help="Leave windows with fewer rows out.  [default: columns + 1]")
@click.option("--by", metavar="COLUMN", multiple=True, help="Let every group have its own windows; may be repeated.")
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column (analytic weights, as in R's lm).")
@click.option("--counts", metavar="COLUMN", help="Let a row stand for as many rows as this column says.")
@missing_rows
@click.option(
    "--digits", metavar="N", type=float, default=8, show_default=True, help="Warn where fewer digits are certain."
)
@click.option(
    "--format", type=click.Choice(FORMATS), default="table", show_default=True, help="Print the result as this."
)
@plot("the coefficients over time")
@engine
@progress
def command(
    formula: str,
    data: tuple[str, ...],
    on: str,
    window: str | None,
    every: str | None,
    half_life: str | None,
    min_rows: int | None,
    by: tuple[str, ...],
    format: str,
    plot: Path | None,
    engine: str,
    threads: int | None,
    progress: bool,
    **options: Any,
) -> None:
    """Fit FORMULA in every window of time of DATA, in one pass.

    Without --window and --half-life every window begins with the first period: give --every.

    \b
    gramian rolling "y ~ x" prices.parquet --on date --window 30d --by firm --format csv
    gramian rolling "y ~ x" prices.parquet --on date --half-life 60d --plot slope.png
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian import rolling
    from gramian.cli.digits import accuracy
    from gramian.cli.output import check_output_path
    from gramian.cli.progress import watching
    from gramian.data.source import source_of

    check_formula(formula, data, "rolling")
    check_plot(plot)
    source = source_of(files(data))
    check_output_path(plot, (read.name for read in source.inputs))
    with accuracy(strict=False), watching(progress) as watch:
        fits = rolling(
            formula,
            source,
            _length(window),
            on=on,
            by=by or None,
            every=_length(every),
            half_life=_length(half_life),
            min_rows=min_rows,
            engine=engine_for(engine, threads),
            progress=watch,
            **options,
        )
    print_fits(fits, format, LEVEL)
    if plot is not None:
        write_plot(fits.plot(), plot)


def _length(text: str | None) -> str | float | None:
    """A length as it was typed: a number for a column of numbers, else a text."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
