"""Schemas of several files: agreed before a row is read, disputed only by who uses the column."""

from __future__ import annotations

import datetime
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest

from data.reading import everything
from gramian.data.source import source_of
from gramian.errors import SchemaError
from gramian.schema import Kind

VALUES = {
    "int": pa.array([1, 2]),
    "int32": pa.array([3, 4], pa.int32()),
    "float": pa.array([1.5, 2.5]),
    "float32": pa.array([0.5, 1.5], pa.float32()),
    "text": pa.array(["1", "2"]),
    "large text": pa.array(["3", "4"], pa.large_string()),
    "categories": pa.array(["u", "v"]).dictionary_encode(),
    "bool": pa.array([True, False]),
    "date": pa.array([datetime.date(2020, 1, 1)] * 2),
    "timestamp": pa.array([datetime.datetime(2020, 1, 1)] * 2),
    "zoned": pa.array([datetime.datetime(2020, 1, 1)] * 2, pa.timestamp("us", "UTC")),
    "null": pa.nulls(2),
    "decimal": pa.array([1, 2]).cast(pa.decimal128(22, 2)),
}
NUMBERS = {"int", "int32", "float", "float32"}
TEXTS = {"text", "large text", "categories"}


def agrees(one: str, other: str) -> bool:
    pair = {one, other}
    exact = pair <= {"int", "int32", "decimal"}
    return "null" in pair or pair <= NUMBERS or pair <= TEXTS or exact


@pytest.mark.parametrize(("one", "other"), list(permutations(VALUES, 2)))
@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_two_files_agree_or_the_error_lists_them(write, one, other, suffix):
    paths = [
        write({"x": VALUES[one], "z": [1, 2]}, f"a.{suffix}"),
        write({"x": VALUES[other], "z": [3, 4]}, f"b.{suffix}"),
    ]
    source = source_of(paths)
    assert everything(source, ["z"]) == {"z": [1, 2, 3, 4]}
    if agrees(one, other):
        assert everything(source, ["x"])["x"] == VALUES[one].to_pylist() + VALUES[other].to_pylist()
        assert source.schema["x"].conflict is None
        return
    with pytest.raises(SchemaError, match=r"column 'x' is .* in a\..* but .* in b\..*; write it with one type"):
        source.schema["x"]


@pytest.mark.parametrize(
    ("one", "other", "type_"),
    [
        ("int", "float", "double"),
        ("float32", "int", "double"),
        ("int32", "int", "int64"),
        ("float32", "float", "double"),
        ("null", "text", "string"),
        ("int", "decimal", "decimal128(22, 2)"),
    ],
)
def test_types_widen(write, one, other, type_):
    paths = [write({"x": VALUES[one]}, "a.parquet"), write({"x": VALUES[other]}, "b.parquet")]
    assert source_of(paths).schema["x"].type == type_


def test_each_file_is_read_with_its_own_type(write):
    paths = [write({"x": [2**53 + 1]}, "a.parquet"), write({"x": [0.5]}, "b.parquet")]
    assert everything(source_of(paths))["x"] == [2**53 + 1, 0.5]


def test_a_disagreement_in_full(write):
    paths = [
        write({"x": VALUES[kind]}, f"{name}.parquet") for name, kind in zip("abc", ["int", "text", "int"], strict=True)
    ]
    with pytest.raises(SchemaError) as caught:
        source_of(paths).schema["x"]
    assert str(caught.value) == (
        "column 'x' is integer (int64) in a.parquet, c.parquet but text (string) in b.parquet; "
        "write it with one type to all files"
    )


def test_a_column_that_some_files_lack(write):
    paths = [write({"x": [1], "y": [1]}, "a.parquet"), write({"x": [2]}, "b.parquet")]
    source = source_of(paths)
    assert everything(source, ["x"]) == {"x": [1, 2]}
    with pytest.raises(SchemaError) as caught:
        source.schema["y"]
    assert str(caught.value) == (
        "column 'y' is in a.parquet but not in b.parquet; "
        "read only the files that have it, or write it (null where unknown) to all of them"
    )


def test_csv_files_agree_as_parquet_does(tmp_path):
    (tmp_path / "a.csv").write_text("x,s,n\n1,u,\n")
    (tmp_path / "b.csv").write_text("x,s,n\n1.5,2,7\n")
    source = source_of(tmp_path)
    assert source.schema["x"].type == "double"
    assert everything(source, ["x", "n"]) == {"x": [1, 1.5], "n": [None, 7]}
    with pytest.raises(SchemaError, match=r"'s' is text \(string\) in a.csv but integer \(int64\) in b.csv"):
        source.schema["s"]


def test_a_column_without_values_takes_the_type_of_the_others(tmp_path):
    (tmp_path / "a.csv").write_text("x\n" + "NA\n" * 5)
    (tmp_path / "b.csv").write_text("x\nred\n")
    source = source_of(tmp_path)
    assert source.schema["x"].kind is Kind.TEXT
    assert everything(source)["x"] == [None] * 5 + ["red"]


def test_a_name_that_occurs_twice_matters_only_when_used(write):
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["x", "x", "y"])
    for data in (twice, write(twice, "t.parquet"), write(twice, "t.csv"), write(twice, "t.arrow")):
        source = source_of(data)
        assert everything(source, ["y"]) == {"y": [3]}
        with pytest.raises(SchemaError, match="column 'x' occurs more than once; rename one of them"):
            source.schema["x"]


def test_nulls_alone_are_absent_numbers(write):
    source = source_of(write({"x": pa.nulls(3)}, "t.parquet"))
    assert source.schema["x"].kind is Kind.NUMBER
    batch = next(iter(source.units[0].batches(["x"])))
    assert not np.any(batch.numbers("x").present)
    assert batch.factor("x").codes.tolist() == [-1, -1, -1]
