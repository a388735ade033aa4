"""Choice of the source for data of any supported kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import pyarrow as pa

from gramian.batch import Source
from gramian.data.arrays import is_pair, read_arrays, read_records
from gramian.data.batches import are_rows, is_pandas, read_iterator, read_list, read_rows
from gramian.data.files import CsvFiles, read_csv_again, read_csv_files, read_files
from gramian.data.frames import read_frame, read_stream
from gramian.data.pandas import read_pandas
from gramian.data.paths import DELTA, ICEBERG, is_address, is_path, table_folder
from gramian.data.selected import Rows, selected
from gramian.errors import DataError

DATABASE = re.compile(r"(?:duckdb|sqlite|postgres|postgresql)://", re.IGNORECASE)  # what a URL begins with
SUPPORTED = (
    "paths, patterns, folders and lists of Parquet, CSV, JSON, ORC or Arrow files; frames of pandas, polars, "
    "pyarrow, Dask or Spark; tables, queries and cursors of databases; tables of Delta and Iceberg; pyarrow datasets; "
    "dicts of arrays; pairs (X, y); arrays of h5py and zarr; datasets of Hugging Face; frames of narwhals; "
    "tables of Ibis; datasets of xarray and Ray; files that are open; lists of rows as dicts; iterables of batches"
)


def source_of(data: object, where: str | None = None, panel_id: tuple[str, str] | None = None) -> Source:
    """The source over data of any supported kind.

    Parameters
    ----------
    data : object
        Paths, frames, arrays, relations, iterables of batches (see `SUPPORTED`), or an object with the attributes of
        `Source`.
    where : str, optional
        Condition on the rows; the others are not there.
    panel_id : tuple of str and str, optional
        Columns of panels and times, by which the rows are in order; lags are made before rows are chosen.

    Raises
    ------
    DataError
        The data cannot be read, or are of an unsupported kind.
    SchemaError
        They are not a table.
    """
    source = next(read for test, read in READERS if test(data))(data)
    source = source if panel_id is None else _panelled(source, panel_id)
    return source if where is None else selected(source, where)


def _panelled(source: Source, panel_id: object) -> Source:
    """The source with lags."""
    from gramian.data.lags.source import panelled  # most data have none

    return panelled(source, panel_id)


def source_again(paths: Sequence[str], reading: Mapping[str, str]) -> Source:
    """The source over what was read before, by its `paths` and `reading`. Raises as `source_of`.

    Tables of Delta and Iceberg are read in the version of then.
    """
    source = AGAIN[reading.get("format", "")](paths, reading)
    source = _panelled(source, json.loads(reading["panel"])) if "panel" in reading else source
    return selected(source, reading["where"]) if "where" in reading else source


def _is_source(data: object) -> bool:
    """Whether an object has the attributes of a source."""
    return all(hasattr(data, name) for name in ("units", "rereadable", "inputs", "schema"))


def _is_paths(data: object) -> bool:
    """Whether this is a list of paths, not an empty one."""
    return isinstance(data, list | tuple | set | frozenset) and bool(data) and all(map(is_path, data))


def _is_named(module: str, name: str) -> Callable[[object], bool]:
    """A test whether an object is of a type with this name, from this package, which needs no import."""

    def test(data: object) -> bool:
        return type(data).__module__.partition(".")[0] == module and type(data).__name__ == name

    return test


def _has(protocol: str) -> Callable[[object], bool]:
    """A test whether an object, no array of NumPy's kind, speaks a protocol and is no stream."""

    def test(data: object) -> bool:
        return hasattr(data, protocol) and not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "dtype")

    return test


def _is_dataset(data: object) -> bool:
    """Whether this is a pyarrow dataset, without importing pyarrow.dataset."""
    return any(f"{kind.__module__}.{kind.__name__}" == "pyarrow._dataset.Dataset" for kind in type(data).__mro__)


def _is_stream(data: object) -> bool:
    """Whether this is a stream that can be read once."""
    return hasattr(data, "__arrow_c_stream__") and not _is_frame(data)


def _is_frame(data: object) -> bool:
    """Whether this is a frame: it has a length, which a stream does not."""
    return isinstance(data, pa.RecordBatch) or (hasattr(data, "__arrow_c_stream__") and hasattr(data, "__len__"))


def _read_dataset(data: Any) -> Source:
    """A source over a pyarrow dataset."""
    from gramian.data.dataset import read_dataset  # pyarrow.dataset is slow to import

    return read_dataset(data)


def _read_lazy(data: Any) -> Source:
    """A source over a polars LazyFrame."""
    from gramian.data.polars import read_lazy  # the only file that imports polars

    return read_lazy(data)


def _read_relation(data: Any) -> Source:
    """A source over a DuckDB relation."""
    from gramian.data.duckdb import read_relation

    return read_relation(data)


def _is_database(data: Any) -> bool:
    """Whether this is the URL of a database, or a list of one."""
    url = data[0] if isinstance(data, list | tuple) and len(data) == 1 else data
    return isinstance(url, str) and DATABASE.match(url) is not None


def _is_remote(data: Any) -> bool:
    """Whether this is an address of files elsewhere, or a list of such."""
    entries = data if isinstance(data, list | tuple) and data else [data]
    return all(map(is_address, entries))


def _read_database(data: Any) -> Source:
    """A source over the table that the URL of a database names."""
    from gramian.data.sql.url import read_url

    return read_url(data if isinstance(data, str) else data[0])


def _is_result(data: object) -> bool:
    """Whether this is a cursor, a result or a connection of a database."""
    return any(callable(getattr(data, name, None)) for name in ("fetchmany", "cursor", "raw_connection"))


def _read_result(data: Any) -> Source:
    """A source over the rows that a cursor holds."""
    from gramian.data.sql.cursors import is_cursor, read_cursor, refuse_connection

    return (read_cursor if is_cursor(data) else refuse_connection)(data)


def _read_sql(data: Any) -> Source:
    """A source over a table or query of a database."""
    from gramian.data.sql.source import table_source

    return table_source(data.connection, data.relation, data.pushdown)


def _read_delta(data: Any) -> Source:
    """A source over a Delta table."""
    from gramian.data.delta import read_delta

    return read_delta(data)


def _read_iceberg(data: Any) -> Source:
    """A source over an Iceberg table."""
    from gramian.data.iceberg import read_iceberg

    return read_iceberg(data)


def _read_rows(data: Rows) -> Source:
    """A source over the rows of which a condition is true, or that are in order."""
    return source_of(data.data, None if data.condition is None else data.condition.text, data.panel_id)


def _refuse(data: object) -> Source:
    """Raise DataError for data that are not supported."""
    # a bare array is the most common mistake: the message shows how to name its columns
    if hasattr(data, "dtype") and hasattr(data, "shape"):
        raise DataError("has no column names; pass a dict, as {'X': array, 'y': vector}", type(data).__name__)
    raise DataError(f"holds no rows that can be read; supported are {SUPPORTED}", type(data).__name__)


def _read_by(module: str, function: str) -> Callable[[Any], Source]:
    """A reader in a module of `gramian.data.libraries`, imported where it is needed."""

    def read(data: Any) -> Source:
        source: Source = getattr(import_module(f"gramian.data.libraries.{module}"), function)(data)
        return source

    return read


def _holds_chunked(data: object) -> bool:
    """Whether this is a group of arrays in a file of h5py or zarr, or a dict with such an array."""
    values = data.values() if isinstance(data, Mapping) else ()
    return (_is_chunked(data) and not hasattr(data, "shape")) or any(map(_is_chunked, values))


def _is_chunked(value: object) -> bool:
    """Whether an object is of h5py or zarr."""
    return type(value).__module__.partition(".")[0] in ("h5py", "zarr")


def _is_open_file(data: object) -> bool:
    """Whether this is a file that is open, or bytes in memory that are read as one."""
    return all(callable(getattr(data, name, None)) for name in ("read", "readable"))


def _is_narwhals(data: object) -> bool:
    """Whether this is a frame of narwhals, which wraps one of another library."""
    return type(data).__module__.startswith("narwhals.") and hasattr(data, "to_native")


def _is_ray(data: object) -> bool:
    """Whether this is a Dataset of Ray."""
    return type(data).__module__.startswith("ray.data.") and hasattr(data, "iter_batches")


def _is_dask(data: object) -> bool:
    """Whether this is a Dask frame."""
    return type(data).__module__.startswith(("dask.dataframe.", "dask_expr."))


def _read_dask(data: Any) -> Source:
    """A source over a Dask frame."""
    from gramian.data.dask import read_dask

    return read_dask(data)


def _is_spark(data: object) -> bool:
    """Whether this is a Spark frame, or one of pandas on Spark."""
    return type(data).__module__.startswith("pyspark.") and type(data).__name__ == "DataFrame"


def _read_spark(data: Any) -> Source:
    """A source over a Spark frame."""
    from gramian.data.spark import read_spark

    return read_spark(data)


def _delta_again(paths: Sequence[str], reading: Mapping[str, str]) -> Source:
    """A source over a version of a Delta table."""
    from gramian.data.delta import read_delta_again

    return read_delta_again(paths, reading)


def _iceberg_again(paths: Sequence[str], reading: Mapping[str, str]) -> Source:
    """A source over a snapshot of an Iceberg table."""
    from gramian.data.iceberg import read_iceberg_again

    return read_iceberg_again(paths, reading)


# how paths of each format are read again
AGAIN: dict[str, Callable[[Sequence[str], Mapping[str, str]], Source]] = {
    "": lambda paths, reading: source_of(list(paths)),
    "csv": read_csv_again,
    "delta": _delta_again,
    "iceberg": _iceberg_again,
}
# the first test that holds decides; lists and iterables come last because frames and arrays are iterable too
READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Source]], ...] = (
    (_is_spark, _read_spark),  # behind Spark Connect it has every attribute that it is asked for
    (_is_source, lambda data: data),
    (lambda data: isinstance(data, CsvFiles), read_csv_files),
    (lambda data: isinstance(data, Rows), _read_rows),
    (_is_named("gramian", "SqlTable"), _read_sql),
    (_is_database, _read_database),
    (_is_remote, _read_by("remote", "read_remote")),
    (lambda data: table_folder(data) == DELTA, _read_delta),
    (lambda data: table_folder(data) == ICEBERG, _read_iceberg),
    (_is_named("deltalake", "DeltaTable"), _read_delta),
    (_is_named("pyiceberg", "Table"), _read_iceberg),
    (_is_named("pyiceberg", "StaticTable"), _read_iceberg),
    (is_path, read_files),
    (_is_paths, read_files),
    (_is_named("datasets", "DatasetDict"), _read_by("huggingface", "refuse_splits")),
    (_holds_chunked, _read_by("chunked", "read_chunked")),
    (_is_named("xarray", "Dataset"), _read_by("xarray", "read_variables")),
    (lambda data: isinstance(data, Mapping), read_arrays),
    (_is_open_file, _read_by("open_files", "read_open_file")),
    (_is_narwhals, lambda data: source_of(data.to_native())),
    (_is_named("datasets", "Dataset"), _read_by("huggingface", "read_dataset")),
    (_is_named("datasets", "IterableDataset"), _read_by("huggingface", "read_dataset")),
    (_is_ray, _read_by("ray", "read_dataset")),
    (_is_named("ibis", "Table"), _read_by("ibis", "read_expression")),
    (_is_named("polars", "LazyFrame"), _read_lazy),
    (_is_named("duckdb", "DuckDBPyRelation"), _read_relation),
    (_is_named("_duckdb", "DuckDBPyRelation"), _read_relation),
    (_is_dataset, _read_dataset),
    (_is_dask, _read_dask),
    (is_pandas, read_pandas),
    (_is_frame, read_frame),
    (_has("__arrow_c_array__"), _read_by("protocols", "read_struct")),
    (_has("__dataframe__"), _read_by("protocols", "read_interchange")),
    (_is_result, _read_result),
    (_is_stream, read_stream),
    (is_pair, lambda data: source_of({"X": data[0], "y": data[1]})),
    (lambda data: getattr(getattr(data, "dtype", None), "names", None) is not None, read_records),
    (lambda data: hasattr(data, "dtype"), _refuse),
    (are_rows, read_rows),
    (lambda data: isinstance(data, list | tuple) and bool(data), read_list),
    (lambda data: isinstance(data, Iterable | Iterator), read_iterator),
    (lambda data: True, _refuse),
)
