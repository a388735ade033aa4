"""Source over a Dataset of Hugging Face: units of a fixed number of rows, in its files until they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gramian.batch import BATCH_ROWS, SLICE_ROWS, Batch, Input, Rereadable, batch_rows
from gramian.data.columns import usable_columns
from gramian.data.read_errors import error_context
from gramian.data.unify_schema import schema_of
from gramian.errors import DataError, listing

WHERE = "datasets.Dataset"


def read_dataset(data: Any) -> Rereadable:
    """A source over a dataset, which can be read again. Raises DataError for one that is still without types."""
    if data.features is None:
        raise DataError("has no types yet; give them by data.cast(features), or save it as Parquet", WHERE)
    schema = schema_of(data.features.arrow_schema, {})
    rows = getattr(data, "num_rows", None)
    if rows is None:
        return Rereadable(schema, (Stream(data),), (Input(WHERE, None, None),), None, None)
    starts = range(0, max(rows, 1), SLICE_ROWS)
    units = tuple(Rows(data, at, min(SLICE_ROWS, rows - at)) for at in starts)
    return Rereadable(schema, units, (Input(WHERE, None, rows),), rows, None)


def refuse_splits(data: Any) -> Rereadable:
    """Raise DataError for a dict of datasets."""
    splits = list(data)
    raise DataError(f"is a dict of splits ({listing(splits, 5)}); pass one, as data['{splits[0]}']", WHERE)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a dataset.

    Attributes
    ----------
    data : Any
        The dataset.
    start, rows : int
        First row, and number of rows.
    size : int
        Bytes; not known.
    """

    data: Any
    start: int
    rows: int
    size: int = 0

    @property
    def name(self) -> str:
        """The rows, for messages."""
        return f"{WHERE}, rows {self.start}-{self.start + max(self.rows, 1) - 1}"

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order."""
        view = _view(self.data, columns)
        step = batch_rows(len(columns))
        for at in range(self.start, self.start + self.rows, step):
            with error_context(self.name):
                table = view[at : min(at + step, self.start + self.rows)].combine_chunks()
            yield from _batches([table], columns, at)


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """All rows of a dataset that is read in order only, as one unit."""

    data: Any
    name: str = WHERE
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order."""
        with error_context(WHERE):
            yield from _batches(_view(self.data, columns).iter(BATCH_ROWS), columns, 0)


def _view(data: Any, columns: Sequence[str]) -> Any:
    """The dataset with these columns only, as Arrow tables; with one at least, so that rows are counted."""
    return data.select_columns(list(columns) or data.column_names[:1]).with_format("arrow")


def _batches(tables: Any, columns: Sequence[str], first_row: int) -> Iterator[Batch]:
    """The rows of tables as batches."""
    for table in tables:
        for piece in table.to_batches():
            yield Batch(piece.num_rows, usable_columns(piece, columns), where=WHERE, first_row=first_row)
            first_row += piece.num_rows
