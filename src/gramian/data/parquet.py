"""Source over Parquet: a unit is a row group; only the needed columns are read, with their page checksums verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gramian.batch import Batch, batch_rows
from gramian.data.columns import text_columns
from gramian.data.file import File, FileInfo
from gramian.data.selected import Bounded, comparable
from gramian.data.unify_schema import arrow_columns
from gramian.errors import DataError


def inspect(file: File) -> FileInfo:
    """Schema and row groups of a file, from its footer. Raises DataError where the footer contradicts itself."""
    with file.reading(file.label), _open(file) as reader:
        types, unusable = arrow_columns(reader.schema_arrow)
        footer = reader.metadata
        pieces = tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups))
    if sum(pieces) != footer.num_rows:
        raise DataError(f"its row groups hold {sum(pieces)} rows, its footer says {footer.num_rows}", file.label)
    return FileInfo(file, types, unusable, footer.num_rows, pieces)


def units(info: FileInfo, agreed: Mapping[str, Any]) -> list[RowGroup]:
    """One unit for each row group."""
    texts = text_columns(info.types)
    starts = accumulate(info.unit_rows, initial=0)
    sizes = [info.file.size * rows // max(info.rows or 0, 1) for rows in info.unit_rows]
    groups = enumerate(zip(info.unit_rows, starts, sizes, strict=False))
    return [RowGroup(info.file, group, rows, start, size, texts) for group, (rows, start, size) in groups]


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group of a file.

    Attributes
    ----------
    file : File
        The file.
    group : int
        Number of the row group.
    rows : int
        Number of rows.
    first_row : int
        Number of its first row in the file.
    size : int
        Bytes, as a share of the file.
    texts : frozenset of str
        Text columns, which are read as dictionaries: their levels are then decoded once, not in every row.
    """

    file: File
    group: int
    rows: int
    first_row: int
    size: int
    texts: frozenset[str]

    @property
    def name(self) -> str:
        """The file and the number of the row group, for messages."""
        return f"{self.file.label}, row group {self.group}"

    def portable(self, columns: Sequence[str]) -> RowGroup:
        """The unit for another process."""
        return replace(self, file=self.file.anywhere)

    def statistics(self, columns: Sequence[str]) -> dict[str, Bounded]:
        """The lowest and highest values of those columns for which the footer, or the name of a folder, has them."""
        stored = self.file.stored(columns)
        with self.file.reading(self.name), _open(self.file) as reader:
            footer = _footer(self.file)
            # a row first: what is damaged is an exception then, and the end of the process where Arrow is only asked
            next(reader.iter_batches(1, row_groups=[self.group], columns=stored, use_threads=False), None)
        types = {field.name: field.type for field in footer.schema.to_arrow_schema()}
        out = {name: Bounded(value, value, pa.scalar(value).type) for name, value in self.file.keys if name in columns}
        for name in stored:
            known = _statistics(footer, self.group, name, self.name)
            if known is not None and known.has_min_max and comparable(known.min, known.max, types[name]):
                out[name] = Bounded(known.min, known.max, types[name])
        return out

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where the file is damaged, has changed, or has another number of rows."""
        in_file, first = self.file.stored(columns), self.first_row
        nulls = dict.fromkeys(in_file, 0)
        with self.file.reading(self.name), _open(self.file, [n for n in in_file if n in self.texts]) as reader:
            size = batch_rows(len(in_file))
            for piece in reader.iter_batches(size, row_groups=[self.group], columns=in_file, use_threads=parallel):
                yield self.file.batch(piece, columns, self.name, first)
                first += piece.num_rows
                for name in in_file:
                    nulls[name] += piece.column(name).null_count
        if first != self.first_row + self.rows:
            raise DataError(f"holds {first - self.first_row} rows, its footer says {self.rows}", self.name)
        check_nulls(_footer(self.file), self.group, nulls, self.name)


def check_nulls(footer: Any, group: int, nulls: Mapping[str, int], where: str) -> None:
    """Raise DataError where a column of a row group has another number of nulls than the footer says.

    A damaged page may say of a value that it is missing: the row would be left out without a word.
    """
    for name, count in nulls.items():
        statistics = _statistics(footer, group, name, where)
        if statistics is not None and statistics.has_null_count and statistics.null_count != count:
            message = f"column '{name}' holds {count} nulls, its footer says {statistics.null_count}: it is damaged"
            raise DataError(message, where)


def _statistics(footer: Any, group: int, name: str, where: str) -> Any:
    """What the footer says of a column of a row group, None where it says nothing.

    Raises DataError where the row group has another type than the file: Arrow would end the process.
    """
    place = places(footer).get(name)
    if place is None:
        return None
    chunk, expected = footer.row_group(group).column(place), footer.schema.column(place).physical_type
    if chunk.physical_type != expected:
        message = f"column '{name}' is {chunk.physical_type} there, and {expected} in the file: it is damaged"
        raise DataError(message, where)
    return chunk.statistics


@lru_cache(maxsize=32)
def places(footer: Any) -> dict[str, int]:
    """Name -> position of the columns that are not nested."""
    return {footer.schema.column(i).path: i for i in range(footer.num_columns)}


def _open(file: File, texts: Sequence[str] = ()) -> Any:
    """A reader of the file; `texts` are decoded as dictionaries."""
    return pq.ParquetFile(
        file.path,
        metadata=_footer(file),
        memory_map=file.local,
        # pre-buffering would hold a row group in memory
        pre_buffer=False,
        read_dictionary=texts or None,
        page_checksum_verification=True,
    )


@lru_cache(maxsize=32)
def _footer(file: File) -> Any:
    """The footer, parsed once for all row groups of a file; the last 32 files are cached."""
    return pq.read_metadata(file.path, memory_map=file.local)
