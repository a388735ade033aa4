"""Lags, leads and differences within panels: those of a join by panel and time, however the rows are cut."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import DataError, GramianError

PANEL = ("firm", "t")
RNG = np.random.default_rng(5)
FULL = pd.DataFrame({"firm": np.repeat([f"f{i}" for i in range(40)], 9), "t": np.tile(np.arange(2001, 2010), 40)})
GAPS = FULL[RNG.random(len(FULL)) > 0.2].reset_index(drop=True)
GAPS["x"] = np.where(RNG.random(len(GAPS)) < 0.05, np.nan, RNG.normal(size=len(GAPS)))
GAPS["y"] = RNG.normal(size=len(GAPS)) + np.nan_to_num(GAPS.x)


def joined(column, steps):
    """The column so many steps before, by a join."""
    other = GAPS[["firm", "t", column]].assign(t=GAPS.t + steps)
    return GAPS[["firm", "t"]].merge(other, on=["firm", "t"], how="left")[column].to_numpy()


BY_HAND = GAPS.assign(
    x1=joined("x", 1), x2=joined("x", 2), xf=joined("x", -2), dx=GAPS.x - joined("x", 1), y1=joined("y", 1)
)
CASES = [
    ("y ~ x + l(x, 1:2)", "y ~ x + x1 + x2", ("Intercept", "x", "l(x, 1)", "l(x, 2)")),
    ("d(x) ~ l(y, 1) * f(x, 2)", "dx ~ y1 * xf", ("Intercept", "l(y, 1)", "f(x, 2)", "l(y, 1):f(x, 2)")),
    ("y ~ I(l(x, 1)^2) + l(x, -2) | firm", "y ~ I(x1^2) + xf | firm", ("I(l(x, 1)^2)", "f(x, 2)")),
]


@pytest.mark.parametrize(("formula", "by_hand", "names"), CASES)
@pytest.mark.parametrize("where", [None, "t > 2004"])
def test_lags_are_those_of_a_join_and_made_before_rows_are_chosen(formula, by_hand, names, where, tmp_path):
    known = gm.ols(by_hand, BY_HAND, where=where)
    parquet.write_table(pa.Table.from_pandas(GAPS), tmp_path / "rows.parquet", row_group_size=31)
    for data in (GAPS, tmp_path / "rows.parquet", [GAPS[i : i + 23] for i in range(0, len(GAPS), 23)]):
        fit = gm.ols(formula, data, panel_id=PANEL, where=where)
        assert (fit.names, fit.rows, fit.dropped_rows) == (names, known.rows, known.dropped_rows)
        np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-9)
    gram = gm.gram(formula, GAPS, panel_id=PANEL, where=where)
    gram.save(tmp_path / "sums.gram")
    np.testing.assert_allclose(gm.load(tmp_path / "sums.gram").ols(formula).coefficients, fit.coefficients, rtol=1e-9)


def test_predictions_make_lags_again(tmp_path):
    (formula, by_hand, _), path = CASES[0], tmp_path / "rows.parquet"
    parquet.write_table(pa.Table.from_pandas(GAPS), path)
    fit, known = gm.ols(formula, path, panel_id=PANEL), gm.ols(by_hand, BY_HAND).predict(BY_HAND)
    fit.save(tmp_path / "fit")
    for predicted in (fit.predict(), fit.predict(GAPS), gm.load(tmp_path / "fit").predict()):
        np.testing.assert_allclose(predicted, known, rtol=1e-9)
    loaded = gm.load(tmp_path / "fit")
    np.testing.assert_allclose(loaded.predict(gm.rows(GAPS, panel_id=PANEL)), known, rtol=1e-9)
    robust = fit.with_vcov("HC1", gm.rows(GAPS, panel_id=PANEL))
    np.testing.assert_allclose(robust.std_errors, gm.ols(by_hand, BY_HAND, vcov="HC1").std_errors, rtol=1e-9)


@given(st.lists(st.integers(0, len(GAPS)), max_size=30), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_lags_do_not_depend_on_cuts(cuts, steps):
    names = (f"l(x, {steps})", f"f(x, {steps})", f"d(x, {steps})")
    ends = [0, *sorted(cuts), len(GAPS)]
    parts = [pa.Table.from_pandas(GAPS[a:b], preserve_index=False) for a, b in pairwise(ends)]
    units = source_of(gm.rows([part for part in parts if len(part)], panel_id=PANEL)).units
    found = {n: np.concatenate([b.columns[n].to_numpy(False) for u in units for b in u.batches(names)]) for n in names}
    for name, known in zip(names, (joined("x", steps), joined("x", -steps), GAPS.x - joined("x", steps)), strict=True):
        np.testing.assert_array_equal(found[name], known)


def test_other_processes_get_the_borders(tmp_path):
    parquet.write_table(pa.Table.from_pandas(GAPS), tmp_path / "rows.parquet", row_group_size=50)
    units = source_of(gm.rows(str(tmp_path / "rows.parquet"), panel_id=PANEL)).units
    here = [list(unit.batches(("l(x, 1)",))) for unit in units]
    for unit, batches in zip(units, here, strict=True):
        there = list(pickle.loads(pickle.dumps(unit)).batches(("l(x, 1)",)))
        assert [b.columns["l(x, 1)"] for b in there] == [b.columns["l(x, 1)"] for b in batches]


@pytest.mark.parametrize(
    ("formula", "data", "panel", "message"),
    [
        ("y ~ l(x, 1)", GAPS, None, r'l\(x, 1\) needs panel_id=\("firm", "t"\)'),
        ("y ~ l(x, 1)", GAPS[::-1], PANEL, "lags need rows sorted by firm and t"),
        ("y ~ l(x, 1)", pd.concat([GAPS, GAPS]), PANEL, "firm f0 stands in several places"),
        ("y ~ l(x, 1)", GAPS.loc[GAPS.index.repeat(2)], PANEL, "row 2: firm f0 has t 2001 again"),
        ("y ~ l(x, 1)", GAPS.assign(t=GAPS.t / 2), PANEL, "'t' is 1000.5; lags need times that are whole numbers"),
        ("y ~ l(x, 1)", GAPS.assign(firm=None), PANEL, "'firm' is null"),
        ("y ~ l(x, 1)", iter([GAPS]), PANEL, "can be read again"),
        ("y ~ l(x, 1)", GAPS, "firm", 'panel_id must be the columns of panels and times, as in \\("firm", "year"\\)'),
        ("y ~ l(x, 1)", GAPS, ("firm", "year"), "no column 'year'"),
        ("y ~ l(firm, 1)", GAPS, PANEL, "lags are of numbers"),
        ("y ~ l(z, 1)", GAPS, PANEL, "no column 'z'"),
        ("y ~ l(x, z)", GAPS, PANEL, "the steps of a lag are a whole number"),
        ("y ~ l(x + 1)", GAPS, PANEL, "expected an operator or"),
        ("y ~ l(log(x), 1)", GAPS, PANEL, r"l\(\) takes the name of a column"),
        ("y ~ log(l(x, 1:2))", GAPS, PANEL, "several lags are terms of their own"),
        ("y ~ d(x, 0)", GAPS, PANEL, "with k from 1"),
    ],
)
def test_what_lags_refuse(formula, data, panel, message):
    with pytest.raises((GramianError, DataError), match=message):
        gm.ols(formula, data, panel_id=panel)
