"""Source over a Spark frame: one unit, whose partitions are read by the workers of Spark.

A look at the first rows takes a few of them to this process; passes take none. How many partitions there are is up to
Spark, and may change from pass to pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from gramian.batch import SLICE_ROWS, Batch, Input, Rereadable
from gramian.data.checksum import Earlier, RowsRead, check_same_rows, rows_read
from gramian.data.frames import stream_units
from gramian.data.in_memory import InMemoryTable
from gramian.data.unify_schema import FileSchema, duplicates, unify
from gramian.errors import DataError, GramianError, SchemaError, first_line

WHERE = "spark.DataFrame"
HEAD_ROWS = 16_384  # rows of the first look
PERSIST = (
    "they are made anew each time, or what they are read from has changed; persist the frame, or write it to Parquet "
    "and read that"
)
TYPES = {
    "boolean": pa.bool_(), "byte": pa.int8(), "short": pa.int16(), "integer": pa.int32(), "long": pa.int64(),
    "float": pa.float32(), "double": pa.float64(), "string": pa.string(), "date": pa.date32(), "void": pa.null(),
    "timestamp": pa.timestamp("us", "UTC"), "timestamp_ntz": pa.timestamp("us"), "daytimeinterval": pa.duration("us"),
}  # fmt: skip


def read_spark(data: Any) -> Rereadable:
    """A source over a frame of Spark, or of pandas on Spark; no row is read."""
    frame = data.to_spark() if type(data).__module__.startswith("pyspark.pandas.") else data
    types = {column.name: arrow_type(column.dataType) for column in frame.schema}
    unusable = {
        column.name: f"column '{column.name}' is {column.dataType.simpleString()}; cast it, or select its parts"
        for column in frame.schema
        if types[column.name] is None
    }
    unusable |= duplicates(column.name for column in frame.schema)
    known = {name: kind or pa.null() for name, kind in types.items()}
    schema = unify([FileSchema(WHERE, known, unusable)]).schema
    return Rereadable(schema, (Frame(frame, types),), (Input(WHERE, None, None),), None, None)


def arrow_type(kind: Any) -> pa.DataType | None:
    """The Arrow type in which Spark hands a column over; None for types that no formula can use."""
    name = kind.typeName()
    return pa.decimal128(kind.precision, kind.scale) if name == "decimal" else TYPES.get(name)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """All rows of a frame, in the process that made the source; a pickled one is the `Partition` of a worker.

    Attributes
    ----------
    frame : pyspark.sql.DataFrame
        The frame.
    types : Mapping[str, pyarrow.DataType or None]
        Column -> its Arrow type.
    earlier : Earlier
        What its passes have read.
    rows, size
        Not known.
    """

    frame: Any
    types: Mapping[str, Any]
    earlier: Earlier = field(default_factory=Earlier)
    rows: int | None = None
    size: int = 0

    @property
    def name(self) -> str:
        """Kind of frame, for messages."""
        return WHERE

    def spark_table(self, columns: Sequence[str]) -> Any:
        """The frame with these columns, under plain names; with its first one where none is needed.

        Raises SchemaError where Spark finds no such column, or several: it takes x for X.
        """
        names = columns or [*self.types][:1]
        try:
            selected = self.frame.select(*(f"`{name.replace('`', '``')}`" for name in names))
            return selected.toDF(*(f"c{position}" for position in range(len(names))))  # Spark trips over dots
        except Exception as error:  # of Spark, which has a class for each way to connect
            raise SchemaError(f"Spark cannot select {', '.join(columns)} ({first_line(error)})", WHERE) from error

    def check_read(self, read: RowsRead) -> None:
        """Raise DataError unless a pass over all partitions has read the rows of the passes before it."""
        self.earlier.check(read, WHERE, PERSIST)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, in this process; more than the first of them are asked for by predictions alone.

        Raises DataError where the frame has another order the next time.
        """
        first_row = 0
        for table in self._tables(columns):
            rows = InMemoryTable(table.num_rows, dict(zip(table.column_names, table.columns, strict=True)), {})
            for unit in rows.units(WHERE, first_row):
                yield from unit.batches(columns)
            first_row += table.num_rows

    def _tables(self, columns: Sequence[str]) -> Iterator[Any]:
        """The rows in tables: a first one by itself, so that a look at it costs little."""
        selected = self.spark_table(columns)
        with _reading():
            head = self._table(selected.head(HEAD_ROWS), columns)
        yield from [head] * (head.num_rows > 0)
        if head.num_rows < HEAD_ROWS:
            return
        with _reading():
            rows = selected.toLocalIterator()
            again = self._table(list(islice(rows, HEAD_ROWS)), columns)
            check_same_rows(rows_read(head), rows_read(again), WHERE, PERSIST)
            while taken := list(islice(rows, SLICE_ROWS)):
                yield self._table(taken, columns)

    def _table(self, rows: Sequence[Any], columns: Sequence[str]) -> Any:
        """Rows of Spark as a table."""
        taken = {name: [row[position] for row in rows] for position, name in enumerate(columns or [*self.types][:1])}
        return pa.table({name: _array(values, self.types[name]) for name, values in taken.items()})

    def __reduce__(self) -> tuple[Any, ...]:
        return Partition, (WHERE,)


@dataclass(slots=True, eq=False)
class Partition:
    """The rows of one partition, on the worker that has them.

    Attributes
    ----------
    name : str
        The frame and the number of the partition.
    stream : iterator of RecordBatch
        Its rows.
    columns : tuple of str
        Columns that were asked for last.
    read : RowsRead
        What was read.
    rows, size
        Not known.
    """

    name: str
    stream: Iterable[Any] = ()
    columns: tuple[str, ...] = ()
    read: RowsRead = RowsRead()  # noqa: RUF009  it is frozen
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order; the cuts do not depend on those of Spark."""
        self.columns, counted = tuple(columns), self._counted()
        for first in islice(counted, 1):
            rows = pa.RecordBatchReader.from_batches(first.schema, chain([first], counted))
            for unit in stream_units(rows, self.name):
                yield from unit.batches(columns)

    def _counted(self) -> Iterator[Any]:
        """The rows of Spark as they come, counted."""
        for piece in self.stream:
            named = piece.rename_columns(list(self.columns)) if self.columns else piece
            self.read += rows_read(named)
            yield named


@contextmanager
def _reading() -> Iterator[None]:
    """A context in which Spark hands rows over: what it raises becomes a DataError."""
    try:
        yield
    except GramianError:
        raise
    except Exception as error:
        raise DataError(f"Spark cannot read it: {first_line(error)}", WHERE) from error


def _array(values: list[Any], kind: Any) -> Any:
    """Values that Spark gave to Python as a column; moments as the local time of this machine."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        values = [None if value is None else value.astimezone(UTC) for value in values]
    return pa.array(values, kind)
