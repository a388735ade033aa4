"""Covariances as fixest and pyfixest name them: each is what it is by our names, or says what is missing."""

import numpy as np
import pytest
from unit.fit.vcov.test_serial import panel

import gramian as gm
from gramian.errors import OptionError

DATA = panel()
SAME = [
    ("y ~ x | f", "cluster", {"cluster": "f"}),
    ("y ~ x | f + t", "twoway", {"cluster": ["f", "t"]}),
    ("y ~ x | f[w] + t", "twoway", {"cluster": ["f", "t"]}),
    ("y ~ x | f + t", {"CRV1": "f + t"}, {"cluster": ["f", "t"]}),
    ("y ~ x", "hetero", "HC1"),
    ("y ~ x", {"CRV3": "f"}, {"cluster": "f", "type": "CR3"}),
    ("y ~ x", "NW", {"hac": "auto", "time": "t", "panel": "f"}),
    ("y ~ x", "newey_west", {"hac": "auto", "time": "t", "panel": "f"}),
    ("y ~ x", "DK", {"driscoll_kraay": "t", "lags": "auto"}),
    ("y ~ x", "driscoll_kraay", {"driscoll_kraay": "t"}),
    ("y ~ x", {"NW": 2, "time": "k"}, {"hac": 2, "time": "k"}),
    ("y ~ x", {"DK": "t", "lags": 3}, {"driscoll_kraay": "t", "lags": 3}),
]


@pytest.mark.parametrize(("formula", "name", "ours"), SAME, ids=lambda value: str(value))
def test_names_of_fixest(formula, name, ours):
    named = {"NW", "DK", "newey_west", "driscoll_kraay"}
    panel_id = {"panel_id": ("f", "t")} if isinstance(name, str) and name in named else {}
    fit, expected = gm.ols(formula, DATA, vcov=name, **panel_id), gm.ols(formula, DATA, vcov=ours)
    np.testing.assert_array_equal(fit.vcov, expected.vcov)
    assert fit.covariance == expected.covariance or fit.covariance.description == expected.covariance.description
    assert gm.plan(formula, DATA, vcov=name, **panel_id).columns == gm.plan(formula, DATA, vcov=ours).columns
    rows = gm.rows(DATA, panel_id=("f", "t")) if panel_id else DATA
    later = gm.ols(formula, DATA).with_vcov(name, rows)
    np.testing.assert_allclose(later.vcov, expected.vcov, rtol=1e-12)


def test_other_models_take_them_too():
    poisson = DATA.assign(c=(DATA.y > 0) + 1)
    fit = gm.glm("c ~ x | f + t", poisson, "poisson", vcov="twoway")
    assert fit.covariance.name == "CR1 by f and t"
    assert fit.with_vcov("cluster", poisson).covariance.name == "CR1 by f"
    assert gm.iv("y ~ w + [x ~ z] | f", DATA, vcov="cluster").covariance.name == "CR1 by f"
    fits = gm.ols("y ~ x | csw0(f, t)", DATA, vcov="HC1")
    assert len(fits) == 3
    assert {f.covariance.name for f in gm.ols("c(y, w) ~ x | f + t", DATA, vcov="twoway").values()} == {
        "CR1 by f and t"
    }
    assert {f.covariance.name for f in gm.ols("y ~ x | f + sw0(t)", DATA, vcov="cluster").values()} == {"CR1 by f"}


@pytest.mark.parametrize(
    ("formula", "name", "said"),
    [
        ("y ~ x", "cluster", "clusters by the first absorbed factor, and this formula has none"),
        ("y ~ x | f", "twoway", "clusters by the first 2 absorbed factors, and this formula has f"),
        ("y ~ x | f^t", "cluster", "f^t is no column, and clusters are by columns"),
        ("y ~ x", "NW", "needs a column of times: name the columns of panels and times, panel_id=('firm', 't')"),
        ("y ~ x", "DK", "or write vcov={'driscoll_kraay': 't', 'lags': 4}"),
    ],
)
def test_what_is_missing_is_said(formula, name, said):
    with pytest.raises(OptionError) as raised:
        gm.ols(formula, DATA, vcov=name)
    assert said in str(raised.value)
    with pytest.raises(OptionError) as raised:
        gm.ols(formula, DATA).with_vcov(name, DATA)
    assert said in str(raised.value)
