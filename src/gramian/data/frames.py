"""Sources over tables in memory that support the Arrow C stream interface."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from gramian.batch import SLICE_ROWS, Input, Rereadable, SinglePass, Unit
from gramian.data.columns import first_texts, ordered_levels
from gramian.data.in_memory import InMemoryTable
from gramian.data.read_errors import error_context
from gramian.data.unify_schema import hidden, schema_of
from gramian.schema import Schema


def read_frame(data: Any) -> Rereadable:
    """A source over a frame in memory, which can be read again."""
    where = type_name(data)
    table, schema = table_of_frame(data)
    return Rereadable(schema, table.units(where), (Input(where, None, table.rows),), table.rows, None)


def table_of_frame(data: Any) -> tuple[InMemoryTable, Schema]:
    """The columns of a frame, without a copy where they are Arrow memory, and its schema."""
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    elif not isinstance(data, pa.Table):
        with error_context(type_name(data)):
            data = pa.RecordBatchReader.from_stream(data).read_all()
    columns = {name: data.column(i) for i, name in enumerate(data.column_names) if not hidden(name)}
    levels = {name: ordered for name, column in columns.items() if (ordered := ordered_levels(column)) is not None}
    return InMemoryTable(data.num_rows, columns, {}), schema_of(data.schema, levels, first_texts(columns))


def read_stream(data: Any) -> SinglePass:
    """A source over a stream, which can be read once; at most one unit more than asked for is taken from it."""
    where = type_name(data)
    with error_context(where):
        reader = data if isinstance(data, pa.RecordBatchReader) else pa.RecordBatchReader.from_stream(data)
    schema = schema_of(reader.schema, {})
    return SinglePass(schema, stream_units(reader, where), (Input(where, None, None),))


def stream_units(reader: Any, where: str) -> Iterator[Unit]:
    """Units of a fixed number of rows, however the stream was cut."""
    first_row = 0
    for table in _recut(reader, where):
        columns = {name: table.column(i) for i, name in enumerate(table.column_names)}
        yield from InMemoryTable(table.num_rows, columns, {}).units(where, first_row)
        first_row += table.num_rows


def _recut(reader: Any, where: str) -> Iterator[Any]:
    """Tables of `SLICE_ROWS` rows each, the last one shorter."""
    pending: list[Any] = []
    rows = 0
    with error_context(where):
        for batch in reader:
            pending.append(batch)
            rows += batch.num_rows
            # a batch may be longer than several units
            while rows >= SLICE_ROWS:
                table = pa.Table.from_batches(pending, reader.schema)
                yield table.slice(0, SLICE_ROWS)
                pending = table.slice(SLICE_ROWS).to_batches()
                rows -= SLICE_ROWS
    if rows:
        yield pa.Table.from_batches(pending, reader.schema)


def type_name(data: Any) -> str:
    """The type of an object, for messages: `polars.DataFrame`."""
    kind = type(data)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
