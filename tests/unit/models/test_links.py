"""Links against statsmodels, against sixty digits, and against their own differences."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from statsmodels.genmod.families import links as sm
from unit.models.decimals import proportion

from gramian.errors import OptionError
from gramian.models.links import LINKS, link_named

THEIRS = {
    "identity": sm.Identity(),
    "log": sm.Log(),
    "logit": sm.Logit(),
    "probit": sm.Probit(),
    "cloglog": sm.CLogLog(),
    "cauchit": sm.Cauchy(),
    "inverse": sm.InversePower(),
    "inverse_squared": sm.InverseSquared(),
    "sqrt": sm.Sqrt(),
}
UNIT = ("logit", "probit", "cloglog", "cauchit")
POSITIVE = np.linspace(0.05, 4.0, 40)
ETAS = [-800.0, -37.7, -30.0, -8.0, -1.5, -0.51, -0.3, -1e-3, 0.0, 1e-9, 0.2, 0.7, 1.2, 3.0, 6.0, 8.5]


def grid(name: str) -> np.ndarray:
    return np.linspace(-4.0, 2.5, 40) if name in UNIT or name in ("identity", "log") else POSITIVE


@pytest.mark.parametrize("name", LINKS)
def test_values_are_those_of_statsmodels(name):
    link, theirs, eta = LINKS[name], THEIRS[name], grid(name)
    mu = link.inverse(eta)
    np.testing.assert_allclose(mu, theirs.inverse(eta), rtol=1e-12)
    np.testing.assert_allclose(link.link(mu), theirs(mu), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(link.derivative(eta), theirs.inverse_deriv(eta), rtol=1e-11)


@pytest.mark.parametrize("name", LINKS)
def test_the_inverse_undoes_the_link(name):
    link, eta = LINKS[name], grid(name)
    np.testing.assert_allclose(link.link(link.inverse(eta)), eta, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", LINKS)
def test_derivatives_are_limits_of_differences(name):
    link, eta, h = LINKS[name], grid(name), 1e-5
    slope = (link.inverse(eta + h) - link.inverse(eta - h)) / (2 * h)
    curvature = (link.derivative(eta + h) - link.derivative(eta - h)) / (2 * h)
    np.testing.assert_allclose(link.derivative(eta), slope, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(link.second(eta), curvature, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize("name", UNIT)
def test_both_tails_keep_their_digits(name, eta):
    ours = LINKS[name].at(np.array([eta]), "proportion")._asdict()
    magnified = max(1.0, np.exp(eta)) if name == "cloglog" else 1.0  # exp(-exp(eta)) is that ill-conditioned
    for field, truth in proportion(name, eta).items():
        if abs(truth) > 1e-300:  # below it float64 has fewer digits
            assert float(ours[field][0]) == pytest.approx(float(truth), rel=4e-15 * magnified, abs=0.0), field


@pytest.mark.parametrize("eta", [-800.0, -40.0, -1.0, -0.6, -1e-3, -1e-12])
def test_log_as_a_link_of_proportions_keeps_its_digits(eta):
    ours = LINKS["log"].at(np.array([eta]), "proportion")._asdict()
    for field, truth in proportion("log", eta).items():
        if abs(truth) > 1e-300:
            assert float(ours[field][0]) == pytest.approx(float(truth), rel=4e-15, abs=0.0), field


@pytest.mark.parametrize("name", UNIT)
def test_far_out_everything_is_finite(name):
    eta = np.array([-1e5, -800.0, 800.0, 1e5])
    for field in LINKS[name].at(eta, "proportion"):
        assert np.isfinite(field).all()
    assert np.isfinite(LINKS[name].second(eta)).all()


@pytest.mark.parametrize("name", LINKS)
def test_no_value_warns(name):
    link, extremes = LINKS[name], np.array([-np.inf, -1e300, -800.0, 0.0, 800.0, 1e300, np.inf])
    for function in (link.inverse, link.derivative, link.curvature_ratio, link.second, link.link):
        assert function(extremes).shape == (7,)
    for domain in ("line", "positive", "proportion"):
        assert link.at(extremes, domain).mu.shape == (7,)


def test_a_root_is_not_negative():
    assert np.isnan(LINKS["sqrt"].inverse(np.array([-1.0]))).all()


@pytest.mark.parametrize("name", LINKS)
def test_links_travel(name):
    assert pickle.loads(pickle.dumps(LINKS[name])) is LINKS[name]


def test_an_unknown_link_names_the_nearest():
    with pytest.raises(OptionError, match=r"^no link 'loggit'; did you mean 'logit'\? \(9 links: identity, log"):
        link_named("loggit")
