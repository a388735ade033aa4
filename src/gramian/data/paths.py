"""Finds the files that paths, patterns, folders and lists of them stand for, and folders that are tables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from glob import escape, glob, has_magic
from typing import Any
from urllib.parse import unquote

from gramian.data.file import File, described_files
from gramian.errors import DataError, listing

SUPPORTED = (
    ".parquet, .csv, .tsv, .json, .ndjson, .jsonl (also with .gz, .bz2, .xz or .zst), .arrow, .feather, .ipc, .orc"
)
# Folders that are tables: a log says which of their files hold the rows. The files underneath hold removed rows and
# older versions, too, so they are never read as they are.
DELTA, ICEBERG, HUDI = "Delta", "Iceberg", "Hudi"
REMEDIES = {
    DELTA: "pass the folder of the table, and no other",
    ICEBERG: "pass the folder of the table, and no other, or the table that pyiceberg loads from its catalog",
    HUDI: "Hudi cannot be read here; read the table by another library, as a frame or in batches, and pass these",
}


def is_path(data: object) -> bool:
    """Whether this is a path or pattern."""
    return isinstance(data, str | os.PathLike)


def is_address(data: object) -> bool:
    """Whether this is the address of a file elsewhere, such as s3://bucket/file."""
    return isinstance(data, str) and re.match(r"[a-z][a-z0-9+.-]+://", data) is not None


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
    return described_files(paths)


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
    if is_address(path):
        raise DataError("is no local path, and stands beside local ones; copy them to one place", path)
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
    matches = [path for path in glob(pattern, recursive=True) if special or not hidden(os.path.basename(path))]
    folders = [path for path in matches if os.path.isdir(path)]
    files = {path for path in matches if not os.path.isdir(path)}
    if not files:
        files = {path for folder in folders for path in _of_folder(folder)}
    if not files:
        raise DataError(FORMULA_FIRST if "~" in pattern else "the pattern matches no file", pattern)
    return check_one_format(sorted(files), pattern)


def _of_folder(folder: str) -> list[str]:
    """The files below a folder."""
    paths = sorted(_files_below(folder, set()))
    if not paths:
        raise DataError(f"the folder holds no files; supported are {SUPPORTED}", folder)
    return check_one_format(paths, folder)


def _files_below(folder: str, seen: set[str]) -> Iterator[str]:
    """Files below a folder, without hidden ones."""
    real = os.path.realpath(folder)  # a symbolic link may point to a folder above
    if real in seen:
        return
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if hidden(entry.name):
            continue
        if entry.is_dir():
            yield from _files_below(entry.path, seen | {real})
        else:
            yield entry.path


def hidden(name: str) -> bool:
    """Whether a name is hidden, or an auxiliary file such as _SUCCESS."""
    return name.startswith((".", "_"))


def check_one_format(paths: Sequence[str], where: str) -> list[str]:
    """The paths; DataError where they have several formats."""
    kinds: dict[str, list[str]] = {}
    for path in paths:
        kinds.setdefault(kind_of(path) or os.path.splitext(path)[1] or "no extension", []).append(path)
    if len(kinds) > 1:
        descriptions = "; ".join(f"{kind}: {listing(map(os.path.basename, files), 3)}" for kind, files in kinds.items())
        raise DataError(f"files of several formats ({descriptions}); pass a pattern that matches one of them", where)
    return list(paths)


COMPRESSED = ("", ".gz", ".bz2", ".xz", ".zst")
KINDS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    **{text + compressed: "csv" for text in (".csv", ".tsv") for compressed in COMPRESSED},
    **{text + compressed: "json" for text in (".json", ".ndjson", ".jsonl") for compressed in COMPRESSED},
    ".arrow": "ipc",
    ".arrows": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
    ".orc": "orc",
}


def kind_of(path: str) -> str | None:
    """The format of a file, by its name; None for an unknown one."""
    lower = path.lower()
    return next((kind for suffix, kind in KINDS.items() if lower.endswith(suffix)), None)


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


def local_path(uri: str) -> str | None:
    """The absolute path that an address stands for, where it is of a file or folder on this machine that exists."""
    path = unquote(uri.removeprefix("file://")) if uri.startswith("file://") else uri
    return os.path.abspath(path) if os.path.exists(path) else None


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
