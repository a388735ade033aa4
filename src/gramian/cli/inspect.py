"""`gramian inspect`: what is in data files and saved files."""

from __future__ import annotations

from itertools import chain

import click


@click.command()
@click.argument("file", nargs=-1, required=True, metavar="FILE...")
def command(file: tuple[str, ...]) -> None:
    """Tell what is in data files, saved fits and Grams.

    Of a saved fit: its formula, rows and coefficients. Of a Gram: what is stored, and whether it discloses rows.
    Data files are told together, as `gramian fit` would see them:
    rows, bytes, units (what is read independently: a row group of Parquet, a CSV file) and columns; none of their rows
    is read, except a sample of a CSV file that shows its types.
    """
    from gramian.cli.facts import about_data, about_saved, is_saved
    from gramian.cli.output import show

    parts = [about_saved(path) for path in file if is_saved(path)]
    if rest := [path for path in file if not is_saved(path)]:
        parts.append(about_data(rest))
    for i, part in enumerate(parts):
        show(part if i == 0 else chain([""], part))
