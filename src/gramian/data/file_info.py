"""What a file says before a row of it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from gramian.batch import Batch
from gramian.data.columns import constant, usable
from gramian.data.paths import File
from gramian.errors import ColumnError


@dataclass(frozen=True, slots=True, eq=False)
class FileInfo:
    """A file's columns (name -> Arrow type), which of them cannot be used and why, its rows when known.

    pieces : rows of each of its units, where it has several. spelling : what its format adds.
    """

    file: File
    types: Mapping[str, Any]
    unusable: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    unit_rows: tuple[Any, ...] = ()
    dialect: Any = None


def stored_columns(columns: Sequence[str], file: File) -> list[str]:
    """Those of the columns that are in the file itself, not in the names of its folders."""
    keys = dict(file.keys)
    return [name for name in columns if name not in keys]


def batch_of(piece: Any, columns: Sequence[str], file: File, where: str, first_row: int) -> Batch:
    """A batch of a record batch read from a file; what its folders say is the same in all rows."""
    keys = dict(file.keys)
    arrays = {name: _column(piece, name, keys, where) for name in columns}
    return Batch(piece.num_rows, arrays, where=where, first_row=first_row)


def _column(piece: Any, name: str, keys: Mapping[str, int | str | None], where: str) -> Any:
    if name in keys:
        value = keys[name]
        kind = {int: pa.int64(), str: pa.string()}.get(type(value), pa.null())
        return constant(value, kind, piece.num_rows)
    if name not in piece.schema.names:
        raise ColumnError(name, piece.schema.names, where)
    return usable(piece.column(name))
