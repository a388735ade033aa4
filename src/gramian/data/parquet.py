"""Parquet: a unit is a row group; its own types, only the needed columns, page checksums verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import Any

import pyarrow.parquet as pq

from gramian.batch import Batch
from gramian.data.batching import batch_rows
from gramian.data.columns import family
from gramian.data.file_info import FileInfo, batch_of, stored_columns
from gramian.data.frames import hidden
from gramian.data.paths import File
from gramian.data.read_errors import error_context
from gramian.data.unify_schema import duplicates
from gramian.errors import DataError


def inspect(file: File) -> FileInfo:
    """The schema and the row groups that the footer tells."""
    with error_context(file.label), _open(file) as reader:
        schema, footer = reader.schema_arrow, reader.metadata
        names = [name for name in schema.names if not hidden(name)]
        types = {name: schema.types[i] for i, name in enumerate(schema.names) if not hidden(name)}
        pieces = tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups))
    if sum(pieces) != footer.num_rows:
        raise DataError(f"its row groups hold {sum(pieces)} rows, its footer says {footer.num_rows}", file.label)
    return FileInfo(file, types, duplicates(names), footer.num_rows, pieces)


def units(info: FileInfo, agreed: Mapping[str, Any]) -> Iterator[RowGroup]:
    """One unit for each row group."""
    texts = frozenset(name for name, kind in info.types.items() if family(kind) == "text")
    starts = accumulate(info.unit_rows, initial=0)
    for group, (rows, start) in enumerate(zip(info.unit_rows, starts, strict=False)):
        size = info.file.size * rows // max(info.rows or 0, 1)
        yield RowGroup(info.file, group, rows, start, size, texts)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group of a file; `texts` are its text columns, read as dictionaries."""

    file: File
    group: int
    rows: int
    first_row: int
    size: int
    texts: frozenset[str]

    @property
    def name(self) -> str:
        """The file and the number of the row group."""
        return f"{self.file.label}, row group {self.group}"

    def portable(self, columns: Sequence[str]) -> RowGroup:
        """What another process reads these columns by."""
        return replace(self, file=self.file.anywhere)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where the file is damaged, has changed, or holds fewer rows."""
        in_file = stored_columns(columns, self.file)
        first = self.first_row
        self.file.check()
        with error_context(self.name), _open(self.file, [n for n in in_file if n in self.texts]) as reader:
            size = batch_rows(len(in_file))
            for piece in reader.iter_batches(size, row_groups=[self.group], columns=in_file, use_threads=parallel):
                self.file.check()
                yield batch_of(piece, columns, self.file, self.name, first)
                first += piece.num_rows
        self.file.check()
        if first != self.first_row + self.rows:
            raise DataError(f"holds {first - self.first_row} rows, its footer says {self.rows}", self.name)


def _open(file: File, texts: Sequence[str] = ()) -> Any:
    return pq.ParquetFile(
        file.path,
        metadata=_footer(file),
        memory_map=file.local,
        pre_buffer=False,
        read_dictionary=texts or None,
        page_checksum_verification=True,
    )


@lru_cache(maxsize=32)
def _footer(file: File) -> Any:
    """The footer, parsed once for all row groups; forgotten when others are read."""
    return pq.read_metadata(file.path, memory_map=file.local)
