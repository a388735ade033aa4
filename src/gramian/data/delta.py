"""Source over a Delta table: the files that its log lists, in the version that was loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gramian.batch import Rereadable
from gramian.data.dataset import read_dataset
from gramian.data.paths import local_path, single_path
from gramian.data.read_errors import unreadable_error
from gramian.errors import MissingExtraError

try:
    import deltalake
    from deltalake.exceptions import DeltaError
except ImportError as error:
    raise MissingExtraError("deltalake", "delta") from error


def read_delta(data: Any) -> Rereadable:
    """A source over a `deltalake.DeltaTable`, or the folder of one, whose newest version is read.

    Raises DataError where deltalake cannot say which rows count (deletion vectors, for example).
    """
    path = single_path(data)
    return _source(path or "deltalake.DeltaTable", lambda: data if path is None else deltalake.DeltaTable(path))


def read_delta_again(paths: Sequence[str], reading: Mapping[str, str]) -> Rereadable:
    """The source over the version of a table that was read before."""
    (path,), version = paths, int(reading["version"])
    return _source(path, lambda: deltalake.DeltaTable(path, version=version))


def _source(where: str, opened: Callable[[], Any]) -> Rereadable:
    """A source over a table, which is found again where its folder is on this machine."""
    try:
        table = opened()
        source, folder = read_dataset(table.to_pyarrow_dataset()), local_path(table.table_uri)
    except DeltaError as error:
        raise unreadable_error(error, where) from error
    if folder is None:
        return source
    return replace(source, paths=(folder,), reading={"format": "delta", "version": str(table.version())})
