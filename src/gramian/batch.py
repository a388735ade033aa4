"""Rows read together, and what is known of the place they come from: `Batch`, `Schema`, `Unit`, `Source`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.errors import ColumnError, DataError, SchemaError
from gramian.typing import Codes, Level, Mask, Matrix, Vector

CLOSE = 4  # places for each value, up to which integers are their own codes
MANY = 1024  # levels from which on they stay in Arrow's hands
EXACT_INTEGER = 2**53  # beyond it float64 has no place for every integer
SPARSE = "sparse"  # what the type of a sparse matrix begins with
SECONDS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


class Kind(StrEnum):
    """What a column is to a formula: text (and dictionaries) and booleans are factors, numbers are numbers."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name, its kind, the type as its source spells it, and the levels of an ordered categorical.

    `conflict` says why the column cannot be used (its files disagree, say); it matters only to who asks for it.
    """

    name: str
    kind: Kind
    type: str
    levels: tuple[Level, ...] | None = None
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a source in their order; `matrices` maps the name of a 2-D array to its width.

    A matrix `X` of width k is also present as the k fields `X[0]` ... `X[k-1]`; one that is `wide` (sparse, or of very
    many columns) has one field for all of them instead, by its name.
    """

    fields: tuple[Field, ...]
    matrices: Mapping[str, int] = field(default_factory=dict)
    wide: Mapping[str, Field] = field(default_factory=dict)
    places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {f.name: i for i, f in reversed(list(enumerate(self.fields)))}
        object.__setattr__(self, "places", places)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in their order, those of wide matrices last."""
        listed = [f.name for f in self.fields]
        return (*listed, *(f"{matrix}[{i}]" for matrix in self.wide for i in range(self.matrices[matrix])))

    @property
    def count(self) -> int:
        """How many columns there are."""
        return len(self.fields) + sum(self.matrices[matrix] for matrix in self.wide)

    def __contains__(self, name: str) -> bool:
        return name in self.places or self._of_matrix(name) is not None

    def _of_matrix(self, name: str) -> Field | None:
        base, _, index = name.removesuffix("]").rpartition("[")
        inside = base in self.wide and index.isdecimal() and int(index) < self.matrices[base]
        return replace(self.wide[base], name=name) if inside and name == f"{base}[{int(index)}]" else None

    def __getitem__(self, name: str) -> Field:
        if name not in self.places:
            if (found := self._of_matrix(name)) is not None:
                return found
            raise ColumnError(name, self.names)
        known = self.fields[self.places[name]]
        if known.conflict:
            raise SchemaError(known.conflict)
        return known


class Numbers(NamedTuple):
    """A numeric column: values (n,) and which rows are present (None: all). Absent rows hold anything."""

    values: Vector
    present: Mask | None


@dataclass(frozen=True, slots=True, eq=False)
class ArrowLevels(Sequence[Level]):
    """Many different levels as they came, an Arrow array of int64 or large_string without nulls."""

    array: Any

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Level]:
        return iter(self.array.to_pylist())

    def __getitem__(self, index: Any) -> Any:
        found = self.array[index]
        return ArrowLevels(found) if isinstance(index, slice) else found.as_py()


class Coded(NamedTuple):
    """A factor column: codes (n,), -1 where absent, into `levels`."""

    codes: Codes
    levels: Sequence[Level]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows read together.

    columns : name -> Arrow array or NumPy vector, all of length `rows`.
    matrices : name -> (rows, k) array, a row slice of the user's own memory, never a copy.
    where : file, row group or frame, for errors. first_row : number of the first row within its file or frame.
    """

    rows: int
    columns: Mapping[str, Any]
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    where: str = ""
    first_row: int = 0

    def numbers(self, name: str) -> Numbers:
        """A column as float64: dates are days, times and timestamps seconds.

        Raises DataError where an integer is beyond 2^53 (float64 would round it) or the type has no numbers.
        """
        column = self._column(name)
        if isinstance(column, np.ndarray):
            return Numbers(self._from_numpy(name, column), None)
        return Numbers(self._from_arrow(name, column), present(column))

    def factor(self, name: str) -> Coded:
        """A column as codes into its own list of levels (text, boolean, integer, float or ISO date)."""
        close = self.close(name)
        return coded(self.encoded(name)) if close is None else close

    def close(self, name: str) -> Coded | None:
        """A column of integers that lie close together, whose levels are a range; None for any other."""
        return close_integers(self._column(name))

    def encoded(self, name: str) -> Any:
        """A column as an Arrow dictionary array, dates as ISO text, decimals as floats."""
        column = self._column(name)
        if isinstance(column, np.ndarray):
            column = pa.array(column, from_pandas=True)
        if pa.types.is_temporal(column.type):
            column = column.cast(pa.string())
        if pa.types.is_decimal(column.type):
            column = pa.array(decimals(column), mask=None if (p := present(column)) is None else ~p)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        return column

    def head(self, rows: int) -> Batch:
        """The first rows, without a copy."""
        if rows >= self.rows:
            return self
        columns = {name: column[:rows] for name, column in self.columns.items()}
        matrices = {name: matrix[:rows] for name, matrix in self.matrices.items()}
        return Batch(rows, columns, matrices, self.where, self.first_row)

    def __reduce__(self) -> tuple[Any, ...]:
        columns = {name: compact(column) for name, column in self.columns.items()}
        matrices = {name: np.copy(matrix, order="K") for name, matrix in self.matrices.items()}
        return type(self), (self.rows, columns, matrices, self.where, self.first_row)

    def _column(self, name: str) -> Any:
        if name in self.columns:
            return self.columns[name]
        base, _, index = name.removesuffix("]").rpartition("[")
        if base in self.matrices:
            return self.matrices[base][:, int(index)]
        raise ColumnError(name, self.columns, self.where)

    def _from_numpy(self, name: str, column: np.ndarray[Any, Any]) -> Vector:
        if column.dtype.kind in "iu" and column.dtype.itemsize == 8 and column.size:
            self._check_integers(name, int(column.min()), int(column.max()))
        if column.dtype.kind not in "fiub":
            raise DataError(f"column '{name}' holds {column.dtype}, not numbers", self.where)
        return column.astype(np.float64, copy=False)

    def _from_arrow(self, name: str, column: Any) -> Vector:
        kind = column.type
        if pa.types.is_floating(kind):
            return raw(column).astype(np.float64, copy=False)
        if pa.types.is_integer(kind):
            if kind.bit_width == 64 and len(column) > column.null_count:
                low, high = (scalar.as_py() for scalar in pc.min_max(column).values())
                self._check_integers(name, low, high)
            return raw(column).astype(np.float64)
        if pa.types.is_boolean(kind):
            return raw(column.cast(pa.uint8())).astype(np.float64)
        if pa.types.is_decimal(kind):
            return decimals(column)
        if pa.types.is_temporal(kind):
            return instants(column)
        if pa.types.is_null(kind):
            return np.zeros(len(column))
        raise DataError(f"column '{name}' holds {kind}, not numbers", self.where)

    def _check_integers(self, name: str, low: int, high: int) -> None:
        worst = high if abs(high) >= abs(low) else low
        if abs(worst) > EXACT_INTEGER:
            raise DataError(
                f"column '{name}' holds the integer {worst}, beyond 2^53: as float64 it would be rounded; "
                "use factor() if it is an identifier, or subtract an offset first",
                self.where,
            )


class Unit(Protocol):
    """An addressable piece of a source: what one thread reads, what is retried and resumed. Picklable for files."""

    @property
    def name(self) -> str:
        """File and row group, for people."""
        ...

    @property
    def rows(self) -> int | None:
        """Rows, when known beforehand."""
        ...

    @property
    def size(self) -> int:
        """Bytes, for progress; 0 when unknown."""
        ...

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, with these columns only; `parallel` lets the decoder use threads of its own."""
        ...


class Input(NamedTuple):
    """What was read, for the ledger: a file (path, bytes, last change in ns) or a frame (its kind).

    rows, units : when known.
    """

    name: str
    size: int | None
    rows: int | None
    changed: int | None = None
    units: int | None = None


class Source(Protocol):
    """Anything that holds rows."""

    @property
    def schema(self) -> Schema:
        """Columns, agreed over all files."""
        ...

    @property
    def units(self) -> Iterable[Unit]:
        """The units in a fixed order: a sequence when `rereadable`, else an iterator that is used up."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether a second pass is possible."""
        ...

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What is read."""
        ...

    @property
    def rows(self) -> int | None:
        """All rows, when known beforehand."""
        ...

    @property
    def size(self) -> int | None:
        """All bytes, when known beforehand."""
        ...


def compact(column: Any) -> Any:
    """The same column without what it is a slice of, which would be pickled with it."""
    if isinstance(column, np.ndarray) or column.get_total_buffer_size() <= 2 * column.nbytes:
        return column
    return pa.concat_arrays([column, column[:0]])


def present(column: Any) -> Mask | None:
    """Which values of an Arrow array are there; None when all are."""
    if not column.null_count:
        return None
    return raw(column.is_valid().cast(pa.uint8())).astype(np.bool_)  # to_numpy() would import pandas


def raw(column: Any) -> np.ndarray[Any, Any]:
    """The values of a primitive Arrow array without a copy; absent ones hold anything."""
    dtype = np.dtype(column.type.to_pandas_dtype())
    values = np.frombuffer(column.buffers()[1], dtype=dtype) if len(column) else np.empty(0, dtype)
    return values[column.offset : column.offset + len(column)]


def decimals(column: Any) -> Vector:
    """Decimals rounded once to float64; absent ones hold 0."""
    kind = column.type
    if kind.bit_width == 128 and kind.precision <= 15 and 0 <= kind.scale <= 22 and len(column):
        low = np.frombuffer(column.buffers()[1], dtype=np.int64)[
            ::2
        ]  # both sides are exact, so the quotient rounds once
        whole = low[column.offset : column.offset + len(column)].astype(np.float64)
        return np.asarray(np.where(np.abs(whole) < 1e15, whole, 0.0) / 10.0**kind.scale)
    return raw(column.cast(pa.string()).cast(pa.float64()).fill_null(0.0))


def instants(column: Any) -> Vector:
    """Dates as days since 1970-01-01; timestamps, durations and times as seconds."""
    kind = column.type
    if pa.types.is_date(kind):
        return raw(column.cast(pa.date32()).cast(pa.int32())).astype(np.float64)
    whole = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    return np.asarray(raw(whole) / SECONDS[kind.unit])


def close_integers(column: Any) -> Coded | None:
    """Integers that lie close together are their own codes, and their levels a range; None for anything else."""
    if isinstance(column, np.ndarray):
        values, there = column, None
    elif pa.types.is_integer(column.type):
        values, there = raw(column), present(column)
    else:
        return None
    some = values if there is None else values[there]
    if values.dtype.kind not in "iu" or (values.itemsize == 8 and values.dtype.kind == "u") or not len(some):
        return None
    low, high = int(some.min()), int(some.max())
    if high - low >= CLOSE * len(values):
        return None
    codes = np.subtract(values, low, dtype=np.int64)
    return Coded(codes if there is None else np.where(there, codes, -1), range(low, high + 1))


def arrow_levels(dictionary: Any) -> ArrowLevels | None:
    """Many integers or texts as they are; None where they are few, of another type, or one is null."""
    kind = dictionary.type
    if len(dictionary) < MANY or dictionary.null_count:
        return None
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return ArrowLevels(dictionary.cast(pa.int64()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return ArrowLevels(dictionary.cast(pa.large_string()))
    return None


def coded(column: Any) -> Coded:
    """Codes and levels of an Arrow dictionary array; a null or NaN level counts as absent."""
    indices = column.indices
    if indices.null_count:
        indices = indices.cast(pa.int64()).fill_null(-1)  # unsigned ones have no place for -1
    codes = raw(indices).astype(np.int64)
    if (many := arrow_levels(column.dictionary)) is not None:
        return Coded(codes, many)
    levels = column.dictionary.to_pylist()
    gone = [i for i, level in enumerate(levels) if level is None or level != level]
    if gone:
        codes = np.where(np.isin(codes, gone), -1, codes)
    return Coded(codes, levels)
