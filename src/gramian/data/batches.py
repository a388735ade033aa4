"""Batches handed over one after another: a list of frames, or an iterator that is used up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gramian.batch import Batch, Input, Unit
from gramian.data.agreement import widest
from gramian.data.arrays import hold_arrays, types_of
from gramian.data.frames import hold_frame
from gramian.data.pandas import hold_pandas
from gramian.data.reading import Once, Rereadable
from gramian.data.slices import Held, Slice
from gramian.errors import ColumnError, DataError, SchemaError
from gramian.schema import Schema


def read_list(data: Sequence[Any]) -> Rereadable:
    """Frames in a list: they stay, so they can be read again."""
    first = _schema_of_first(data[0])
    units = tuple(chain.from_iterable(_checked(data, first)))
    rows = sum(unit.rows or 0 for unit in units)
    return Rereadable(first.schema, units, (Input(f"{len(data)} frames", None, rows),), rows, None)


def read_iterator(data: Iterable[Any]) -> Once:
    """Batches that come one by one: only the first is taken before a unit is asked for."""
    items = iter(data)
    with_first = next(items, None)
    if with_first is None:
        raise DataError("it yields no batches, so there are no columns", "iterable of batches")
    first = _schema_of_first(with_first)
    units = chain.from_iterable(_checked(chain([with_first], items), first))
    return Once(first.schema, units, (Input("iterable of batches", None, None),))


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What the first batch has."""

    schema: Schema
    types: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """Rows of one batch, whose columns must be those of the first."""

    piece: Slice
    schema: Schema
    expected: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The number of the batch, and its rows."""
        return self.piece.name

    @property
    def rows(self) -> int:
        """Rows of this piece."""
        return self.piece.rows

    @property
    def size(self) -> int:
        """Unknown."""
        return 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """Views of the rows. Raises SchemaError where a column that is used is not as in the first batch."""
        types = types_of(self.piece.held)
        for name in columns:
            self._check(name, types)
        yield from self.piece.batches(columns, parallel=parallel)

    def _check(self, name: str, types: Mapping[str, Any]) -> None:
        try:
            self.schema[name]
        except ColumnError as error:
            raise ColumnError(name, error.names, self.piece.where) from error
        except SchemaError as error:
            raise SchemaError(error.message, self.piece.where) from error
        if widest([self.expected[name], types[name]]) is None:
            told = f"column '{name}' is {types[name]}, but {self.expected[name]} in batch 1; give all batches one type"
            raise SchemaError(told, self.piece.where)


def _schema_of_first(data: Any) -> Expected:
    held, schema = hold(data, "batch 1")
    return Expected(schema, types_of(held))


def _checked(items: Iterable[Any], first: Expected) -> Iterator[Iterator[Unit]]:
    rows = 0
    for number, item in enumerate(items, start=1):
        where = f"batch {number}"
        held, schema = hold(item, where)
        yield (Checked(piece, schema, first.types) for piece in held.units(where, rows))
        rows += held.rows


def hold(data: Any, where: str) -> tuple[Held, Schema]:
    """One batch of any kind that is in memory."""
    if isinstance(data, Mapping):
        return hold_arrays(data)
    if is_pandas(data):
        return hold_pandas(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return hold_frame(data)
    raise DataError(f"{type(data).__name__} is no batch; yield record batches, frames or dicts of arrays", where)


def is_pandas(data: object) -> bool:
    """Whether this is a DataFrame of pandas, without importing it."""
    kind = type(data)
    return kind.__module__.partition(".")[0] == "pandas" and hasattr(data, "iloc") and hasattr(data, "columns")
