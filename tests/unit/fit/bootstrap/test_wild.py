"""The wild cluster bootstrap: against a loop over draws on the rows, for any order of rows, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import gramian as gm
from gramian.errors import DataError, NumericalError, OptionError
from gramian.inference.draws.sign_weights import drawn

N, G = 300, 12
RNG = np.random.default_rng(0)
FIRM = RNG.integers(0, G, N)
X = RNG.normal(size=N) + 0.3 * FIRM
F = RNG.choice(list("abc"), N)
W = RNG.uniform(0.5, 2.0, N)
Y = 1 + 0.2 * X + RNG.normal(size=N) * (1 + 0.1 * FIRM) + RNG.normal(size=G)[FIRM]
DATA = pd.DataFrame({"y": Y, "x": X, "f": F, "w": W, "firm": FIRM, "x2": 2 * X + 1})
COLUMNS = np.column_stack([np.ones(N), X, F == "b", F == "c"]).astype(float)
CLUSTERED = {"cluster": "firm"}


def loop(row: Any, right: float, v: Any, *, restricted: bool, w: Any = None) -> Any:
    """Statistics of draws v (d, G), each from a regression on the rows."""
    w = np.ones(N) if w is None else w
    A = np.linalg.inv(COLUMNS.T @ (COLUMNS * w[:, None]))
    b = A @ COLUMNS.T @ (w * Y)
    under = b - A @ row * (row @ b - right) / (row @ A @ row) if restricted else b
    residuals = Y - COLUMNS @ under
    statistics = []
    for draw in v:
        y = COLUMNS @ under + draw[FIRM] * residuals
        drawn_b = A @ COLUMNS.T @ (w * y)
        scores = COLUMNS * (w * (y - COLUMNS @ drawn_b))[:, None]
        sums = np.array([scores[g == FIRM].sum(axis=0) for g in range(G)])
        error = np.sqrt(row @ A @ sums.T @ sums @ A @ row)
        statistics.append(row @ (drawn_b - under) / error)
    return np.array(statistics) / np.sqrt(G / (G - 1) * (N - 1) / (N - 4))


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("weights", ["rademacher", "mammen", "webb", "normal"])
def test_draws_equal_regressions_on_rows(weights: str, restricted: bool) -> None:
    fit = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED)
    found = fit.wild_bootstrap("x = 0.1", draws=200, weights=weights, seed=4, restricted=restricted)
    (v,) = drawn(weights, G, 200, 4)
    expected = loop(np.array([0, 1.0, 0, 0]), 0.1, v.T, restricted=restricted)
    assert_allclose(found.statistics, expected, rtol=1e-10, atol=1e-12)
    assert found.p_value == np.mean(np.abs(expected) > abs(found.statistic) * (1 + 1e-9))
    assert_allclose(found.statistic, (fit["x"] - 0.1) / fit.std_errors[1], rtol=1e-10)


def test_weights_and_a_combination_of_coefficients() -> None:
    fit = gm.ols("y ~ x + f", DATA, weights="w", vcov=CLUSTERED)
    found = fit.wild_bootstrap("f[b] = 2*f[c] + x", draws=100, weights="webb", seed=4)
    (v,) = drawn("webb", G, 100, 4)
    assert_allclose(
        found.statistics, loop(np.array([0, -1.0, 1, -2]), 0.0, v.T, restricted=True, w=W), rtol=1e-9, atol=1e-12
    )


def test_the_interval_has_the_values_that_are_not_rejected() -> None:
    fit = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED)
    found = fit.wild_bootstrap("x = 0", seed=1)
    assert found.draws == 2**G
    length = found.conf_high - found.conf_low
    for edge, inward in ((found.conf_low, 1.0), (found.conf_high, -1.0)):
        for step, is_rejected in ((-1e-6, True), (1e-6, False)):
            p = fit.wild_bootstrap(f"x = {edge + step * inward * length!r}", seed=1).p_value
            assert (p < 0.05) == is_rejected


def test_sides() -> None:
    fit = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED)
    greater, less, both = (
        fit.wild_bootstrap("x = 0.1", seed=1, alternative=side).p_value for side in ("greater", "less", "two-sided")
    )
    ties = np.mean(np.isclose(fit.wild_bootstrap("x = 0.1", seed=1).statistics, (fit["x"] - 0.1) / fit.std_errors[1]))
    assert_allclose(greater + less, 1 - ties, rtol=1e-12)
    assert both < 1


def joint_loop(R: Any, right: Any, v: Any, *, restricted: bool) -> Any:
    """F of draws v (d, G) of several equations, each from a regression on the rows."""
    A = np.linalg.inv(COLUMNS.T @ COLUMNS)
    b = A @ COLUMNS.T @ Y
    under = b - A @ R.T @ np.linalg.solve(R @ A @ R.T, R @ b - right) if restricted else b
    residuals, statistics = Y - COLUMNS @ under, []
    for draw in v:
        y = COLUMNS @ under + draw[FIRM] * residuals
        drawn_b = A @ COLUMNS.T @ y
        scores = COLUMNS * (y - COLUMNS @ drawn_b)[:, None]
        sums = np.array([scores[g == FIRM].sum(axis=0) for g in range(G)])
        V = R @ A @ sums.T @ sums @ A @ R.T * (G / (G - 1) * (N - 1) / (N - 4))
        distance = R @ (drawn_b - under)
        statistics.append(distance @ np.linalg.solve(V, distance) / len(R))
    return np.array(statistics)


@pytest.mark.parametrize("restricted", [True, False])
def test_several_equations_at_once(restricted: bool) -> None:
    fit = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED)
    found = fit.wild_bootstrap("x = 0.1, f[b] = f[c]", draws=100, weights="webb", seed=4, restricted=restricted)
    (v,) = drawn("webb", G, 100, 4)
    R = np.array([[0, 1.0, 0, 0], [0, 0, 1, -1]])
    expected = joint_loop(R, np.array([0.1, 0.0]), v.T, restricted=restricted)
    assert_allclose(found.statistics, expected, rtol=1e-9)
    assert_allclose(found.statistic, fit.test("x = 0.1, f[b] = f[c]").statistic, rtol=1e-9)
    assert found.p_value == np.mean(expected > found.statistic * (1 + 1e-9))
    assert str(found).startswith("wild cluster bootstrap of x = 0.1, f[b] = f[c]: F of 2 equations ")
    assert found.tidy()["conf_low"].to_pylist() == [None]
    with pytest.raises(NumericalError, match="need more than 2 clusters, and there are 2"):
        gm.ols("y ~ x", DATA.assign(two=FIRM % 2)).wild_bootstrap("x = 0, Intercept = 0", cluster="two")


def test_neither_order_nor_cuts_of_the_rows_matter() -> None:
    fit = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED)
    expected = fit.wild_bootstrap("x = 0", weights="webb", seed=9, draws=500)
    shuffled = DATA.sample(frac=1.0, random_state=3)
    parts = [shuffled.iloc[:71], shuffled.iloc[71:200], shuffled.iloc[200:]]
    again = fit.wild_bootstrap("x = 0", parts, weights="webb", seed=9, draws=500)
    assert_allclose(again.statistics, expected.statistics, rtol=1e-9, atol=1e-12)
    assert again.p_value == expected.p_value
    again = gm.ols("y ~ x + f", DATA).wild_bootstrap("x = 0", cluster="firm", weights="webb", seed=9, draws=500)
    assert again.p_value == expected.p_value


def test_columns_that_depend_on_others() -> None:
    fit = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED)
    aliased = gm.ols("y ~ x + x2 + f", DATA, vcov=CLUSTERED)
    one, other = (a.wild_bootstrap("x = 0", seed=1, draws=50, weights="webb").statistics for a in (fit, aliased))
    assert_allclose(other, one, rtol=1e-8)
    with pytest.raises(OptionError, match="x2"):
        aliased.wild_bootstrap("x2 = 0")


def test_from_a_gram_no_row_is_read() -> None:
    gram = gm.gram("y ~ x + f + w", DATA, cluster="firm")
    fit = gram.ols("y ~ x + f", vcov=CLUSTERED)
    found = fit.wild_bootstrap("x = 0", gram, seed=1)
    expected = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED).wild_bootstrap("x = 0", seed=1)
    assert_allclose(found.statistics, expected.statistics, rtol=1e-9, atol=1e-11)
    assert found.p_value == expected.p_value
    assert gram.ols("y ~ x + f").wild_bootstrap("x = 0", gram, seed=1).p_value == found.p_value
    with pytest.raises(OptionError, match="no products by cluster"):
        gm.gram("y ~ x", DATA).ols().wild_bootstrap("x = 0", gm.gram("y ~ x", DATA), cluster="firm")
    shifted = DATA.assign(x=DATA.x + 1e6)
    with pytest.raises(OptionError, match="not one of this Gram"):
        gm.ols("y ~ x + f", DATA, vcov=CLUSTERED).wild_bootstrap("x = 0", gm.gram("y ~ x + f", shifted, cluster="firm"))


@pytest.mark.parametrize(("restricted", "p_value"), [(True, 0.66015625), (False, 0.65625)])
def test_all_patterns_equal_those_of_wildboottest(restricted: bool, p_value: float) -> None:
    rng = np.random.default_rng(0)
    g = rng.integers(0, 10, N)
    y = rng.normal(size=10)[g] + rng.normal(size=N)
    x, z = rng.normal(size=N) + 0.5 * g, rng.normal(size=N)
    fit = gm.ols("y ~ x + z", {"y": y, "x": x, "z": z, "g": g}, vcov={"cluster": "g"})
    found = fit.wild_bootstrap("x = 0", seed=1, restricted=restricted)
    # pyfixest 0.60.0 with wildboottest: feols(...).wildboottest(param="x", reps=9999, cluster="g", impose_null=...)
    assert_allclose(found.statistic, -0.47231127, rtol=1e-7)
    ties = np.mean(np.isclose(np.abs(found.statistics), abs(found.statistic), rtol=1e-9))
    assert 0.0 <= p_value - found.p_value <= ties  # it decides by rounding whether a tie is further out


def test_what_it_says() -> None:
    found = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED).wild_bootstrap("x = 0", seed=1)
    text = str(found)
    assert text.startswith("wild cluster bootstrap of x = 0: t ")
    assert "4,096 draws of rademacher weights for 12 clusters, restricted residuals" in text
    assert found.tidy().column_names[:3] == ["term", "estimate", "statistic"]
    assert found.to_dict()["clusters"] == G
    assert "p <0.00024\n" in str(replace(found, p_value=0.0))


@pytest.mark.parametrize(
    ("fit", "options", "message"),
    [
        ({"formula": "y ~ x"}, {}, "needs one column of clusters, and this fit has none"),
        ({"formula": "y ~ x | f", "vcov": CLUSTERED}, {}, "absorbed levels of f"),
        (
            {"formula": "y ~ x", "vcov": CLUSTERED},
            {"hypothesis": "x = 0, Intercept = 0", "alternative": "less"},
            "no side",
        ),
        ({"formula": "y ~ x", "vcov": CLUSTERED}, {"alternative": "more"}, "alternative"),
        ({"formula": "y ~ x", "vcov": CLUSTERED}, {"level": 1.0}, "level must lie between"),
        ({"formula": "y ~ x", "vcov": {"cluster": ["firm", "f"]}}, {}, "this fit has 2"),
    ],
)
def test_what_is_refused(fit: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gm.ols(data=DATA, **fit).wild_bootstrap(**({"hypothesis": "x = 0"} | options))


def test_other_rows_and_one_cluster() -> None:
    fit = gm.ols("y ~ x", DATA, vcov=CLUSTERED)
    with pytest.raises(DataError, match="not the rows of the fit"):
        fit.wild_bootstrap("x = 0", DATA.head(200))
    with pytest.raises(NumericalError, match="one cluster"):
        gm.ols("y ~ x", DATA.assign(firm=1)).wild_bootstrap("x = 0", cluster="firm")
