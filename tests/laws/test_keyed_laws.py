"""Keyed moments: the total is the plain moments, a key's are those of its rows, and neither depends on the cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.problems import FORMULAS, cuts, tables
from laws.test_moments import assert_same

from gramian.batch import Batch
from gramian.data.source import source_of
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.accumulate_keyed import AccumulateKeyed, KeyedAccumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.keys import ByColumns, Folds
from gramian.fit.passes.options import Options
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.certificate import EPS
from gramian.linalg.keyed import unit_sums as keyed_sums

SPLITS = [Folds(3), ByColumns(("g",)), ByColumns(("f", "g"))]
PIECES = {"a product for each key": 0, "sums over sorted rows": 10**12}


@pytest.fixture(params=PIECES.values(), ids=PIECES.keys(), autouse=True)
def way(request, monkeypatch):
    """Both ways of adding products, whatever the number of rows."""
    monkeypatch.setattr(keyed_sums, "MULTIPLICATIONS_PER_CALL", request.param)


def tasks(formula: str, table: pa.Table, split: Any, **options: str) -> tuple[AccumulateKeyed, Accumulate]:
    design, _ = prepare(formula, source_of(table), Options(**options))
    return AccumulateKeyed(design, split), Accumulate(design)


def batch(table: pa.Table, first_row: int = 0) -> Batch:
    whole = table.combine_chunks()
    columns = {
        name: whole[name].chunk(0) if whole.num_rows else pa.array([], whole[name].type) for name in whole.column_names
    }
    return Batch(whole.num_rows, columns, {}, "table", first_row)


def accumulate(task: Any, table: pa.Table, first_row: int = 0) -> Any:
    return task.accumulate([batch(table, first_row)])


def assert_same_keyed(a: KeyedAccumulated, b: KeyedAccumulated) -> None:
    """Equal keys, counts and tallies; sums equal up to the rounding of their own terms."""
    assert a.keys == b.keys
    assert a.moments.levels == b.moments.levels
    for (key, one), (_, other) in zip(a.items(), b.items(), strict=True):
        assert one.moments.rows == other.moments.rows, key
        assert_same(one, other)
        for variable, sums in one.moments.powers.items():
            np.testing.assert_allclose(sums, other.moments.powers[variable], rtol=256 * EPS, atol=256 * EPS * size(one))
    assert known(a.dropped_by_key.get(None)) == known(b.dropped_by_key.get(None))


def size(done: Accumulated) -> float:
    """At least the largest term that is summed: u^6 of at most 60 rows, some of which cancel."""
    tops = [sums[-1] if len(sums) % 2 else sums[-2] for sums in done.moments.powers.values()]
    return float(max(tops, default=0.0)) + done.moments.rows


def known(tally: DroppedRows | None) -> tuple[dict[str, int], dict[str, int]]:
    """Counts that are not zero: a batch without nulls counts none."""
    parts = (tally.causes, tally.columns) if tally else ({}, {})
    return tuple({k: n for k, n in part.items() if n} for part in parts)  # type: ignore[return-value]


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=30)
@given(data=st.data())
def test_the_total_is_the_plain_moments(formula: str, data: st.DataObject) -> None:
    table = data.draw(tables())
    task, plain = tasks(formula, table, Folds(data.draw(st.integers(2, 9))))
    keyed, whole = accumulate(task, table), accumulate(plain, table)
    assert known(keyed.total.dropped_rows) == known(whole.dropped_rows)
    assert_same(Accumulated(keyed.total.moments, whole.dropped_rows), whole)


@pytest.mark.parametrize("split", SPLITS, ids=str)
@settings(max_examples=30)
@given(data=st.data())
def test_a_key_has_the_moments_of_its_rows(split: Any, data: st.DataObject) -> None:
    table = data.draw(tables())
    task, plain = tasks("y ~ f * x + poly(z, 2)", table, split)
    keyed = accumulate(task, table)
    for key, done in keyed.items():
        alone = accumulate(plain, table.filter(pa.array(rows_of(split, key, table), pa.bool_())))
        assert known(done.dropped_rows) == known(alone.dropped_rows)
        assert_same(Accumulated(done.moments, alone.dropped_rows), alone)


def rows_of(split: Any, key: tuple[Any, ...], table: pa.Table) -> list[bool]:
    if isinstance(split, Folds):
        return [i % split.count == key[0] for i in range(table.num_rows)]
    return [row == key for row in zip(*(table[name].to_pylist() for name in split.names), strict=True)]


@pytest.mark.parametrize("split", SPLITS, ids=str)
@settings(max_examples=30)
@given(data=st.data())
def test_keyed_moments_do_not_depend_on_the_cuts(split: Any, data: st.DataObject) -> None:
    table = data.draw(tables())
    task, _ = tasks("y ~ f * x + poly(z, 2)", table, split)
    total = task.empty
    for start, stop in data.draw(cuts(table.num_rows)):
        total = total + accumulate(task, table.slice(start, stop - start), first_row=start)
    assert_same_keyed(accumulate(task, table), total)


@pytest.mark.parametrize("split", SPLITS, ids=str)
@settings(max_examples=30)
@given(data=st.data())
def test_addition_commutes_and_associates(split: Any, data: st.DataObject) -> None:
    table = data.draw(tables())
    task, _ = tasks("y ~ f * x", table, split)
    a, b, c = (accumulate(task, data.draw(tables())) for _ in range(3))
    assert_same_keyed(a + b, b + a)
    assert_same_keyed((a + b) + c, a + (b + c))
    assert_same_keyed(a + task.empty, a)


@pytest.mark.parametrize("option", ["weights", "counts"])
@settings(max_examples=30)
@given(table=tables(holes=False))
def test_weights_and_counts_go_with_their_rows(option: str, table: pa.Table) -> None:
    task, plain = tasks("y ~ f * x", table, Folds(4), **{option: "w"})
    keyed = accumulate(task, table)
    for fold in range(4):
        alone = accumulate(plain, table.take(pa.array(range(fold, table.num_rows, 4), pa.int64())))
        assert known(keyed[fold].dropped_rows) == known(alone.dropped_rows)
        assert_same(Accumulated(keyed[fold].moments, alone.dropped_rows), alone)
        # each logarithm is rounded, and so are at most 60 additions of them
        assert keyed[fold].moments.log_weight == pytest.approx(alone.moments.log_weight, rel=64 * EPS, abs=64 * EPS)


@settings(max_examples=30)
@given(table=tables())
def test_all_others_and_a_key_make_up_the_total(table: pa.Table) -> None:
    task, _ = tasks("y ~ f * x", table, Folds(3))
    keyed = accumulate(task, table)
    for fold in keyed:
        whole = keyed.others(fold) + keyed[fold]
        assert known(whole.dropped_rows) == known(keyed.total.dropped_rows)
        assert_same(Accumulated(whole.moments, keyed.total.dropped_rows), keyed.total)


def test_infinite_values_leave_only_their_own_row_out_of_its_fold() -> None:
    x = np.arange(20.0)
    x[[3, 7, 11]] = np.nan, np.inf, -np.inf
    table = pa.table({"x": x, "y": np.arange(20.0) ** 2})
    task, _ = tasks("y ~ x", table, Folds(4))
    keyed = accumulate(task, table)
    assert [done.moments.rows for _, done in keyed.items()] == [5, 5, 5, 2]
    assert keyed[3].dropped_rows == DroppedRows({"nan": 1, "infinite": 2}, {"x": 3})
    assert not keyed[0].dropped_rows.total
