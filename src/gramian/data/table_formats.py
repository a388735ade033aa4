"""Folders that are tables of Delta, Iceberg or Hudi: which of their files hold the rows is written in a log.

The files underneath hold removed rows and older versions, too, so they are never read as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from glob import escape, glob

from gramian.errors import DataError

DELTA, ICEBERG, HUDI = "Delta", "Iceberg", "Hudi"
REMEDIES = {
    DELTA: "pass the folder of the table, and no other",
    ICEBERG: "pass the folder of the table, and no other, or the table that pyiceberg loads from its catalog",
    HUDI: "Hudi cannot be read here; read the table by another library, as a frame or in batches, and pass these",
}


def table_format(folder: str) -> str | None:
    """The format of the table that a folder is; None where it is an ordinary folder."""
    if os.path.isdir(os.path.join(folder, "_delta_log")):
        return DELTA
    if os.path.isdir(os.path.join(folder, ".hoodie")):
        return HUDI
    if glob(os.path.join(escape(folder), "metadata", "*.metadata.json")):
        return ICEBERG
    return None


def table_folder(data: object) -> str | None:
    """The format of the table that a path, or a list of a single path, stands for; None for other data."""
    return table_format(path) if (path := single_path(data)) is not None else None


def single_path(data: object) -> str | None:
    """The path that data are; None where they are something else, or several paths."""
    entry = next(iter(data)) if isinstance(data, list | tuple | set | frozenset) and len(data) == 1 else data
    return os.path.expanduser(os.fsdecode(entry)) if isinstance(entry, str | os.PathLike) else None


def check_no_table(paths: Iterable[str]) -> None:
    """Raise DataError where a file lies in the folder of a table."""

    @cache  # for this call only: folders change
    def enclosing(folder: str) -> tuple[str, str] | None:
        """Format and folder of the table that a folder is, or lies in."""
        kind, parent = table_format(folder), os.path.dirname(folder)
        return (kind, folder) if kind is not None else None if parent == folder else enclosing(parent)

    for path in paths:
        if (table := enclosing(os.path.dirname(os.path.abspath(path)))) is not None:
            kind, folder = table
            raise DataError(
                f"belongs to the {kind} table '{folder}', whose log says which rows count; {REMEDIES[kind]}", path
            )
