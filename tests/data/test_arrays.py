"""Dicts of arrays: views of the user's own memory, and what cannot be a column."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from data.reading import everything
from gramian.data.source import source_of
from gramian.errors import DataError, SchemaError
from gramian.schema import Kind


def batches(data, columns):
    return [batch for unit in source_of(data).units for batch in unit.batches(columns)]


def test_a_matrix_is_used_without_a_copy(tmp_path):
    X = np.lib.format.open_memmap(tmp_path / "X.npy", mode="w+", dtype=np.float64, shape=(300_000, 3))
    X[:] = np.arange(900_000.0).reshape(300_000, 3)
    source = source_of({"X": X, "y": X[:, 0]})
    assert source.schema.matrices == {"X": 3}
    assert source.schema.names == ("y", "X[0]", "X[1]", "X[2]")
    found = [batch for unit in source.units for batch in unit.batches(["X[2]", "y"])]
    assert [batch.rows for batch in found] == [131_072, 131_072, 37_856]
    assert all(np.shares_memory(batch.matrices["X"], X) for batch in found)
    assert all(np.shares_memory(batch.columns["y"], X) for batch in found)
    assert np.array_equal(np.concatenate([b.numbers("X[2]").values for b in found]), X[:, 2])


def test_wide_matrices_are_read_in_fewer_rows_in_even_pieces():
    X = np.zeros((20_000, 1024), dtype=np.float32)
    assert [b.rows for b in batches({"X": X}, ["X[0]"])] == [5000] * 4  # at most 8192


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", ">i4", "i1", "u8", "?", ">f4", "g"])
def test_dtypes(dtype):
    x = np.array([0, 1, 1, 0]).astype(dtype)
    found = batches({"x": x, "X": np.column_stack([x, x])}, ["x", "X[1]"])
    assert found[0].numbers("x").values.tolist() == [0, 1, 1, 0]
    assert np.asarray(found[0].numbers("X[1]").values).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("values", "kind", "want"),
    [
        ([1, 2, None], Kind.NUMBER, [1, 2, None]),
        ((1.5, 2, None), Kind.NUMBER, [1.5, 2, None]),
        (["a", None, "b"], Kind.TEXT, ["a", None, "b"]),
        (range(3), Kind.NUMBER, [0, 1, 2]),
        ([True, None, False], Kind.BOOLEAN, [True, None, False]),
        ([datetime.date(2020, 1, 1)] * 3, Kind.DATE, [datetime.date(2020, 1, 1)] * 3),
        (np.array(["a", "b", "c"]), Kind.TEXT, ["a", "b", "c"]),
        (np.array(["a", None, "c"], dtype=object), Kind.TEXT, ["a", None, "c"]),
        (np.array(["2020-01-01"] * 3, dtype="M8[D]"), Kind.DATE, [datetime.date(2020, 1, 1)] * 3),
        (np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]), Kind.NUMBER, [1, None, 3]),
        (np.ma.masked_array(["a", "b", "c"], mask=[0, 1, 0]), Kind.TEXT, ["a", None, "c"]),
        (pd.Series([1.5, None, 2]), Kind.NUMBER, [1.5, None, 2]),
        (pd.Series(["a", None, "b"]), Kind.TEXT, ["a", None, "b"]),
        (pd.Categorical(["a", "b", "a"]), Kind.TEXT, ["a", "b", "a"]),
        (pl.Series(["a", None, "b"]), Kind.TEXT, ["a", None, "b"]),
        (pa.array([1, None, 2]), Kind.NUMBER, [1, None, 2]),
        (pa.chunked_array([[1], [None, 2]]), Kind.NUMBER, [1, None, 2]),
    ],
)
def test_values(values, kind, want):
    source = source_of({"v": values})
    assert source.schema["v"].kind is kind
    assert everything(source)["v"] == want


def test_lists_of_rows_are_a_matrix():
    source = source_of({"X": [[1, 2], [3, 4]], "y": [1, 2]})
    assert everything(source) == {"y": [1, 2], "X[0]": [1, 3], "X[1]": [2, 4]}


def error(data: object) -> str:
    with pytest.raises(DataError) as caught:
        source_of(data)
    return str(caught.value)


def test_messages():
    assert error({"x": [1, 2], "y": [1], "z": np.zeros((2, 2))}) == (
        "arrays of different lengths (2 rows: x, z; 1 rows: y); give arrays of one length"
    )
    assert error({}) == "the dict holds no columns"
    assert error({"x": 3}) == (
        "'x' (int) cannot be a column: give an array, a list or a column of a frame; of rows as dicts make a list"
    )
    assert error({"x": "abc"}).startswith("'x' (str) cannot be a column")
    assert error({"x": np.zeros((2, 2, 2))}).startswith("'x' (ndarray) cannot be a column: it has 3 dimensions")
    assert error({"x": np.zeros(())}).startswith("'x' (ndarray) cannot be a column: it has 0 dimensions")
    assert error({"x": np.zeros(2, complex)}).endswith("complex numbers; give the real and the imaginary part")
    assert error({"x": [1, "a"]}).startswith("'x' (ndarray) cannot be a column:")
    assert error({"x": [[1, 2], [3]]}).endswith("its rows have different lengths")
    assert "one array per field" in error({"x": np.zeros(2, dtype=[("a", "f8")])})
    assert "a matrix of <U1" in error({"x": np.array([["a", "b"]])})
    assert "masked values" in error({"x": np.ma.masked_array([[1.0, 2.0]], mask=[[0, 1]])})
    assert "also a column of the matrix 'X'" in error({"X": np.zeros((2, 2)), "X[0]": [1, 2]})
    assert error(np.zeros((2, 2))).startswith("ndarray: has no column names; pass a dict")


def test_errors_about_columns_are_schema_errors():
    with pytest.raises(SchemaError):
        source_of({"x": [1, 2], "y": [1]})
