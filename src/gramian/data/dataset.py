"""Source over a pyarrow dataset: a unit is a fragment or row group; a filtered dataset is one unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pd
from pyarrow.fs import LocalFileSystem

from gramian.batch import Batch, Input, Rereadable, batch_rows
from gramian.data.columns import usable
from gramian.data.parquet import check_nulls
from gramian.data.paths import check_different, check_no_table
from gramian.data.read_errors import error_context
from gramian.data.unify_schema import BOTH, FileSchema, arrow_columns, unify
from gramian.errors import DataError

WHERE = "pyarrow.dataset"
FOOTERS = 16  # that are read at a time
DECLARED = {"csv", "json"}  # formats that store no types: the schema of the dataset holds


def read_dataset(data: Any, *, declared: bool = True) -> Rereadable:
    """A source over a dataset; types of its files must agree, as those of the files of a folder.

    declared : whether its schema says which columns there are, as a user's does; else every file says it.
    """
    if not isinstance(data, pd.FileSystemDataset) or getattr(data, "_scan_options", None):
        schema = unify(list(_dataset_schemas(data))).schema
        return Rereadable(schema, (Scan(data, WHERE),), (Input(WHERE, None, None),), None, None)
    with error_context(WHERE):
        fragments = list(data.get_fragments())
        with ThreadPoolExecutor(FOOTERS) as pool:  # each is a request where files are elsewhere
            schemas = list(pool.map(partial(_schema, data, declared=declared), fragments))
    paths = [fragment.path for fragment in fragments]
    if isinstance(data.filesystem, LocalFileSystem):
        check_different(paths)
        check_no_table(paths)
    clashes = [{} if declared else _clashes(fragment) for fragment in fragments]
    file_schemas = [_file_schema(*file) for file in zip(paths, schemas, clashes, strict=True)]
    schema = unify(file_schemas or [_file_schema(WHERE, data.schema, {})]).schema
    of_files = [tuple(_units(*file)) for file in zip(fragments, schemas, paths, strict=True)]
    inputs = tuple(
        Input(path, None, _total(scans), units=len(scans)) for path, scans in zip(paths, of_files, strict=True)
    )
    units = tuple(chain.from_iterable(of_files))
    return Rereadable(schema, units, inputs, _total(units), None)


def _total(units: Sequence[Scan]) -> int | None:
    """Number of rows of units; None where one of them does not know it."""
    counts = [unit.rows for unit in units if unit.rows is not None]
    return sum(counts) if len(counts) == len(units) else None


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A unit of a dataset.

    Attributes
    ----------
    part : Any
        The dataset, fragment or row group.
    name : str
        Its name.
    schema : Any
        Arrow schema with which it is read; None for its own.
    rows : int or None
        Number of rows in the footer.
    first_row : int
        Number of its first row in the file.
    footer : Any
        The footer of the file, where it is Parquet.
    size : int
        Bytes; not known.
    """

    part: Any
    name: str
    schema: Any = None
    rows: int | None = None
    first_row: int = 0
    footer: Any = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where their number differs from the footer."""
        first = self.first_row
        schema_option = {} if self.schema is None else {"schema": self.schema}
        options = {"columns": list(columns), "batch_size": batch_rows(len(columns)), "use_threads": parallel}
        nulls = dict.fromkeys(columns, 0)
        if self.footer is not None:
            options["fragment_scan_options"] = pd.ParquetFragmentScanOptions(page_checksum_verification=True)
        with error_context(self.name):
            # by default the scanner reads far ahead, and memory grows with it
            for piece in self.part.to_batches(batch_readahead=2, **options, **schema_option):
                arrays = {name: usable(piece.column(name)) for name in columns}
                yield Batch(piece.num_rows, arrays, where=self.name, first_row=first)
                first += piece.num_rows
                for name in columns:
                    nulls[name] += piece.column(name).null_count
        if self.rows is not None and first - self.first_row != self.rows:
            raise DataError(f"holds {first - self.first_row} rows, its footer says {self.rows}", self.name)
        if self.footer is not None:
            check_nulls(self.footer, self.part.row_groups[0].id, nulls, self.name)


def _units(fragment: Any, schema: Any, path: str) -> Iterator[Scan]:
    """One unit for each row group of a Parquet file, or for another file."""
    if not isinstance(fragment, pd.ParquetFileFragment):
        yield Scan(fragment, path, schema)
        return
    first = 0
    with error_context(path):
        groups = fragment.split_by_row_group()
    for group in groups:
        row_group = group.row_groups[0]
        yield Scan(group, f"{path}, row group {row_group.id}", schema, row_group.num_rows, first, group.metadata)
        first += row_group.num_rows


def _schema(data: Any, fragment: Any, *, declared: bool) -> Any:
    """The types in a fragment, and those of the keys in its path. declared : as of `read_dataset`."""
    if fragment.format.default_extname in DECLARED:
        return data.schema
    physical = fragment.physical_schema
    keys = pd.get_partition_keys(fragment.partition_expression)
    known, stored = set(data.schema.names), set(physical.names)  # once: Arrow makes these lists anew
    fields = [data.schema.field(name) for name in keys if name in known and name not in stored]
    return pa.schema([*(field for field in physical if field.name in known or not declared), *fields])


def _clashes(fragment: Any) -> dict[str, str]:
    """Columns that are both in a file and in its path, with what is wrong with that."""
    keys = pd.get_partition_keys(fragment.partition_expression)
    stored = set(fragment.physical_schema.names) if keys else set()
    return {name: BOTH.format(name) for name in keys if name in stored}


def _file_schema(where: str, schema: Any, clashes: Mapping[str, str]) -> FileSchema:
    """Columns and types of one file."""
    types, unusable = arrow_columns(schema)
    return FileSchema(where, types, {**unusable, **clashes})


def _dataset_schemas(data: Any) -> Iterator[FileSchema]:
    """The schema of the dataset; where its files store types, those of each file, which must be of the same family."""
    yield _file_schema(WHERE, data.schema, {})
    if not isinstance(data, pd.FileSystemDataset) or data.format.default_extname in DECLARED:
        return
    for path in data.files:
        with error_context(path):
            file_types = data.format.inspect(path, data.filesystem)
        kinds = {field.name: field.type for field in data.schema} | {field.name: field.type for field in file_types}
        yield _file_schema(path, pa.schema([(name, kinds[name]) for name in data.schema.names]), {})
