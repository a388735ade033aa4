"""Source over JSON: a unit is a file, an object a line, with types from its first rows; or one array of objects.

Objects a line are read in blocks. An array is read whole, so it has to fit into memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from gramian.batch import Batch, batch_rows
from gramian.data.csv.raw_text import in_memory, open_bytes, open_stream
from gramian.data.file import File, FileInfo
from gramian.data.unify_schema import arrow_columns
from gramian.errors import DataError

BLOCK = 2**22  # bytes that are parsed together, and that the types are taken from
BEFORE = b"\xef\xbb\xbf \t\r\n"  # what may stand before the first object
EMPTY = pa.schema([])
MOMENT = pa.timestamp("s")  # what Arrow's JSON has for dates and times


def inspect(file: File) -> FileInfo:
    """Columns of a file: names and types from its first block, or from the whole of an array."""
    with file.reading(file.label):
        types, unusable = arrow_columns(_first_schema(file))
    return FileInfo(file, types, unusable)


def units(info: FileInfo, agreed: Mapping[str, Any]) -> Iterator[Objects]:
    """The file as one unit, or none where it has no rows.

    A column without values in the first block has the type that it has in the other files.
    """
    if not info.types:
        return
    types = {name: agreed.get(name) if pa.types.is_null(kind) else kind for name, kind in info.types.items()}
    typed_columns = tuple((name, kind if kind is not None else pa.null()) for name, kind in types.items())
    yield Objects(info.file, typed_columns)


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one JSON file.

    Attributes
    ----------
    file : File
        The file.
    types : tuple of (str, Any)
        Column -> Arrow type that its values must have. A tuple, so that the unit can be hashed.
    """

    file: File
    types: tuple[tuple[str, Any], ...]

    @property
    def name(self) -> str:
        """The file."""
        return self.file.label

    @property
    def rows(self) -> int | None:
        """Not known before it is read."""
        return None

    @property
    def size(self) -> int:
        """Bytes of the file, as it is stored (compressed or not)."""
        return self.file.size

    def portable(self, columns: Sequence[str]) -> Objects:
        """The unit for another process."""
        return replace(self, file=self.file.anywhere)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where a value does not fit the type of its column."""
        first, step = 0, batch_rows(len(columns))
        with self.file.reading(self.name):
            for piece in self._pieces(self.file.stored(columns), parallel):
                for at in range(0, piece.num_rows, step):
                    rows = piece.slice(at, step)
                    yield self.file.batch(rows, columns, self.name, first)
                    first += rows.num_rows

    def _pieces(self, names: Sequence[str], parallel: bool) -> Iterator[Any]:
        """Record batches with these columns; with one column at least, so that rows are counted."""
        read = [(name, kind) for name, kind in self.types if name in names] or list(self.types[:1])
        asked = pa.schema([(name, MOMENT if pa.types.is_date(kind) else kind) for name, kind in read])
        options = pj.ParseOptions(explicit_schema=asked, unexpected_field_behavior="ignore")
        for piece in pj.open_json(_lines(self.file), pj.ReadOptions(parallel, BLOCK), options):
            yield piece.cast(pa.schema(read))


def _first_schema(file: File) -> Any:
    """Names and types of the first block of lines."""
    with _lines(file) as stream:
        head = stream.read(BLOCK)
        head = head if len(head) < BLOCK else head[: head.rfind(b"\n") + 1]
    if not head and file.size:
        raise DataError(f"its first line has more than {BLOCK >> 20} MB; write an object a line", file.label)
    if not head.strip():
        return EMPTY
    table = pj.read_json(in_memory(head), pj.ReadOptions(False, len(head) + 1))
    return pa.schema([(name, _type_of(column)) for name, column in zip(table.column_names, table.columns, strict=True)])


def _type_of(column: Any) -> Any:
    """The type of a column of the first block: days where Arrow finds timestamps that are all at midnight."""
    if column.type != MOMENT or pc.any(pc.not_equal(pc.floor_temporal(column, unit="day"), column)).as_py():
        return column.type
    return pa.date32()


def _lines(file: File) -> Any:
    """The objects of a file, one a line, as a stream that Arrow owns."""
    with open_bytes(file) as raw:
        begins_array = raw.read(BLOCK).lstrip(BEFORE)[:1] == b"["
    if begins_array:
        return in_memory("\n".join(map(json.dumps, _items(file))).encode())
    stream = open_stream(file)
    # what Python unpacks is copied into Arrow's memory
    return stream if isinstance(stream, pa.NativeFile) else in_memory(stream.read())


def _items(file: File) -> list[dict[str, Any]]:
    """The items of an array. Raises DataError where one of them is no object."""
    try:
        with open_bytes(file) as raw:
            items: list[dict[str, Any]] = json.load(raw)
    except RecursionError as error:
        raise DataError(
            "its lists stand in each other too deeply to be rows; write an object a line", file.label
        ) from error
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise DataError(f"item {number} of the array is no object with a value for each column", file.label)
    return items
