"""What is known of a file before its rows are read, and batches of files."""

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
    """Columns and rows of a file.

    Attributes
    ----------
    file : File
        The file.
    types : Mapping[str, Any]
        Column -> Arrow type.
    unusable : Mapping[str, str]
        Column -> why it cannot be used.
    rows : int or None
        Number of rows, where the format stores it.
    unit_rows : tuple
        Number of rows of each unit, where the format has several.
    dialect : Any
        Facts that only its format needs (delimiter and the like of CSV).
    """

    file: File
    types: Mapping[str, Any]
    unusable: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    unit_rows: tuple[Any, ...] = ()
    dialect: Any = None


def stored_columns(columns: Sequence[str], file: File) -> list[str]:
    """The columns that are stored in the file itself, not in the names of its folders."""
    keys = dict(file.keys)
    return [name for name in columns if name not in keys]


def batch_of(piece: Any, columns: Sequence[str], file: File, where: str, first_row: int) -> Batch:
    """A batch from a record batch that was read from a file; columns from folder names are constant."""
    keys = dict(file.keys)
    arrays = {name: _column(piece, name, keys, where) for name in columns}
    return Batch(piece.num_rows, arrays, where=where, first_row=first_row)


def _column(piece: Any, name: str, keys: Mapping[str, int | str | None], where: str) -> Any:
    """A column of a record batch, or of a folder name. Raises ColumnError where it is neither."""
    if name in keys:
        value = keys[name]
        kind = {int: pa.int64(), str: pa.string()}.get(type(value), pa.null())
        return constant(value, kind, piece.num_rows)
    if name not in piece.schema.names:
        raise ColumnError(name, piece.schema.names, where)
    return usable(piece.column(name))
