"""Batches that come one after another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from data.reading import everything
from gramian.data.source import source_of
from gramian.errors import ColumnError, DataError, SchemaError


def test_only_the_first_batch_is_taken_before_the_pass():
    taken: list[int] = []

    def produce():
        for i in range(5):
            taken.append(i)
            yield {"x": [i]}

    source = source_of(produce())
    assert taken == [0]
    assert not source.rereadable
    next(source.units)
    assert taken == [0]
    assert [b.first_row for u in source.units for b in u.batches(["x"])] == [1, 2, 3, 4]


def test_batches_of_several_kinds():
    batches = [
        pa.record_batch({"x": [1]}),
        pa.table({"x": [2.5]}),
        pd.DataFrame({"x": [3]}),
        pl.DataFrame({"x": [4]}),
        {"x": [5]},
    ]
    assert everything(source_of(iter(batches)))["x"] == [1, 2.5, 3, 4, 5]
    assert source_of(batches).rereadable


def test_matrices_come_in_batches_too():
    source = source_of({"X": np.full((2, 2), i)} for i in range(3))
    assert source.schema.matrices == {"X": 2}
    assert everything(source, ["X[1]"]) == {"X[1]": [0, 0, 1, 1, 2, 2]}


def read(batches, columns):
    return everything(source_of(iter(batches)), columns)


def test_a_later_batch_must_have_the_columns_that_are_used():
    batches = [{"x": [1], "y": [1]}, {"x": [2], "y": [1]}, {"x": [3]}]
    assert read(batches, ["x"]) == {"x": [1, 2, 3]}
    with pytest.raises(ColumnError, match="batch 3: no column 'y'"):
        read(batches, ["y"])


def test_a_later_batch_must_have_the_types_of_the_first():
    with pytest.raises(SchemaError, match="batch 2: column 'x' is string, but int64 in batch 1; give all batches one"):
        read([{"x": [1]}, {"x": ["a"]}], ["x"])


def test_a_later_batch_with_a_column_that_cannot_be_read():
    mixed = pd.DataFrame({"x": pd.Series([1, "a"], dtype=object)})
    with pytest.raises(SchemaError, match=r"batch 2: .*no single type"):
        read([{"x": [1]}, mixed], ["x"])


def test_what_is_no_batch_is_told_with_its_number():
    with pytest.raises(DataError, match="batch 2: int is no batch; yield record batches, frames or dicts of arrays"):
        read([{"x": [1]}, 3], ["x"])
    with pytest.raises(DataError, match="it yields no batches"):
        source_of(iter([]))
