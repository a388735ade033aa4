"""Tables in memory, cut into units of a fixed number of rows without a copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import SLICE_ROWS, Batch, Unit, batch_rows, even_rows
from gramian.data.columns import check_codes, usable
from gramian.data.read_errors import error_context
from gramian.data.sparse import is_sparse, rows_of
from gramian.errors import ColumnError

MAX_JOINED = 4  # slices of one longer unit
MIN_UNITS = 4  # longer units that are left for threads
FEW_ROWS = 4096  # average rows of a chunk below which the overhead of chunks exceeds the cost of one copy


@dataclass(frozen=True, slots=True, eq=False)
class InMemoryTable:
    """Columns in memory, all with n = `rows` rows.

    Attributes
    ----------
    rows : int
        Number of rows.
    columns : Mapping[str, Any]
        Name -> Arrow array, chunked array or NumPy vector, (n,).
    matrices : Mapping[str, Any]
        Name -> (n, k) array, or CSR matrix.
    """

    rows: int
    columns: Mapping[str, Any]
    matrices: Mapping[str, Any]

    def units(self, where: str, first_row: int = 0) -> tuple[Slice, ...]:
        """Slices of a fixed number of rows, at least one. first_row : number of rows in earlier frames."""
        starts = range(0, max(self.rows, 1), SLICE_ROWS)
        return tuple(Slice(self, where, at, min(SLICE_ROWS, self.rows - at), first_row) for at in starts)


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A unit of a table in memory.

    Attributes
    ----------
    table : InMemoryTable
        The table.
    where : str
        Kind of frame or number of batch, for messages.
    start, rows : int
        First row in the table, and number of rows.
    rows_before : int
        Number of rows of earlier frames, for the numbers of rows in messages.
    """

    table: InMemoryTable
    where: str
    start: int
    rows: int
    rows_before: int = 0

    @property
    def name(self) -> str:
        """The frame and its rows, for messages."""
        first = self.rows_before + self.start
        return f"{self.where}, rows {first}-{first + max(self.rows, 1) - 1}"

    @property
    def size(self) -> int:
        """Not known before the columns are chosen."""
        return 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """Views of the rows with these columns.

        A matrix that is named without an index is given entire, as CSR if it is sparse.
        """
        vectors, chunked, matrices = self._select(columns)
        dense = dense_columns(columns, matrices)
        # a wide table is read in fewer rows, so that a batch stays small
        width = len(vectors) + len(chunked) + sum(_cells(m, entire=name in columns) for name, m in matrices.items())
        for at, rows, arrays in self._pieces(chunked, even_rows(self.rows, batch_rows(width, SLICE_ROWS))):
            rows_of = slice(at, at + rows)
            views = {name: native(vector[rows_of]) for name, vector in vectors.items()}
            blocks, taken = blocks_of(matrices, rows_of, dense, columns)
            yield Batch(rows, {**arrays, **views, **taken}, blocks, self.where, self.rows_before + at)

    def _pieces(self, columns: Mapping[str, Any], step: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """The pieces of Arrow columns; DataError where one is damaged."""
        with error_context(self.where):
            yield from _pieces(columns, self.start, self.rows, step)

    def _select(self, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The NumPy vectors, Arrow columns and matrices that these names need. Raises ColumnError."""
        vectors: dict[str, Any] = {}
        chunked: dict[str, Any] = {}
        matrices: dict[str, Any] = {}
        for name in names:
            column = self.table.columns.get(name)
            base = name if name in self.table.matrices else name.rpartition("[")[0]
            if column is None and base not in self.table.matrices:
                raise ColumnError(name, self.table.columns, self.where)
            if column is None:
                matrices[base] = self.table.matrices[base]
            else:
                (vectors if isinstance(column, np.ndarray) else chunked)[name] = column
        return vectors, chunked, matrices


def longer_units(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The units with neighbouring slices of a table joined, for passes whose partial results are dear to add.

    How many are joined depends on the number of units alone, and so do the bits of the sums.
    """
    most = min(MAX_JOINED, len(units) // MIN_UNITS) * SLICE_ROWS
    out: list[Unit] = []
    for unit in units:
        last = out[-1] if out else None
        if type(unit) is type(last) is Slice and _follows(unit, last) and last.rows + unit.rows <= most:
            out[-1] = replace(last, rows=last.rows + unit.rows)
        else:
            out.append(unit)
    return tuple(out)


def _follows(unit: Slice, last: Slice) -> bool:
    """Whether a slice begins where another one of the same table ends."""
    return unit.table is last.table and unit.start == last.start + last.rows


def _cells(matrix: Any, *, entire: bool) -> int:
    """Cells of a matrix for each row: of a sparse one that stays sparse its mean number of entries, else its width."""
    return int(matrix.nnz // max(matrix.shape[0], 1) if entire and is_sparse(matrix) else matrix.shape[1])


def dense_columns(names: Sequence[str], matrices: Mapping[str, Any]) -> dict[str, list[int]]:
    """Sparse matrix -> the columns of it that are needed as dense vectors."""
    out: dict[str, list[int]] = {}
    sparse = {name for name, matrix in matrices.items() if is_sparse(matrix)}
    for name in names if sparse else ():
        base, _, index = name.removesuffix("]").rpartition("[")
        if name not in matrices and base in sparse:
            out.setdefault(base, []).append(int(index))
    return out


def blocks_of(
    matrices: Mapping[str, Any], rows: slice, dense: Mapping[str, list[int]], names: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows of matrices: blocks of matrices, and single dense columns of sparse ones.

    Parameters
    ----------
    matrices : Mapping[str, Any]
        Name -> (n, k) array or CSR matrix.
    rows : slice
        The rows.
    dense : Mapping[str, list of int]
        Columns of sparse matrices that are needed as dense vectors (`dense_columns`).
    names : Sequence[str]
        Columns and matrices that were asked for.
    """
    blocks: dict[str, Any] = {}
    taken: dict[str, Any] = {}
    for name, matrix in matrices.items():
        positions = dense.get(name, [])
        if not is_sparse(matrix):
            blocks[name] = native(matrix[rows])
        elif name not in names and len(positions) == matrix.shape[1]:
            blocks[name] = rows_of(matrix, rows).toarray()
        else:
            if name in names:
                blocks[name] = rows_of(matrix, rows)
            selected = rows_of(matrix, rows)[:, positions].toarray()
            taken |= {f"{name}[{j}]": np.ascontiguousarray(selected[:, k]) for k, j in enumerate(positions)}
    return blocks, taken


def native(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The values in the byte order of this machine; a view where they are."""
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _pieces(columns: Mapping[str, Any], start: int, rows: int, step: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """(first row, number of rows, Arrow columns) of each piece of at most `step` rows; at least one piece."""
    if not columns or not rows:
        empty = {name: usable(one_array(column.slice(start, 0))) for name, column in columns.items()}
        yield from (
            (position, min(step, start + rows - position), empty)
            for position in range(start, start + max(rows, 1), step)
        )
        return
    table = pa.table({name: column.slice(start, rows) for name, column in columns.items()})
    _check_dictionaries(table)
    # one copy of all is cheaper than very many short pieces
    if max(column.num_chunks for column in table.columns) * FEW_ROWS > rows + 2 * FEW_ROWS:
        table = table.combine_chunks()
    position = start
    for piece in table.to_batches(max_chunksize=step):
        yield position, piece.num_rows, {name: usable(piece.column(i)) for i, name in enumerate(columns)}
        position += piece.num_rows


def _check_dictionaries(table: Any) -> None:
    """Raise ArrowInvalid for a code without a level: a copy that unites dictionaries would follow it."""
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            for chunk in column.chunks:
                check_codes(chunk)


def one_array(column: Any) -> Any:
    """A column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
