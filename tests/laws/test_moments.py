"""lift(a ++ b) == lift(a) + lift(b): whatever the cuts, the order, and the levels in each piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws.problems import FORMULAS, cuts, tables

from gramian.data.source import source_of
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.linalg.certificate import EPS


def task_for(formula: str, table: pa.Table, **options: str) -> Accumulate:
    design, _ = prepare(formula, source_of(table), Options(**options))
    return Accumulate(design)


def accumulate(task: Accumulate, table: pa.Table) -> Accumulated:
    (unit,) = source_of(table).units
    return task.accumulate(unit.batches(task.columns))


def assert_same(a: Accumulated, b: Accumulated) -> None:
    """Equal counts and levels; sums equal up to the rounding of their own terms."""
    assert a.dropped_rows == b.dropped_rows
    assert a.moments.levels == b.moments.levels
    assert a.moments.rows == b.moments.rows
    size = np.sqrt(np.outer(a.moments.dense.diagonal(), a.moments.dense.diagonal()))
    unit = 4 * (a.moments.rows + 4) * EPS
    assert (np.abs(a.moments.dense - b.moments.dense) <= unit * size).all()
    for factors, table in a.moments.tables.items():
        other = b.moments.tables[factors]
        np.testing.assert_array_equal(table.cells, other.cells)
        np.testing.assert_array_equal(table.rows, other.rows)
        reach = np.abs(table.sums).max(initial=0.0) * a.moments.rows + 1.0
        np.testing.assert_allclose(table.sums, other.sums, rtol=0, atol=unit * reach)


@pytest.mark.parametrize("formula", FORMULAS)
@given(data=st.data())
def test_moments_do_not_depend_on_the_cuts(formula: str, data: st.DataObject) -> None:
    table = data.draw(tables())
    task = task_for(formula, table)
    pieces = data.draw(cuts(table.num_rows))
    total = task.empty
    for start, stop in pieces:
        total = total + accumulate(task, table.slice(start, stop - start))
    assert_same(accumulate(task, table), total)


@given(data=st.data())
def test_addition_commutes_and_associates(data: st.DataObject) -> None:
    table = data.draw(tables())
    task = task_for("y ~ f * x + g", table)
    a, b, c = (accumulate(task, data.draw(tables())) for _ in range(3))
    assert_same(a + b, b + a)
    assert_same((a + b) + c, a + (b + c))
    assert_same(a + task.empty, a)
    assert_same(task.empty + a, a)


@given(data=st.data(), order=st.randoms(use_true_random=False))
def test_moments_do_not_depend_on_the_order_of_rows(data: st.DataObject, order) -> None:  # type: ignore[no-untyped-def]
    table = data.draw(tables())
    task = task_for("y ~ f * x + g", table)
    rows = list(range(table.num_rows))
    order.shuffle(rows)
    assert_same(accumulate(task, table), accumulate(task, table.take(pa.array(rows, pa.int64()))))


@given(table=tables(holes=False))
def test_counts_are_repeated_rows(table: pa.Table) -> None:
    task = task_for("y ~ f * x", table, counts="w")
    plain = Accumulate(replace(task.design, count=None))
    rows = np.repeat(np.arange(table.num_rows), table["w"].to_numpy().astype(int))
    counted = accumulate(task, table)
    repeated = accumulate(plain, table.take(pa.array(rows, pa.int64())))
    assert_same(replace(counted, dropped_rows=repeated.dropped_rows), repeated)


@given(table=tables(holes=False))
def test_zero_weights_are_absent_rows(table: pa.Table) -> None:
    task = task_for("y ~ f * x", table, weights="w")
    there = table.filter(pa.array(table["w"].to_numpy() > 0))
    weighted, without = accumulate(task, table), accumulate(task, there)
    assert weighted.moments.rows == without.moments.rows == there.num_rows
    assert weighted.moments.levels == without.moments.levels
    np.testing.assert_array_equal(weighted.moments.dense, without.moments.dense)
    assert weighted.dropped_rows.total == table.num_rows - there.num_rows
