"""Source over a Delta table in the version that was loaded: the files that its log lists, or the rows of a scan.

Files are read where the table needs nothing else. Deletion vectors and mapped columns are applied by the scan of
deltalake, which is one unit and gives rows in no fixed order. Features that neither knows are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from gramian.batch import Batch, Input, Rereadable, batch_rows
from gramian.data.checksum import Earlier, RowsRead, rows_read
from gramian.data.columns import usable_columns
from gramian.data.dataset import read_dataset
from gramian.data.paths import local_path, single_path
from gramian.data.read_errors import table_error
from gramian.data.unify_schema import schema_of
from gramian.errors import DataError, MissingExtraError

try:
    import deltalake
    from deltalake.exceptions import DeltaError, DeltaProtocolError
except ImportError as error:
    raise MissingExtraError("deltalake", "delta") from error

WHERE = "Delta table"


def read_delta(data: Any) -> Rereadable:
    """A source over a `deltalake.DeltaTable`, or the folder of one, whose newest version is read.

    Raises DataError where deltalake cannot say which rows count.
    """
    path = single_path(data)
    return _source(path or WHERE, lambda: data if path is None else deltalake.DeltaTable(path))


def read_delta_again(paths: Sequence[str], reading: Mapping[str, str]) -> Rereadable:
    """The source over the version of a table that was read before."""
    (path,), version = paths, int(reading["version"])
    return _source(path, lambda: deltalake.DeltaTable(path, version=version))


def _source(where: str, opened: Callable[[], Any]) -> Rereadable:
    """A source over a table, which is found again where its folder is on this machine."""
    with delta_errors(where):
        table = opened()
        try:
            source = read_dataset(table.to_pyarrow_dataset())
        except DeltaProtocolError:
            if not hasattr(table, "scan"):  # deltalake before 1.6
                raise
            source = _scanned(table, where)
        folder = local_path(table.table_uri)
    if folder is None:
        return source
    return replace(source, paths=(folder,), reading={"format": "delta", "version": str(table.version())})


def _scanned(table: Any, where: str) -> Rereadable:
    """A source over the rows that a scan of a table gives, as one unit."""
    types = pa.RecordBatchReader.from_stream(table.scan()).schema
    unit = Scan(table, where, table.version(), types.names[:1])
    return Rereadable(schema_of(types, {}), (unit,), (Input(where, None, None),), None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The rows of a version of a table, in whatever order they come.

    Attributes
    ----------
    table : deltalake.DeltaTable
        The table.
    name : str
        Its folder, or what it is.
    version : int
        The version.
    first : list of str
        The column that is read where none is needed, to count the rows.
    earlier : Earlier
        What its passes have read.
    """

    table: Any
    name: str
    version: int
    first: list[str]
    earlier: Earlier = field(default_factory=Earlier)
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows. Raises DataError where the table was changed, or other rows come than in the pass before."""
        if self.table.version() != self.version:
            raise DataError(f"was version {self.version} at first and is {self.table.version()} now", self.name)
        read, asked = RowsRead(), list(dict.fromkeys(columns)) or self.first
        with delta_errors(self.name):
            for whole in pa.RecordBatchReader.from_stream(self.table.scan(columns=asked)):
                for at in range(0, whole.num_rows, step := batch_rows(len(asked))):
                    piece = whole.slice(at, step)
                    arrays = usable_columns(piece, asked)
                    wanted = {name: arrays[name] for name in columns}
                    yield Batch(piece.num_rows, wanted, where=self.name, first_row=read.rows)
                    read += rows_read(pa.record_batch(arrays))
        self.earlier.check(read, self.name, "load it again")


@contextmanager
def delta_errors(where: str) -> Iterator[None]:
    """A context in which what deltalake, or its scan, raises becomes a DataError."""
    try:
        yield
    except (DeltaError, pa.ArrowException) as error:
        raise table_error(error, where, "deltalake") from error
