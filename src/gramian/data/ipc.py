"""Arrow IPC: files with a footer are read by record batches, streams from the beginning to the end mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.ipc as pi

from gramian.batch import SLICE_ROWS, Batch, Unit, batch_rows
from gramian.data.file import File, FileInfo
from gramian.data.unify_schema import arrow_columns
from gramian.errors import ColumnError, DataError

MAGIC = b"ARROW1"


def inspect(file: File) -> FileInfo:
    """Schema of a file, and the rows of each record batch where there is a footer."""
    with file.reading(file.label):
        with open(file.path, "rb") as raw:
            if raw.read(len(MAGIC)) != MAGIC:
                return _stream_info(file)
        return _file_info(file)


def units(info: FileInfo, agreed: Mapping[str, Any]) -> Iterator[Unit]:
    """Groups of record batches of a file; a stream as one unit."""
    if info.rows is None:
        yield IpcStream(info.file)
        return
    first, last, start, rows = 0, 0, 0, 0
    for piece_rows in info.unit_rows:
        last, rows = last + 1, rows + piece_rows
        # record batches may be tiny: they are grouped to units worth a task
        if rows >= SLICE_ROWS or last == len(info.unit_rows):
            yield RecordBatches(info.file, first, last, rows, start, info.file.size * rows // max(info.rows, 1))
            first, start, rows = last, start + rows, 0


@dataclass(frozen=True, slots=True)
class RecordBatches:
    """Record batches `first` to `last` (excluded) of an IPC file.

    Attributes
    ----------
    file : File
        The file.
    first, last : int
        Numbers of record batches.
    rows : int
        Number of rows in them.
    first_row : int
        Number of their first row in the file.
    size : int
        Bytes, as a share of the file.
    """

    file: File
    first: int
    last: int
    rows: int
    first_row: int
    size: int

    @property
    def name(self) -> str:
        """The file and its record batches, for messages."""
        span = f"{self.first}" if self.last == self.first + 1 else f"{self.first}-{self.last - 1}"
        return f"{self.file.label}, record batch {span}"

    def portable(self, columns: Sequence[str]) -> RecordBatches:
        """The unit for another process."""
        return replace(self, file=self.file.anywhere)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where the file is damaged, has changed, or has another number of rows."""
        first = self.first_row
        with self.file.reading(self.name), _reader(self.file, self.file.stored(columns), parallel) as reader:
            for number in range(self.first, self.last):
                where = f"{self.file.label}, record batch {number}"
                for batch in _cut(reader.get_batch(number), columns, self.file, where, first):
                    yield batch
                    first += batch.rows
        if first != self.first_row + self.rows:
            raise DataError(f"holds {first - self.first_row} rows, {self.rows} were counted before", self.name)


@dataclass(frozen=True, slots=True)
class IpcStream:
    """An IPC stream in a file, which can only be read from its beginning."""

    file: File

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
        """Bytes of the file."""
        return self.file.size

    def portable(self, columns: Sequence[str]) -> IpcStream:
        """The unit for another process."""
        return replace(self, file=self.file.anywhere)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where the stream ends without its end mark, or continues after it."""
        first = 0
        with self.file.reading(self.name), _source(self.file) as raw:
            schema = pi.open_stream(raw).schema
            raw.seek(0)
            options = _options(schema, self.file.stored(columns), parallel, self.name)
            reader = pi.open_stream(raw, options=options)
            for number, piece in enumerate(_until_end(reader, raw, self.file)):
                where = f"{self.file.label}, record batch {number}"
                for batch in _cut(piece, columns, self.file, where, first):
                    yield batch
                    first += batch.rows


def _until_end(reader: Any, raw: Any, file: File) -> Iterator[Any]:
    """The record batches of a stream, with a check that it ends where the file ends."""
    while True:
        position = raw.tell()
        try:
            piece = reader.read_next_batch()
        except StopIteration:
            break
        yield piece
    # the end mark has 8 bytes: if nothing was read after the last batch, there is none
    if raw.tell() == position:
        raise DataError("the stream stops without its end mark: it was cut off while it was written", file.label)
    if raw.tell() != file.size:
        raise DataError(f"{file.size - raw.tell()} bytes follow the end mark of the stream", file.label)


def _cut(piece: Any, columns: Sequence[str], file: File, where: str, first: int) -> Iterator[Batch]:
    """Batches of at most `batch_rows` rows of a record batch."""
    piece.validate(full=True)  # without it, damaged indices or offsets would be followed to foreign memory
    step = batch_rows(len(columns))
    for at in range(0, max(piece.num_rows, 1), step):
        yield file.batch(piece.slice(at, step), columns, where, first + at)


def _source(file: File) -> Any:
    """The file as a memory map; on network mounts as an ordinary file.

    A mapped file that shrinks on another machine would end the process.
    """
    return pa.memory_map(file.path) if file.local else pa.OSFile(file.path)


@contextmanager
def _reader(file: File, columns: Sequence[str], parallel: bool) -> Iterator[Any]:
    """A context with the reader of an IPC file that decodes these columns only."""
    with _source(file) as raw:
        schema = pi.open_file(raw).schema
        yield pi.open_file(raw, options=_options(schema, columns, parallel, file.label))


def _options(schema: Any, columns: Sequence[str], parallel: bool, where: str) -> Any:
    """Read options for these columns. Raises ColumnError where one does not exist.

    An empty list would mean all columns, so the first column takes its place.
    """
    if absent := [name for name in columns if name not in schema.names]:
        raise ColumnError(absent[0], schema.names, where)
    included = sorted(schema.names.index(name) for name in columns) or list(range(len(schema.names)))[:1]
    return pi.IpcReadOptions(included_fields=included, use_threads=parallel)


def _stream_info(file: File) -> FileInfo:
    """Schema of a stream."""
    with _source(file) as raw:
        schema = pi.open_stream(raw).schema
    return _info_of(file, schema)


def _file_info(file: File) -> FileInfo:
    """Schema and record batches of a file with a footer."""
    with _source(file) as raw:
        schema = pi.open_file(raw).schema
    # the footer has no row counts: reading the narrowest column is the cheapest way to get them
    with _reader(file, narrowest(schema), False) as reader:
        pieces = tuple(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
    return _info_of(file, schema, sum(pieces), pieces)


def _info_of(file: File, schema: Any, rows: int | None = None, pieces: tuple[int, ...] = ()) -> FileInfo:
    """Columns and rows of a file."""
    types, unusable = arrow_columns(schema)
    return FileInfo(file, types, unusable, rows, pieces)


def narrowest(schema: Any) -> list[str]:
    """The column whose values have the fewest bits; none where there is no column."""
    return [name for name, _ in sorted(zip(schema.names, schema.types, strict=True), key=_width)][:1]


def _width(column: tuple[str, Any]) -> int:
    """Bits of a value of a column type, to find the narrowest."""
    try:
        return int(column[1].bit_width)
    except ValueError:
        return 1 << 20  # text, lists and the like
