"""Source over files of the supported formats: one schema, units in the order of the paths."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any

import pyarrow as pa

from gramian.batch import Input, Rereadable, Unit
from gramian.data import ipc, parquet
from gramian.data.csv import reader as csv
from gramian.data.csv.dialect import Dialect
from gramian.data.file import File, FileInfo
from gramian.data.paths import SUPPORTED, entries_of, find_files, kind_of
from gramian.data.unify_schema import BOTH, FileSchema, unify
from gramian.errors import DataError, OptionError


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one format are read.

    Attributes
    ----------
    inspect : Callable
        Columns and rows of a file, before it is read.
    units : Callable
        Units of a file, given the unified types.
    """

    inspect: Callable[[File], FileInfo]
    units: Callable[[FileInfo, Mapping[str, Any]], Iterable[Unit]]


FORMATS = {
    "parquet": Format(parquet.inspect, parquet.units),
    "csv": Format(csv.inspect, csv.units),
    "ipc": Format(ipc.inspect, ipc.units),
}
RARE = ("json", "orc")  # formats whose modules, of these names, are imported where such a file is met


@dataclass(frozen=True, slots=True, repr=False)
class CsvFiles:
    """CSV files, with what is known of how they are written.

    Attributes
    ----------
    paths : object
        A path, a pattern, a folder or a list of them.
    dialect : Dialect
        How they are written.
    """

    paths: object
    dialect: Dialect

    def __repr__(self) -> str:
        usual, given = asdict(csv.UNKNOWN), asdict(self.dialect)
        options = {"sep" if name == "delimiter" else name: v for name, v in given.items() if v != usual[name]}
        return f"CsvFiles({', '.join([repr(self.paths), *(f'{name}={value!r}' for name, value in options.items())])})"


def read_csv_files(data: CsvFiles) -> Rereadable:
    """A source over CSV files. Raises DataError for files of another format."""
    for file in find_files(data.paths):
        if kind_of(file.path) not in ("csv", None):
            raise DataError("is no CSV file, so options of CSV do not go with it", file.path)
    source = read_files(data.paths, Format(partial(csv.inspect, asked=data.dialect), csv.units))
    return replace(source, reading={"format": "csv", "dialect": json.dumps(asdict(data.dialect))})


def read_csv_again(paths: Sequence[str], reading: Mapping[str, str]) -> Rereadable:
    """The source that `read_csv_files` made of these paths. Raises OptionError for a dialect that makes no sense."""
    try:
        options = json.loads(reading["dialect"])
        for name in ("na_values", "header"):
            options[name] = tuple(options[name]) if isinstance(options[name], list) else options[name]
        dialect = Dialect(**options)
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(f"what is recorded of how the files are written makes no sense: {error}") from error
    return read_csv_files(CsvFiles(list(paths), dialect))


def read_files(data: object, declared: Format | None = None) -> Rereadable:
    """A source over the files that a path, a pattern, a folder or a list of them stands for.

    declared : their format; that of their names by default.

    Raises
    ------
    DataError
        No such file, or a file that cannot be read.
    """
    files = find_files(data)
    formats = [declared or _format(file) for file in files]
    infos = [file_format.inspect(file) for file, file_format in zip(files, formats, strict=True)]
    agreed = unify([_file_schema(info) for info in infos])
    units = [u for file_format, info in zip(formats, infos, strict=True) for u in file_format.units(info, agreed.types)]
    inputs = tuple(
        Input(
            source_info.file.path,
            source_info.file.size,
            source_info.rows,
            source_info.file.changed,
            len(source_info.unit_rows),
            source_info.file.identity,
        )
        for source_info in infos
    )
    size = sum(file.size for file in files)
    paths = tuple(map(os.path.abspath, entries_of(data)))
    return Rereadable(agreed.schema, tuple(units), inputs, _total(infos), size, paths=paths)


def _format(file: File) -> Format:
    """The format of a file, by its name. Raises DataError for an unknown one."""
    kind = kind_of(file.path)
    if kind is None:
        raise DataError(f"unknown kind of file; supported are {SUPPORTED}", file.path)
    if kind in RARE:
        module = import_module(f"gramian.data.formats.{kind}")
        return Format(module.inspect, module.units)
    return FORMATS[kind]


def _file_schema(info: FileInfo) -> FileSchema:
    """Columns of a file with those of its folder names."""
    keys = {name: pa.int64() if isinstance(value, int) else pa.string() for name, value in info.file.keys}
    keys |= {name: pa.null() for name, value in info.file.keys if value is None}
    conflicts = {name: BOTH.format(name) for name in keys.keys() & info.types.keys()}
    return FileSchema(info.file.label, {**info.types, **keys}, {**info.unusable, **conflicts}, info.examples)


def _total(infos: Sequence[FileInfo]) -> int | None:
    """Number of rows of all files; None where one does not store it."""
    counts = [info.rows for info in infos if info.rows is not None]
    return sum(counts) if len(counts) == len(infos) else None
