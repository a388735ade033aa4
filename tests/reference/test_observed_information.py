"""Standard errors from the observed information, and the conventions of Stata and statsmodels, against statsmodels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gramian as gm
from gramian.errors import NumericalError, OptionError
from gramian.fit.vcov.information import _inverse

RTOL = 1e-6  # of standard errors: their optimizers stop at coefficients that are right to eight digits or so
LINKS = {
    ("binomial", "probit"): sm.families.Binomial(sm.families.links.Probit()),
    ("binomial", "cloglog"): sm.families.Binomial(sm.families.links.CLogLog()),
    ("gamma", "log"): sm.families.Gamma(sm.families.links.Log()),
    ("gaussian", "log"): sm.families.Gaussian(sm.families.links.Log()),
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"x": rng.normal(size=300), "z": rng.normal(size=300), "g": rng.choice(list("abc"), 300)})
    d["w"] = rng.integers(1, 4, 300).astype(float)
    eta = 0.4 + 0.5 * d.x - 0.3 * d.z + 0.2 * (d.g == "b")
    d["binomial"] = (eta + rng.normal(size=300) > 0).astype(float)
    d["gamma"] = np.exp(eta) * rng.gamma(2.0, 0.5, 300)
    d["poisson"] = rng.poisson(np.exp(eta)).astype(float)
    d["gaussian"] = np.exp(eta) + rng.normal(0, 0.1, 300)
    d["counts"] = rng.negative_binomial(1.5, 1.5 / (1.5 + np.exp(eta))).astype(float)
    return d


def columns(d: pd.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(len(d)), d.x, d.z, d.g == "b", d.g == "c"]).astype(float)


@pytest.mark.parametrize(("family", "link"), LINKS)
def test_iid_errors(frame: pd.DataFrame, family: str, link: str) -> None:
    fit = gm.glm(f"{family} ~ x + z + g", frame, family, link, information="observed")
    model = sm.GLM(frame[family], columns(frame), family=LINKS[family, link])
    scale = fit.dispersion
    H = -model.hessian(fit.coefficients, scale=scale, observed=True)
    np.testing.assert_allclose(fit.vcov, np.linalg.inv(H), rtol=RTOL, atol=1e-10)
    expected = gm.glm(f"{family} ~ x + z + g", frame, family, link)
    assert (fit.information, expected.information) == ("observed", "expected")
    assert np.abs(fit.std_errors / expected.std_errors - 1).max() > 1e-4
    np.testing.assert_array_equal(fit.coefficients, expected.coefficients)
    assert "standard errors from the observed information" in fit.summary()
    assert "standard errors from the expected information" in expected.summary()
    again = expected.with_vcov("iid", frame, information="observed")
    np.testing.assert_allclose(again.vcov, fit.vcov, rtol=1e-12)


def test_stata_is_observed_with_z(frame: pd.DataFrame) -> None:
    fit = gm.glm("binomial ~ x + z + g", frame, link="probit", like="stata")
    known = sm.Probit(frame.binomial, columns(frame)).fit(disp=0, method="newton", tol=1e-12)
    np.testing.assert_allclose(fit.std_errors, known.bse, rtol=RTOL)
    robust = gm.glm("binomial ~ x + z + g", frame, link="probit", like="stata", vcov="HC1")
    other = sm.Probit(frame.binomial, columns(frame)).fit(disp=0, method="newton", tol=1e-12, cov_type="HC0")
    np.testing.assert_allclose(robust.std_errors * np.sqrt(299 / 300), other.bse, rtol=RTOL)
    gamma = gm.glm("gamma ~ x + z + g", frame, "gamma", "log", like="stata")
    assert gamma.statistic == "z"
    assert (
        gm.ols("gamma ~ x", frame, like="stata").std_errors.tolist() == gm.ols("gamma ~ x", frame).std_errors.tolist()
    )


@pytest.mark.parametrize("link", ["probit", "cloglog"])
def test_robust_errors_as_statsmodels(frame: pd.DataFrame, link: str) -> None:
    model = sm.GLM(frame.binomial, columns(frame), family=LINKS["binomial", link])
    fit = gm.glm("binomial ~ x + z + g", frame, link=link, vcov="HC0", like="statsmodels")
    known = model.fit(cov_type="HC0", method="newton", tol=1e-12)
    np.testing.assert_allclose(fit.std_errors, known.bse, rtol=RTOL)
    groups = np.arange(300) % 20
    fit = gm.glm("binomial ~ x + z + g", frame.assign(k=groups), link=link, vcov={"cluster": "k"}, like="statsmodels")
    known = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, method="newton", tol=1e-12)
    np.testing.assert_allclose(fit.std_errors, known.bse, rtol=RTOL)


def test_a_theta_that_is_estimated_belongs_to_the_information(frame: pd.DataFrame) -> None:
    fit = gm.glm("counts ~ x + z + g", frame, "negative_binomial", like="stata")
    both, known = np.append(fit.coefficients, 1 / fit.theta), sm.NegativeBinomial(frame.counts, columns(frame))
    known._transparams = False  # else the last parameter would be log alpha
    assert np.abs(known.score(both)).max() < 1e-5  # alpha and log alpha give the same errors where the score is zero
    V = np.linalg.inv(-known.hessian(both))[:-1, :-1]
    np.testing.assert_allclose(fit.vcov, V, rtol=RTOL, atol=1e-8)
    alone = gm.glm("counts ~ x + z + g", frame, "negative_binomial")
    assert np.abs(fit.std_errors / alone.std_errors - 1).max() > 1e-5
    given = gm.glm("counts ~ x + z + g", frame, "negative_binomial", theta=fit.theta, information="observed")
    model = sm.GLM(frame.counts, columns(frame), family=sm.families.NegativeBinomial(alpha=1 / fit.theta))
    H = -model.hessian(given.coefficients, scale=1.0, observed=True)
    np.testing.assert_allclose(given.vcov, np.linalg.inv(H), rtol=RTOL, atol=1e-10)


def nbreg(d: pd.DataFrame, **options: object) -> object:
    """statsmodels' negative binomial, in the coefficients and alpha together."""
    return sm.NegativeBinomial(d.counts, columns(d)).fit(disp=0, method="newton", maxiter=200, tol=1e-13, **options)


def test_robust_errors_have_the_scores_of_an_estimated_theta(frame: pd.DataFrame) -> None:
    model = {"family": "negative_binomial", "information": "observed"}
    fit = gm.glm("counts ~ x + z + g", frame, vcov="HC0", **model)
    start = np.append(fit.coefficients, 1 / fit.theta)
    known = nbreg(frame, cov_type="HC0", start_params=start)
    np.testing.assert_allclose(fit.vcov, np.asarray(known.cov_params())[:-1, :-1], rtol=1e-5, atol=1e-8)
    theta_known = gm.glm("counts ~ x + z + g", frame, theta=fit.theta, vcov="HC0", **model)
    assert np.abs(fit.std_errors / theta_known.std_errors - 1).max() > 1e-4
    plain = gm.glm("counts ~ x + z + g", frame, "negative_binomial")
    again = plain.with_vcov("HC0", frame, information="observed")
    np.testing.assert_allclose(again.vcov, fit.vcov, rtol=1e-9)
    stata = gm.glm("counts ~ x + z + g", frame, "negative_binomial", vcov="HC1", like="stata")
    np.testing.assert_allclose(stata.vcov, fit.vcov * 300 / 299, rtol=1e-12)


def test_clustered_errors_have_the_scores_of_an_estimated_theta(frame: pd.DataFrame) -> None:
    model = {"family": "negative_binomial", "information": "observed"}
    d = frame.assign(k=np.arange(300) % 23, row=np.arange(300))
    fit = gm.glm("counts ~ x + z + g", d, vcov={"cluster": "k", "type": "CR0"}, **model)
    start, groups = np.append(fit.coefficients, 1 / fit.theta), {"groups": d.k, "use_correction": False}
    known = nbreg(d, cov_type="cluster", cov_kwds=groups, start_params=start)
    np.testing.assert_allclose(fit.vcov, np.asarray(known.cov_params())[:-1, :-1], rtol=1e-5, atol=1e-8)
    rows = gm.glm("counts ~ x + z + g", d, vcov={"cluster": "row", "type": "CR0"}, **model)
    by_row = gm.glm("counts ~ x + z + g", d, vcov="HC0", **model)
    np.testing.assert_allclose(rows.vcov, by_row.vcov, rtol=1e-9, atol=1e-14)
    stata = gm.glm("counts ~ x + z + g", d, "negative_binomial", vcov={"cluster": "k"}, like="stata")
    np.testing.assert_allclose(stata.vcov, fit.vcov * 23 / 22, rtol=1e-12)


def test_leverages_beside_an_estimated_theta_are_refused(frame: pd.DataFrame) -> None:
    for vcov in ("HC2", "HC3"):
        with pytest.raises(OptionError, match="an estimated theta is not defined, for leverages are of the coeff"):
            gm.glm("counts ~ x", frame, "negative_binomial", vcov=vcov, information="observed")
    assert gm.glm("counts ~ x", frame, "negative_binomial", vcov="HC3").covariance.name == "HC3"


def test_weights_an_offset_and_a_canonical_link(frame: pd.DataFrame) -> None:
    d = frame.assign(o=frame.x / 10)
    fit = gm.glm("gamma ~ x + z + g + offset(o)", d, "gamma", "log", weights="w", information="observed")
    model = sm.GLM(d.gamma, columns(d), family=LINKS["gamma", "log"], offset=d.o, var_weights=d.w)
    H = -model.hessian(fit.coefficients, scale=fit.dispersion, observed=True)
    np.testing.assert_allclose(fit.vcov, np.linalg.inv(H), rtol=RTOL, atol=1e-10)
    plain, observed = (gm.glm("binomial ~ x", frame, information=i) for i in (None, "observed"))
    np.testing.assert_allclose(plain.std_errors, observed.std_errors, rtol=1e-12)


def test_the_plan_counts_the_passes(frame: pd.DataFrame) -> None:
    formula, family = "binomial ~ x", {"family": "binomial", "link": "probit"}
    plain, iid, robust = (
        gm.plan(formula, frame, **family, **options)
        for options in ({}, {"information": "observed"}, {"vcov": "HC1", "like": "stata"})
    )
    assert (iid.passes, robust.passes) == (plain.passes + 1, plain.passes + 2)
    assert "iid, observed information: one more pass for the second derivatives" in str(iid)


def test_saved_and_refused(frame: pd.DataFrame, tmp_path: Path) -> None:
    fit = gm.glm("binomial ~ x", frame, link="probit", information="observed")
    fit.save(tmp_path / "fit")
    again = gm.load(tmp_path / "fit")
    assert (again.information, again.std_errors.tolist()) == ("observed", fit.std_errors.tolist())
    with pytest.raises(OptionError, match="information must be"):
        gm.glm("binomial ~ x", frame, information="Fisher")
    with pytest.raises(OptionError, match="CR3 is a jackknife and inverts no information"):
        gm.glm("binomial ~ x", frame, vcov={"cluster": "g", "type": "CR3"}, information="observed")
    with pytest.raises(OptionError, match="has no meaning for a penalised fit"):
        gm.glm("binomial ~ x", frame, link="probit", ridge=1.0, information="observed")
    with pytest.raises(NumericalError, match="not positive definite"):
        _inverse(np.diag([1.0, -1.0]), np.array([True, True]))
