"""Source over ORC: a unit is a stripe; only the needed columns are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.orc as po

from gramian.batch import Batch, batch_rows
from gramian.data.file import File, FileInfo
from gramian.data.ipc import narrowest
from gramian.data.unify_schema import arrow_columns
from gramian.errors import DataError


def inspect(file: File) -> FileInfo:
    """Schema and stripes of a file. Raises DataError where its footer contradicts its stripes."""
    with file.reading(file.label):
        reader = _open(file)
        types, unusable = arrow_columns(reader.schema)
        # the footer has no row counts of stripes: reading the narrowest column is the cheapest way to get them
        narrow = narrowest(reader.schema)
        stripes = tuple(reader.read_stripe(i, columns=narrow).num_rows for i in range(reader.nstripes))
    if sum(stripes) != reader.nrows:
        raise DataError(f"its stripes hold {sum(stripes)} rows, its footer says {reader.nrows}", file.label)
    return FileInfo(file, types, unusable, reader.nrows, stripes)


def units(info: FileInfo, agreed: Mapping[str, Any]) -> list[Stripe]:
    """One unit for each stripe."""
    starts = accumulate(info.unit_rows, initial=0)
    total = max(info.rows or 0, 1)
    numbered = enumerate(zip(info.unit_rows, starts, strict=False))
    return [Stripe(info.file, i, rows, start, info.file.size * rows // total) for i, (rows, start) in numbered]


@dataclass(frozen=True, slots=True)
class Stripe:
    """One stripe of a file.

    Attributes
    ----------
    file : File
        The file.
    stripe : int
        Number of the stripe.
    rows : int
        Number of rows.
    first_row : int
        Number of its first row in the file.
    size : int
        Bytes, as a share of the file.
    """

    file: File
    stripe: int
    rows: int
    first_row: int
    size: int

    @property
    def name(self) -> str:
        """The file and the number of the stripe, for messages."""
        return f"{self.file.label}, stripe {self.stripe}"

    def portable(self, columns: Sequence[str]) -> Stripe:
        """The unit for another process."""
        return replace(self, file=self.file.anywhere)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where the file is damaged, has changed, or has another number of rows."""
        with self.file.reading(self.name):
            reader = _open(self.file)
            # without columns Arrow would not count the rows
            piece = reader.read_stripe(self.stripe, columns=self.file.stored(columns) or narrowest(reader.schema))
            piece.validate(full=True)
            if piece.num_rows != self.rows:
                raise DataError(f"holds {piece.num_rows} rows, {self.rows} were counted before", self.name)
            step = batch_rows(len(columns))
            for at in range(0, max(self.rows, 1), step):
                yield self.file.batch(piece.slice(at, step), columns, self.name, self.first_row + at)


def _open(file: File) -> Any:
    """A reader of the file."""
    return po.ORCFile(pa.OSFile(file.path))
