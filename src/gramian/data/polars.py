"""Source over a polars LazyFrame: each pass runs the query again, for the needed columns only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.batch import BATCH_ROWS, Batch, Input, Rereadable, batch_rows
from gramian.data.columns import usable_columns
from gramian.data.read_errors import error_context
from gramian.data.unify_schema import schema_of
from gramian.errors import MissingExtraError

try:
    import polars
except ImportError as error:
    raise MissingExtraError("polars", "polars") from error

WHERE = "polars.LazyFrame"


def read_lazy(data: Any) -> Rereadable:
    """A source over a lazy frame, as one unit."""
    with error_context(WHERE):
        schema = pa.RecordBatchReader.from_stream(data.head(0).collect()).schema
    return Rereadable(schema_of(schema, {}), (Query(data),), (Input(WHERE, None, None),), None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """The result of a lazy frame, as one unit."""

    frame: Any
    name: str = WHERE
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in the order of the query."""
        first_row = 0
        with error_context(WHERE):
            for frame in self._collected(columns):
                for piece in pa.table(frame).to_batches(max_chunksize=batch_rows(len(columns))):
                    arrays = usable_columns(piece, columns)
                    yield Batch(piece.num_rows, arrays, where=WHERE, first_row=first_row)
                    first_row += piece.num_rows

    def _collected(self, columns: Sequence[str]) -> Iterator[Any]:
        """Frames of the result; by parts where this version of polars can."""
        query = self.frame.select(columns) if columns else self.frame
        try:
            if hasattr(query, "collect_batches"):
                yield from query.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)
            else:
                yield query.collect()
        except polars.exceptions.PolarsError as error:
            # a kind of error that error_context turns into a DataError, without a list of polars's own
            raise ValueError(str(error)) from error
