"""Finds the line of a CSV file that could not be read, by reading the file once more after a failure.

Arrow's messages name the column and the value, but not always the line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from gramian.data.csv.dialect import UTF8, Dialect
from gramian.data.csv.raw_text import compression_of, open_bytes
from gramian.data.file import File
from gramian.data.read_errors import READ_ERRORS, unreadable_error
from gramian.errors import DataError

MAX_LINE = 2**23  # bytes of two blocks: no line beyond it can be parsed
VALUE = re.compile(r"CSV column #(\d+): .*?CSV conversion error to .*?: invalid value '(.*)'", re.DOTALL)
REMEDY = "correct it, leave it empty if it is missing, or store the table as Parquet, where types are declared"


def first_fault(file: File, dialect: Dialect, types: Mapping[str, Any], error: BaseException) -> DataError:
    """The error for an exception of Arrow, with the line where the file is at fault.

    Parameters
    ----------
    file : File
        The file.
    dialect : Dialect
        Its delimiter.
    types : Mapping[str, Any]
        Column -> Arrow type that its values should have.
    error : BaseException
        What Arrow raised.
    """
    message = str(error)
    try:
        # Arrow's words for a value that is longer than a block
        if "straddl" in message:
            line = unclosed_quote(file, dialect)
            return _long_line(file) or (unclosed(file, line) if line else unreadable_error(error, file.label))
        if "invalid UTF8" in message:
            return _undecodable(file) or unreadable_error(error, file.label)
        if match := VALUE.search(message):
            return _misfit(file, dialect, types, int(match[1]), match[2]) or unreadable_error(error, file.label)
        if "CSV parse error" in message:
            return _ragged(file, dialect) or unreadable_error(error, file.label)
        if compression_of(file):
            _unpack(file)
    except (*READ_ERRORS, csv.Error) as second:
        return unreadable_error(second, file.label)
    return unreadable_error(error, file.label)


def unclosed_quote(file: File, dialect: Dialect) -> int | None:
    """The line of a quote that is never closed; None where there is none.

    After such a quote all lines to the end of the file belong to one value.
    """
    exhausted = False

    def lines() -> Iterator[str]:
        nonlocal exhausted
        yield from _text(file, dialect)
        exhausted = True

    reader = csv.reader(lines(), delimiter=dialect.delimiter or ",")
    start = 1
    try:
        for _ in reader:
            if exhausted:  # the row ended because the lines did: its quote is still open
                return start
            start = reader.line_num + 1
    except csv.Error:  # a value longer than the limit of the csv module
        return start
    return None


def unclosed(file: File, line: int) -> DataError:
    """The error for a quote that is never closed."""
    return DataError("a quote opens here and is never closed", f"{file.label}, line {line}")


def _long_line(file: File) -> DataError | None:
    """The error for the first line that is longer than what is parsed together; None where there is none."""
    with open_bytes(file) as raw:
        number = 1
        while line := raw.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                message = f"the line is longer than {MAX_LINE >> 20} MB; is it really a CSV file?"
                return DataError(message, f"{file.label}, line {number}")
            number += 1
    return None


def _misfit(file: File, dialect: Dialect, types: Mapping[str, Any], column: int, value: str) -> DataError | None:
    """The error for the first value of a column that equals the one Arrow refused; None where it is not found."""
    header: list[str] | None = None
    for line, row in _rows(file, dialect):
        if header is None:
            header = row
            if dialect.named:
                continue
        # compared as text: Arrow's message repeats the value as it is in the file
        if column < len(row) and row[column].strip() == value.strip():
            name = dialect.names_of(header)[column]
            message = (
                f"column '{name}' holds '{value}', but {_expected(types.get(name))} in a sample of the file; {REMEDY}"
            )
            return DataError(message, f"{file.label}, line {line}")
    return None


def _ragged(file: File, dialect: Dialect) -> DataError | None:
    """The error for the first row with another number of fields than the header; None where there is none."""
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
    """The type of a column, for messages."""
    return "nothing" if kind is None or pa.types.is_null(kind) else f"{kind}"


def _undecodable(file: File) -> DataError | None:
    """The error for the first line that is not UTF-8; None where there is none."""
    with open_bytes(file) as raw:
        for number, line in enumerate(raw, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                bad_bytes = line[error.start : error.end]
                remedy = "save it as UTF-8, or name its encoding"
                return DataError(f"the bytes {bad_bytes!r} are not UTF-8; {remedy}", f"{file.label}, line {number}")
    return None


def _unpack(file: File) -> None:
    """Read a compressed file to its end, so that Python raises its error, which is clearer than Arrow's."""
    with open_bytes(file) as raw:
        while raw.read(1 << 20):
            pass


def _rows(file: File, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line on which each begins; empty lines are skipped."""
    reader = csv.reader(_text(file, dialect), delimiter=dialect.delimiter or ",")
    start = 1
    for row in reader:
        if row:
            yield start, row
        start = reader.line_num + 1


def _text(file: File, dialect: Dialect) -> Iterator[str]:
    """Lines of the file, empty ones in the place of those before the names; bytes that are not UTF-8 are replaced."""
    encoding = "utf-8-sig" if dialect.encoding == UTF8 else dialect.encoding  # without the mark of UTF-8
    with io.TextIOWrapper(open_bytes(file), encoding=encoding, errors="replace", newline="") as text:
        for number, line in enumerate(text):
            yield line if number >= dialect.skipped else "\n"
