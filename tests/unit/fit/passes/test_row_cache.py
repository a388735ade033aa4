"""Rows that stay in memory between passes: read once, the same bits, given up where there are too many."""

import pickle
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.batch import Batch
from gramian.data.source import source_of
from gramian.errors import DataError
from gramian.fit.passes import memory as module
from gramian.fit.passes.memory import cached_source

FORMULA = "y ~ x + z"
COLUMNS = ("y", "x", "z", "firm")


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(1)
    table = {name: rng.standard_normal(3000) for name in "xz"}
    table["y"] = table["x"] - table["z"] + rng.standard_normal(3000)
    path = tmp_path / "rows.parquet"
    pq.write_table(
        pa.table({**table, "firm": rng.integers(0, 50, 3000), "more": table["x"]}), path, row_group_size=1000
    )
    return str(path)


@dataclass
class Watched:
    """A unit that notes which columns it is asked for."""

    unit: object
    asked: list = field(default_factory=list)
    fails: bool = False

    name = property(lambda self: self.unit.name)
    rows = property(lambda self: self.unit.rows)
    size = property(lambda self: self.unit.size)

    def batches(self, columns, *, parallel=False):
        self.asked.append(tuple(columns))
        for batch in self.unit.batches(columns, parallel=parallel):
            half = batch.rows // 2
            yield batch.head(half)
            if self.fails:
                raise DataError("is damaged", self.name)
            rest = {name: column[half:] for name, column in batch.columns.items()}
            yield Batch(batch.rows - half, rest, {}, batch.where, batch.first_row + half)


def watched(file, **options):
    """A source of watched units, and these."""
    source = source_of(file)
    units = tuple(Watched(unit, **options) for unit in source.units)
    return replace(source, units=units), units


def rows(unit, columns):
    return sum(batch.rows for batch in unit.batches(columns))


def test_the_second_reading_is_from_memory(file):
    source, inside = watched(file)
    unit = cached_source(source, COLUMNS).units[0]
    assert [rows(unit, c) for c in (("y", "x"), ("y",), COLUMNS)] == [1000] * 3
    assert inside[0].asked == [COLUMNS]


def test_columns_that_were_not_announced_are_read_for_themselves(file):
    source, inside = watched(file)
    unit = cached_source(source, ("y", "x")).units[0]
    assert (rows(unit, ("y",)), rows(unit, ("more",)), rows(unit, ("more",))) == (1000, 1000, 1000)
    assert inside[0].asked == [("y", "x"), ("more",), ("more",)]


def test_a_reading_that_is_given_up_is_not_remembered(file):
    source, inside = watched(file)
    kept = cached_source(source, COLUMNS)
    unit, before = kept.units[0], kept.units[0].memory_budget.free
    begun = unit.batches(("y",))
    assert next(begun).rows == 500
    assert unit.memory_budget.free < before
    begun.close()
    assert (unit.memory_budget.free, unit.cached) == (before, None)
    assert rows(unit, ("y",)) == 1000
    assert len(inside[0].asked) == 2


def test_a_unit_that_fails_fails_again(file):
    source, _ = watched(file, fails=True)
    unit = cached_source(source, COLUMNS).units[0]
    for _ in range(2):
        with pytest.raises(DataError, match="is damaged"):
            rows(unit, ("y",))
    assert unit.cached is None


def test_a_unit_without_room_is_read_again(file):
    source, inside = watched(file)
    kept = cached_source(source, COLUMNS)
    kept.units[0].memory_budget.free = 8 * 4 * 1500  # of 3000 rows: one unit and a half
    for unit in kept.units * 2:
        assert rows(unit, COLUMNS) == 1000
    assert [len(unit.asked) for unit in inside] == [1, 2, 2]


def test_many_rows_are_left_where_they_are(file, monkeypatch):
    source = source_of(file)
    assert cached_source(source, COLUMNS) is not source
    monkeypatch.setattr(module, "MAX_CACHE_BYTES", 8 * 3000 * len(COLUMNS) - 1)
    assert cached_source(source, COLUMNS) is source
    in_memory = source_of({"y": np.zeros(3)})
    assert cached_source(in_memory, ("y",)) is in_memory


def test_other_processes_get_the_unit_itself(file):
    source = source_of(file)
    unit = cached_source(source, COLUMNS).units[1]
    rows(unit, COLUMNS)
    assert pickle.loads(pickle.dumps(unit)) == source.units[1]
    assert unit.portable(COLUMNS) == source.units[1].portable(COLUMNS)
    assert not hasattr(cached_source(watched(file)[0], COLUMNS).units[0], "portable")


@pytest.mark.parametrize("vcov", ["HC1", {"cluster": "firm"}, {"cluster": "firm", "type": "CR3"}], ids=str)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_fit_has_the_same_bits_and_reads_each_unit_once(file, vcov, threads, monkeypatch):
    engine = gm.Local(threads=threads)
    source, inside = watched(file)
    kept = gm.ols(FORMULA, source, vcov=vcov, engine=engine)
    assert [len(unit.asked) for unit in inside] == [2, 1, 1]  # the first one is looked at for coordinates, too
    monkeypatch.setattr(module, "MAX_CACHE_BYTES", 0)
    source, inside = watched(file)
    again = gm.ols(FORMULA, source, vcov=vcov, engine=engine)
    assert kept.passes == again.passes > 1
    assert [len(unit.asked) for unit in inside] == [again.passes + 1, again.passes, again.passes]
    assert np.array_equal(kept.coefficients, again.coefficients)
    assert np.array_equal(kept.vcov, again.vcov)


def test_a_generalized_linear_model_reads_a_file_once(file):
    source, inside = watched(file)
    fit = gm.glm("firm ~ x", source, family="poisson", vcov={"cluster": "firm"})
    assert fit.passes > 2
    assert [len(unit.asked) for unit in inside] == [2, 1, 1]  # the first one is looked at for coordinates, too
