"""Every kind of source tells the same table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import duckdb
import h5py
import ibis
import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import zarr

import gramian as gm
from data.reading import count, everything
from gramian.data.source import source_of
from gramian.errors import ColumnError, DataError, GramianError
from gramian.schema import Kind

COMPRESSED = ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zst"]
FILES = [
    "t.parquet",
    "t.csv",
    *COMPRESSED,
    "t.arrow",
    "t.feather",
    "t.ipc",
    "t.orc",
    "t.ndjson",
    "t.jsonl.gz",
    "t.json",
]
KINDS = {"x": Kind.NUMBER, "i": Kind.NUMBER, "s": Kind.TEXT, "b": Kind.BOOLEAN, "d": Kind.DATE}


def numpy_dict(table: pa.Table) -> dict[str, Any]:
    return {
        "x": table["x"].to_numpy(),
        "i": np.ma.masked_array(
            table["i"].fill_null(0).to_numpy(), mask=table["i"].is_null().to_numpy(zero_copy_only=False)
        ),
        "s": table["s"].to_pylist(),
        "b": table["b"].to_numpy(zero_copy_only=False),
        "d": table["d"].to_numpy(),
    }


MEMORY = {
    "pyarrow.Table": lambda t: t,
    "chunked Table": lambda t: pa.Table.from_batches(t.to_batches(max_chunksize=7)),
    "RecordBatch": lambda t: t.combine_chunks().to_batches()[0],
    "RecordBatchReader": lambda t: t.to_reader(max_chunksize=70),
    "pandas": lambda t: t.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda t: pl.from_arrow(t),
    "polars lazy": lambda t: pl.from_arrow(t).lazy(),
    "duckdb": duckdb.from_arrow,
    "dataset": lambda t: ds.dataset(t),
    "dict of Arrow": lambda t: dict(zip(t.column_names, t.columns, strict=True)),
    "dict of NumPy": numpy_dict,
    "dict of lists": lambda t: t.to_pydict(),
    "dict of polars": lambda t: pl.from_arrow(t).to_dict(),
    "dict of pandas": lambda t: dict(t.to_pandas(types_mapper=pd.ArrowDtype).items()),
    "list of tables": lambda t: [t.slice(0, 400), t.slice(400)],
    "narwhals": lambda t: narwhals.from_native(t),
    "narwhals lazy": lambda t: narwhals.from_native(pl.from_arrow(t).lazy()),
    "Ibis": lambda t: ibis.polars.connect().create_table("t", t),
    "Hugging Face": lambda t: datasets.Dataset(t),
    "Hugging Face, read in order": lambda t: datasets.Dataset(t).to_iterable_dataset(),
    "generator": lambda t: (batch for batch in t.to_batches(max_chunksize=90)),
    "generator of frames": lambda t: (pl.from_arrow(t.slice(at, 100)) for at in range(0, 1000, 100)),
    "generator of dicts": lambda t: (t.slice(at, 100).to_pydict() for at in range(0, 1000, 100)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_yields_the_table(table, write, name):
    source = source_of(write(table, name))
    assert everything(source) == table.to_pydict()
    assert {f.name: f.kind for f in source.schema.fields} == KINDS
    assert everything(source, ["b", "x"]) == table.select(["b", "x"]).to_pydict()
    assert source.rereadable
    assert source.size == Path(source.inputs[0].name).stat().st_size


@pytest.mark.parametrize("kind", MEMORY)
def test_memory_yields_the_table(table, kind):
    source = source_of(MEMORY[kind](table))
    assert {f.name: f.kind for f in source.schema.fields} == KINDS
    assert everything(source) == table.to_pydict()


@pytest.mark.parametrize("name", FILES)
def test_no_columns_still_count_rows_in_files(table, write, name):
    assert count(source_of(write(table, name))) == 1000


@pytest.mark.parametrize("kind", MEMORY)
def test_no_columns_still_count_rows_in_memory(table, kind):
    assert count(source_of(MEMORY[kind](table))) == 1000


@pytest.mark.parametrize("kind", MEMORY)
def test_what_stays_can_be_read_twice(table, kind):
    source = source_of(MEMORY[kind](table))
    first, second = count(source), count(source)
    assert first == 1000
    assert second == (1000 if source.rereadable else 0)
    assert source.rereadable == (kind != "RecordBatchReader" and "generator" not in kind)


@pytest.mark.parametrize("kind", MEMORY)
def test_a_column_that_is_not_there_is_named(table, kind):
    source = source_of(MEMORY[kind](table))
    with pytest.raises(ColumnError, match="no column 'xx'; did you mean 'x'"):
        source.schema["xx"]


@pytest.mark.parametrize("name", FILES)
def test_first_rows_number_the_rows_of_a_file(table, write, name):
    source = source_of(write(table, name))
    position = 0
    for unit in source.units:
        for batch in unit.batches(["x"]):
            assert batch.first_row == position
            position += batch.rows
    assert position == 1000


@pytest.mark.parametrize("kind", MEMORY)
def test_first_rows_number_the_rows_in_memory(table, kind):
    position = 0
    for unit in source_of(MEMORY[kind](table)).units:
        for batch in unit.batches(["x"]):
            assert batch.first_row == position
            position += batch.rows
    assert position == 1000


@pytest.mark.parametrize("kind", MEMORY)
def test_numbers_and_factors_come_out_alike(table, kind):
    numbers, levels = [], []
    for unit in source_of(MEMORY[kind](table)).units:
        for batch in unit.batches(["i", "s"]):
            values, present = batch.numbers("i")
            gone = np.isnan(values) if present is None else ~present
            numbers += np.where(gone, None, values).tolist()
            codes, known = batch.factor("s")
            levels += [None if code < 0 else known[code] for code in codes]
    assert numbers == table["i"].to_pylist()
    assert levels == table["s"].to_pylist()


def test_reading_files_imports_no_frame_library(table, write):
    code = (
        "import sys, gramian.data.source as s; units = [s.source_of(path).units[0] for path in sys.argv[1:]]; "
        "[b.numbers('x') for u in units for b in u.batches(['x', 's'])]; "
        "print(sorted({'pandas', 'polars', 'duckdb', 'pyarrow.dataset'} & set(sys.modules)))"
    )
    paths = [write(table, name) for name in FILES]
    run = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_compressed_file_that_is_damaged_or_called_otherwise(table, write, tmp_path, name):
    path = Path(write(table, name))
    content = path.read_bytes()
    plain = tmp_path / "u.csv"
    plain.write_bytes(content)
    with pytest.raises(DataError, match=f"is compressed; rename it so that it ends in {path.suffix}"):
        source_of(plain)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=f"{name}: cannot be read"):
        everything(source_of(path))
    path.write_bytes(b"x,y\n1,2\n")
    with pytest.raises(DataError, match=f"{name}: cannot be read"):
        source_of(path)
    path.write_bytes(content[:-1])  # a byte of the last checksum, or of the index after it
    with pytest.raises(DataError, match=f"{name}: cannot be read"):
        everything(source_of(path))


@pytest.mark.parametrize("name", COMPRESSED)
def test_faults_in_a_compressed_file_are_named_by_their_lines(table, write, name):
    rows = pa.table({"x": ["1"] * 70_000 + ["u"]})
    with pytest.raises(DataError, match=f"{name}, line 70002: column 'x' holds 'u'"):
        everything(source_of(gm.csv(write(rows, name), na_values=["?"])))


# What has no missing values, and matrices: all are the same complete numbers.
X, Y, TEXT = np.arange(600.0).reshape(200, 3) % 7, np.arange(200.0) % 11, np.array(["u", "v"] * 100, dtype=object)


class Tensor:
    """An array of another library, by the protocols that it speaks."""

    def __init__(self, array: np.ndarray, *, gradients: bool = False) -> None:
        self.array, self.shape, self.dtype, self.gradients = array, array.shape, array.dtype, gradients

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


def in_hdf5(path: Path) -> Any:
    """Columns and a matrix in a file of HDF5."""
    file = h5py.File(path / "t.h5", "w")
    file["X"], file["y"], file["s"] = X, Y, TEXT
    file.create_group("other")
    return file


def in_zarr(path: Path) -> Any:
    """Columns and a matrix in a group of zarr, by chunks."""
    group = zarr.open_group(path / "t.zarr", mode="w")
    group.create_array("X", data=X, chunks=(30, 2))
    group.create_array("y", data=Y, chunks=(50,))
    return group


MATRICES = {
    "pair": lambda path: (X, Y),
    "pair of pandas": lambda path: (pd.DataFrame(X), pd.Series(Y)),
    "pair of polars": lambda path: (pl.DataFrame(X), pl.Series(Y)),
    "frame as a matrix": lambda path: {"X": pd.DataFrame(X, columns=list("abc")), "y": Y},
    "Arrow table as a matrix": lambda path: {"X": pa.table(dict(zip("abc", X.T, strict=True))), "y": Y},
    "tensors": lambda path: {"X": Tensor(X), "y": Tensor(Y)},
    "pair of tensors": lambda path: (Tensor(X), Tensor(Y)),
    "protocol of NumPy": lambda path: {"X": OnlyArray(X), "y": OnlyArray(Y)},
    "HDF5": in_hdf5,
    "pair of HDF5": lambda path: tuple(map(in_hdf5(path).get, "Xy")),
    "HDF5 beside memory": lambda path: {"X": in_hdf5(path)["X"], "y": Y},
    "zarr": in_zarr,
    "zarr beside memory": lambda path: {"X": in_zarr(path)["X"], "y": Y},
}


@pytest.mark.parametrize("kind", MATRICES)
def test_matrices_of_all_kinds_are_the_same_matrix(tmp_path, kind):
    source = source_of(MATRICES[kind](tmp_path))
    expected = {f"X[{j}]": X[:, j].tolist() for j in range(3)} | {"y": Y.tolist()}
    assert everything(source, list(expected)) == expected
    assert everything(source, ["X[1]"]) == {"X[1]": expected["X[1]"]}
    assert count(source) == 200
    assert gm.ols("y ~ X", source).coefficients.tolist() == gm.ols("y ~ X", {"X": X, "y": Y}).coefficients.tolist()


def test_texts_of_hdf5_and_records_are_factors(tmp_path):
    assert everything(source_of(in_hdf5(tmp_path)), ["s"])["s"] == TEXT.tolist()
    records = np.rec.fromarrays([Y, TEXT.astype(str)], names="y,s")
    assert everything(source_of(records)) == {"y": Y.tolist(), "s": TEXT.tolist()}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"X": Tensor(X, gradients=True), "y": Y}, r"'X' \(Tensor\) cannot be a matrix: it records gradients; take"),
        ({"X": pd.DataFrame({"a": ["u"]}), "y": [1]}, "column 'a' is .*string; give numbers, or the frame itself"),
        ({"X": pd.DataFrame({"a": [2**53 + 1]}), "y": [1]}, "column 'a' holds integers beyond 2\\^53"),
        (
            datasets.DatasetDict(train=datasets.Dataset(pa.table({"x": [1]}))),
            r"splits \(train\); pass one, as data\['t",
        ),
    ],
)
def test_what_cannot_be_a_matrix_or_a_table_is_named(data, message):
    with pytest.raises(GramianError, match=message):
        source_of(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": 1}\n{"x": "a"}\n', "changed from number to string"),
        ('{"x": 1}\n' * 500_000 + '{"x": 1.5}\n', r"couldn.t parse:1.5"),
        ('{"x": 1}\n{"x": 2', "Missing a comma"),
        ('[{"x": 1}, 2]', "item 2 of the array is no object"),
        ('[{"x": 1},', "Expecting value"),
        ("[" * 100_000, "lists stand in each other too deeply"),
    ],
    ids=["text", "later fraction", "cut", "item", "cut array", "deep array"],
)
def test_faults_of_json_are_named(tmp_path, text, message):
    path = tmp_path / "t.ndjson"
    path.write_text(text)
    with pytest.raises(GramianError, match=message):
        everything(source_of(path), ["x"])
