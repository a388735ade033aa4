"""Source over arrays that stay in a file: those of h5py and zarr are read by rows, and only what a pass needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gramian.batch import SLICE_ROWS, Batch, Input, Rereadable, batch_rows
from gramian.data.arrays import common_length, read_arrays, table_of_arrays
from gramian.data.in_memory import InMemoryTable
from gramian.data.read_errors import error_context
from gramian.errors import SchemaError

LIBRARIES = ("h5py", "zarr")


def is_chunked(value: object) -> bool:
    """Whether this is an array of h5py or zarr, without an import of either."""
    return _library(value) in LIBRARIES and hasattr(value, "shape") and hasattr(value, "dtype")


def read_chunked(data: Any) -> Rereadable:
    """A source over the arrays of a group, or of a dict. Raises SchemaError where they are not columns of one table."""
    where = f"{_library(data)} group" if _library(data) in LIBRARIES else "dict of arrays"
    arrays = {str(name): _text(value) for name, value in _items(data) if not _is_group(value)}
    if not arrays:
        raise SchemaError(f"the {where} holds no arrays")
    _check_dimensions(arrays)
    rows = common_length(arrays)
    head = {name: _rows(value, slice(0, min(rows, 1))) for name, value in arrays.items()}
    schema = read_arrays(head).schema
    units = tuple(Rows(arrays, where, at, min(SLICE_ROWS, rows - at)) for at in range(0, max(rows, 1), SLICE_ROWS))
    return Rereadable(schema, units, (Input(where, None, rows),), rows, None)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of arrays, which are read when they are needed.

    Attributes
    ----------
    arrays : Mapping[str, Any]
        Name -> (n,) or (n, k) array.
    where : str
        What they are, for messages.
    start, rows : int
        First row, and number of rows.
    size : int
        Bytes; not known before the columns are chosen.
    """

    arrays: Mapping[str, Any]
    where: str
    start: int
    rows: int
    size: int = 0

    @property
    def name(self) -> str:
        """The rows, for messages."""
        return f"{self.where}, rows {self.start}-{self.start + max(self.rows, 1) - 1}"

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order; of a matrix all columns are read, since a chunk holds parts of all."""
        needed = {name: self.arrays[name] for name in dict.fromkeys(map(self._array_of, columns))}
        # texts of h5py below 3.13 have no shape; they are columns
        width = sum(int(np.prod(getattr(value, "shape", ())[1:])) for value in needed.values())
        step = batch_rows(width, SLICE_ROWS)
        for at in range(self.start, self.start + max(self.rows, 1), step):
            stop = min(at + step, self.start + self.rows)
            with error_context(self.name):
                piece = {name: _rows(value, slice(at, stop)) for name, value in needed.items()}
            table = table_of_arrays(piece)[0] if piece else InMemoryTable(stop - at, {}, {})
            for unit in table.units(self.where, at):
                yield from unit.batches(columns, parallel=parallel)

    def _array_of(self, column: str) -> str:
        """The array that a column is of: `X[3]` is of X."""
        return column if column in self.arrays else column.rpartition("[")[0]


def _library(value: object) -> str:
    """The package that a value's type is of."""
    return type(value).__module__.partition(".")[0]


def _items(data: Any) -> Iterator[tuple[Any, Any]]:
    """Names and values of a group or dict."""
    yield from data.items() if isinstance(data, Mapping) else data.members()


def _is_group(value: object) -> bool:
    """Whether a member of a group is a group itself."""
    return _library(value) in LIBRARIES and not hasattr(value, "shape")


def _check_dimensions(arrays: Mapping[str, Any]) -> None:
    """Raise SchemaError for arrays that are neither columns nor matrices."""
    for name, value in arrays.items():
        if is_chunked(value) and len(value.shape) not in (1, 2):
            raise SchemaError(f"'{name}' has {len(value.shape)} dimensions; give 1 (a column) or 2 (a matrix)")


def _text(value: Any) -> Any:
    """An array of h5py that holds texts as texts, not as bytes."""
    return value.asstr() if _library(value) == "h5py" and value.dtype.kind in "OS" else value


def _rows(value: Any, rows: slice) -> Any:
    """Rows of an array, in memory."""
    piece = value[rows]
    # NumPy's own type of text is not known to Arrow
    return piece.astype(object) if isinstance(piece, np.ndarray) and piece.dtype.kind in "TUS" else piece
