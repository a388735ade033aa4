"""Working rows against their definitions, against numerical derivatives, and where they saturate."""

from __future__ import annotations

import math
import pickle
from itertools import product

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from gramian.models.families import FAMILIES, negative_binomial
from gramian.models.glm import BLOCK, GLM
from gramian.models.links import LINKS

N = 50
WEIGHT = np.random.default_rng(8).uniform(0.5, 3.0, N)
ALL = {**FAMILIES, "negative_binomial": negative_binomial(2.5)}
UNIT = ("logit", "probit", "cloglog", "cauchit")


def outcomes(name: str) -> np.ndarray:
    rng = np.random.default_rng(21)
    if name in ("binomial", "quasibinomial"):
        return np.round(rng.uniform(0, 1, N), 1)
    if name in ("poisson", "quasipoisson", "negative_binomial"):
        return rng.poisson(2.0, N).astype(float)
    return rng.gamma(2.0, size=N)


def pairs() -> list[tuple[str, str]]:
    """Every family with every link whose means it can have."""
    return list(product(ALL, LINKS))


def at(name: str) -> np.ndarray:
    """An eta at which mu lies between 0 and 1, so that every family can have it."""
    return LINKS[name].link(np.linspace(0.05, 0.95, N))


@pytest.mark.parametrize(("family", "link"), pairs())
def test_rows_are_as_defined(family, link):
    model, y, eta = GLM(ALL[family], LINKS[link]), outcomes(family), at(link)
    mu, slope = model.mean(eta), model.link.derivative(eta)
    r, w, s, loss = model.linearize(y, eta, WEIGHT)
    np.testing.assert_allclose(r, (y - mu) / slope, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(w, WEIGHT * slope**2 / model.family.variance(mu), rtol=1e-10)
    np.testing.assert_allclose(w * r, s, rtol=1e-14)
    assert loss == pytest.approx(np.sum(WEIGHT * model.family.unit_deviance(y, mu)), rel=1e-10)


@pytest.mark.parametrize(("family", "link"), pairs())
def test_the_score_is_the_slope_of_the_loss(family, link):
    model, y, eta, h = GLM(ALL[family], LINKS[link]), outcomes(family), at(link), 1e-6
    s = model.linearize(y, eta, WEIGHT).s
    for i in (0, 17, 49):
        rows, step = slice(i, i + 1), h * (1 + abs(eta[i]))
        up, down = (model.linearize(y[rows], eta[rows] + e, WEIGHT[rows]).loss for e in (step, -step))
        assert s[i] == pytest.approx(-(up - down) / (4 * step), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(("family", "link"), pairs())
def test_observed_information_is_the_slope_of_the_score_where_positive(family, link):
    model, y, eta = GLM(ALL[family], LINKS[link]), outcomes(family), at(link)
    step = 1e-6 * (1 + np.abs(eta))
    up, down = (model.linearize(y, eta + e, WEIGHT).s for e in (step, -step))
    limit = -(up - down) / (2 * step)
    expected, observed = model.linearize(y, eta, WEIGHT), model.linearize(y, eta, WEIGHT, observed=True)
    clear = np.abs(limit) > 1e-5 * expected.w
    truth = np.where(limit > 0, limit, expected.w)
    np.testing.assert_allclose(observed.w[clear], truth[clear], rtol=1e-4)
    np.testing.assert_array_equal(observed.s, expected.s)
    np.testing.assert_allclose(observed.w * observed.r, observed.s, rtol=1e-14)


@pytest.mark.parametrize(
    ("family", "link"),
    [("binomial", "logit"), ("poisson", "log"), ("gamma", "inverse"), ("inverse_gaussian", "inverse_squared")],
)
def test_canonical_links_have_one_information(family, link):
    model, y, eta = GLM(FAMILIES[family], LINKS[link]), outcomes(family), at(link)
    expected, observed = model.linearize(y, eta), model.linearize(y, eta, observed=True)
    np.testing.assert_allclose(observed.w, expected.w, rtol=1e-12)


@pytest.mark.parametrize("link", UNIT)
@pytest.mark.parametrize("eta", [-800.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
def test_saturated_rows_keep_their_score(link, eta, y):
    model = GLM(FAMILIES["binomial"], LINKS[link])
    mean = model.link.at(np.array([eta]), "proportion")
    r, w, s, loss = model.linearize(np.array([y]), np.array([eta]), np.array([3.0]))
    assert np.isfinite([r[0], w[0], s[0], loss, r[0] * r[0]]).all()
    assert w[0] >= 0.0
    assert s[0] == 3.0 * (y * mean.rate[0] - (1 - y) * mean.rest_rate[0])
    assert w[0] * r[0] == pytest.approx(s[0], rel=1e-15)
    entropy = special.xlogy(y, y) + special.xlogy(1 - y, 1 - y)
    assert loss == pytest.approx(6.0 * (entropy - y * mean.log[0] - (1 - y) * mean.log_rest[0]), rel=1e-13)


def test_a_logit_far_out_pulls_back_with_the_whole_residual():
    model = GLM(FAMILIES["binomial"], LINKS["logit"])
    rows = model.linearize(np.array([1.0, 0.0, 1.0]), np.array([-800.0, 800.0, 800.0]))
    assert rows.s.tolist() == [1.0, -1.0, 0.0]
    assert rows.loss == 3200.0


def test_a_count_far_below_zero_keeps_its_deviance():
    model = GLM(FAMILIES["poisson"], LINKS["log"])
    rows = model.linearize(np.array([2.0, 0.0]), np.array([-800.0, -800.0]))
    assert rows.s.tolist() == [2.0, 0.0]
    assert rows.loss == pytest.approx(2 * (2 * (math.log(2) + 800) - 2), rel=1e-15)
    np.testing.assert_allclose(rows.w * rows.r, rows.s, rtol=1e-15)


@pytest.mark.parametrize(
    ("family", "link", "eta"),
    [
        ("poisson", "identity", -1.0),
        ("poisson", "identity", 0.0),
        ("poisson", "log", 800.0),
        ("poisson", "sqrt", -1.0),
        ("gaussian", "log", 800.0),
        ("gamma", "inverse", -2.0),
        ("gamma", "inverse", 0.0),
        ("gamma", "log", 800.0),
        ("inverse_gaussian", "inverse_squared", -2.0),
        ("negative_binomial", "log", 800.0),
        ("binomial", "identity", 1.5),
        ("binomial", "log", 0.1),
        ("quasibinomial", "identity", 0.0),
        ("poisson", "log", math.nan),
    ],
)
@pytest.mark.parametrize("observed", [False, True])
def test_a_mean_out_of_range_is_rejected(family, link, eta, observed):
    model = GLM(ALL[family], LINKS[link])
    inside = model.link.link(np.array([0.5]))[0]
    y, etas = np.array([1.0, 1.0]), np.array([inside, eta])
    rows = model.linearize(y, etas, observed=observed)
    assert rows.loss == math.inf
    assert rows.s[1] == rows.w[1] == rows.r[1] == 0.0
    assert np.isfinite(np.concatenate(rows[:3])).all()
    alone = model.linearize(y, etas, np.array([1.0, 0.0]), observed=observed)  # without weight it counts nowhere
    assert alone.loss == model.linearize(y[:1], etas[:1]).loss
    assert np.isfinite(np.concatenate(alone[:3])).all()


@given(st.floats(-745, 705), st.integers(0, 1000))
def test_a_poisson_row_is_always_finite(eta, y):
    rows = GLM(FAMILIES["poisson"], LINKS["log"]).linearize(np.array([float(y)]), np.array([eta]))
    assert np.isfinite([*rows.r, *rows.w, *rows.s, rows.loss]).all()
    assert rows.loss >= 0.0


@given(st.floats(-1e6, 1e6), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from(UNIT), st.booleans())
def test_a_binomial_row_is_always_finite(eta, y, link, observed):
    rows = GLM(FAMILIES["binomial"], LINKS[link]).linearize(np.array([y]), np.array([eta]), observed=observed)
    assert np.isfinite([*rows.r, *rows.w, *rows.s, rows.loss]).all()
    assert rows.loss >= 0.0
    assert rows.w[0] >= 0.0


def test_blocks_do_not_show():
    n = 2 * BLOCK + 5
    rng = np.random.default_rng(4)
    model, y, eta = GLM(FAMILIES["binomial"], LINKS["logit"]), rng.integers(0, 2, n).astype(float), rng.normal(size=n)
    whole = model.linearize(y, eta)
    parts = [model.linearize(y[a : a + 1000], eta[a : a + 1000]) for a in range(0, n, 1000)]
    for k in range(3):
        np.testing.assert_array_equal(whole[k], np.concatenate([p[k] for p in parts]))
    assert whole.loss == pytest.approx(sum(p.loss for p in parts), rel=1e-13)


def test_no_rows_are_no_loss():
    rows = GLM(FAMILIES["poisson"], LINKS["log"]).linearize(np.empty(0), np.empty(0))
    assert (rows.loss, rows.r.size) == (0.0, 0)


def test_nothing_that_goes_in_is_changed():
    for family, link in pairs():
        y, eta, w = outcomes(family), at(link), WEIGHT.copy()
        before = (y.copy(), eta.copy(), w.copy())
        GLM(ALL[family], LINKS[link]).linearize(y, eta, w, observed=True)
        for now, then in zip((y, eta, w), before, strict=True):
            np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    ("family", "link", "theirs"),
    [
        ("binomial", "logit", sm.families.Binomial()),
        ("binomial", "probit", sm.families.Binomial(sm.families.links.Probit())),
        ("binomial", "cloglog", sm.families.Binomial(sm.families.links.CLogLog())),
        ("poisson", "log", sm.families.Poisson()),
        ("gamma", "log", sm.families.Gamma(sm.families.links.Log())),
        ("inverse_gaussian", "log", sm.families.InverseGaussian(sm.families.links.Log())),
        ("negative_binomial", "log", sm.families.NegativeBinomial(alpha=1 / 2.5)),
    ],
)
def test_repeated_least_squares_reach_the_coefficients_of_statsmodels(family, link, theirs):
    model = GLM(ALL[family], LINKS[link])
    X = np.column_stack([np.ones(N), np.random.default_rng(6).normal(size=(N, 2))])
    y = np.round(outcomes(family)) if family == "binomial" else outcomes(family)
    fit = sm.GLM(y, X, family=theirs).fit(tol=1e-11, tol_criterion="params")
    eta, beta = model.link.link((y + y.mean()) / 2), np.zeros(3)
    for _ in range(40):
        rows = model.linearize(y, eta)
        beta = np.linalg.solve((X.T * rows.w) @ X, X.T @ (rows.w * eta + rows.s))
        eta = X @ beta
    rows = model.linearize(y, eta)
    np.testing.assert_allclose(beta, fit.params, rtol=1e-7, atol=1e-9)
    assert rows.loss == pytest.approx(fit.deviance, rel=1e-10)
    assert rows.s @ rows.r == pytest.approx(fit.pearson_chi2, rel=1e-7)
    np.testing.assert_allclose(np.linalg.inv((X.T * rows.w) @ X) * fit.scale, fit.cov_params(), rtol=1e-5)


def test_the_start_is_the_eta_of_the_first_guess():
    model = GLM(FAMILIES["binomial"], LINKS["logit"])
    np.testing.assert_allclose(
        model.start(np.array([0.0, 1.0]), np.array([3.0, 3.0])), np.log([1 / 7, 7.0]), rtol=1e-14
    )
    np.testing.assert_allclose(model.start(np.array([0.0, 1.0])), np.log([1 / 3, 3.0]), rtol=1e-14)


def test_models_travel():
    model = pickle.loads(pickle.dumps(GLM(negative_binomial(2.0), LINKS["log"])))
    assert model.linearize(np.array([1.0]), np.array([0.3])).loss > 0.0
