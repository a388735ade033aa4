"""Models with instruments from a Gram and plans."""

from __future__ import annotations

import numpy as np
import pytest
from unit.fit.iv.test_iv_fit import rows
from unit.fit.iv.test_iv_tests import FORMULA, figures

import gramian as gm
from gramian.errors import ColumnError, OptionError, SchemaError

STORED = "y ~ w + f + x1 + x2 + z1 + z2 + z3"


CLUSTERED = {"cluster": "g"}


@pytest.mark.parametrize(
    ("estimator", "vcov"),
    [
        ("2sls", "iid"),
        ("2sls", CLUSTERED),
        ("2sls", {"cluster": "g", "type": "CR3"}),
        ("liml", {"cluster": "g", "type": "CR0"}),
        ("fuller", "iid"),
        ("gmm", CLUSTERED),
    ],
)
def test_a_gram_gives_the_fit_of_the_rows(estimator, vcov):
    data = rows()
    gram = gm.gram(STORED, data, cluster="g", weights="p")
    fit = gram.iv(FORMULA, vcov=vcov, estimator=estimator)
    other = gm.iv(FORMULA, data, weights="p", vcov=vcov, estimator=estimator)
    np.testing.assert_allclose(figures(fit), figures(other), rtol=1e-9)
    for name, first in fit.first_stage.items():
        np.testing.assert_allclose(first.std_errors, other.first_stage[name].std_errors, rtol=1e-9)


def test_a_gram_has_the_adjusted_residuals_of_rows_without_weights():
    data, vcov = rows(), {"cluster": "g", "type": "CR2"}
    fit, other = gm.gram(STORED, data, cluster="g").iv(FORMULA, vcov=vcov), gm.iv(FORMULA, data, vcov=vcov)
    np.testing.assert_allclose(figures(fit), figures(other), rtol=1e-9)
    with pytest.raises(OptionError, match="CR2 by g with weights needs products with their squares"):
        gm.gram(STORED, data, cluster="g", weights="p").iv(FORMULA, vcov=vcov)


def test_sums_of_halves_absorbed_factors_and_groups():
    data = rows()
    both = gm.gram(STORED, data.head(150)) + gm.gram(STORED, data.tail(250))
    np.testing.assert_allclose(figures(both.ols(FORMULA)), figures(gm.iv(FORMULA, data)), rtol=1e-9)
    within = "y ~ w | f | x1 + x2 ~ z1 + z2 + z3"
    gram = gm.gram("y ~ w + x1 + x2 + z1 + z2 + z3 | f", data)
    np.testing.assert_allclose(figures(gram.iv(within)), figures(gm.iv(within, data)), rtol=1e-9)
    groups = gm.gram("y ~ w + x1 + z1", data, by="f")
    own = "y ~ w + [x1 ~ z1]"
    assert groups.iv(own, where="b")["x1"] == pytest.approx(gm.iv(own, data[data.f == "b"])["x1"], rel=1e-11)


@pytest.mark.parametrize(
    ("formula", "options", "error", "said"),
    [
        ("y ~ w + [x1 ~ q]", {}, ColumnError, "this Gram: no column 'q'"),
        ("y ~ w:x2 + [x1 ~ z1]", {}, SchemaError, "does not store"),
        (FORMULA, {"vcov": "HC1"}, OptionError, "HC1 needs the residual of every row"),
        (FORMULA, {"vcov": {"cluster": "h"}}, OptionError, "stores products by g"),
        (FORMULA, {"vcov": {"cluster": "h", "type": "CR3"}}, OptionError, "stores products by g"),
        (FORMULA, {"estimator": "gmm"}, OptionError, "two-step GMM needs the clusters of its weights"),
    ],
)
def test_what_a_gram_does_not_have_is_said(formula, options, error, said):
    with pytest.raises(error, match=said):
        gm.gram(STORED, rows(), cluster="g").iv(formula, **options)


def test_a_plan_says_what_is_read_and_refuses_what_the_fit_refuses():
    data = rows()
    plan = gm.plan("y ~ w + [x1 + x2 ~ z1 + z2]", data, vcov={"cluster": "g"}, estimator="gmm")
    fit = gm.iv("y ~ w + [x1 + x2 ~ z1 + z2]", data, vcov={"cluster": "g"}, estimator="gmm")
    assert plan.passes == fit.passes == 5
    assert set(plan.columns) == {"y", "w", "x1", "x2", "z1", "z2", "g"}
    assert "two-step GMM" in str(plan)
    with pytest.raises(OptionError, match="HC3 needs the leverages of the second stage"):
        gm.plan(FORMULA, data, vcov="HC3", estimator="liml")
