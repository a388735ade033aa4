"""Arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Any)

FILE = click.Path(path_type=Path)
DATA = "DATA: files (.parquet, .csv, .csv.gz, .tsv, .arrow, .feather), folders of them, or quoted patterns."


def data(command: F) -> F:
    """The files to read."""
    return click.argument("data", nargs=-1, required=True, metavar="DATA...")(command)


def output(text: str) -> Callable[[F], F]:
    """The file to write."""
    return click.option("-o", "--output", metavar="FILE", type=FILE, required=True, help=text)


def progress(command: F) -> F:
    """Whether progress is shown."""
    return click.option(
        "--progress/--no-progress",
        default=True,
        show_default=True,
        help="Show on stderr how far the reading is: a bar on a terminal, a line every 10 seconds otherwise.",
    )(command)
