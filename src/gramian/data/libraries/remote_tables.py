"""Refuses files of object stores that belong to tables of Delta, Iceberg or Hudi: their logs say which rows count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
from pyarrow import fs

from gramian.data.paths import DELTA, HUDI, ICEBERG
from gramian.errors import DataError

LOGS = {"_delta_log": DELTA, ".hoodie": HUDI}  # folders in that of a table
FACTS, ENDING = "metadata", ".metadata.json"  # of Iceberg: a folder with such files
REMEDIES = {
    DELTA: "pass it as deltalake.DeltaTable(address)",
    ICEBERG: "pass the table that pyiceberg loads from its catalog",
    HUDI: "Hudi cannot be read here; read the table by another library, as a frame or in batches, and pass these",
}


def check_outside_tables(system: Any, files: Iterable[str], listed: Iterable[str], top: str) -> None:
    """Raise DataError where a file lies in the folder of a table.

    Parameters
    ----------
    system : FileSystem
        Where they are.
    files : iterable of str
        Paths that are wanted.
    listed : iterable of str
        All paths at and below `top`, which are known already.
    top : str
        A file or folder; what is above it is asked for.
    """
    tables = dict(found for path in listed if (found := table_with(path)) is not None)
    for folder in _above(top):
        # who may read these files need not be allowed to look for others
        with suppress(pa.ArrowException, OSError):
            tables |= dict(found for path in _marks(system, folder) if (found := table_with(path)) is not None)
    for path in files:
        for folder, kind in tables.items():
            if path.lstrip("/").startswith(f"{folder}/"):
                message = f"belongs to the {kind} table '{folder}', whose log says which rows count; {REMEDIES[kind]}"
                raise DataError(message, path)


def table_with(path: str) -> tuple[str, str] | None:
    """Folder and format of the table to whose log a path belongs; None for any other path."""
    parts = path.lstrip("/").split("/")  # with which only some file systems begin
    for at, part in enumerate(parts):
        if part in LOGS:
            return "/".join(parts[:at]), LOGS[part]
    is_fact = len(parts) > 2 and parts[-2] == FACTS and parts[-1].endswith(ENDING)
    return ("/".join(parts[:-2]), ICEBERG) if is_fact else None


def _above(path: str) -> Iterator[str]:
    """The folders in which a path lies, the nearest first."""
    while path := path.rstrip("/").rpartition("/")[0]:
        yield path


def _marks(system: Any, folder: str) -> list[str]:
    """What is in a folder of that by which tables are known."""
    infos = system.get_file_info([f"{folder}/{name}" for name in (*LOGS, FACTS)])
    there = [info.path for info in infos if info.type == fs.FileType.Directory]
    facts: Sequence[Any] = ()
    if there and there[-1].endswith(f"/{FACTS}"):
        facts = system.get_file_info(fs.FileSelector(there[-1]))
    return [*there, *(info.path for info in facts)]
