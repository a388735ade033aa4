"""The command `gramian inspect`: contents of data files and saved files."""

from __future__ import annotations

from itertools import chain

import click

from gramian.cli.options import csv_options, files


@click.command()
@click.argument("file", nargs=-1, required=True, metavar="FILE...")
@csv_options
def command(file: tuple[str, ...]) -> None:
    """Describe data files, saved fits and Grams.

    Of a saved fit: its formula, rows and coefficients. Of a Gram: what is stored, and whether it discloses rows.
    Data files are described together, as `gramian fit` would see them:
    rows, bytes, units (what is read independently: a row group of Parquet, a CSV file) and columns; none of their rows
    is read, except a sample of a CSV file that shows its types.
    """
    from gramian.cli.describe import describe_data, describe_saved, is_saved
    from gramian.cli.output import show

    sections = [describe_saved(path) for path in file if is_saved(path)]
    if data_paths := [path for path in file if not is_saved(path)]:
        sections.append(describe_data(data_paths, files(data_paths)))
    for i, section in enumerate(sections):
        show(section if i == 0 else chain([""], section))
