"""Frames and streams: types kept, order of categories kept, nothing pulled too early."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import gramian as gm
from data.reading import column, count, everything
from gramian.data.source import source_of
from gramian.errors import DataError, SchemaError
from gramian.schema import Kind

LEVELS = ["low", "mid", "high"]
DICTIONARY = pa.dictionary(pa.int32(), pa.string())
ORDERED = pd.Categorical(["mid", "low", "mid"], categories=LEVELS, ordered=True)


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"c": ORDERED}),
        {"c": ORDERED},
        pa.table({"c": pa.array(ORDERED)}),
        pl.DataFrame({"c": pl.Series(["mid", "low", "mid"], dtype=pl.Enum(LEVELS))}),
        {"c": pl.Series(["mid", "low", "mid"], dtype=pl.Enum(LEVELS))},
        [pd.DataFrame({"c": ORDERED})],
        (pd.DataFrame({"c": ORDERED}) for _ in range(1)),
    ],
    ids=["pandas", "dict", "Arrow", "polars", "dict of polars", "list", "generator"],
)
def test_ordered_categories_keep_their_order(data):
    source = source_of(data)
    assert source.schema["c"].kind is Kind.TEXT
    assert source.schema["c"].levels == tuple(LEVELS)
    assert everything(source)["c"] == ["mid", "low", "mid"]


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"c": ORDERED.as_unordered()}),
        pd.DataFrame({"y": [1, 2, 3]}, index=pd.CategoricalIndex(ORDERED.as_unordered(), name="c")),
        {"c": ORDERED.as_unordered()},
        {"c": pd.Series(ORDERED.as_unordered())},
        [pd.DataFrame({"c": ORDERED.as_unordered()})],
    ],
    ids=["frame", "index", "categorical", "series", "list"],
)
def test_unordered_categories_of_pandas_keep_their_order_too(data):
    """As a factor of R does; the first of them is the reference level, and of an outcome the failure."""
    source = source_of(data)
    assert source.schema["c"].levels == tuple(LEVELS)
    assert everything(source)["c"] == ["mid", "low", "mid"]


@pytest.mark.parametrize(
    "data",
    [
        pa.table({"c": pa.array(["mid", "low", "mid"]).dictionary_encode()}),
        pl.DataFrame({"c": pl.Series(["mid", "low", "mid"], dtype=pl.Categorical)}),
        pd.DataFrame({"c": pd.Series(pa.array(["mid", "low"]).dictionary_encode(), dtype=pd.ArrowDtype(DICTIONARY))}),
    ],
    ids=["Arrow", "polars", "pandas of Arrow"],
)
def test_levels_that_are_listed_as_they_were_met_have_no_order(data):
    assert source_of(data).schema["c"].levels is None


def test_a_model_of_unordered_categories():
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 7.0, 9.0], "won": pd.Categorical(list("ynynyn"), ["y", "n"])})
    frame["size"] = pd.Categorical(["mid", "low", "high"] * 2, LEVELS)
    assert gm.ols("y ~ size", frame).names == ("Intercept", "size[mid]", "size[high]")
    assert gm.glm("won ~ y", frame, "binomial").outcomes == ("y", "n")


def test_frames_are_sliced_without_a_copy():
    x = np.arange(300_000.0)
    found = [b for u in source_of(pa.table({"x": x})).units for b in u.batches(["x"])]
    assert [b.rows for b in found] == [131_072, 131_072, 37_856]
    assert all(np.shares_memory(b.numbers("x").values, x) for b in found)


def test_pandas_indexes():
    frame = pd.DataFrame({"x": [1, 2, 3]})
    assert source_of(frame[frame.x > 1]).schema.names == ("x",)
    assert everything(source_of(frame.set_index(pd.Index([7, 8, 9], name="k")))) == {"x": [1, 2, 3], "k": [7, 8, 9]}


def test_an_index_without_a_name_is_no_column_of_a_file(tmp_path):
    frame = pd.DataFrame({"x": [1, 2, 3]})
    frame[frame.x > 1].to_parquet(tmp_path / "t.parquet")
    assert source_of(tmp_path / "t.parquet").schema.names == ("x",)


def test_a_pandas_column_of_no_single_type_matters_only_when_used():
    source = source_of(pd.DataFrame({"x": [1, 2], "m": pd.Series([1, "a"], dtype=object), 3: [5, 6]}))
    assert everything(source, ["x", "3"]) == {"x": [1, 2], "3": [5, 6]}
    with pytest.raises(SchemaError, match=r"column 'm' \(object\) holds values of no single type"):
        source.schema["m"]


def test_pandas_nan_is_absent():
    source = source_of(pd.DataFrame({"x": [1.0, np.nan], "s": ["a", None]}))
    assert everything(source) == {"x": [1.0, None], "s": ["a", None]}
    batch = next(iter(source.units[0].batches(["x"])))
    assert batch.numbers("x").present.tolist() == [True, False]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", None, "a"], pa.string_view()),
        pa.array(["a", None, "a"], pa.large_string()),
        pa.DictionaryArray.from_arrays(pa.array([0, None, 0], pa.uint32()), pa.array(["a"], pa.large_string())),
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3], pa.int32()), pa.array(["a", None, "a"])),
    ],
    ids=lambda values: str(values.type)[:20],
)
def test_text_in_every_layout_is_a_factor(values):
    source = source_of(pa.table({"s": values}))
    assert source.schema["s"].kind is Kind.TEXT
    batch = next(iter(source.units[0].batches(["s"])))
    codes, levels = batch.factor("s")
    assert [None if c < 0 else levels[c] for c in codes] == ["a", None, "a"]


def test_extension_types_are_what_they_store():
    values = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8()))
    assert everything(source_of(pa.table({"x": values}))) == {"x": [1, 0]}


def test_many_small_chunks_are_put_together():
    table = pa.concat_tables(
        [pa.table({"x": [i], "s": pa.array([str(i % 2)]).dictionary_encode()}) for i in range(5000)]
    )
    found = [b for u in source_of(table).units for b in u.batches(["x", "s"])]
    assert len(found) == 1
    assert column(found[0], "s") == [str(i % 2) for i in range(5000)]


def counting(batches: int, rows: int, taken: list[int]) -> pa.RecordBatchReader:
    schema = pa.schema({"x": pa.int64()})

    def produce():
        for i in range(batches):
            taken.append(i)
            yield pa.record_batch({"x": np.arange(i * rows, (i + 1) * rows)})

    return pa.RecordBatchReader.from_batches(schema, produce())


def test_a_stream_is_pulled_no_faster_than_it_is_used():
    taken: list[int] = []
    source = source_of(counting(50, 131_072, taken))
    assert taken == []
    assert source.schema.names == ("x",)
    units = iter(source.units)
    for i in range(3):
        next(units)
        assert len(taken) == i + 1


def test_a_stream_that_fails_is_an_error_that_names_it():
    def produce():
        yield pa.record_batch({"x": [1]})
        raise OSError("the wire is cut")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"x": pa.int64()}), produce())
    with pytest.raises(DataError, match=r"pyarrow.RecordBatchReader: cannot be read.*the wire is cut"):
        everything(source_of(reader))


class Stream:
    """Something of another library that can be taken once."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def test_a_stream_of_another_library_is_taken_once():
    source = source_of(Stream(pa.table({"x": [1, 2]})))
    assert not source.rereadable
    assert everything(source) == {"x": [1, 2]}


def test_a_relation_runs_again_and_is_left_in_order():
    connection = duckdb.connect()
    source = source_of(connection.sql('select i as "a ""q""", i * 0.5::double as x from range(200000) t(i)'))
    assert everything(source)["x"][-1] == 99999.5
    first = next(iter(source.units[0].batches(['a "q"'])))
    assert first.rows == 65_536
    assert count(source, ["x"]) == 200_000
    connection.execute("select 1").fetchall()


def test_a_lazy_frame_reads_only_what_is_needed_and_tells_its_errors():
    frame = pl.LazyFrame({"x": list(range(100_000)), "y": ["a"] * 100_000})
    source = source_of(frame)
    assert source.schema["y"].kind is Kind.TEXT
    assert everything(source, ["x"])["x"] == list(range(100_000))
    broken = source_of(frame.with_columns(z=pl.col("y").cast(pl.Int64)))
    with pytest.raises(DataError, match=r"polars.LazyFrame: cannot be read"):
        everything(broken, ["z"])


@pytest.fixture
def folder(tmp_path):
    for k, values in ((1, [1, 2, 3]), (2, [4.5, 5.5])):
        (tmp_path / f"k={k}").mkdir()
        pq.write_table(
            pa.table({"x": values, "s": ["a"] * len(values)}), tmp_path / f"k={k}" / "t.parquet", row_group_size=2
        )
    return tmp_path


def test_a_dataset_is_read_by_row_groups_with_their_own_types(folder):
    source = source_of(ds.dataset(folder, partitioning="hive"))
    assert everything(source) == {"x": [1, 2, 3, 4.5, 5.5], "s": ["a"] * 5, "k": [1, 1, 1, 2, 2]}
    assert [u.rows for u in source.units] == [2, 1, 2]
    assert [u.first_row for u in source.units] == [0, 2, 0]
    assert source.schema["x"].type == "double"
    assert source.rows == 5


def test_the_files_of_a_dataset_must_agree(folder):
    pq.write_table(pa.table({"x": ["1"], "s": ["a"]}), folder / "k=1" / "u.parquet")
    source = source_of(ds.dataset(folder, partitioning="hive"))
    assert len(everything(source, ["s"])["s"]) == 6
    with pytest.raises(SchemaError, match=r"column 'x' is .*t.parquet.* but text \(string\) in .*u.parquet"):
        source.schema["x"]


def test_a_filter_of_a_dataset_holds(folder):
    data = ds.dataset(folder, partitioning="hive").filter(ds.field("k") == 1)
    assert everything(source_of(data), ["x"]) == {"x": [1, 2, 3]}
    both = ds.dataset([ds.dataset(pa.table({"x": [1]})), ds.dataset(pa.table({"x": [2]}))])
    assert everything(source_of(both)) == {"x": [1, 2]}
