"""Units: addressable, picklable, and the same table however it was cut."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.reading import count, everything
from gramian import batch as reading
from gramian.data import in_memory as slices
from gramian.data.frames import stream_units
from gramian.data.source import source_of
from gramian.errors import DataError
from gramian.schema import Kind

NAMES = ["t.parquet", "t.csv", "t.csv.gz", "t.arrow", "t.feather", "t.ipc"]


@pytest.mark.parametrize("name", NAMES)
def test_units_of_files_survive_pickling(table, write, name):
    units = source_of(write(table, name)).units
    again = pickle.loads(pickle.dumps(units))
    assert again == units
    assert [u.name for u in again] == [u.name for u in units]
    values = [v for u in again for b in u.batches(["i"]) for v in b.columns["i"].to_pylist()]
    assert values == table["i"].to_pylist()


def test_a_unit_is_a_row_group(table, write):
    units = source_of(write(table, "t.parquet", row_group_size=300)).units
    assert [(u.name, u.rows, u.first_row) for u in units] == [
        ("t.parquet, row group 0", 300, 0),
        ("t.parquet, row group 1", 300, 300),
        ("t.parquet, row group 2", 300, 600),
        ("t.parquet, row group 3", 100, 900),
    ]
    assert [b.where for b in units[2].batches(["x"])] == ["t.parquet, row group 2"]
    assert [b.first_row for b in units[2].batches(["x"])] == [600]


def test_small_record_batches_share_a_unit(write):
    path = write({"x": np.arange(300_000.0)}, "t.arrow", rows=10_000)
    assert [u.rows for u in source_of(path).units] == [140_000, 140_000, 20_000]
    assert everything(source_of(path))["x"] == list(range(300_000))


@pytest.mark.parametrize("name", NAMES)
def test_batches_are_bounded(write, name):
    source = source_of(
        write(
            {"x": np.arange(150_000)},
            name,
            **({} if "c" in name else {"row_group_size": 10**6} if "q" in name else {"rows": 10**6}),
        )
    )
    sizes = [b.rows for u in source.units for b in u.batches(["x"])]
    assert max(sizes) <= 65_536
    assert sum(sizes) == 150_000


@pytest.mark.parametrize("name", NAMES)
def test_decoding_in_parallel_gives_the_same(table, write, name):
    units = source_of(write(table, name)).units
    values = [v for u in units for b in u.batches(["x"], parallel=True) for v in b.columns["x"].to_pylist()]
    assert values == table["x"].to_pylist()


def test_wide_tables_are_read_in_fewer_rows():
    assert [reading.batch_rows(width) for width in (0, 1, 128, 256, 10**6)] == [65_536, 65_536, 65_536, 32_768, 1024]


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 50), max_size=8), unit=st.integers(1, 40), few=st.integers(1, 20))
def test_frames_are_the_same_however_they_are_cut(cuts, unit, few):
    pieces, at = [], 0
    for cut in cuts:
        codes = pa.array([str(at % 3)] * cut, pa.string()).dictionary_encode()
        pieces.append(pa.table({"x": pa.array(range(at, at + cut), pa.int64()), "s": codes}))
        at += cut
    table = (
        pa.concat_tables(pieces)
        if pieces
        else pa.table({"x": pa.array([], pa.int64()), "s": pa.array([], pa.string())})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_ROWS", unit)
        patch.setattr(slices, "FEW_ROWS", few)
        patch.setattr("gramian.data.frames.SLICE_ROWS", unit)
        assert everything(source_of(table)) == table.to_pydict()
        stream = source_of(table.to_reader())
        assert everything(stream) == table.to_pydict()
        sizes = [u.rows for u in stream_units(table.to_reader(), "")]
        assert all(size == unit for size in sizes[:-1])


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_few_rows(write, name, rows):
    source = source_of(
        write(pa.table({"x": pa.array([1.5][:rows], pa.float64()), "s": pa.array(["a"][:rows], pa.string())}), name)
    )
    assert source.schema.names == ("x", "s")
    assert everything(source) == {"x": [1.5][:rows], "s": ["a"][:rows]}
    assert count(source) == rows


def test_a_footer_that_promises_more_rows_is_an_error(table, write):
    unit = source_of(write(table, "t.parquet")).units[0]
    lying = type(unit)(unit.file, unit.group, 301, 0, unit.size, unit.texts)
    with pytest.raises(DataError, match=r"t.parquet, row group 0: holds 300 rows, its footer says 301"):
        list(lying.batches(["x"]))


def test_only_needed_columns_are_read(write):
    """A damaged column that nobody asks for does no harm."""
    path = write({"x": np.arange(5000.0), "y": np.arange(5000.0)}, "t.parquet", row_group_size=5000)
    at = pq.read_metadata(path).row_group(0).column(1).data_page_offset + 300
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"\x00\xff" * 50)
    source = source_of(path)
    assert everything(source, ["x"])["x"] == list(range(5000))
    with pytest.raises(DataError, match=r"t.parquet, row group 0: cannot be read, it is damaged"):
        everything(source, ["y"])


def test_names_with_dots_and_nested_columns(write):
    table = pa.table({"a.b": [1, 2], "a": [3, 4], "n": [{"b": 5}, {"b": 6}]})
    for name in ("t.parquet", "t.arrow"):
        source = source_of(write(table, name))
        assert everything(source, ["a.b"]) == {"a.b": [1, 2]}
        assert everything(source, ["a"]) == {"a": [3, 4]}
        assert everything(source) == table.to_pydict()
        assert source.schema["n"].kind is Kind.OTHER


def test_a_file_written_anew_is_read_anew(write):
    for value in range(20):
        assert everything(source_of(write({"x": [value]}, "t.parquet"))) == {"x": [value]}


def test_text_is_read_as_codes(table, write):
    for name in ("t.parquet", "t.csv"):
        batch = next(iter(source_of(write(table, name)).units[0].batches(["s"])))
        assert pa.types.is_dictionary(batch.columns["s"].type)
