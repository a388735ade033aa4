"""The line of a CSV file that a reader could not take, found by reading once more after it failed."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from gramian.data.csv.raw_text import is_gzip, open_bytes
from gramian.data.csv.sample import Dialect
from gramian.data.paths import File
from gramian.data.read_errors import unreadable_error
from gramian.errors import DataError

VALUE = re.compile(r"CSV column #(\d+): .*?CSV conversion error to .*?: invalid value '(.*)'", re.DOTALL)
REMEDY = "correct it, leave it empty if it is missing, or store the table as Parquet, where types are declared"


def first_fault(file: File, dialect: Dialect, types: Mapping[str, Any], error: BaseException) -> DataError:
    """What a reader complained of, with the line where the file is to blame."""
    message = str(error)
    try:
        if "straddl" in message and (line := unclosed_quote(file, dialect)):
            return unclosed(file, line)
        if "invalid UTF8" in message:
            return _undecodable(file) or unreadable_error(error, file.label)
        if match := VALUE.search(message):
            return _misfit(file, dialect, types, int(match[1]), match[2]) or unreadable_error(error, file.label)
        if "CSV parse error" in message:
            return _ragged(file, dialect) or unreadable_error(error, file.label)
        if is_gzip(file):
            _unpack(file)
    except (OSError, EOFError, csv.Error, zlib.error) as second:
        return unreadable_error(second, file.label)
    return unreadable_error(error, file.label)


def unclosed_quote(file: File, dialect: Dialect) -> int | None:
    """The line of a quote that is never closed, so that all lines after it belong to one value."""
    exhausted = False

    def lines() -> Iterator[str]:
        nonlocal exhausted
        yield from _text(file)
        exhausted = True

    reader = csv.reader(lines(), delimiter=dialect.delimiter)
    start = 1
    try:
        for _ in reader:
            if exhausted:  # the reader asked for more lines before it gave this row
                return start
            start = reader.line_num + 1
    except csv.Error:  # a value beyond all bounds
        return start
    return None


def unclosed(file: File, line: int) -> DataError:
    """What is said of a quote that is never closed."""
    return DataError("a quote opens here and is never closed", f"{file.label}, line {line}")


def _misfit(file: File, dialect: Dialect, types: Mapping[str, Any], column: int, value: str) -> DataError | None:
    header: list[str] | None = None
    for line, row in _rows(file, dialect):
        if header is None:
            header = row
        elif column < len(row) and row[column].strip() == value.strip():
            name = header[column]
            message = (
                f"column '{name}' holds '{value}', but {_expected(types.get(name))} in a sample of the file; {REMEDY}"
            )
            return DataError(message, f"{file.label}, line {line}")
    return None


def _ragged(file: File, dialect: Dialect) -> DataError | None:
    width = None
    for line, row in _rows(file, dialect):
        width = len(row) if width is None else width
        if len(row) != width:
            message = (
                f"{len(row)} of {width} fields; complete the row, or quote values that hold a '{dialect.delimiter}'"
            )
            return DataError(message, f"{file.label}, line {line}")
    return None


def _expected(kind: Any) -> str:
    return "nothing" if kind is None or pa.types.is_null(kind) else f"{kind}"


def _undecodable(file: File) -> DataError | None:
    with open_bytes(file) as raw:
        for number, line in enumerate(raw, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                bad_bytes = line[error.start : error.end]
                return DataError(
                    f"the bytes {bad_bytes!r} are not UTF-8; save it as UTF-8", f"{file.label}, line {number}"
                )
    return None


def _unpack(file: File) -> None:
    """Raise what Python says of a damaged gzip, which is clearer than what Arrow does."""
    with open_bytes(file) as raw:
        while raw.read(1 << 20):
            pass


def _rows(file: File, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins; empty lines are no rows."""
    reader = csv.reader(_text(file), delimiter=dialect.delimiter)
    start = 1
    for row in reader:
        if row:
            yield start, row
        start = reader.line_num + 1


def _text(file: File) -> Iterator[str]:
    with io.TextIOWrapper(open_bytes(file), encoding="utf-8-sig", errors="replace", newline="") as text:
        yield from text
