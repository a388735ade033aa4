"""`gramian.fits`: a mapping whatever the number of fits."""

from __future__ import annotations

import numpy as np
import pytest

import gramian as gm
from gramian.errors import DataError, OptionError
from gramian.fit.groups import passes

rng = np.random.default_rng(5)
ROWS = {
    "x": rng.normal(size=60),
    "y": rng.normal(size=60),
    "z": rng.normal(size=60),
    "g": np.repeat(["a", "b", "c"], 20),
    "f": np.tile(["p", "q"], 30),
}


@pytest.mark.parametrize(
    "options", [{}, {"vcov": "HC3"}, {"exact": True}, {"weights": "w"}, {"vcov": {"cluster": "g"}}]
)
def test_one_outcome_without_groups_is_the_fit_of_ols_by_the_outcomes_name(options):
    rows = ROWS | {"w": np.arange(1.0, 61.0)}
    fits, fit = gm.fits("log(y + 9) ~ x + f", rows, **options), gm.ols("log(y + 9) ~ x + f", rows, **options)
    (key,) = fits
    assert (key, fits.key_names, fits.outcomes) == ("log(y + 9)", ("outcome",), ("log(y + 9)",))
    assert fits[key].tidy() == fit.tidy()
    assert fits[key].passes == fit.passes
    assert fits.rows == fit.rows
    assert fits.tidy().column_names[0] == "outcome"
    assert "outcome = log(y + 9)" in fits.summary()


def test_absorbed_factors_are_possible_with_one_outcome():
    assert gm.fits("y ~ x | g", ROWS)["y"]["x"] == gm.ols("y ~ x | g", ROWS)["x"]


def test_groups_and_outcomes_are_as_in_ols():
    for formula, by in (("y ~ x", "g"), ("c(y, z) ~ x", None), ("c(y, z) ~ x", ["g", "f"])):
        fits, expected = gm.fits(formula, ROWS, by=by), gm.ols(formula, ROWS, by=by)
        assert list(fits) == list(expected)
        assert fits.tidy() == expected.tidy()


def test_rows_left_out_are_counted():
    rows = ROWS | {"x": np.where(np.arange(60) < 3, np.nan, ROWS["x"])}
    assert dict(gm.fits("y ~ x", rows).dropped_rows) == dict(gm.ols("y ~ x", rows).dropped_rows) != {}


def test_solvers_for_many_columns_are_refused():
    with pytest.raises(OptionError, match='solver="dual" makes one fit of another kind: use ols for it'):
        gm.fits("y ~ x", ROWS, solver="dual", collinear="min-norm")


def test_more_fits_than_memory_holds_are_refused(monkeypatch):
    frame = {"g": np.arange(40) // 4, "x": np.arange(40) % 4 * 1.0, "y": np.arange(40) ** 2 % 7 * 1.0}
    monkeypatch.setattr(passes, "memory_limit", lambda: 9 * passes.FIT_BYTES)
    with pytest.raises(DataError, match=r"makes 10 fits, and 9 fit into memory, about 20.0 kB for each"):
        gm.fits("y ~ x", frame, by="g")
    monkeypatch.setattr(passes, "memory_limit", lambda: 10 * passes.FIT_BYTES)
    assert len(gm.fits("y ~ x", frame, by="g")) == 10
