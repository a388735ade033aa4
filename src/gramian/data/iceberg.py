"""Source over an Iceberg table: each pass scans the snapshot that was current when the source was made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from gramian.batch import Batch, Input, Rereadable, batch_rows
from gramian.data.columns import usable_columns
from gramian.data.paths import local_path, single_path
from gramian.data.read_errors import READ_ERRORS, table_error
from gramian.data.unify_schema import schema_of
from gramian.errors import DataError, GramianError, MissingExtraError

try:
    from pyiceberg.table import StaticTable
except ImportError as error:
    raise MissingExtraError("pyiceberg", "iceberg") from error

WHERE = "Iceberg table"


def read_iceberg(data: Any) -> Rereadable:
    """A source over a table of pyiceberg, or the folder of one that names its current version, as one unit."""
    path = single_path(data)
    with iceberg_errors(path or WHERE):
        return _source(data if path is None else _in_folder(path), path or WHERE)


def read_iceberg_again(paths: Sequence[str], reading: Mapping[str, str]) -> Rereadable:
    """The source over the snapshot of a table that was read before."""
    (path,) = paths
    with iceberg_errors(path):
        return _source(StaticTable.from_metadata(path), reading["name"])


def _source(table: Any, name: str) -> Rereadable:
    """A source over a table, which is found again where its metadata are in a file on this machine."""
    schema, snapshot = table.schema().as_arrow(), table.metadata.current_snapshot_id
    source = Rereadable(
        schema_of(schema, {}), (Scan(table, schema.names[0], snapshot),), (Input(name, None, None),), None, None
    )
    metadata = local_path(table.metadata_location)
    if metadata is None:
        return source
    return replace(source, paths=(metadata,), reading={"format": "iceberg", "name": name})


def _in_folder(path: str) -> Any:
    """The table in a folder. Raises DataError where only a catalog knows which version is the current one."""
    if not os.path.exists(os.path.join(path, "metadata", "version-hint.text")):
        raise DataError(
            "is an Iceberg table whose current version only its catalog knows; "
            "pass the table that pyiceberg loads from the catalog",
            path,
        )
    return StaticTable.from_metadata(path)


@contextmanager
def iceberg_errors(where: str) -> Iterator[None]:
    """A context in which what pyiceberg raises becomes a DataError."""
    try:
        yield
    except GramianError:
        raise
    except (*READ_ERRORS, NotImplementedError) as error:
        raise table_error(error, where, "pyiceberg") from error


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The rows of a snapshot.

    Attributes
    ----------
    table : Any
        The table of pyiceberg.
    first_column : str
        The column that is read where none is needed, to count the rows.
    snapshot : int or None
        The snapshot; None for a table that has no rows yet.
    """

    table: Any
    first_column: str
    snapshot: int | None
    name: str = WHERE
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in the order of the scan, without deleted ones."""
        first_row, fields = 0, tuple(columns) or (self.first_column,)
        with iceberg_errors(WHERE):
            reader = self.table.scan(selected_fields=fields, snapshot_id=self.snapshot).to_arrow_batch_reader()
            for read in reader:
                for at in range(0, read.num_rows, step := batch_rows(len(fields))):
                    piece = read.slice(at, step)
                    yield Batch(piece.num_rows, usable_columns(piece, columns), where=WHERE, first_row=first_row)
                    first_row += piece.num_rows
