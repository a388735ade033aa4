"""Draws beside absorbed factors that are nested in clusters: equal to those of the fit with dummies, and to CR3."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import gramian as gm
from gramian.errors import DataError, OptionError
from gramian.inference.draws.cluster_weights import cluster_draws

N, FIRMS = 400, 48
RNG = np.random.default_rng(2)
FIRM = RNG.integers(0, FIRMS, N)
STATE = FIRM // 4
X, W = RNG.normal(size=N) + 0.3 * STATE, RNG.uniform(0.5, 2.0, N)
Y = 0.1 * X + RNG.normal(size=FIRMS)[FIRM] + RNG.normal(size=N) * (1 + 0.1 * STATE)
DATA = pd.DataFrame({"y": Y, "x": X, "z": RNG.normal(size=N), "w": W, "firm": FIRM, "state": STATE})
CLUSTERED = {"cluster": "state"}


@pytest.mark.parametrize("weights", [None, "w"])
def test_draws_are_those_of_the_fit_with_dummies(weights: str | None) -> None:
    absorbed = gm.ols("y ~ x + z | firm", DATA, weights=weights, vcov=CLUSTERED)
    dummies = gm.ols("y ~ x + z + factor(firm)", DATA, weights=weights, vcov=CLUSTERED)
    for hypothesis in ("x = 0.05", "x = 0, z = 0"):
        one, other = (fit.wild_bootstrap(hypothesis, seed=1) for fit in (absorbed, dummies))
        assert one.p_value == other.p_value
        assert_allclose([one.conf_low, one.conf_high], [other.conf_low, other.conf_high], rtol=1e-8)
    assert_allclose(absorbed.wild_bootstrap("x = 0", seed=1).statistic, absorbed.statistics[0], rtol=1e-9)
    found = absorbed.bootstrap(draws=30, seed=3)
    assert_allclose(found.drawn.std_errors, absorbed.std_errors, rtol=1e-9)
    (v,) = cluster_draws("multinomial", 12, 30, 3)
    for drawn, b in zip(v.T, found.coefficients, strict=True):
        rows = DATA.assign(drawn=drawn[STATE] * (1.0 if weights is None else W))
        expected = gm.ols("y ~ x + z | firm", rows[rows["drawn"] > 0], weights="drawn").coefficients
        assert_allclose(b, expected, rtol=1e-8)


def test_the_jackknife_is_cr3() -> None:
    fit = gm.ols("y ~ x + z | firm", DATA, vcov={**CLUSTERED, "type": "CR3"})
    found = fit.jackknife()
    assert_allclose(found.std_errors, fit.std_errors, rtol=1e-9)
    without = gm.ols("y ~ x + z | firm", DATA[STATE != 5]).coefficients
    assert_allclose(found.coefficients[5], without, rtol=1e-9)


def test_a_factor_that_is_not_nested_and_other_rows_are_refused() -> None:
    fit = gm.ols("y ~ x | firm", DATA.assign(other=np.arange(N) % 7))
    with pytest.raises(OptionError, match="absorbed levels of firm have rows in several clusters by other"):
        fit.bootstrap(cluster="other")
    with pytest.raises(DataError, match="not the rows of the fit"):
        fit.jackknife(DATA.head(300), cluster="state")
