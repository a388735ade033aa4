"""Source over a DuckDB relation: each pass runs the query again, for the needed columns only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.batch import Batch, Input, Rereadable, batch_rows
from gramian.data.columns import usable_columns
from gramian.data.read_errors import error_context
from gramian.data.unify_schema import schema_of

WHERE = "DuckDB relation"


def read_relation(data: Any) -> Rereadable:
    """A source over a relation, as one unit; its connection is busy while a pass runs."""
    # limit(0) gives the types without running the query
    with error_context(WHERE), pa.RecordBatchReader.from_stream(data.limit(0)) as reader:
        schema = schema_of(reader.schema, {})
    return Rereadable(schema, (Relation(data),), (Input(WHERE, None, None),), None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """The result of a relation, as one unit."""

    relation: Any
    name: str = WHERE
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in the order of the query."""
        first_row = 0
        # without columns the constant 1 is read, to count the rows
        quoted = ", ".join('"{}"'.format(name.replace('"', '""')) for name in columns) or "1"
        with error_context(WHERE), pa.RecordBatchReader.from_stream(self.relation.project(quoted)) as reader:
            for table in map(_table, reader):
                for piece in table.to_batches(max_chunksize=batch_rows(len(columns))):
                    arrays = usable_columns(piece, columns)
                    yield Batch(piece.num_rows, arrays, where=WHERE, first_row=first_row)
                    first_row += piece.num_rows


def _table(batch: Any) -> Any:
    """A record batch as a table."""
    return pa.Table.from_batches([batch])
