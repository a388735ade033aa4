"""Exact moments are a group: one digest whatever the cuts, the order, the merges, and what was taken away again."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.problems import FORMULAS, cuts, tables

from gramian.batch import Batch
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.errors import DataError
from gramian.fit.leastsquares.exact_system import exact_linear
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.job import design_for, prepare
from gramian.fit.passes.options import Options
from gramian.linalg.exact.moments import ExactMoments

ROWS = 400
WEIGHTED = {"weights": "w"}, {"counts": "w"}, {}


def task_for(formula: str, table: pa.Table, **options: str) -> AccumulateExact:
    return AccumulateExact(design_for(formula, source_of(table).schema, Options(**options)))


def accumulate(task: AccumulateExact, table: pa.Table) -> ExactMoments:
    (unit,) = source_of(table).units
    return task.accumulate(unit.batches(task.columns)).moments


def shuffled(table: pa.Table, seed: int) -> pa.Table:
    return table.take(pa.array(np.random.default_rng(seed).permutation(table.num_rows), pa.int64()))


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("options", WEIGHTED)
@settings(max_examples=25)
@given(data=st.data())
def test_cuts_and_order_do_not_matter(formula: str, options: dict[str, str], data: st.DataObject) -> None:
    table = data.draw(tables())
    task = task_for(formula, table, **options)
    whole = accumulate(task, table).digest
    mixed = shuffled(table, data.draw(st.integers(0, 2**32 - 1)))
    pieces = [accumulate(task, mixed.slice(a, b - a)) for a, b in data.draw(cuts(table.num_rows))]
    assert reduce(lambda a, b: b + a, pieces, task.empty.moments).digest == whole
    assert reduce(lambda a, b: a + b, pieces).digest == whole


@pytest.mark.parametrize("options", WEIGHTED)
@given(data=st.data())
def test_what_is_subtracted_was_never_there(options: dict[str, str], data: st.DataObject) -> None:
    table = data.draw(tables())
    task = task_for("y ~ f * x + g + I(x^2)", table, **options)
    a, b, c = (accumulate(task, data.draw(tables())) for _ in range(3))
    zero = task.empty.moments.digest
    assert (a + b - b).digest == a.digest
    assert ((a - b) + (b - c)).digest == (a - c).digest
    assert (a - a).digest == zero
    assert (a + (b + c)).digest == ((c + a) + b).digest


def extreme(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Ordinary rows, rows from one end of float64 to the other, denormals, and rows that are not finite."""
    rng = np.random.default_rng(seed)
    spread = 10.0 ** np.where(rng.random(rows) < 0.02, rng.integers(-320, 307, rows), 0)
    x = rng.standard_normal(rows) * spread
    x[rng.random(rows) < 0.01] = 5e-324
    z = rng.integers(-9, 9, rows).astype(float)
    for value in (np.nan, np.inf, -np.inf):
        x[rng.random(rows) < 0.005] = value
        z[rng.random(rows) < 0.005] = value
    levels = np.array([*"abcdef"])[np.minimum(rng.integers(0, 6, rows), np.arange(rows) // 60)]
    return {"x": x, "z": z, "y": rng.standard_cauchy(rows), "f": levels}


def lift_rows(task: AccumulateExact, data: dict[str, np.ndarray], rows: np.ndarray) -> ExactMoments:
    columns = {k: pa.array(v[rows]) if k == "f" else v[rows] for k, v in data.items()}
    return task.accumulate([Batch(len(rows), columns)]).moments


def test_two_hundred_ways_to_one_digest() -> None:
    data, other = extreme(ROWS, 1), extreme(200, 2)
    data["f"], other["f"] = data["f"].astype(object), other["f"].astype(object)
    task = task_for("y ~ x + f:z", pa.table({k: pa.array(v) for k, v in data.items()}))
    whole = lift_rows(task, data, np.arange(ROWS))
    assert whole.dropped_rows > 5
    assert {*whole.not_finite} == {"x", "z"}
    rng = np.random.default_rng(0)
    for _ in range(200):
        rows, others = rng.permutation(ROWS), rng.permutation(200)[: rng.integers(0, 200)]
        edges = np.sort(rng.integers(0, ROWS, rng.integers(0, 5)))
        parts = [lift_rows(task, data, piece) for piece in np.split(rows, edges)]
        parts += [lift_rows(task, other, others), -lift_rows(task, other, others[::-1].copy())]
        while len(parts) > 1:
            left, right = (parts.pop(int(rng.integers(0, len(parts)))) for _ in range(2))
            parts.append(left + right)
        assert parts[0].digest == whole.digest


def test_the_digest_does_not_depend_on_the_number_of_workers() -> None:
    rng = np.random.default_rng(5)
    data = {name: rng.standard_normal(300_000) for name in "xy"}
    source = source_of(data)
    task = task_for("y ~ x", pa.table(data))
    found = {Local(threads).fold(source, task).moments.digest for threads in (1, 2, 5)}
    whole = task.accumulate([Batch(300_000, data)]).moments
    assert found == {whole.digest}


@given(table=tables(holes=False))
def test_counts_are_repeated_rows(table: pa.Table) -> None:
    task = task_for("y ~ f * x", table, counts="w")
    plain = replace(task, design=replace(task.design, count=None))
    rows = np.repeat(np.arange(table.num_rows), table["w"].to_numpy().astype(int))
    assert accumulate(task, table).digest == accumulate(plain, table.take(pa.array(rows, pa.int64()))).digest


@pytest.mark.parametrize("formula", FORMULAS)
@given(table=tables())
def test_they_are_the_sums_that_float64_rounds(formula: str, table: pa.Table) -> None:
    exact = accumulate(task_for(formula, table), table)
    design, source = prepare(formula, source_of(table), Options())
    (unit,) = source.units
    plain = replace(design, coordinates={v: replace(c, shift=0.0, exponent=0) for v, c in design.coordinates.items()})
    near = Accumulate(plain).accumulate(unit.batches(plain.columns)).moments
    assert (exact.rows, exact.levels) == (near.rows, near.levels)
    told = np.array(
        [[float(exact.dense.fraction(i, j)) for j in range(len(near.dense))] for i in range(len(near.dense))]
    )
    size = np.sqrt(np.outer(near.dense.diagonal(), near.dense.diagonal()))
    assert (np.abs(told - near.dense) <= 1e-13 * size).all()
    for factors, table_ in near.tables.items():
        np.testing.assert_array_equal(exact.tables[factors].cells, table_.cells)
        np.testing.assert_array_equal(exact.tables[factors].rows, table_.rows)


def test_different_columns_have_different_digests() -> None:
    table = pa.table({"x": [1.0, 2.0], "z": [1.0, 2.0], "y": [0.0, 1.0], "f": ["a", "b"], "g": ["a", "c"]})
    formulas = ("y ~ x", "y ~ z", "x ~ z", "y ~ f", "y ~ g", "y ~ x + z", "y ~ I(x^2)")
    assert len({accumulate(task_for(f, table), table).digest for f in formulas}) == len(formulas)


def test_levels_of_incomplete_rows_are_none() -> None:
    table = pa.table({"x": [1.0, float("nan"), 2.0], "y": [0.0, 1.0, 2.0], "f": ["a", "b", "c"]})
    task = task_for("y ~ x + f", table)
    moments = accumulate(task, table)
    assert moments.levels == {"f": ("a", "c")}
    assert (
        moments.digest != accumulate(task, table.take(pa.array([0, 2]))).digest
    )  # it knows of the row that it left out
    assert moments.dropped_rows == 1


def test_rows_that_are_not_finite_can_be_refused() -> None:
    table = pa.table({"x": [1.0, 2.0, float("inf")], "y": [0.0, 1.0, 2.0]})
    task = replace(task_for("y ~ x", table), drop=False)
    with pytest.raises(DataError, match="row 3: 'x' is not finite"):
        accumulate(task, table)


def test_passes_and_results_travel() -> None:
    table = pa.table({"x": [1.0, 2.0, 4.0], "y": [0.0, 1.0, 2.0], "f": ["a", "b", "a"]})
    task = task_for("y ~ x + f", table)
    there = pickle.loads(pickle.dumps(accumulate(pickle.loads(pickle.dumps(task)), table)))
    assert there.digest == accumulate(task, table).digest
    assert exact_linear(task.design, there).rank == 3
