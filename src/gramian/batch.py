"""Interface between data and formulas: `Batch` (rows read together), `Unit` (a piece of a source) and `Source`.

The reading modules in `gramian.data` implement units, and put them into one of the two kinds of sources; formulas and
fits use nothing else of the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from gramian.column import Coded, Numbers, close_integers, coded, compact, decimals, numbers, present
from gramian.errors import ColumnError
from gramian.rowwise import arrow
from gramian.schema import Schema
from gramian.typing import Codes, Mask, Matrix

BATCH_ROWS = 65_536  # rows of a batch: enough for vectorised work, few enough to keep temporaries small
SLICE_ROWS = 131_072  # rows of a unit in memory; a constant, so that the bits do not depend on the number of workers
BATCH_CELLS = 2**23  # 64 MB of float64: wide tables are read in fewer rows


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows read together.

    Attributes
    ----------
    rows : int
        Number of rows n.
    columns : Mapping[str, Any]
        Name -> Arrow array or NumPy vector, (n,).
    matrices : Mapping[str, Matrix]
        Name -> (n, k) array, a row slice of the user's own memory, never a copy.
    where : str
        File and row group, or kind of frame, for error messages.
    first_row : int
        Zero-based number of the first row within its file or frame.
    positions : Codes or None
        Zero-based numbers of the rows, where some between them were left out.
    """

    rows: int
    columns: Mapping[str, Any]
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    where: str = ""
    first_row: int = 0
    positions: Codes | None = None

    @property
    def row_numbers(self) -> Codes:
        """Zero-based numbers of the rows within their file or frame, (n,)."""
        return self.first_row + np.arange(self.rows) if self.positions is None else self.positions

    def numbers(self, name: str, *, as_stored: bool = False) -> Numbers:
        """A column as float64, (rows,): dates in days since 1970-01-01, timestamps, times and durations in seconds.

        as_stored : whether integers, booleans and float32 keep their type.

        Raises ColumnError where the column does not exist, and DataError where an integer is beyond 2^53 (float64 would
        round it) or the type is not numeric.
        """
        return numbers(self._column(name), name, self.where, as_stored=as_stored)

    def arrow(self, name: str) -> Any:
        """A column as an Arrow array, NaN as missing, for comparisons; of codes where the source has codes."""
        return arrow(self._column(name))

    def factor(self, name: str, known: range | None = None) -> Coded:
        """A column as codes (rows,) into a list of levels of its own (text, boolean, integer, float or ISO date).

        known : integers that are levels already; values among them are coded without a search.
        """
        close = self.close(name, known)
        return coded(self.encoded(name)) if close is None else close

    def close(self, name: str, known: range | None = None) -> Coded | None:
        """A column of integers in a narrow or known range as codes whose levels are a range; None for any other."""
        return close_integers(self._column(name), known)

    def encoded(self, name: str) -> Any:
        """A column as an Arrow dictionary array, with dates as ISO text and decimals as float64."""
        column = self._column(name)
        if isinstance(column, np.ndarray):
            column = pa.array(column, from_pandas=True)
        if pa.types.is_temporal(column.type):
            column = column.cast(pa.string())
        if pa.types.is_decimal(column.type):
            # rounded once to float64, so that 1.50 and 1.5 are one level
            column = pa.array(decimals(column, name, self.where), mask=None if (p := present(column)) is None else ~p)
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        return column

    @property
    def width(self) -> int:
        """Number of columns, those of matrices included."""
        return len(self.columns) + sum(int(matrix.shape[1]) for matrix in self.matrices.values())

    def head(self, rows: int) -> Batch:
        """The first rows as a batch, without a copy; the batch itself where it has no more rows than that."""
        return self if rows >= self.rows else self.part(0, rows)

    def part(self, start: int, end: int) -> Batch:
        """The rows from `start` to before `end` as a batch, without a copy."""
        columns = {name: column[start:end] for name, column in self.columns.items()}
        matrices = {name: matrix[start:end] for name, matrix in self.matrices.items()}
        positions = None if self.positions is None else self.positions[start:end]
        return Batch(end - start, columns, matrices, self.where, self.first_row + start, positions)

    def filter(self, mask: Mask) -> Batch:
        """The rows that a mask (n,) marks."""
        columns = {name: _filtered(column, mask) for name, column in self.columns.items()}
        matrices = {name: matrix[mask] for name, matrix in self.matrices.items()}
        numbers = self.row_numbers[mask]
        return Batch(len(numbers), columns, matrices, self.where, self.first_row, numbers)

    def __reduce__(self) -> tuple[Any, ...]:
        # a slice would be pickled together with the memory of the array that it was cut from
        columns = {name: compact(column) for name, column in self.columns.items()}
        matrices = {name: np.copy(matrix, order="K") for name, matrix in self.matrices.items()}
        return type(self), (self.rows, columns, matrices, self.where, self.first_row, self.positions)

    def _column(self, name: str) -> Any:
        """The column of this name; `X[3]` is the column 3 of the matrix X. Raises ColumnError for other names."""
        if name in self.columns:
            return self.columns[name]
        base, _, index = name.removesuffix("]").rpartition("[")
        if base in self.matrices:
            return self.matrices[base][:, int(index)]
        raise ColumnError(name, self.columns, self.where)


def _filtered(column: Any, mask: Mask) -> Any:
    """A column's values at a mask."""
    return column[mask] if isinstance(column, np.ndarray) else column.filter(pa.array(mask))


class Unit(Protocol):
    """An addressable piece of a source: what one thread reads, what is retried and resumed.

    Units of files are picklable, so that other processes and machines can read them.
    """

    @property
    def name(self) -> str:
        """File and row group, for messages and reports."""
        ...

    @property
    def rows(self) -> int | None:
        """Number of rows; None where it is not known before reading."""
        ...

    @property
    def size(self) -> int:
        """Size in bytes, for progress; 0 when unknown."""
        ...

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, with these columns only.

        parallel : whether the decoder may use threads of its own (off where units are read in parallel already).
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class WrappedUnit:
    """A unit that reads another one and changes what comes of it: its `batches` are for the class that extends this.

    Attributes
    ----------
    unit : Unit
        The unit that reads.
    """

    unit: Unit

    @property
    def name(self) -> str:
        """As of `Unit`."""
        return self.unit.name

    @property
    def rows(self) -> int | None:
        """As of `Unit`."""
        return self.unit.rows

    @property
    def size(self) -> int:
        """As of `Unit`."""
        return self.unit.size


class Input(NamedTuple):
    """One input of a fit, recorded in its provenance: a file or a frame.

    Attributes
    ----------
    name : str
        Path of the file, or the kind of frame.
    size : int or None
        Bytes.
    rows : int or None
        Number of rows, where it is known.
    changed : int or None
        Time of the last change of the file, in nanoseconds since 1970-01-01.
    units : int or None
        Number of units, where it is known.
    identity : str or None
        What a file is known by, whatever its name: device, number there, and time of the last change.
    """

    name: str
    size: int | None
    rows: int | None
    changed: int | None = None
    units: int | None = None
    identity: str | None = None


class Source(Protocol):
    """A table of rows that can be read in batches: files, frames, arrays or an iterator."""

    @property
    def schema(self) -> Schema:
        """The columns with their types, unified over all files."""
        ...

    @property
    def units(self) -> Iterable[Unit]:
        """The units in a fixed order: a sequence where `rereadable`, else an iterator that can be read once."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether a second pass is possible."""
        ...

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The files or frames that the source reads."""
        ...

    @property
    def rows(self) -> int | None:
        """Total number of rows; None where it is not known before reading."""
        ...

    @property
    def size(self) -> int | None:
        """Total size in bytes; None where it is not known."""
        ...


def even_rows(rows: int, most: int) -> int:
    """Rows of each piece of so many rows, at most `most`: a power of two of equal pieces, for threads to share."""
    pieces = -(-rows // most)
    return -(-rows // (1 << (pieces - 1).bit_length())) if pieces > 1 else most


def batch_rows(width: int, rows: int = BATCH_ROWS) -> int:
    """Number of rows of a batch with `width` columns: `rows`, or fewer for very wide tables, but at least 1024."""
    return min(rows, max(1024, BATCH_CELLS // max(width, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Rereadable:
    """A source whose units can be read any number of times.

    Attributes
    ----------
    schema : Schema
        Its columns.
    units : tuple of Unit
        Its units.
    inputs : tuple of Input
        The files or frames that are read.
    rows, size : int or None
        Number of rows and bytes, where known.
    paths : tuple of str
        Paths, folders and patterns of files, absolute; by them they are found again.
    reading : Mapping[str, str]
        How these are read: "format", and what that needs; nothing for files that are read by their names.
    """

    schema: Schema
    units: tuple[Unit, ...]
    inputs: tuple[Input, ...]
    rows: int | None
    size: int | None
    rereadable: bool = True
    paths: tuple[str, ...] = ()
    reading: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SinglePass:
    """A source that can be read once; nothing is taken from it before a unit is asked for.

    The attributes are those of `Rereadable`, but `units` is an iterator.
    """

    schema: Schema
    units: Iterator[Unit]
    inputs: tuple[Input, ...]
    rows: int | None = None
    size: int | None = None
    rereadable: bool = False
