"""The command `gramian gram`: the sums of one pass, which give every linear model of the columns without the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gramian.cli.options import (
    DATA,
    check_formula,
    checkpoint,
    data,
    engine,
    engine_for,
    files,
    missing_rows,
    output,
    progress,
)
from gramian.fit.passes.options import DECIMAL


@click.command(epilog=DATA)
@click.argument("formula")
@data
@output("Write the sums to this file, replacing it.")
@click.option("--weights", metavar="COLUMN", help="Weigh rows by this column (analytic weights, as in R's lm).")
@click.option("--counts", metavar="COLUMN", help="Let a row stand for as many rows as this column says.")
@click.option("--folds", metavar="K", type=int, help="Keep separate sums of K folds, for gramian cv.")
@click.option("--by", metavar="COLUMN", multiple=True, help="Keep separate sums of every group; may be repeated.")
@click.option(
    "--cluster",
    metavar="COLUMN",
    multiple=True,
    help="Keep products by cluster, for gramian fit --vcov cluster:COLUMN; may be repeated.",
)
@missing_rows
@click.option("--exact", is_flag=True, help="Sum without rounding: rows can be taken away again without a trace.")
@click.option(
    "--decimal",
    type=click.Choice(DECIMAL),
    help="Take decimals as the nearest float64, or with exact sums as what they say.  [default: float64]",
)
@engine
@checkpoint
@progress
def command(
    formula: str,
    data: tuple[str, ...],
    output: Path,
    by: tuple[str, ...],
    cluster: tuple[str, ...],
    engine: str,
    threads: int | None,
    checkpoint: Path | None,
    progress: bool,
    **options: Any,
) -> None:
    """Read DATA once and keep the sums that every model of the formula's columns needs.

    The file is small, whatever the number of rows. Few rows, or a level with one row, can be read from it.

    \b
    gramian gram "arr_delay ~ dep_delay + poly(distance, 3) + carrier" flights.parquet -o flights.gram
    gramian fit "arr_delay ~ dep_delay + distance" flights.gram
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian import gram
    from gramian.cli.output import check_output_path
    from gramian.cli.progress import watching
    from gramian.data.source import source_of

    check_formula(formula, data, "gram")
    source = source_of(files(data))
    for place in (output, checkpoint):
        check_output_path(place, (read.name for read in source.inputs))
    with watching(progress, stoppable=checkpoint is not None) as watch:
        result = gram(
            formula,
            source,
            by=by or None,
            cluster=cluster or None,
            checkpoint=checkpoint,
            engine=engine_for(engine, threads),
            progress=watch,
            **options,
        )
    result.save(output)
    dropped = ", ".join(f"{n:,} {cause}" for cause, n in result.dropped_rows.items())
    click.echo(f"{result.rows:,} rows{f'; left out: {dropped}' if dropped else ''}; saved to {output}", err=True)
