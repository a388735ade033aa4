"""Data of every kind are the same rows."""

from __future__ import annotations

import bz2
import gzip
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import datasets
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray

import gramian as gm
from data.kinds import FILES, KINDS, MATRICES, OPENED, Tensor
from data.reading import count, everything
from gramian.data.source import source_of
from gramian.errors import ColumnError, DataError, GramianError
from gramian.schema import Kind

COMPRESSED = ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zst"]
ROWS = 1000
TYPES = {"x": Kind.NUMBER, "i": Kind.NUMBER, "s": Kind.TEXT, "b": Kind.BOOLEAN, "d": Kind.DATE}
TYPES |= dict.fromkeys("uvy", Kind.NUMBER)
# of drivers that close what they opened when they are collected
LEFT_OPEN = ["ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"]


@pytest.fixture(scope="module")
def complete(table: pa.Table) -> pa.Table:
    """The table with numbers that are never missing, for kinds of data that hold nothing else."""
    days = table["d"].cast(pa.int32()).cast(pa.int64())
    numbers = {"u": table["x"].fill_null(0.5), "v": days, "y": table["i"].fill_null(1).cast(pa.float64())}
    for name, values in numbers.items():
        table = table.append_column(name, values)
    return table


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    OPENED.close()


@pytest.mark.filterwarnings(*LEFT_OPEN)
@pytest.mark.parametrize("name", KINDS)
def test_data_of_every_kind_are_the_same_rows(complete, tmp_path, name):
    kind = KINDS[name]
    columns = kind.columns or {column: column for column in complete.column_names}
    source = source_of(kind.make(complete, tmp_path))
    assert [source.schema[column].kind for column in columns] == [TYPES[stored] for stored in columns.values()]
    with pytest.raises(ColumnError, match="no column 'yy'; did you mean 'y'"):
        source.schema["yy"]
    found = everything(source, list(columns))
    assert found == {column: complete[stored].to_pylist() for column, stored in columns.items()}
    assert source.rows in (None, ROWS)
    assert source.rereadable != kind.once
    assert count(source) == (0 if kind.once else ROWS)


@pytest.mark.filterwarnings(*LEFT_OPEN)
@pytest.mark.parametrize("name", KINDS)
def test_rows_are_numbered_and_coded_alike(complete, tmp_path, name):
    kind = KINDS[name]
    columns = kind.columns or {column: column for column in complete.column_names}
    number, text = next(reversed(columns)), ["s"] * ("s" in columns or not kind.columns)
    end, numbers, levels = 0, [], []
    for unit in source_of(kind.make(complete, tmp_path)).units:
        for batch in unit.batches([number, *text]):
            assert batch.first_row in (0, end)  # another file begins with its own first row
            end = batch.first_row + batch.rows
            numbers += batch.numbers(number).values.tolist()
            for codes, known in map(batch.factor, text):
                levels += [None if code < 0 else known[code] for code in codes]
    assert numbers == complete[columns[number]].to_pylist()
    assert levels == (complete["s"].to_pylist() if text else [])


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_how_large_it_is(table, write, name):
    source = source_of(write(table, name))
    assert source.size == Path(source.inputs[0].name).stat().st_size
    assert {f.name: f.kind for f in source.schema.fields} == {name: TYPES[name] for name in table.column_names}
    assert everything(source, ["b", "x"]) == table.select(["b", "x"]).to_pydict()


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


@pytest.mark.parametrize("kind", MATRICES)
def test_matrices_of_all_kinds_give_the_same_fit(complete, tmp_path, kind):
    expected = gm.ols("y ~ X", MATRICES["pair"](complete, tmp_path)).coefficients
    assert gm.ols("y ~ X", MATRICES[kind](complete, tmp_path)).coefficients == pytest.approx(expected, rel=1e-12)


def test_a_name_that_a_row_does_not_have_is_missing_there():
    rows = [{"x": 1, "s": "u"}, {"x": 2.5}, {"s": "v", "z": True}]
    assert everything(source_of(rows)) == {"x": [1, 2.5, None], "s": ["u", None, "v"], "z": [None, None, True]}


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("t", gzip.compress),
        ("t.tsv", bytes),
        ("t.csv.gz", bytes),
        ("t.json", bz2.compress),
        ("t.csv.gz", gzip.compress),
    ],
)
def test_the_first_bytes_of_an_open_file_say_more_than_its_name(name, packed):
    file = io.BytesIO(packed(b"x\ty\n1\t2\n" if name == "t.tsv" else b"x,y\n1,2\n"))
    file.name = f"/somewhere/{name}"
    assert everything(source_of(file)) == {"x": [1], "y": [2]}


def test_texts_of_hdf5_and_records_are_factors(tmp_path):
    text, y = np.array(["u", "v"] * 100, dtype=object), np.arange(200.0)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file["s"] = text
        assert everything(source_of(file), ["s"])["s"] == text.tolist()
    records = np.rec.fromarrays([y, text.astype(str)], names="y,s")
    assert everything(source_of(records)) == {"y": y.tolist(), "s": text.tolist()}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"X": Tensor(np.ones((3, 2)), gradients=True), "y": np.ones(3)},
            r"'X' \(Tensor\) cannot be a matrix: it records gradients; take",
        ),
        ({"X": pd.DataFrame({"a": ["u"]}), "y": [1]}, "column 'a' is .*string; give numbers, or the frame itself"),
        ({"X": pd.DataFrame({"a": [2**53 + 1]}), "y": [1]}, "column 'a' holds integers beyond 2\\^53"),
        (
            datasets.DatasetDict(train=datasets.Dataset(pa.table({"x": [1]}))),
            r"splits \(train\); pass one, as data\['t",
        ),
        (io.BytesIO(), r"io.BytesIO: holds no bytes from its place on; rewind it, by seek\(0\)"),
        (
            xarray.Dataset({"t": (("lat", "lon"), np.ones((2, 2)))}),
            r"has the dimensions lat, lon, rows have one; pass data.to_dataframe\(\)",
        ),
        (pa.array([1.0, 2.0]), "holds no rows that can be read|is no batch|cannot be read"),
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
