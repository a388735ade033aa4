"""One table of rows as data of every kind: what makes it, and which of the columns such data can hold."""

from __future__ import annotations

import gzip
import io
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import scipy.sparse

import gramian as gm
from data.conftest import WRITERS

FILES = (
    "t.parquet", "t.csv", "t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zst", "t.arrow", "t.feather", "t.ipc", "t.orc",
    "t.ndjson", "t.jsonl.gz", "t.json",
)  # fmt: skip
COMPLETE = ("u", "v", "y")  # columns of numbers without missing values, for what can hold nothing else


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data.

    Attributes
    ----------
    make : callable
        The data, from the table and an empty folder.
    columns : Mapping[str, str]
        Column of the data -> column of the table; empty: all, under their own names.
    once : bool
        Whether they can be read a single time.
    """

    make: Callable[[pa.Table, Path], Any]
    columns: Mapping[str, str]
    once: bool = False


class Tensor:
    """An array of another library, by the protocols that it speaks."""

    def __init__(self, array: np.ndarray, *, gradients: bool = False) -> None:
        # a copy: what Arrow lends is read-only, which NumPy 2.0 does not hand on
        self.array, self.shape, self.dtype, self.gradients = array.copy(), array.shape, array.dtype, gradients

    def __len__(self) -> int:
        return len(self.array)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options: Any) -> Any:
        if self.gradients:
            raise BufferError("it records gradients")
        return self.array.__dlpack__(**options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("it records gradients; take tensor.detach()")


class OnlyArray:
    """An object that speaks no other protocol than that of NumPy."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape = array, array.shape

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.array


class Stream:
    """An object that hands its rows over as a stream of Arrow, once."""

    def __init__(self, table: pa.Table) -> None:
        self.reader = table.to_reader(max_chunksize=70)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.reader.__arrow_c_stream__(requested_schema)


class Frame:
    """A frame of another library, which has a length and hands its rows over as often as it is asked."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return self.table.num_rows

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class Struct:
    """An object that hands its rows over as one array of Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self.batch = table.combine_chunks().to_batches()[0]

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return self.batch.__arrow_c_array__(requested_schema)


class Interchanged:
    """A frame of a library that speaks the older protocol for frames only."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __dataframe__(self, **options: Any) -> Any:
        return self.table.__dataframe__(**options)


def written(table: pa.Table, path: Path) -> Path:
    """A file in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[path.name.partition(".")[2]](table, path)
    return path


def halves(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    return table.slice(0, 400), table.slice(400)


def parts(table: pa.Table, folder: Path, name: str = "p{}.parquet") -> list[str]:
    """The rows in two files."""
    return [str(written(half, folder / name.format(at))) for at, half in enumerate(halves(table))]


def in_memory_store(table: pa.Table, name: str) -> str:
    """A store in memory, with the rows in two files; its address with a pattern."""
    import fsspec

    system = fsspec.filesystem("memory")
    system.store.clear()
    for at, half in enumerate(halves(table)):
        with system.open(f"/kinds/{at}.{name}", "wb") as file:
            (pq.write_table if name == "parquet" else pc.write_csv)(half, file)
    return f"memory://kinds/*.{name}"


def content(table: pa.Table, path: Path) -> io.BytesIO:
    """Bytes in memory, in the format of a name."""
    return io.BytesIO(written(table, path).read_bytes())


def numpy_dict(table: pa.Table) -> dict[str, Any]:
    missing = table["i"].is_null().to_numpy(zero_copy_only=False)
    return {
        **{name: table[name].to_numpy(zero_copy_only=False) for name in ("x", "b", "d", *COMPLETE)},
        "i": np.ma.masked_array(table["i"].fill_null(0).to_numpy(), mask=missing),
        "s": table["s"].to_pylist(),
    }


def matrix(table: pa.Table) -> np.ndarray:
    return np.column_stack([table["u"], table["v"]])


def vector(table: pa.Table) -> np.ndarray:
    return table["y"].to_numpy()


def records(table: pa.Table) -> np.ndarray:
    return np.rec.fromarrays([table[name].to_numpy() for name in COMPLETE], names=list(COMPLETE))


def in_hdf5(table: pa.Table, path: Path) -> Any:
    """A column and a matrix in a file of HDF5."""
    file = pytest.importorskip("h5py").File(path / "t.h5", "w")
    file["X"], file["y"] = matrix(table), vector(table)
    file.create_group("other")
    return file


def in_zarr(table: pa.Table, path: Path) -> Any:
    """A column and a matrix in a group of zarr, by chunks."""
    group = pytest.importorskip("zarr").open_group(path / "t.zarr", mode="w")
    for name, values, chunks in (("X", matrix(table), (30, 2)), ("y", vector(table), (50,))):
        group.create_array(name, shape=values.shape, dtype=values.dtype, chunks=chunks)[:] = values
    return group


def in_xarray(table: pa.Table, path: Path) -> Any:
    """Variables along one dimension, and its coordinate."""
    xarray = pytest.importorskip("xarray")
    u, v, y = (table[name].to_numpy() for name in COMPLETE)
    return xarray.Dataset({"u": ("row", u), "y": ("row", y)}, coords={"row": np.arange(len(u)), "v": ("row", v)})


def in_duckdb(table: pa.Table, path: Path | str = ":memory:") -> Any:
    """A connection to a database with the table."""
    connection = pytest.importorskip("duckdb").connect(str(path))
    connection.register("rows", table)
    connection.execute("create table t as select * from rows")
    connection.unregister("rows")
    return connection


def duckdb_url(table: pa.Table, path: Path) -> str:
    in_duckdb(table, path / "t.duckdb").close()
    return f"duckdb:///{path / 't.duckdb'}?table=t"


def sqlite_file(table: pa.Table, path: Path) -> Path:
    """A database with the columns that have a type there."""
    with closing(sqlite3.connect(path / "t.db")) as connection, connection:
        connection.execute("create table t (x real, i integer, s text, u real, v integer, y real)")
        values = zip(*(table[name].to_pylist() for name in NATIVE), strict=True)
        connection.executemany("insert into t values (?, ?, ?, ?, ?, ?)", values)
    return path / "t.db"


NATIVE = ("x", "i", "s", *COMPLETE)
OPENED = ExitStack()  # connections that the user of these kinds closes


def sqlite(table: pa.Table, path: Path) -> sqlite3.Connection:
    """A connection to such a database."""
    return OPENED.enter_context(closing(sqlite3.connect(sqlite_file(table, path))))


def sqlalchemy_engine(table: pa.Table, path: Path) -> Any:
    engine = pytest.importorskip("sqlalchemy").create_engine(f"sqlite:///{sqlite_file(table, path)}")
    OPENED.callback(engine.dispose)
    return engine


def sqlalchemy_result(table: pa.Table, path: Path) -> Any:
    connection = OPENED.enter_context(sqlalchemy_engine(table, path).connect())
    return connection.execute(pytest.importorskip("sqlalchemy").text("select * from t"))


def sqlite_cursor(table: pa.Table, path: Path) -> Any:
    return sqlite(table, path).execute("select * from t")


def adbc_cursor(table: pa.Table, path: Path) -> Any:
    driver = pytest.importorskip("adbc_driver_sqlite.dbapi")
    cursor = driver.connect(str(sqlite_file(table, path))).cursor()
    cursor.execute("select * from t")
    return cursor


def adbc_table(table: pa.Table, path: Path) -> Any:
    driver = pytest.importorskip("adbc_driver_sqlite.dbapi")
    return gm.sql(driver.connect(str(sqlite_file(table, path))), "t")


def in_delta(table: pa.Table, path: Path) -> str:
    pytest.importorskip("deltalake").write_deltalake(path / "delta", table)
    return str(path / "delta")


def in_iceberg(table: pa.Table, path: Path) -> Any:
    pytest.importorskip("pyiceberg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages that pyiceberg imports
        from pyiceberg.catalog.memory import InMemoryCatalog

        catalog = InMemoryCatalog("catalog", warehouse=f"file://{path}")
        catalog.create_namespace("n")
        created = catalog.create_table("n.t", table.schema)
        created.append(table)
    return created


def dask_frame(table: pa.Table, path: Path) -> Any:
    frames = pytest.importorskip("dask.dataframe")
    return frames.from_pandas(table.to_pandas(types_mapper=pd.ArrowDtype), npartitions=3)


def ibis_table(table: pa.Table, path: Path) -> Any:
    return pytest.importorskip("ibis").polars.connect().create_table("t", table)


def narwhals_frame(table: pa.Table, path: Path) -> Any:
    return pytest.importorskip("narwhals").from_native(table)


def narwhals_lazy(table: pa.Table, path: Path) -> Any:
    return pytest.importorskip("narwhals").from_native(pl.from_arrow(table).lazy())


def hugging_face(table: pa.Table, path: Path) -> Any:
    return pytest.importorskip("datasets").Dataset(table)


def interchanged(table: pa.Table, path: Path) -> Interchanged:
    return Interchanged(table.select([*NATIVE]))


def pieces(table: pa.Table, convert: Callable[[pa.Table], Any]) -> Iterator[Any]:
    return (convert(table.slice(at, 100)) for at in range(0, 1000, 100))


def tsv(table: pa.Table, path: Path) -> str:
    pc.write_csv(table, path / "t.tsv", pc.WriteOptions(delimiter="\t"))
    return str(path / "t.tsv")


def semicolons(table: pa.Table, path: Path) -> Any:
    pc.write_csv(table, path / "t.txt", pc.WriteOptions(delimiter=";"))
    return gm.csv(path / "t.txt", sep=";")


def own(names: Sequence[str]) -> dict[str, str]:
    return {name: name for name in names}


ALL: dict[str, str] = {}
TABLES: dict[str, Callable[[pa.Table, Path], Any]] = {
    **{name: lambda t, p, name=name: str(written(t, p / name)) for name in FILES},
    "t.tsv": tsv,
    "gm.csv": semicolons,
    "a Path": lambda t, p: written(t, p / "t.parquet"),
    "a list of files": lambda t, p: parts(t, p),
    "a list of Paths": lambda t, p: [Path(part) for part in parts(t, p, "p{}.csv")],
    "a pattern": lambda t, p: [parts(t, p), str(p / "*.parquet")][1],
    "a folder": lambda t, p: [parts(t, p), str(p)][1],
    "a folder of keys": lambda t, p: [parts(t, p, "k={}/p.parquet"), p][1],
    "file://": lambda t, p: written(t, p / "t.parquet").as_uri(),
    "memory://": lambda t, p: in_memory_store(t, "parquet"),
    "memory://, text": lambda t, p: in_memory_store(t, "csv"),
    "an open file": lambda t, p: written(t, p / "t.parquet").open("rb"),
    "an open file of gzip": lambda t, p: gzip.GzipFile(written(t, p / "t.csv.gz")),
    "an open file of text": lambda t, p: written(t, p / "t.ndjson").open(encoding="utf-8"),
    "bytes of CSV": lambda t, p: content(t, p / "t.csv"),
    "bytes of compressed CSV": lambda t, p: content(t, p / "t.csv.zst"),
    "bytes of Arrow": lambda t, p: content(t, p / "t.arrow"),
    "a stream of Arrow in memory": lambda t, p: pa.BufferReader(content(t, p / "t.ipc").getvalue()),
    "pyarrow.Table": lambda t, p: t,
    "a Table of short chunks": lambda t, p: pa.Table.from_batches(t.to_batches(max_chunksize=7)),
    "RecordBatch": lambda t, p: t.combine_chunks().to_batches()[0],
    "pyarrow dataset": lambda t, p: ds.dataset(t),
    "pyarrow dataset of files": lambda t, p: ds.dataset(parts(t, p)),
    "pyarrow dataset with a filter": lambda t, p: ds.dataset(parts(t, p)).filter(ds.field("u") < 1e9),
    "pandas": lambda t, p: t.to_pandas(),
    "pandas of Arrow": lambda t, p: t.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas with nullable types": lambda t, p: t.to_pandas().convert_dtypes(dtype_backend="numpy_nullable"),
    "pandas with an index": lambda t, p: t.to_pandas(types_mapper=pd.ArrowDtype).set_index(["s", "y"]),
    "polars": lambda t, p: pl.from_arrow(t),
    "polars lazy": lambda t, p: pl.from_arrow(t).lazy(),
    "polars lazy, of a file": lambda t, p: pl.scan_parquet(written(t, p / "t.parquet")),
    "narwhals": narwhals_frame,
    "narwhals lazy": narwhals_lazy,
    "Ibis": ibis_table,
    "Dask": dask_frame,
    "Hugging Face": hugging_face,
    "Hugging Face, read in order": lambda t, p: hugging_face(t, p).to_iterable_dataset(),
    "DuckDB relation": lambda t, p: pytest.importorskip("duckdb").from_arrow(t),  # of the connection of the process
    "DuckDB table": lambda t, p: gm.sql(in_duckdb(t), "t"),
    "DuckDB query": lambda t, p: gm.sql(in_duckdb(t), "select * from t"),
    "DuckDB by its URL": duckdb_url,
    "Delta, a folder": in_delta,
    "Delta": lambda t, p: pytest.importorskip("deltalake").DeltaTable(in_delta(t, p)),
    "Iceberg": in_iceberg,
    "frame with a stream of Arrow": lambda t, p: Frame(t),
    "array of Arrow's interface": lambda t, p: Struct(t),
    "dict of Arrow": lambda t, p: dict(zip(t.column_names, t.columns, strict=True)),
    "dict of NumPy": lambda t, p: numpy_dict(t),
    "dict of lists": lambda t, p: t.to_pydict(),
    "dict of polars": lambda t, p: pl.from_arrow(t).to_dict(),
    "dict of pandas": lambda t, p: dict(t.to_pandas(types_mapper=pd.ArrowDtype).items()),
    "list of tables": lambda t, p: list(halves(t)),
    "list of dicts": lambda t, p: t.to_pylist(),
}
ONCE: dict[str, Callable[[pa.Table, Path], Any]] = {
    "RecordBatchReader": lambda t, p: t.to_reader(max_chunksize=70),
    "stream of Arrow's interface": lambda t, p: Stream(t),
    "DuckDB result": lambda t, p: in_duckdb(t).execute("select * from t"),
    "generator of batches": lambda t, p: (batch for batch in t.to_batches(max_chunksize=90)),
    "generator of frames": lambda t, p: pieces(t, pl.from_arrow),
    "generator of dicts": lambda t, p: pieces(t, pa.Table.to_pydict),
}
DATABASES: dict[str, Callable[[pa.Table, Path], Any]] = {
    "SQLite": lambda t, p: gm.sql(sqlite(t, p), "t"),
    "SQLite query": lambda t, p: gm.sql(sqlite(t, p), "select * from t order by rowid"),
    "SQLite by its URL": lambda t, p: f"sqlite:///{sqlite_file(t, p)}?table=t",
    "SQLAlchemy": lambda t, p: gm.sql(sqlalchemy_engine(t, p), "t"),
    "ADBC": adbc_table,
    "interchange protocol": interchanged,
}
CURSORS = {"cursor of SQLite": sqlite_cursor, "result of SQLAlchemy": sqlalchemy_result, "cursor of ADBC": adbc_cursor}
NUMBERS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "array of records": lambda t, p: records(t),
    "structured array": lambda t, p: np.asarray(records(t)).view([(name, records(t).dtype[name]) for name in COMPLETE]),
    "xarray": in_xarray,
    "dict of tensors": lambda t, p: {name: Tensor(t[name].to_numpy()) for name in COMPLETE},
    "dict of arrays by NumPy's protocol": lambda t, p: {name: OnlyArray(t[name].to_numpy()) for name in COMPLETE},
    "dict of masked arrays": lambda t, p: {name: np.ma.masked_array(t[name].to_numpy()) for name in COMPLETE},
}
MATRICES: dict[str, Callable[[pa.Table, Path], Any]] = {
    "dict with a matrix": lambda t, p: {"X": matrix(t), "y": vector(t)},
    "dict with rows as lists": lambda t, p: {"X": matrix(t).tolist(), "y": vector(t).tolist()},
    "pair": lambda t, p: (matrix(t), vector(t)),
    "pair of pandas": lambda t, p: (pd.DataFrame(matrix(t)), pd.Series(vector(t))),
    "pair of polars": lambda t, p: (pl.DataFrame(matrix(t)), pl.Series(vector(t))),
    "frame as a matrix": lambda t, p: {"X": pd.DataFrame(matrix(t), columns=list("ab")), "y": vector(t)},
    "Arrow table as a matrix": lambda t, p: {"X": t.select(["u", "v"]), "y": t["y"]},
    "tensors": lambda t, p: {"X": Tensor(matrix(t)), "y": Tensor(vector(t))},
    "pair of tensors": lambda t, p: (Tensor(matrix(t)), Tensor(vector(t))),
    "protocol of NumPy": lambda t, p: {"X": OnlyArray(matrix(t)), "y": OnlyArray(vector(t))},
    "sparse": lambda t, p: {"X": scipy.sparse.csr_array(matrix(t)), "y": vector(t)},
    "sparse by columns": lambda t, p: {"X": scipy.sparse.csc_matrix(matrix(t)), "y": vector(t)},
    "sparse, with the places of its entries": lambda t, p: {"X": scipy.sparse.coo_array(matrix(t)), "y": vector(t)},
    "pair with a sparse matrix": lambda t, p: (scipy.sparse.csr_array(matrix(t)), vector(t)),
    "HDF5": in_hdf5,
    "pair of HDF5": lambda t, p: tuple(map(in_hdf5(t, p).get, "Xy")),
    "HDF5 beside memory": lambda t, p: {"X": in_hdf5(t, p)["X"], "y": vector(t)},
    "zarr": in_zarr,
    "zarr beside memory": lambda t, p: {"X": in_zarr(t, p)["X"], "y": vector(t)},
}
KINDS = {
    **{name: Kind(make, ALL) for name, make in TABLES.items()},
    **{name: Kind(make, ALL, once=True) for name, make in ONCE.items()},
    **{name: Kind(make, own(NATIVE)) for name, make in DATABASES.items()},
    **{name: Kind(make, own(NATIVE), once=True) for name, make in CURSORS.items()},
    **{name: Kind(make, own(COMPLETE)) for name, make in NUMBERS.items()},
    **{name: Kind(make, {"X[0]": "u", "X[1]": "v", "y": "y"}) for name, make in MATRICES.items()},
}
