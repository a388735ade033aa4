"""Moments add and subtract; other coordinates and fewer columns are other ways to tell the same sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.problems import FORMULAS, tables
from laws.test_moments import accumulate, assert_same, task_for

from gramian.errors import NumericalError
from gramian.fit.gram.submodel import plan_of
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.linalg.certificate import EPS
from gramian.linalg.change_coordinates import change_coordinates
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate, Monomial, times
from gramian.linalg.subset_sums import subset_sums

EXAMPLES = 25  # for each formula


def less(a: Accumulated, b: Accumulated) -> Accumulated:
    return Accumulated(a.moments - b.moments, a.dropped_rows - b.dropped_rows)


def ever(moments: Moments) -> np.ndarray:
    """Sum of all squares that ever entered the rows of the dense block."""
    removed = 0.0 if moments.removed is None else 2 * moments.removed.dense.diagonal()
    return np.maximum(moments.dense.diagonal() + removed, 0.0)


def assert_same_but_rounding(left: Moments, whole: Moments, task: Accumulate, *ever_added: pa.Table) -> None:
    """Counts are equal; sums up to n u times the absolute terms that ever entered, which bounds any order of adding."""
    assert (left.rows, left.levels) == (whole.rows, whole.levels)
    unit = 8 * (sum(t.num_rows for t in ever_added) + 8) * EPS
    rows = left.layout.rows
    reach = np.array([[absolute(times(m, n), task, ever_added) for m in rows] for n in rows])
    assert (np.abs(left.dense - whole.dense) <= unit * reach).all()
    for f, monomials in left.layout.tables:
        mine, other = left.tables[f], whole.tables[f]
        np.testing.assert_array_equal(mine.cells, other.cells)
        np.testing.assert_array_equal(mine.rows, other.rows)
        sizes = [absolute(m, task, ever_added) for m in monomials]
        assert (np.abs(mine.sums - other.sums) <= unit * np.array(sizes)).all()


def absolute(m: Monomial, task: Accumulate, parts: tuple[pa.Table, ...]) -> float:
    """Sum of |u^m| over all rows."""
    total = 0.0
    for part in parts:
        value = np.ones(part.num_rows)
        for variable, power in m:
            name = variable.lstrip("~")
            column = part["z" if name == "log(z)" else name].to_numpy()
            column = np.log(column) if name == "log(z)" else column
            c = task.design.coordinates[variable]
            value = value * np.abs((column - c.shift) / 2.0**c.exponent) ** power
        total += float(np.nansum(value))
    return total


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_what_is_added_can_be_taken_away(formula: str, data: st.DataObject) -> None:
    first, second = data.draw(tables()), data.draw(tables())
    task = task_for(formula, first)
    a, b = accumulate(task, first), accumulate(task, second)
    left = less(a + b, b)
    assert {k: n for k, n in left.dropped_rows.causes.items() if n} == dict(a.dropped_rows.causes)
    assert_same_but_rounding(left.moments, a.moments, task, first, second, second)


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_the_order_of_adding_and_taking_away_does_not_matter(data: st.DataObject) -> None:
    table = data.draw(tables())
    task = task_for("y ~ f * x + g", table)
    parts = (table, data.draw(tables()), data.draw(tables()))
    a, b, c = (accumulate(task, t).moments for t in parts)
    assert_same_but_rounding(((a + b) + c) - b, a + c, task, *parts, *parts)
    assert_same_but_rounding(((a + b) - b) + c, a + c, task, *parts, *parts)
    assert_same_but_rounding((a + b + c) - (b + c), a, task, *parts, *parts)


@given(table=tables(), other=tables())
def test_nothing_is_left_when_all_is_taken_away(table: pa.Table, other: pa.Table) -> None:
    task = task_for("y ~ f * x + g + poly(z, 2)", table)
    a, b = accumulate(task, table).moments, accumulate(task, other).moments
    left = (a + b) - (b + a)
    assert left.rows == 0
    assert left.removed is None
    assert left.levels == task.empty.moments.levels
    np.testing.assert_array_equal(left.dense, task.empty.moments.dense)
    assert all(len(t.rows) == 0 for t in left.tables.values())
    assert all(not sums.any() for sums in left.powers.values())


@given(table=tables(), other=tables())
def test_the_squares_that_ever_entered_are_remembered(table: pa.Table, other: pa.Table) -> None:
    task = task_for("y ~ f * x", table)
    a, b = accumulate(task, table).moments, accumulate(task, other).moments
    left = ((a + b) - b) + b
    if left.removed is not None:
        expected = a.dense.diagonal() + 3 * b.dense.diagonal()
        np.testing.assert_allclose(ever(left), expected, rtol=1e-12, atol=1e-300)


def test_rows_that_are_not_there_cannot_be_taken_away() -> None:
    table = pa.table({"y": [1.0, 2.0, 3.0], "x": [1.0, 5.0, 2.0], "f": ["a", "b", "b"], "w": [1.0, 2.0, 3.0]})
    task = task_for("y ~ x + f", table)
    whole, one, two = (accumulate(task, table.slice(*part)).moments for part in ((0, 3), (0, 1), (1, 1)))
    with pytest.raises(NumericalError, match="cannot subtract 1 rows with f = b from 0"):
        one - two
    with pytest.raises(NumericalError, match="cannot subtract 2 rows with f = a from 1"):
        whole - (one + one)
    plain = task_for("y ~ x", table)
    few, many = (accumulate(plain, table.slice(*part)).moments for part in ((0, 1), (1, 2)))
    with pytest.raises(NumericalError, match="cannot subtract 2 rows from 1"):
        few - many
    with pytest.raises(NumericalError, match=r"the sum of .*\^2 would become -"):
        many - accumulate(plain, pa.table({"y": [90.0], "x": [9.0]})).moments
    weighted = task_for("y ~ x", table, weights="w")
    light, heavy = (accumulate(weighted, table.slice(*part)).moments for part in ((0, 2), (2, 1)))
    with pytest.raises(NumericalError, match=r"the sum of the weights would become .*: the rows are not part"):
        light - heavy


def shifted(moments_task, shifts: dict[str, Coordinate]):  # type: ignore[no-untyped-def]
    design = moments_task.design
    return replace(moments_task, design=replace(design, coordinates={**design.coordinates, **shifts}, matrix=None))


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_other_coordinates_tell_the_same_sums(formula: str, data: st.DataObject) -> None:
    """On whole numbers with whole shifts every sum is exact, so moved moments have the bits of direct ones."""
    rows = data.draw(st.integers(0, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    numbers = {name: rng.integers(1, 30, rows).astype(float) for name in "xyz"}
    table = pa.table({**numbers, "f": rng.choice(list("abc"), rows).astype(str), "g": rng.choice(list("uv"), rows)})
    task = task_for(formula, table)
    names = [*task.design.terms.variables, *task.design.outcome]
    names = [name for name in names if "log" not in name]
    draw = st.builds(Coordinate, st.integers(-9, 9).map(float), st.integers(-2, 2))
    here, there = (shifted(task, {name: data.draw(draw) for name in names}) for _ in range(2))
    first, second = accumulate(here, table).moments, accumulate(there, table).moments
    told = change_coordinates(first, second.coordinates)
    logs = [i for i, m in enumerate(told.layout.rows) if any("log" in v for v, _ in m)]
    exact = np.setdiff1d(np.arange(len(told.dense)), logs)
    np.testing.assert_array_equal(told.dense[np.ix_(exact, exact)], second.dense[np.ix_(exact, exact)])
    np.testing.assert_allclose(told.dense, second.dense, rtol=1e-9, atol=1e-6)
    for f, table_ in told.tables.items():
        np.testing.assert_array_equal(table_.sums, second.tables[f].sums)
    for v, sums in told.powers.items():
        np.testing.assert_array_equal(sums, second.powers[v])
    assert (ever(told) >= ever(second) * (1 - 1e-12)).all()


def test_a_move_to_a_better_shift_remembers_the_rounding_of_the_worse_one() -> None:
    x = 1e8 + np.arange(100.0)
    table = pa.table({"x": x, "y": x})
    task = task_for("y ~ x", table)
    bad = shifted(task, {"x": Coordinate(), "~y": Coordinate()})
    told = change_coordinates(accumulate(bad, table).moments, task.design.coordinates)
    at = told.layout.rows.index((("x", 1),))
    scale = 2.0 ** (2 * task.design.coordinates["x"].exponent)
    assert ever(told)[at] * scale >= 1e18  # 100 (1e8)^2, of which 83,325 is left
    again = change_coordinates(told, bad.design.coordinates)
    assert ever(again)[at] >= ever(told)[at] * scale


def test_magnitudes_that_no_float_can_hold_are_named() -> None:
    table = pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    task = task_for("y ~ x", table)
    far = shifted(task, {"x": Coordinate(0.0, 1000)})
    with pytest.raises(NumericalError, match="the magnitudes of 'x' differ too much"):
        change_coordinates(accumulate(far, table).moments, {**far.design.coordinates, "x": Coordinate(0.0, -1000)})


SUBMODELS = (
    ("y ~ poly(x, 3) * f + z + g", ("y ~ x", "y ~ f", "y ~ g + poly(x, 2)", "y ~ f * x", "y ~ 0 + f:x + z")),
    ("y ~ f * g * x", ("y ~ f:g", "y ~ g:x + f", "y ~ x", "y ~ 1")),
    ("y ~ f:g:x", ("y ~ x", "y ~ f", "y ~ f:g + x", "y ~ g:x")),
    ("y ~ 0 + f:x + I(x^2)", ("y ~ x", "y ~ f * x + I(x^2)")),
)


@pytest.mark.parametrize(("formula", "submodels"), SUBMODELS)
@settings(max_examples=EXAMPLES)
@given(table=tables(holes=False))
def test_sums_of_fewer_columns_are_in_those_of_more(formula: str, submodels: tuple[str, ...], table: pa.Table) -> None:
    whole = task_for(formula, table)
    stored = accumulate(whole, table)
    for text in submodels:
        part = task_for(text, table)
        known = {**part.design.coordinates, **whole.design.coordinates}
        part = replace(part, design=replace(part.design, coordinates={v: known[v] for v in part.design.coordinates}))
        read = subset_sums(stored.moments, plan_of(whole.design, stored.moments.layout, part.design))
        assert read.layout == part.design.layout
        assert_same(Accumulated(read, stored.dropped_rows), accumulate(part, table))
