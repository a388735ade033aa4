"""A file whose rows are read: what is known of it before, its batches, and checks that it stays as it is."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePath
from time import time_ns
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from gramian.batch import Batch
from gramian.data.columns import constant, usable_columns
from gramian.data.read_errors import READ_ERRORS, unreadable_error
from gramian.errors import ColumnError, DataError, GramianError

NULL_KEY = "__HIVE_DEFAULT_PARTITION__"
INTEGER = re.compile(r"[+-]?\d{1,18}")  # what surely fits int64
# types of file systems on which files are not mapped: a mapped file that shrinks there ends the process (SIGBUS)
NETWORK = re.compile(r"nfs|cifs|smb|fuse|9p|afs|ceph|gluster|lustre|sshfs|davfs|gpfs|beegfs")


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was when the fit began.

    Attributes
    ----------
    path : str
        Its path.
    label : str
        The path without the part that all files share, for messages.
    keys : tuple of (str, value)
        Columns from the names of its folders, `key=value` (Hive partitioning).
    size : int
        Bytes.
    changed : int
        Time of the last change, in nanoseconds since 1970-01-01.
    inspected : int
        Time when the file was inspected, in nanoseconds; a part of the key of caches, so that these end with it.
    local : bool
        Whether it may be mapped into memory.
    identity : str
        What it is known by, whatever its name: device, number there, and time of the last change. The time is needed
        because the number of a file that was deleted is given to another one.
    """

    path: str
    label: str
    keys: tuple[tuple[str, int | str | None], ...]
    size: int
    changed: int
    inspected: int
    local: bool
    identity: str

    @property
    def anywhere(self) -> File:
        """The same file for a process with another working directory."""
        return replace(self, path=os.path.abspath(self.path))

    def stored(self, columns: Sequence[str]) -> list[str]:
        """The columns that are stored in the file itself, not in the names of its folders."""
        keys = dict(self.keys)
        return [name for name in columns if name not in keys]

    def batch(self, piece: Any, columns: Sequence[str], where: str, first_row: int) -> Batch:
        """A batch from a record batch that was read from this file; columns from folder names are constant.

        Raises ColumnError where there is no such column, and DataError where the file has changed: a file that is
        replaced while it is read would give rows of two versions.
        """
        self.check()
        stored = self.stored(columns)
        if absent := [name for name in stored if name not in piece.schema.names]:
            raise ColumnError(absent[0], piece.schema.names, where)
        arrays = usable_columns(piece, stored)
        arrays |= {name: _constant(value, piece.num_rows) for name, value in self.keys if name in columns}
        return Batch(piece.num_rows, arrays, where=where, first_row=first_row)

    @contextmanager
    def reading(self, where: str) -> Iterator[None]:
        """A context in which the file is read: it must not change, and exceptions of readers become a DataError."""
        self.check()
        try:
            yield
        except GramianError:
            raise
        except READ_ERRORS as error:
            raise unreadable_error(error, where) from error
        self.check()

    def check(self) -> None:
        """Raise DataError where the file is gone or has changed since it was inspected."""
        try:
            now = os.stat(self.path)
        except OSError as error:
            raise DataError(f"is gone while it was being read ({error.strerror})", self.label) from error
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed):
            raise DataError("has changed while it was being read; start again when nothing writes to it", self.label)


@dataclass(frozen=True, slots=True, eq=False)
class FileInfo:
    """Columns and rows of a file.

    Attributes
    ----------
    file : File
        The file.
    types : Mapping[str, Any]
        Column -> Arrow type.
    unusable : Mapping[str, str]
        Column -> why it cannot be used.
    rows : int or None
        Number of rows, where the format stores it.
    unit_rows : tuple
        Number of rows of each unit, where the format has several.
    dialect : Any
        Facts that only its format needs (delimiter and the like of CSV).
    examples : Mapping[str, tuple of str]
        Column of text -> some of its values, where the types come from a sample.
    """

    file: File
    types: Mapping[str, Any]
    unusable: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    unit_rows: tuple[Any, ...] = ()
    dialect: Any = None
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _constant(value: int | str | None, rows: int) -> Any:
    """A column (rows,) from the name of a folder."""
    return constant(value, {int: pa.int64(), str: pa.string()}.get(type(value), pa.null()), rows)


def described_files(paths: Sequence[str]) -> tuple[File, ...]:
    """The files with their facts."""
    shared = os.path.commonpath([os.path.dirname(os.path.abspath(p)) for p in paths])
    raw = [_raw_keys(path) for path in paths]
    numeric = _numeric(raw)
    return tuple(_file(path, shared, keys, numeric) for path, keys in zip(paths, raw, strict=True))


def _file(path: str, shared: str, keys: dict[str, str | None], numeric: set[str]) -> File:
    """One file with its facts."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", path) from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError("is a pipe or a device, which cannot be read again; write its content to a file first", path)
    typed = tuple((k, int(v) if v is not None and k in numeric else v) for k, v in keys.items())
    label = os.path.relpath(os.path.abspath(path), shared)
    identity = f"{status.st_dev}:{status.st_ino}:{status.st_mtime_ns}"
    local = _is_local(os.path.realpath(path))
    return File(path, label, typed, status.st_size, status.st_mtime_ns, time_ns(), local, identity)


def _raw_keys(path: str) -> dict[str, str | None]:
    """Keys in the names of a file's folders, as text."""
    parts = (part.partition("=") for part in PurePath(path).parent.parts if re.match(r"[^=]+=", part))
    return {unquote(key): None if value == NULL_KEY else unquote(value) for key, _, value in parts}


def _numeric(all_keys: Iterable[dict[str, str | None]]) -> set[str]:
    """Keys whose values are integers in all files."""
    values: dict[str, bool] = {}
    for keys in all_keys:
        for key, value in keys.items():
            values[key] = values.get(key, True) and (value is None or INTEGER.fullmatch(value) is not None)
    return {key for key, integers in values.items() if integers}


def _is_local(path: str) -> bool:
    """Whether a path is on a local file system."""
    inside = [(point, kind) for point, kind in _mounts() if path == point or path.startswith(point.rstrip("/") + "/")]
    # the longest mount point that contains the path is the file system that it is on
    return not (inside and NETWORK.search(max(inside, key=lambda mount: len(mount[0]))[1]))


@lru_cache(maxsize=1)
def _mounts() -> tuple[tuple[str, str], ...]:
    """Mount points and types of file systems; empty where the system does not list them."""
    try:
        with open("/proc/mounts", encoding="utf-8", errors="replace") as file:
            fields = [line.split() for line in file]
    except OSError:
        return ()
    return tuple((row[1].replace("\\040", " "), row[2]) for row in fields if len(row) > 2)
