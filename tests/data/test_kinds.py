"""Every kind of source tells the same table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import gramian as gm
from data.reading import count, everything
from gramian.data.source import source_of
from gramian.errors import ColumnError, DataError
from gramian.schema import Kind

COMPRESSED = ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zst"]
FILES = ["t.parquet", "t.csv", *COMPRESSED, "t.arrow", "t.feather", "t.ipc"]
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
    "duckdb": lambda t: duckdb.connect().from_arrow(t),
    "dataset": lambda t: ds.dataset(t),
    "dict of Arrow": lambda t: dict(zip(t.column_names, t.columns, strict=True)),
    "dict of NumPy": numpy_dict,
    "dict of lists": lambda t: t.to_pydict(),
    "dict of polars": lambda t: pl.from_arrow(t).to_dict(),
    "dict of pandas": lambda t: dict(t.to_pandas(types_mapper=pd.ArrowDtype).items()),
    "list of tables": lambda t: [t.slice(0, 400), t.slice(400)],
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


@pytest.mark.parametrize("name", FILES)
def test_reading_files_imports_no_frame_library(table, write, name):
    code = (
        "import sys, gramian.data.source as s; u = s.source_of(sys.argv[1]).units[0]; "
        "[b.numbers('x') for b in u.batches(['x', 's'])]; "
        "print(sorted({'pandas', 'polars', 'duckdb', 'pyarrow.dataset'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code, write(table, name)], capture_output=True, text=True, check=True)
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
