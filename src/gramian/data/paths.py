"""Finds the files that paths, patterns, folders and lists of them stand for."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from glob import glob, has_magic
from pathlib import PurePath
from time import time_ns
from typing import Any
from urllib.parse import unquote

from gramian.data.file import File
from gramian.data.table_formats import check_no_table
from gramian.errors import DataError, listing

NULL_KEY = "__HIVE_DEFAULT_PARTITION__"
INTEGER = re.compile(r"[+-]?\d{1,18}")  # what surely fits int64
# types of file systems on which files are not mapped: a mapped file that shrinks there ends the process (SIGBUS)
NETWORK = re.compile(r"nfs|cifs|smb|fuse|9p|afs|ceph|gluster|lustre|sshfs|davfs|gpfs|beegfs")
SUPPORTED = ".parquet, .csv, .csv.gz, .tsv, .arrow, .feather, .ipc"


def is_path(data: object) -> bool:
    """Whether this is a path or pattern."""
    return isinstance(data, str | os.PathLike)


def entries_of(data: Any) -> list[Any]:
    """The paths, folders and patterns of which data are given."""
    return list(data) if isinstance(data, list | tuple | set | frozenset) else [data]


def find_files(data: object) -> tuple[File, ...]:
    """All files that a path, a pattern, a folder or a list of them stands for, sorted by path.

    Raises
    ------
    DataError
        No such file, files of several formats, or a file that is named twice.
    """
    paths = sorted(path for entry in entries_of(data) for path in _expand(entry))
    check_different(paths)
    check_no_table(paths)
    return _described_files(paths)


def check_different(paths: Iterable[str]) -> None:
    """Raise DataError where two paths lead to one file: by `./`, an absolute path, a symbolic or a hard link."""
    names: dict[tuple[int, int] | str, list[str]] = {}
    for path in paths:
        names.setdefault(_place(path), []).append(path)
    if repeated := next((same for same in names.values() if len(same) > 1), None):
        raise DataError(f"is named more than once: its rows would count twice ({listing(repeated, 5)})", repeated[0])


def _place(path: str) -> tuple[int, int] | str:
    """Device and number of a file there; the path where there is no such file, or its system numbers none."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


# "~" is legal in the name of a file, but hardly ever there
FORMULA_FIRST = "no such file; if this is the formula, it comes first and the data after it, as in ols(formula, data)"


def _expand(entry: object) -> list[str]:
    """The paths that one entry stands for."""
    path = os.path.expanduser(os.fspath(entry))  # type: ignore[call-overload]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if re.match(r"[a-z][a-z0-9+.-]+://", path):
        raise DataError("is no local path; open it as a pyarrow.dataset and pass that", path)
    if os.path.isdir(path):
        check_no_table([os.path.join(os.path.abspath(path), "file")])
        return _of_folder(path)
    if os.path.exists(path):
        return [path]
    if has_magic(path):
        return _of_pattern(path)
    if "~" in path:
        raise DataError(FORMULA_FIRST, path)
    raise DataError(f"no such file or folder{_nearby(path)}", path)


def _nearby(path: str) -> str:
    """Hint with the files that exist in the folder of a path that does not."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return f" (nor is there a folder '{folder}')"
    names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    return f"; '{folder}' holds {listing(names, 8)}" if names else f"; '{folder}' is empty"


def _of_pattern(pattern: str) -> list[str]:
    """The files that match a pattern; if only folders match, the files in them."""
    # a pattern that begins like a hidden file matches hidden files
    special = os.path.basename(pattern).startswith(("_", "."))
    matches = [path for path in glob(pattern, recursive=True) if special or not _hidden(os.path.basename(path))]
    folders = [path for path in matches if os.path.isdir(path)]
    files = {path for path in matches if not os.path.isdir(path)}
    if not files:
        files = {path for folder in folders for path in _of_folder(folder)}
    if not files:
        raise DataError(FORMULA_FIRST if "~" in pattern else "the pattern matches no file", pattern)
    return _check_one_format(sorted(files), pattern)


def _of_folder(folder: str) -> list[str]:
    """The files below a folder."""
    paths = sorted(_files_below(folder, set()))
    if not paths:
        raise DataError(f"the folder holds no files; supported are {SUPPORTED}", folder)
    return _check_one_format(paths, folder)


def _files_below(folder: str, seen: set[str]) -> Iterator[str]:
    """Files below a folder, without hidden ones."""
    real = os.path.realpath(folder)  # a symbolic link may point to a folder above
    if real in seen:
        return
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if _hidden(entry.name):
            continue
        if entry.is_dir():
            yield from _files_below(entry.path, seen | {real})
        else:
            yield entry.path


def _hidden(name: str) -> bool:
    """Whether a name is hidden, or an auxiliary file such as _SUCCESS."""
    return name.startswith((".", "_"))


def _check_one_format(paths: Sequence[str], where: str) -> list[str]:
    """The paths; DataError where they have several formats."""
    kinds: dict[str, list[str]] = {}
    for path in paths:
        kinds.setdefault(kind_of(path) or os.path.splitext(path)[1] or "no extension", []).append(path)
    if len(kinds) > 1:
        descriptions = "; ".join(f"{kind}: {listing(map(os.path.basename, files), 3)}" for kind, files in kinds.items())
        raise DataError(f"files of several formats ({descriptions}); pass a pattern that matches one of them", where)
    return list(paths)


KINDS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".tsv.gz": "csv",
    ".arrow": "ipc",
    ".arrows": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
}


def kind_of(path: str) -> str | None:
    """The format of a file, by its name; None for an unknown one."""
    lower = path.lower()
    return next((kind for suffix, kind in KINDS.items() if lower.endswith(suffix)), None)


def _described_files(paths: Sequence[str]) -> tuple[File, ...]:
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
