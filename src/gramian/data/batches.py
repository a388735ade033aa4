"""Sources over batches that are given one after another: a list of frames, or an iterator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gramian.batch import Batch, Input, Rereadable, SinglePass, Unit
from gramian.data.arrays import read_arrays, table_of_arrays, types_of
from gramian.data.frames import table_of_frame
from gramian.data.in_memory import InMemoryTable, Slice
from gramian.data.pandas import table_of_pandas
from gramian.data.unify_schema import common_type
from gramian.errors import ColumnError, DataError, SchemaError
from gramian.schema import Schema


def read_list(data: Sequence[Any]) -> Rereadable:
    """A source over frames in a list, which can be read again."""
    first = _schema_of_first(data[0])
    units = tuple(chain.from_iterable(_checked(data, first)))
    rows = sum(unit.rows or 0 for unit in units)
    return Rereadable(first.schema, units, (Input(f"{len(data)} frames", None, rows),), rows, None)


def are_rows(data: object) -> bool:
    """Whether this is a list of rows as dicts: the first has one value for each column."""
    first = data[0] if isinstance(data, list | tuple) and data else None
    return isinstance(first, Mapping) and bool(first) and not any(map(_has_rows, first.values()))


def _has_rows(value: object) -> bool:
    """Whether a value of a dict is a column."""
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def read_rows(data: Sequence[Any]) -> Rereadable:
    """A source over rows as dicts; a name that a row does not have is missing there."""
    names = dict.fromkeys(chain.from_iterable(data))
    return read_arrays({name: [row.get(name) for row in data] for name in names}, "list of dicts")


def read_iterator(data: Iterable[Any]) -> SinglePass:
    """A source over an iterator of batches, which can be read once.

    Only the first batch is taken before a unit is asked for. Raises DataError where there is none.
    """
    items = iter(data)
    with_first = next(items, None)
    if with_first is None:
        raise DataError("it yields no batches, so there are no columns", "iterable of batches")
    first = _schema_of_first(with_first)
    units = chain.from_iterable(_checked(chain([with_first], items), first))
    return SinglePass(first.schema, units, (Input("iterable of batches", None, None),))


@dataclass(frozen=True, slots=True, eq=False)
class FirstBatch:
    """Schema and Arrow types of the first batch, with which the others must agree."""

    schema: Schema
    types: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class CheckedSlice:
    """Rows of one batch, whose types are checked against those of the first batch.

    Attributes
    ----------
    piece : Slice
        The rows.
    schema : Schema
        Schema of the first batch.
    expected : Mapping[str, Any]
        Column -> Arrow type in the first batch.
    """

    piece: Slice
    schema: Schema
    expected: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Number of the batch, and its rows."""
        return self.piece.name

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.piece.rows

    @property
    def size(self) -> int:
        """Not known before the columns are chosen."""
        return 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """Views of the rows. Raises SchemaError where a column that is used differs from the first batch."""
        types = types_of(self.piece.table)
        for name in columns:
            self._check(name, types)
        yield from self.piece.batches(columns, parallel=parallel)

    def _check(self, name: str, types: Mapping[str, Any]) -> None:
        """Raise ColumnError or SchemaError unless a column can be used and has the type of the first batch."""
        try:
            self.schema[name]
        except ColumnError as error:
            raise ColumnError(name, error.names, self.piece.where) from error
        except SchemaError as error:
            raise SchemaError(error.message, self.piece.where) from error
        if common_type([self.expected[name], types[name]]) is None:
            message = (
                f"column '{name}' is {types[name]}, but {self.expected[name]} in batch 1; give all batches one type"
            )
            raise SchemaError(message, self.piece.where)


def _schema_of_first(data: Any) -> FirstBatch:
    """Schema and types of the first batch."""
    table, schema = table_of_batch(data, "batch 1")
    return FirstBatch(schema, types_of(table))


def _checked(items: Iterable[Any], first: FirstBatch) -> Iterator[Iterator[Unit]]:
    """The units of each batch, with the types of the first."""
    rows = 0
    for number, item in enumerate(items, start=1):
        where = f"batch {number}"
        table, schema = table_of_batch(item, where)
        yield (CheckedSlice(piece, schema, first.types) for piece in table.units(where, rows))
        rows += table.rows


def table_of_batch(data: Any, where: str) -> tuple[InMemoryTable, Schema]:
    """One batch of any kind that is in memory, with its schema. Raises DataError for anything else."""
    if isinstance(data, Mapping):
        return table_of_arrays(data)
    if is_pandas(data):
        return table_of_pandas(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return table_of_frame(data)
    raise DataError(f"{type(data).__name__} is no batch; yield record batches, frames or dicts of arrays", where)


def is_pandas(data: object) -> bool:
    """Whether this is a pandas DataFrame, without importing pandas."""
    kind = type(data)
    return kind.__module__.partition(".")[0] == "pandas" and hasattr(data, "iloc") and hasattr(data, "columns")
