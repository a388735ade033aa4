"""The command `gramian predict`: fitted values and intervals for new rows."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

import click

from gramian.cli.options import DATA, FILE, files, optional_data, progress

INTERVALS = ("confidence", "prediction")
UNSEEN = ("error", "null")
SCALES = ("response", "link")


@click.command(epilog=DATA)
@click.argument("fit", type=FILE)
@optional_data
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=FILE,
    help="Write to this .csv, .parquet or .arrow file, replacing it.  [default: CSV to stdout]",
)
@click.option("--interval", type=click.Choice(INTERVALS), help="Add the columns low and high of this interval.")
@click.option(
    "--scale",
    type=click.Choice(SCALES),
    help="Of a generalized linear fit: its means, or the linear predictor.  [default: response]",
)
@click.option("--level", type=float, default=0.95, show_default=True, help="Cover the truth with this probability.")
@click.option(
    "--unseen",
    type=click.Choice(UNSEEN),
    default="error",
    show_default=True,
    help="Take a level of a factor that the fit has not seen for an error, or write no prediction.",
)
@progress
def command(
    fit: Path,
    data: tuple[str, ...],
    output: Path | None,
    interval: str | None,
    scale: str | None,
    level: float,
    unseen: str,
    progress: bool,
) -> None:
    """Predict from a saved FIT for every row of DATA; without DATA for the rows of the fit, if they have not changed.

    One row is written for each row read, files in the order of their paths: fit (and low, high), missing where a
    predictor is (in CSV: NA).

    \b
    gramian predict y.fit new.csv > fitted.csv
    gramian predict y.fit new.parquet -o fitted.parquet --interval prediction
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.kinds import predictions, rows_of
    from gramian.cli.output import check_output_path
    from gramian.cli.progress import watching
    from gramian.cli.writing import format_of, writing
    from gramian.data.source import source_of
    from gramian.engines.progress import watched
    from gramian.saved import load_fit

    form, saved = format_of(output), load_fit(fit)
    source = source_of(files(data)) if data else rows_of(saved).read_again()
    check_output_path(output, (str(fit), *(read.name for read in source.inputs)))
    batches = predictions(saved, source, scale, interval, level, unseen)
    names = ("fit", "low", "high") if interval else ("fit",)
    with watching(progress and output is not None) as watch, watched(watch, source.rows, source.size):
        # An existing output is not replaced where options or columns are wrong: errors show with the first batch.
        first = list(islice(batches, 1))  # whatever is wrong with the options or the columns shows here
        with writing(form, output, names) as write:
            for batch in chain(first, batches):
                write(batch)
                watch.advance(batch.shape[1], 0)
