"""Anything that holds rows, as a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from gramian.batch import Source
from gramian.data.arrays import read_arrays
from gramian.data.batches import is_pandas, read_iterator, read_list
from gramian.data.files import read_files
from gramian.data.frames import read_frame, read_stream
from gramian.data.pandas import read_pandas
from gramian.data.paths import is_path
from gramian.errors import DataError

SUPPORTED = (
    "paths, patterns, folders and lists of Parquet, CSV or Arrow files; frames of pandas, polars or pyarrow; "
    "frames of Dask; DuckDB relations; pyarrow datasets; dicts of arrays; iterables of batches"
)


def source_of(data: object) -> Source:
    """The source behind data of any supported kind.

    Raises DataError where it cannot be read, SchemaError where it is no table.
    """
    return next(read for test, read in READERS if test(data))(data)


def _is_source(data: object) -> bool:
    return all(hasattr(data, name) for name in ("units", "rereadable", "inputs", "schema"))


def _is_paths(data: object) -> bool:
    return isinstance(data, list | tuple | set | frozenset) and bool(data) and all(map(is_path, data))


def _is_named(module: str, name: str) -> Callable[[object], bool]:
    def test(data: object) -> bool:
        return type(data).__module__.partition(".")[0] == module and type(data).__name__ == name

    return test


def _is_dataset(data: object) -> bool:
    return any(f"{kind.__module__}.{kind.__name__}" == "pyarrow._dataset.Dataset" for kind in type(data).__mro__)


def _is_stream(data: object) -> bool:
    return hasattr(data, "__arrow_c_stream__") and not _is_frame(data)


def _is_frame(data: object) -> bool:
    """A frame knows its length; a stream that can be taken once does not."""
    return isinstance(data, pa.RecordBatch) or (hasattr(data, "__arrow_c_stream__") and hasattr(data, "__len__"))


def _read_dataset(data: Any) -> Source:
    from gramian.data.dataset import read_dataset  # pyarrow.dataset takes a while to import

    return read_dataset(data)


def _read_lazy(data: Any) -> Source:
    from gramian.data.polars import read_lazy  # the only file that imports polars

    return read_lazy(data)


def _read_relation(data: Any) -> Source:
    from gramian.data.duckdb import read_relation

    return read_relation(data)


def _refuse(data: object) -> Source:
    if hasattr(data, "dtype") and hasattr(data, "shape"):
        raise DataError("has no column names; pass a dict, as {'X': array, 'y': vector}", type(data).__name__)
    raise DataError(f"holds no rows that can be read; supported are {SUPPORTED}", type(data).__name__)


def _is_dask(data: object) -> bool:
    return type(data).__module__.startswith("dask.dataframe.")


def _read_dask(data: Any) -> Source:
    from gramian.data.dask import read_dask

    return read_dask(data)


READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Source]], ...] = (
    (_is_source, lambda data: data),
    (is_path, read_files),
    (_is_paths, read_files),
    (lambda data: isinstance(data, Mapping), read_arrays),
    (_is_named("polars", "LazyFrame"), _read_lazy),
    (_is_named("duckdb", "DuckDBPyRelation"), _read_relation),
    (_is_named("_duckdb", "DuckDBPyRelation"), _read_relation),
    (_is_dataset, _read_dataset),
    (_is_dask, _read_dask),
    (is_pandas, read_pandas),
    (_is_frame, read_frame),
    (_is_stream, read_stream),
    (lambda data: hasattr(data, "dtype"), _refuse),
    (lambda data: isinstance(data, list | tuple) and bool(data), read_list),
    (lambda data: isinstance(data, Iterable | Iterator), read_iterator),
    (lambda data: True, _refuse),
)
