"""Families against statsmodels, against sixty digits, and by their laws."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.genmod import families as sm
from unit.models import decimals

from gramian.errors import OptionError
from gramian.models.families import FAMILIES, family_named, negative_binomial, quasi

RNG = np.random.default_rng(5)
MU = np.exp(RNG.normal(size=60))
SHARE = RNG.uniform(0.01, 0.99, size=60)
COUNTS = RNG.poisson(3 * MU).astype(float)
AMOUNTS = RNG.gamma(2.0, size=60) * MU
WEIGHT = RNG.integers(1, 6, size=60).astype(float)
THETA = 1.7
CASES = {
    "gaussian": (FAMILIES["gaussian"], sm.Gaussian(), AMOUNTS - 1.0, MU - 1.0),
    "binomial": (FAMILIES["binomial"], sm.Binomial(), (SHARE < 0.4).astype(float), SHARE[::-1].copy()),
    "poisson": (FAMILIES["poisson"], sm.Poisson(), COUNTS, MU),
    "gamma": (FAMILIES["gamma"], sm.Gamma(), AMOUNTS, MU),
    "inverse_gaussian": (FAMILIES["inverse_gaussian"], sm.InverseGaussian(), AMOUNTS, MU),
    "negative_binomial": (negative_binomial(THETA), sm.NegativeBinomial(alpha=1 / THETA), COUNTS, MU),
}
POSITIVE = st.floats(1e-6, 1e6)
WITHIN = st.floats(1e-6, 1 - 1e-6)
NEAR = [0.0, 1e-14, -1e-9, 1e-6, -1e-3, 0.1, 0.19, 0.21, -0.17, -0.19, 0.5, 9.0]


@pytest.mark.parametrize("name", CASES)
def test_variance_and_deviance_are_those_of_statsmodels(name):
    family, theirs, y, mu = CASES[name]
    np.testing.assert_allclose(family.variance(mu), theirs.variance(mu), rtol=1e-13)
    np.testing.assert_allclose(np.sum(WEIGHT * family.unit_deviance(y, mu)), theirs.deviance(y, mu, WEIGHT), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_the_log_likelihood_is_that_of_statsmodels(name):
    family, theirs, y, mu = CASES[name]
    one = np.ones_like(y)
    dispersion = family.known_dispersion or 0.8
    ours = family.loglik(y, mu, one, dispersion)
    assert ours == pytest.approx(np.sum(theirs.loglike_obs(y, mu, scale=dispersion)), rel=1e-11)


@pytest.mark.parametrize("family", [*FAMILIES.values(), negative_binomial(THETA), quasi("mu^3")], ids=lambda f: f.name)
def test_the_derivative_of_the_variance_is_a_limit(family):
    mu, h = SHARE, 1e-6
    limit = (family.variance(mu + h) - family.variance(mu - h)) / (2 * h)
    np.testing.assert_allclose(family.variance_derivative(mu), limit, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("step", NEAR)
def test_deviances_keep_their_digits_near_the_mean(step):
    for mu in (0.3, 1e-5, 0.07):
        y = mu * (1.0 + step)
        for name, truth in (
            ("poisson", decimals.poisson_deviance(y, mu)),
            ("gamma", decimals.gamma_deviance(y, mu)),
            *([("binomial", decimals.binomial_deviance(y, mu))] if y < 1 else []),
        ):
            ours = family_named(name).unit_deviance(np.array([y]), np.array([mu]))[0]
            assert ours == pytest.approx(float(truth), rel=2e-14, abs=0.0), name


@pytest.mark.parametrize("theta", [1e-6, 0.5, 1e9])
@pytest.mark.parametrize("step", NEAR)
def test_negative_binomial_deviances_keep_their_digits(step, theta):
    mu = 40.0
    y = mu * (1.0 + step)
    ours = negative_binomial(theta).unit_deviance(np.array([y]), np.array([mu]))[0]
    truth = float(decimals.negative_binomial_deviance(y, mu, theta))
    assert ours == pytest.approx(truth, rel=4e-14, abs=0.0)


@pytest.mark.parametrize(("family", "mu", "truth"), [("poisson", 3.0, 6.0), ("binomial", 0.2, -2 * math.log1p(-0.2))])
def test_zero_is_an_outcome(family, mu, truth):
    assert family_named(family).unit_deviance(np.array([0.0]), np.array([mu]))[0] == pytest.approx(truth, rel=1e-15)


@given(POSITIVE, POSITIVE)
def test_deviances_above_zero_vanish_only_at_the_mean(y, mu):
    for family in (
        *(FAMILIES[n] for n in ("gaussian", "poisson", "gamma", "inverse_gaussian")),
        negative_binomial(2.5),
    ):
        unit = family.unit_deviance(np.array([y]), np.array([mu]))[0]
        assert unit >= 0.0
        assert (unit == 0.0) == (y == mu)


@given(WITHIN, WITHIN)
def test_deviances_of_shares_vanish_only_at_the_mean(y, mu):
    unit = FAMILIES["binomial"].unit_deviance(np.array([y]), np.array([mu]))[0]
    assert unit >= 0.0
    assert (unit == 0.0) == (y == mu)


def test_binomial_weights_are_trials():
    trials, successes = np.array([1.0, 7.0, 40.0, 3000.0]), np.array([1.0, 2.0, 40.0, 1234.0])
    mu = np.array([0.3, 0.5, 0.9, 0.4])
    truth = stats.binom.logpmf(successes, trials, mu).sum()
    assert FAMILIES["binomial"].loglik(successes / trials, mu, trials) == pytest.approx(truth, rel=1e-11)


def test_counts_have_the_likelihood_of_their_distribution():
    y, mu, w = np.array([0.0, 3.0, 250.0, 1e6]), np.array([0.5, 4.0, 200.0, 1.001e6]), np.array([1.0, 2.0, 1.0, 1.0])
    truth = float(np.sum(w * stats.poisson.logpmf(y, mu)))
    assert FAMILIES["poisson"].loglik(y, mu, w) == pytest.approx(truth, rel=1e-9)
    truth = float(np.sum(w * stats.nbinom.logpmf(y, THETA, THETA / (THETA + mu))))
    assert negative_binomial(THETA).loglik(y, mu, w) == pytest.approx(truth, rel=1e-9)


def test_gaussian_likelihood_is_that_of_lm():
    y, mu, w = AMOUNTS, MU, WEIGHT
    dispersion = np.sum(w * (y - mu) ** 2) / y.size
    truth = 0.5 * (np.sum(np.log(w)) - y.size * (math.log(2 * math.pi * dispersion) + 1))
    assert FAMILIES["gaussian"].loglik(y, mu, w, dispersion) == pytest.approx(truth, rel=1e-13)


def test_gamma_and_inverse_gaussian_likelihoods_are_those_of_r():
    y, mu, w = AMOUNTS, MU, WEIGHT
    gamma = FAMILIES["gamma"]
    dispersion = np.sum(w * gamma.unit_deviance(y, mu)) / w.sum()
    truth = np.sum(w * stats.gamma.logpdf(y, 1 / dispersion, scale=mu * dispersion))
    assert gamma.loglik(y, mu, w, dispersion) == pytest.approx(truth, rel=1e-12)
    inverse = FAMILIES["inverse_gaussian"]
    deviance = np.sum(w * inverse.unit_deviance(y, mu))
    aic = w.sum() * (math.log(deviance / w.sum() * 2 * math.pi) + 1) + 3 * np.sum(np.log(y) * w) + 2
    assert inverse.loglik(y, mu, w, deviance / w.sum()) == pytest.approx(1 - aic / 2, rel=1e-12)


def test_a_perfect_fit_is_infinitely_likely():
    for name in ("gaussian", "gamma", "inverse_gaussian"):
        assert FAMILIES[name].loglik(AMOUNTS, AMOUNTS, WEIGHT, 0.0) == math.inf


def test_likelihoods_add_and_leave_out_rows_without_weight():
    family, _, y, mu = CASES["poisson"]
    w = WEIGHT * (np.arange(60) % 3 > 0)
    halves = family.loglik(y[:20], mu[:20], w[:20]) + family.loglik(y[20:], mu[20:], w[20:])
    assert family.loglik(y, mu, w) == pytest.approx(halves, rel=1e-14)
    assert family.loglik(y, mu, w) == pytest.approx(family.loglik(y[w > 0], mu[w > 0], w[w > 0]), rel=1e-14)


def test_a_variance_alone_has_no_likelihood():
    assert math.isnan(FAMILIES["quasipoisson"].loglik(COUNTS, MU, WEIGHT))
    assert FAMILIES["quasipoisson"].known_dispersion is None


@pytest.mark.parametrize(
    ("name", "variance"), [("gaussian", "constant"), ("poisson", "mu"), ("gamma", "mu^2"), ("binomial", "mu(1-mu)")]
)
def test_quasi_has_the_deviance_of_its_variance(name, variance):
    family, _, y, mu = CASES[name]
    np.testing.assert_array_equal(quasi(variance).unit_deviance(y, mu), family.unit_deviance(y, mu))


@pytest.mark.parametrize("name", [*FAMILIES, "negative_binomial"])
def test_impossible_outcomes_are_named(name):
    family = family_named(name, theta=2.0 if name == "negative_binomial" else None)
    y = np.array([-1.0, 0.0, 0.5, 1.0, 1.5, np.nan, np.inf])
    allowed = {
        "a finite number": [1, 1, 1, 1, 1, 0, 0],
        "between 0 and 1": [0, 1, 1, 1, 0, 0, 0],
        "0 or above": [0, 1, 1, 1, 1, 0, 0],
        "above 0": [0, 0, 1, 1, 1, 0, 0],
    }
    assert (~family.check(y)).astype(int).tolist() == allowed[family.range]


def test_means_out_of_range_have_an_infinite_deviance():
    for name, mu in (("poisson", -1.0), ("poisson", 0.0), ("binomial", 1.0), ("gamma", np.inf), ("gaussian", np.nan)):
        assert not family_named(name).valid(np.array([mu])).any()
        assert family_named(name).unit_deviance(np.array([0.0]), np.array([mu]))[0] == np.inf


def test_first_guesses_are_those_of_r():
    y, w = np.array([0.0, 1.0]), np.array([3.0, 3.0])
    assert FAMILIES["binomial"].start(y, w).tolist() == [0.125, 0.875]
    assert FAMILIES["poisson"].start(y).tolist() == [0.1, 1.1]
    assert negative_binomial(1.0).start(y).tolist() == [1 / 6, 1.0]
    assert quasi("mu").start(y).tolist() == [0.1, 1.0]
    assert quasi("mu(1-mu)").start(y).tolist() == [0.001, 0.999]


@pytest.mark.parametrize("family", [*FAMILIES.values(), negative_binomial(THETA), quasi("mu^2")], ids=lambda f: f.name)
def test_families_travel(family):
    copy = pickle.loads(pickle.dumps(family))
    assert (copy.name, copy.theta, copy.variance_function.name) == (
        family.name,
        family.theta,
        family.variance_function.name,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Gama",), r"^no family 'Gama'; did you mean 'gamma'\? \(gaussian, binomial,"),
        (("negative_binomial",), "^theta goes with the family 'negative_binomial', which needs it"),
        (("poisson", 2.0), "^theta goes with the family 'negative_binomial'"),
        (("negative_binomial", -1.0), "must be a number above 0, not -1.0"),
        (("poisson", None, "mu"), "^the family 'poisson' has its own variance"),
        (("quasi", None, "mu^4"), r"^no variance 'mu\^4'; did you mean 'mu\^[23]'\?"),
    ],
)
def test_what_cannot_be_a_family_is_told(arguments, message):
    with pytest.raises(OptionError, match=message):
        family_named(*arguments)
