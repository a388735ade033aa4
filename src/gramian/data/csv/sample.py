"""Names and types of the columns of a CSV file, from its first line and a sample of its beginning, middle and end."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from gramian.data.columns import family
from gramian.data.csv.dialect import Dialect
from gramian.data.csv.encoding import Utf8Reader, recoder
from gramian.data.csv.raw_text import COMPRESSIONS, compression_of, in_memory, open_bytes
from gramian.data.file import File
from gramian.data.read_errors import error_context
from gramian.errors import DataError

PIECE = 2**20  # bytes of each part of the sample: beginning, middle, end
EXAMPLES = 20  # rows
BEYOND_INT64 = 2.0**63
MAX_LINE = 2**23  # bytes: longer lines are not read anyway
BLANK = re.compile(rb"[\r\n]{3,}")  # blank lines
BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
NULLS = [
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
]
INTEGER = r"^\s*[+-]?\d+\s*$"
NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
# a column of numbers may have this share of other values (or a single one): they are then mistakes, not levels
MAX_STRAY_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Columns of a CSV file.

    Attributes
    ----------
    names : tuple of str
        Names, in order.
    types : Mapping[str, Any]
        Name -> Arrow type; null where the sample has no value.
    dialect : Dialect
        The delimiter.
    rows : int or None
        0 where the file has only a header, else not known.
    examples : Mapping[str, tuple of str]
        Column of text -> its values in the first rows.
    """

    names: tuple[str, ...]
    types: Mapping[str, Any]
    dialect: Dialect
    rows: int | None
    examples: Mapping[str, tuple[str, ...]]


def sample(file: File, asked: Dialect) -> Sample:
    """Columns of a CSV file, without reading all of it. asked : what is known of its dialect.

    Raises DataError where there is no header, or the file is not text in UTF-8.
    """
    with error_context(file.label):
        head, later, complete = _pieces(file, asked)
    if not head.strip():
        raise DataError("is empty: there is not even a line with the names of the columns", file.label)
    if head.startswith(UTF16):
        raise DataError("is UTF-16; name its encoding (utf-16), or save it as UTF-8", file.label)
    for ending, compression in COMPRESSIONS.items():
        if head.startswith(compression.magic):
            raise DataError(f"is compressed; rename it so that it ends in {ending}", file.label)
    if b"\0" in head:
        raise DataError("holds zero bytes: it is no text", file.label)
    if asked.by_bytes:
        with error_context(file.label):
            head, *later = (recoder(asked.encoding)(part, True) for part in (head, *later))
    names, dialect, start = _header(head, file, asked)
    parts = [head[start:], *(piece for piece in later if _aligned(piece, len(names), dialect))]
    kinds = [_inferred(part, len(names), dialect) for part in parts]
    # each piece is inferred by itself: a type that changes in the middle of the file is seen
    types = [_common_type([piece_types[i] for piece_types in kinds]) for i in range(len(names))]
    # a file with only a header has no rows, and no types either
    rows = 0 if complete and not head[start:].strip() else None
    by_name = dict(zip(names, types, strict=True))
    return Sample(names, by_name, dialect, rows, _examples(head[start:], by_name, dialect))


def parsing(dialect: Dialect) -> Any:
    """Options of Arrow's parser: quoted values may contain line ends."""
    return pv.ParseOptions(delimiter=dialect.delimiter or ",", newlines_in_values=True)


def conversion(dialect: Dialect, **more: Any) -> Any:
    """Options of Arrow's converter: nulls as pandas spells them, also inside quotes."""
    return pv.ConvertOptions(
        null_values=[*NULLS, *dialect.na_values],
        decimal_point=dialect.decimal,
        true_values=["true", "True", "TRUE"],
        false_values=["false", "False", "FALSE"],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        **more,
    )


def _pieces(file: File, asked: Dialect) -> tuple[bytes, list[bytes], bool]:
    """Bytes of the sample, and whether they are the whole file; in UTF-8 where the encoding has wider characters.

    They are the beginning in complete lines, and pieces of the middle and the end from the first line that begins in
    them. A file of up to three pieces is its own sample; of a compressed file, or of wider characters, only the
    beginning is read, since it cannot be entered later.
    """
    enterable = asked.by_bytes and compression_of(file) is None
    with open_bytes(file) as raw:
        text = raw if asked.by_bytes else Utf8Reader(raw, asked.encoding)
        head, complete = _head(text, PIECE if file.size > 3 * PIECE and enterable else 3 * PIECE + 1)
        if complete or not enterable:
            return head, [], complete
        later = [_from_line_start(_read_at(raw, at)) for at in (file.size // 2, file.size - PIECE)]
    return head, [_to_line_end(later[0]), later[1]], False


def _head(raw: IO[bytes] | Utf8Reader, size: int) -> tuple[bytes, bool]:
    """The beginning in complete lines, of at least two lines that are not blank; and whether it is the whole file.

    Usually `size` bytes are enough. Before a line that is very long, or after very many blank ones, more are read; of
    the blank ones only one stays.
    """
    head = raw.read(size)
    complete, head = len(head) < size, head.removeprefix(BOM)
    while not complete and not _has_row(head) and len(head) < MAX_LINE:
        more = raw.read(size)
        complete = len(more) < size
        head = BLANK.sub(b"\n", head + more).lstrip(b"\r\n")
    return head if complete else _to_line_end(head), complete


def _has_row(head: bytes) -> bool:
    """Whether a line ends after the first one, both of them not blank."""
    lines = head.lstrip(b"\r\n").partition(b"\n")[2]
    return b"\n" in lines.lstrip(b"\r\n")


def _read_at(raw: Any, at: int) -> bytes:
    """`PIECE` bytes from a position."""
    raw.seek(at)
    return bytes(raw.read(PIECE))


def _from_line_start(piece: bytes) -> bytes:
    """A piece from the first line that begins in it; nothing where it is inside one long line."""
    return piece.partition(b"\n")[2]


def _to_line_end(piece: bytes) -> bytes:
    """A piece up to its last line end."""
    return piece[: piece.rfind(b"\n") + 1] or piece


def _header(head: bytes, file: File, asked: Dialect) -> tuple[tuple[str, ...], Dialect, int]:
    """Names, dialect, and the position where the rows begin."""
    before = _lines_length(head, asked.skipped)
    head = head[before:]
    first = head.lstrip(b"\r\n").partition(b"\n")[0].decode("utf-8", "replace")
    dialect = asked if asked.delimiter else replace(asked, delimiter=_delimiter(first, file.path))
    read = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in head.splitlines(keepends=True):
            read += len(line)
            yield line.decode("utf-8")

    try:
        row = next(row for row in csv.reader(lines(), delimiter=dialect.delimiter or ",") if row)
    except UnicodeDecodeError as error:
        raise DataError(
            f"the names of the columns cannot be read ({error}); save it as UTF-8, or name its encoding", file.label
        ) from error
    except (csv.Error, StopIteration) as error:
        raise DataError(f"the names of the columns cannot be read ({error})", file.label) from error
    names = dialect.names_of(row)
    if len(names) != len(row):
        raise DataError(f"the first row has {len(row)} fields, header names {len(names)} columns", file.label)
    return names, dialect, before + read if dialect.named else 0


def _examples(rows: bytes, types: Mapping[str, Any], dialect: Dialect) -> dict[str, tuple[str, ...]]:
    """Values of the columns of text in the first rows, without missing ones: messages say what they look like."""
    if not any(pa.types.is_string(kind) for kind in types.values()):
        return {}
    lines = (line.decode("utf-8", "replace") for line in rows.split(b"\n", EXAMPLES)[:EXAMPLES])
    read = csv.reader(lines, delimiter=dialect.delimiter or ",")
    try:
        columns = list(zip(*(row for row in read if len(row) == len(types)), strict=True))
    except csv.Error:
        return {}
    missing = {*NULLS, *dialect.na_values}
    values = zip(types.items(), columns, strict=False)  # no column where no row is whole
    return {n: tuple(v for v in column if v not in missing) for (n, t), column in values if pa.types.is_string(t)}


def _lines_length(head: bytes, lines: int) -> int:
    """Length of the first lines."""
    return sum(map(len, head.splitlines(keepends=True)[:lines]))


def _delimiter(line: str, path: str) -> str:
    """The delimiter of a header: tab or comma by the name of the file if it occurs, else the first that does."""
    preferred = ["\t"] if ".tsv" in path.lower() else [","]
    return next((mark for mark in [*preferred, ",", ";", "\t"] if mark in line), ",")


def _aligned(piece: bytes, width: int, dialect: Dialect) -> bool:
    """Whether a piece begins outside quotes.

    It does if all its rows have the right width under that assumption, and not under the opposite one.
    """
    if b'"' not in piece:
        return True
    return _regular(piece, width, dialect) and not _regular(b'"' + piece, width, dialect)


def _regular(piece: bytes, width: int, dialect: Dialect) -> bool:
    """Whether all complete rows of a piece have this width."""
    text = io.StringIO(piece.decode("utf-8", "replace"), newline="")
    try:
        rows = [len(row) for row in csv.reader(text, delimiter=dialect.delimiter or ",") if row]
    except csv.Error:
        return False
    # the first and the last row may be cut
    return all(fields == width for fields in rows[1:-1])


def _inferred(piece: bytes, width: int, dialect: Dialect) -> list[Any]:
    """The type of each column in a piece; rows of another width are skipped, the reader reports them later."""
    if not piece.strip():
        return [pa.null()] * width
    try:
        table = _parsed(piece, width, dialect)
        kinds = table.schema.types  # once: Arrow makes this list anew
        numbers = [i for i, kind in enumerate(kinds) if pa.types.is_floating(kind)]
        texts = (i for i, kind in enumerate(kinds) if pa.types.is_string(kind))
        intended = {i: _intended_type(plain_numbers(table.column(i), dialect), dialect) for i in texts}
        # integers beyond int64 are parsed as floats: they are identifiers, and as text they keep all digits
        beyond = [i for i in numbers if _largest(table.column(i)) >= BEYOND_INT64]
        as_text = _parsed(piece, width, dialect, {str(i): pa.string() for i in beyond}) if beyond else table
    except pa.ArrowInvalid:
        return [pa.null()] * width
    large = {i for i in beyond if pc.all(pc.match_substring_regex(as_text.column(i), INTEGER)).as_py()}
    return [pa.string() if i in large else intended.get(i, kind) for i, kind in enumerate(kinds)]


def _largest(column: Any) -> float:
    """The largest absolute value of a column; 0 where it has none."""
    extremes = pc.min_max(column).as_py()  # to_numpy() would import pandas
    return float(max(abs(value or 0.0) for value in extremes.values()))


def plain_numbers(column: Any, dialect: Dialect) -> Any:
    """A column of text without marks of thousands, and with a point before decimals."""
    if dialect.thousands is not None:
        column = pc.replace_substring(column, dialect.thousands, "")
    return column if dialect.decimal == "." else pc.replace_substring(column, dialect.decimal, ".")


def _intended_type(column: Any, dialect: Dialect) -> Any:
    """Text, or the type of the numbers that nearly all values are.

    Then the other values are mistakes, which are reported when they are read.
    """
    values = column.drop_null()
    numbers = values.filter(pc.match_substring_regex(values, NUMBER))
    stray = len(values) - len(numbers)
    # without marks of thousands a column of nothing but numbers is no text in the first place
    fewest, least = (2, 1) if dialect.thousands is None else (1, 0)
    if len(numbers) < fewest or not least <= stray <= max(1, MAX_STRAY_SHARE * len(values)):
        return pa.string()
    all_integers = pc.all(pc.match_substring_regex(numbers, INTEGER)).as_py()
    return pa.int64() if all_integers and pc.max(pc.utf8_length(numbers)).as_py() < 19 else pa.float64()


def _parsed(piece: bytes, width: int, dialect: Dialect, types: Mapping[str, Any] | None = None) -> Any:
    """A piece as a table with columns "0", "1", ...; without `types` they are inferred."""
    options = parsing(dialect)
    # Arrow decodes a row before it hands it over, and can only print that it could not
    piece = piece.decode("utf-8", "replace").encode()
    options.invalid_row_handler = lambda row: "skip"
    names = pv.ReadOptions(column_names=[str(i) for i in range(width)], block_size=len(piece) + 1, use_threads=False)
    return pv.read_csv(in_memory(piece), names, options, conversion(dialect, column_types=types))


def _common_type(kinds: Sequence[Any]) -> Any:
    """The type of a column over all pieces: integers widen to floats, dates to timestamps, all else to text."""
    by_family = {family(kind): kind for kind in kinds if not pa.types.is_null(kind)}
    if not by_family:
        return pa.null()
    if by_family.keys() <= {"integer", "float"}:
        return by_family.get("float", by_family.get("integer"))
    if by_family.keys() <= {"date", "timestamp"}:
        return _with_fractions(by_family.get("timestamp", by_family.get("date")))
    if len(by_family) == 1 and by_family.keys() & {"boolean", "timestamp with time zone"}:
        return _with_fractions(next(iter(by_family.values())))
    return pa.string()


def _with_fractions(kind: Any) -> Any:
    """Timestamps in microseconds, because rows outside the sample may have fractions of a second."""
    if not pa.types.is_timestamp(kind) or kind.unit == "ns":
        return kind
    return pa.timestamp("us", kind.tz)
