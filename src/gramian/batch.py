"""Rows read together, and the place they come from: `Batch`, `Unit`, `Source`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.column import Coded, Numbers, close_integers, coded, compact, decimals, instants, present, raw
from gramian.errors import ColumnError, DataError
from gramian.schema import Schema
from gramian.typing import Matrix, Vector

EXACT_INTEGER = 2**53  # beyond it float64 has no place for every integer


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
