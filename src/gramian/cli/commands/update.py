"""The command `gramian update`: a Gram with the rows of new files."""

from __future__ import annotations

from pathlib import Path

import click

from gramian.cli.options import DATA, FILE, data, engine, engine_for, files, progress
from gramian.cli.shared_gram import alone
from gramian.fit.passes.options import DECIMAL


@click.command(epilog=DATA)
@click.argument("gram", type=FILE)
@data
@click.option("--decimal", type=click.Choice(DECIMAL), help="As in gramian gram, for exact sums of decimals.")
@engine
@progress
def command(
    gram: Path, data: tuple[str, ...], decimal: str | None, engine: str, threads: int | None, progress: bool
) -> None:
    """Add the rows of those files of DATA to the file GRAM that it does not hold yet; no others are read.

    Files are known by their path and size, and by their first and last bytes; those of a store by its ETag or time of
    change. Several updates of one GRAM at a time wait for each other.

    \b
    gramian update flights.gram "flights/*.parquet"
    """  # noqa: D301  # click wants a backspace before lines that it may not fold
    from gramian.cli.progress import watching
    from gramian.data.source import source_of
    from gramian.engines.choice import engine_of
    from gramian.fit.gram.result import Gram
    from gramian.fit.gram.update import new_files, paths_text, with_rows_of
    from gramian.fit.passes.job import PassRunner
    from gramian.saved import load_gram

    with alone(gram):
        before = load_gram(gram)
        new = new_files(before.gram_data, source_of(files(data)))
        if not new:
            click.echo(f"{gram} holds all of these files already: {before.rows:,} rows", err=True)
            return
        with watching(progress) as watch:
            runner = PassRunner(source_of(files(_readable(new, data))), engine_of(engine_for(engine, threads)), watch)
            after = Gram(with_rows_of(before.gram_data, runner, decimal=decimal == "exact"))
        after.save(gram)
    added = after.rows - before.rows
    click.echo(f"{added:,} rows of {paths_text(new)} added: {after.rows:,} rows; saved to {gram}", err=True)


def _readable(new: list[str], data: tuple[str, ...]) -> list[str]:
    """The new files as they are read: addresses with the options of those among which they were found."""
    if "://" not in data[0]:
        return new
    from gramian.data.libraries.remote import with_options

    return with_options(new, data)
