"""Tests of assumptions, effect sizes and nested fits: against statsmodels, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from statsmodels.stats.diagnostic import het_breuschpagan, het_white, linear_reset
from statsmodels.stats.stattools import durbin_watson, jarque_bera

import gramian as gm
from gramian.errors import OptionError

RNG = np.random.default_rng(17)
N = 250
DATA: dict[str, Any] = {"x": RNG.normal(30, 1, N), "z": RNG.uniform(1, 2, N), "v": RNG.normal(size=N), "w": np.ones(N)}
DATA["y"] = 1 + 0.5 * DATA["x"] - DATA["z"] * RNG.normal(size=N) + 0.01 * DATA["x"] ** 2
DATA["hit"] = (DATA["y"] > np.median(DATA["y"])).astype(float)
DATA["g"] = RNG.choice(list("abc"), N)


def known(formula: str) -> Any:
    return smf.ols(formula, pd.DataFrame(DATA)).fit()


def rows(table: Any) -> dict[str, dict[str, Any]]:
    return {row["test"]: row for row in table.to_pylist()}


def test_diagnostics_against_statsmodels() -> None:
    found, fit = rows(gm.ols("y ~ x + z + v", DATA).diagnostics()), known("y ~ x + z + v")
    for name, values in (
        ("Breusch-Pagan", het_breuschpagan(fit.resid, fit.model.exog)[:2]),
        ("White", het_white(fit.resid, fit.model.exog)[:2]),
        ("Jarque-Bera", jarque_bera(fit.resid)[:2]),
    ):
        assert_allclose([found[name]["statistic"], found[name]["p_value"]], values, rtol=1e-8)
    reset = linear_reset(fit, power=3, use_f=True)
    assert_allclose([found["RESET"]["statistic"], found["RESET"]["p_value"]], [reset.fvalue, reset.pvalue], rtol=1e-8)
    assert_allclose(found["Durbin-Watson"]["statistic"], durbin_watson(fit.resid), rtol=1e-10)
    assert found["Durbin-Watson"]["p_value"] is None


def test_whites_test_counts_columns_that_do_not_depend_on_others() -> None:
    found = rows(gm.ols("y ~ x + g", DATA).diagnostics())["White"]
    fit = known("y ~ x + C(g)")
    indicators = fit.model.exog
    pairs = np.column_stack([indicators[:, i] * indicators[:, j] for i in range(4) for j in range(i, 4)])
    assert found["df"] == np.linalg.matrix_rank(pairs - pairs.mean(axis=0)) == 6


def test_batches_are_read_in_order(tmp_path: Any) -> None:
    frame = pd.DataFrame(DATA)
    for i in range(3):
        frame.iloc[i * 90 : i * 90 + 90].to_parquet(tmp_path / f"{i}.parquet")
    whole, parts = (gm.ols("y ~ x + z", d).diagnostics() for d in (frame, str(tmp_path)))
    assert_allclose(whole.column("statistic").to_numpy(), parts.column("statistic").to_numpy(), rtol=1e-9)


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [("y ~ x", {"weights": "w"}, "this one has weights"), ("y ~ x | g", {}, "this one has absorbed factors")],
)
def test_diagnostics_refuse(formula: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gm.ols(formula, DATA, **options).diagnostics()


def test_effect_sizes() -> None:
    fit = gm.ols("y ~ x + z + g", DATA)
    table = fit.effect_sizes()
    terms = table.column("term").to_pylist()
    assert terms == ["x", "z", "g[b]", "g[c]"]
    frame = pd.DataFrame(DATA)
    columns = pd.get_dummies(frame["g"])[["b", "c"]].astype(float).join(frame[["x", "z"]])
    for name, column in zip(terms, ("x", "z", "b", "c"), strict=True):
        expected = fit[name] * columns[column].std() / frame["y"].std()
        assert_allclose(table.column("estimate").to_pylist()[terms.index(name)], expected, rtol=1e-9)
        rest = [c for c in columns if c != column]
        smaller = smf.ols(f"y ~ {' + '.join(rest)}", columns.join(frame["y"])).fit()
        lost = fit.r_squared - smaller.rsquared
        assert_allclose(table.column("semipartial_r_squared").to_pylist()[terms.index(name)], lost, rtol=1e-7)
        partial = table.column("partial_r_squared").to_pylist()[terms.index(name)]
        assert_allclose(partial, lost / (1 - smaller.rsquared), rtol=1e-7)
    with pytest.raises(OptionError, match="no intercept"):
        gm.ols("y ~ x - 1", DATA).effect_sizes()


def test_influence_against_statsmodels() -> None:
    table, found = gm.ols("y ~ x + z + v", DATA).augment(), known("y ~ x + z + v").get_influence()
    for name, values in (
        (".cooksd", found.cooks_distance[0]),
        (".dffits", found.dffits[0]),
        (".rstudent", found.resid_studentized_external),
    ):
        assert_allclose(table.column(name).to_numpy(), values, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    ("text", "h", "g"),
    [
        ("x / z = -1", lambda x, z: x / z + 1, lambda x, z: [1 / z, -x / z**2]),
        ("x * z = 2*x", lambda x, z: x * z - 2 * x, lambda x, z: [z - 2, x]),
        ("-x^2 = exp(z) - 3", lambda x, z: -(x**2) - np.exp(z) + 3, lambda x, z: [-2 * x, -np.exp(z)]),
        ("log(x / (1 + sqrt(4))) = z", lambda x, z: np.log(x / 3) - z, lambda x, z: [1 / x, -1.0]),
    ],
)
def test_hypotheses_that_are_not_linear(text: str, h: Any, g: Any) -> None:
    fit = gm.ols("y ~ x + z", DATA)
    test, (x, z) = fit.test(text), fit.coefficients[1:]
    gradient = np.array(g(x, z))
    assert_allclose(test.estimate, [h(x, z)], rtol=1e-9)
    assert_allclose(test.statistic, h(x, z) ** 2 / (gradient @ fit.vcov[1:, 1:] @ gradient), rtol=1e-9)
    assert test.df == (1, N - 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x / w = 1", "no coefficient 'w'"),
        ("exp(2) = 1", "contains no coefficient to test"),
        ("log(-x^2) = 1", "has no finite value and derivatives at the estimates"),
        ("(x * z = 1", r"expected '\)'"),
        ("x^z^", "expected a coefficient"),
    ],
)
def test_messages_of_hypotheses(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gm.ols("y ~ x + z", DATA).test(text)


def test_nested_fits_are_of_the_same_rows() -> None:
    small = gm.ols("y ~ x", DATA)
    hole = {**DATA, "z": np.where(np.arange(N) < 3, np.nan, DATA["z"])}
    for other, message in (
        (gm.ols("y ~ x + z", hole), "they have 250 and 247 rows"),
        (gm.ols("v ~ x + z", DATA), "their outcomes are y and v"),
        (gm.ols("y ~ x + z", {**DATA, "y": DATA["y"] + 1}), "they are of other rows"),
        (gm.ols("y ~ x + z", DATA, vcov="HC1"), "their covariances are robust"),
        (gm.glm("hit ~ x + z", DATA, "binomial"), "their families or links differ"),
    ):
        with pytest.raises(OptionError, match=message):
            gm.anova(small, other)
    with pytest.raises(OptionError, match="is not nested in"):
        gm.anova(gm.ols("y ~ x", DATA), gm.ols("y ~ v + z", DATA))
    with pytest.raises(OptionError, match="compares two fits or more"):
        gm.anova(small)
    with pytest.raises(OptionError, match="has a penalty"):
        gm.anova(small, gm.ridge("y ~ x + z", DATA, 1.0))
    with pytest.raises(OptionError, match="a quasi family has no likelihood"):
        gm.anova(*(gm.glm(f, DATA, "quasibinomial") for f in ("hit ~ 1", "hit ~ x")), test="LR")
