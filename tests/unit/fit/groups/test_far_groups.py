"""Groups far from each other have as many right digits as fits of their own: each is shifted by its own mean."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from unit.fit.groups.keyed_passes import keyed_sums

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import AccuracyWarning
from gramian.fit.groups.recentre import recentred
from gramian.fit.passes.keys import ByColumns

FORMULAS = [
    "y ~ x",
    "y ~ x * f",
    "y ~ poly(x, 2) + f",
    "y ~ x + I(x^2)",
    "y ~ x + offset(o)",
    "c(y, z) ~ x",
]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(12)
    rows = 900
    group = rng.integers(0, 3, rows)
    base = 1e7 * group
    x = rng.normal(size=rows) + base
    return pa.table(
        {
            "x": pa.array(x, mask=rng.random(rows) < 0.02),
            "y": 2 * (x - base) + rng.normal(size=rows) - 3e6 * group,
            "z": rng.normal(size=rows),
            "o": rng.normal(size=rows),
            "w": rng.uniform(0.5, 2, rows),
            "f": rng.choice(["a", "b"], rows),
            "group": group,
            "constant": base + 0.1,
        }
    )


def alone(table, group):
    return table.filter(pa.array(table["group"].to_numpy() == group))


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("options", [{}, {"weights": "w"}], ids=["plain", "weighted"])
def test_every_group_is_as_right_as_a_fit_of_its_own(table, formula, options):
    fits = gm.ols(formula, table, by="group", **options)
    for key, fit in fits.items():
        group, part = (key[1], fit.formula) if isinstance(key, tuple) else (key, formula)
        direct = gm.ols(part, alone(table, group), **options)
        assert fit.passes >= 2
        # 300 sums of a well-conditioned system; an offset is taken from outcomes of 6e6, which rounds at 1e-9
        assert fit.sigma == pytest.approx(direct.sigma, rel=1e-9 if "offset" in formula else 1e-11)
        if "poly" not in formula and "^2" not in formula:
            assert fit.coefficients[1:] == pytest.approx(direct.coefficients[1:], rel=1e-9, abs=1e-9)
        expected = direct.predict(alone(table, group))
        # a prediction adds terms of the size of the intercept
        size = np.nanmax(np.abs(expected)) + np.nanmax(np.abs(fit.coefficients)) * 2.0**-26
        np.testing.assert_allclose(fit.predict(alone(table, group)), expected, rtol=0, atol=1e-7 + 1e-12 * size)


def test_groups_near_each_other_take_one_pass(table):
    fits = gm.ols("z ~ o", table, by="group")
    assert [fit.passes for fit in fits.values()] == [1, 1, 1]
    assert "3 fits from one pass" in fits.summary()
    assert "3 fits from 2 passes" in gm.ols("y ~ x", table, by="group").summary()


def test_a_column_that_is_constant_in_every_group_is_left_out_of_every_fit(table):
    fits = gm.ols("z ~ constant", table, by="group")
    assert [list(fit.aliased) for fit in fits.values()] == [["constant"]] * 3


def test_data_that_can_be_read_once_are_read_once_and_the_lost_digits_told(table):
    with pytest.warns(AccuracyWarning, match="group = 0: certified digits: .* can be read once only"):
        fits = gm.ols("y ~ x", iter(table.to_batches(max_chunksize=100)), by="group")
    assert [fit.passes for fit in fits.values()] == [1, 1, 1]


def test_the_second_pass_travels_and_does_not_depend_on_threads(table):
    run = keyed_sums("y ~ x * f", source_of(table), gm.Local(1), ByColumns(("group",)))
    again = recentred(run.task, run.keyed)
    task = pickle.loads(pickle.dumps(again.task))
    one, two = (gm.Local(n).fold(run.source, task).moments for n in (1, 2))
    assert one.dense.tobytes() == two.dense.tobytes()
    assert again.coordinates[(2,)]["x"].shift == pytest.approx(2e7, rel=1e-7)
