"""The same models in statsmodels, scikit-learn and SciPy's distributions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from statsmodels.genmod.families import links

import gramian as gm

ROWS = 3000
LINKS = {
    "logit": links.Logit, "probit": links.Probit, "cloglog": links.CLogLog, "cauchit": links.Cauchy, "log": links.Log,
    "identity": links.Identity, "inverse": links.InversePower, "inverse_squared": links.InverseSquared,
    "sqrt": links.Sqrt,
}  # fmt: skip
FAMILIES = {
    "binomial": (sm.families.Binomial, ["logit", "probit", "cloglog", "cauchit", "log", "identity"]),
    "quasibinomial": (sm.families.Binomial, ["logit", "probit"]),
    "poisson": (sm.families.Poisson, ["log", "identity", "sqrt"]),
    "quasipoisson": (sm.families.Poisson, ["log"]),
    "gamma": (sm.families.Gamma, ["inverse", "log", "identity"]),
    "inverse_gaussian": (sm.families.InverseGaussian, ["inverse_squared", "inverse", "log", "identity"]),
    "gaussian": (sm.families.Gaussian, ["identity", "log", "inverse"]),
    "negative_binomial": (sm.families.NegativeBinomial, ["log"]),
}
THETA = 2.5
CASES = [(family, link) for family, (_, known) in FAMILIES.items() for link in known]


@pytest.fixture(autouse=True)
def _their_warnings() -> Any:
    """They warn that a link may leave the range of a family, which is what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def means(family: str, link: str, x: np.ndarray, z: np.ndarray, offset: np.ndarray) -> np.ndarray:
    eta = {
        "logit": -0.5 + 0.8 * x - 0.5 * z,
        "probit": -0.3 + 0.5 * x - 0.3 * z,
        "cloglog": -0.5 + 0.5 * x + 0.2 * z,
        "cauchit": -0.3 + 0.7 * x + 0.2 * z,
        "log": (-2.2 if family == "binomial" else 0.5) + 0.3 * x + 0.2 * z,
        "identity": 0.5 + 0.05 * np.clip(x, -4, 4) + 0.1 * z if family == "binomial" else 6 + 0.5 * x + z,
        "inverse": 0.9 + 0.08 * x + 0.1 * z,
        "inverse_squared": 0.9 + 0.08 * x + 0.1 * z,
        "sqrt": 2 + 0.2 * x + 0.3 * z,
    }[link]
    return np.asarray(LINKS[link]().inverse(eta + offset))


def outcome(family: str, mu: np.ndarray, trials: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    match family.removeprefix("quasi"):
        case "binomial" if trials is not None:
            return rng.binomial(trials.astype(int), np.clip(mu, 0, 1)) / trials
        case "binomial":
            return (rng.random(ROWS) < mu).astype(float)
        case "poisson":
            return rng.poisson(mu).astype(float)
        case "gamma":
            return rng.gamma(3, mu / 3)
        case "inverse_gaussian":
            return rng.wald(mu, 4.0)
        case "negative_binomial":
            return rng.negative_binomial(THETA, THETA / (THETA + mu)).astype(float)
    return mu + rng.normal(0, 0.3, ROWS)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("offset", [None, "o"])
@pytest.mark.parametrize(("family", "link"), CASES)
def test_all_families_and_links(family: str, link: str, weights: str | None, offset: str | None) -> None:
    rng = np.random.default_rng(5)
    x, z, w = rng.normal(0, 1, ROWS), rng.uniform(-1, 1, ROWS), rng.integers(1, 6, ROWS).astype(float)
    narrow = 0.02 if link in ("identity", "inverse", "inverse_squared", "sqrt") or family == "binomial" else 0.2
    o = rng.uniform(-narrow, narrow, ROWS) if offset else np.zeros(ROWS)
    y = outcome(family, means(family, link, x, z, o), w if weights else None, rng)
    theta = THETA if family == "negative_binomial" else None
    data = {"x": x, "z": z, "w": w, "o": o, "y": y}
    fit = gm.glm("y ~ x + z", data, family, link, theta=theta, weights=weights, offset=offset)

    made = FAMILIES[family][0]
    known = made(LINKS[link](), alpha=1 / THETA) if theta else made(LINKS[link]())
    columns = np.column_stack([np.ones(ROWS), x, z])
    given = {"var_weights": w} if weights else {}
    scale = "X2" if family.startswith("quasi") else None
    other = sm.GLM(y, columns, family=known, offset=o, **given).fit(
        tol=1e-14, maxiter=300, start_params=fit.coefficients, scale=scale
    )
    np.testing.assert_allclose(fit.coefficients, other.params, rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, other.bse, rtol=1e-6)
    assert fit.deviance == pytest.approx(other.deviance, rel=1e-10)
    assert fit.pearson == pytest.approx(other.pearson_chi2, rel=1e-6)
    assert fit.null_deviance == pytest.approx(other.null_deviance, rel=1e-8)
    assert fit.passes <= 9
    if family in ("binomial", "poisson", "negative_binomial") and not weights:
        assert fit.loglik == pytest.approx(other.llf, rel=1e-10)
        assert fit.aic == pytest.approx(other.aic, rel=1e-10)


@pytest.mark.parametrize("theta", [0.3, 2.5, 30.0])
@pytest.mark.parametrize("offset", [None, "o"])
def test_negative_binomial_with_its_theta(theta: float, offset: str | None) -> None:
    rng = np.random.default_rng(3)
    x, z, o = rng.normal(size=4000), rng.normal(size=4000), rng.normal(8, 0.3, 4000) * (offset is not None)
    mu = np.exp(0.5 + 0.4 * x - 0.3 * z + o - o.mean())
    y = rng.negative_binomial(theta, theta / (theta + mu)).astype(float)
    fit = gm.glm("y ~ x + z", {"x": x, "z": z, "y": y, "o": o}, "negative_binomial", offset=offset)
    columns = np.column_stack([np.ones(4000), x, z])
    start = np.append(fit.coefficients, 1 / fit.theta)
    other = sm.NegativeBinomial(y, columns, offset=o).fit(
        start_params=start, method="newton", tol=1e-14, maxiter=200, disp=0
    )
    np.testing.assert_allclose(fit.coefficients, other.params[:3], rtol=1e-8)
    assert fit.theta == pytest.approx(1 / other.params[3], rel=1e-6)
    assert fit.loglik == pytest.approx(other.llf, rel=1e-11)
    assert fit.aic == pytest.approx(other.aic, rel=1e-11)
    known = sm.GLM(y, columns, family=sm.families.NegativeBinomial(alpha=1 / fit.theta), offset=o).fit(tol=1e-14)
    np.testing.assert_allclose(fit.std_errors, known.bse, rtol=1e-6)
    assert fit.null_deviance == pytest.approx(known.null_deviance, rel=1e-8)


@pytest.mark.parametrize("alpha", [0.1, 1.0, 50.0, 2000.0])
@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_ridge(family: str, alpha: float) -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(ROWS, 4)) * [1.0, 10.0, 0.1, 1.0]
    eta = 0.3 + X @ [1.0, -0.05, 3.0, 0.0]
    if family == "binomial":
        y = (rng.random(ROWS) < 1 / (1 + np.exp(-eta))).astype(float)
        other = LogisticRegression(C=1 / alpha, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X, y)
    else:
        y = rng.poisson(np.exp(0.3 * eta)).astype(float)
        other = PoissonRegressor(alpha=alpha / ROWS, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(X, y)
    fit = gm.glm("y ~ .", {"y": y, "X": X}, family, ridge=alpha)
    expected = np.append(np.ravel(other.intercept_), np.ravel(other.coef_))
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-7, atol=1e-9)
    assert fit.effective < 5


def test_ridge_against_lbfgs() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(ROWS, 3))
    y = rng.random(ROWS) < 1 / (1 + np.exp(-X @ [1.0, -0.5, 0.2]))
    other = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000, solver="lbfgs").fit(X, y)
    fit = gm.glm("y ~ .", {"y": y, "X": X}, ridge=1.0)
    np.testing.assert_allclose(fit.coefficients[1:], other.coef_[0], rtol=1e-7)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("kind", ["HC0", "HC1"])
@pytest.mark.parametrize(("family", "link"), [("poisson", "log"), ("binomial", "logit"), ("gamma", "log")])
def test_robust(family: str, link: str, kind: str, weights: str | None) -> None:
    """The sandwich of the expected information, as R's package; HC1 multiplies by n / (n - k)."""
    rng = np.random.default_rng(6)
    x, z, w = rng.normal(size=ROWS), rng.normal(size=ROWS), rng.uniform(0.5, 2, ROWS)
    y = outcome(family, means(family, link, x, z, np.zeros(ROWS)), None, rng)
    fit = gm.glm("y ~ x + z", {"x": x, "z": z, "y": y, "w": w}, family, link, vcov=kind, weights=weights)
    X, prior = np.column_stack([np.ones(ROWS), x, z]), w if weights else np.ones(ROWS)
    known = FAMILIES[family][0](LINKS[link]())
    mu = LINKS[link]().inverse(X @ fit.coefficients)
    slope, variance = 1 / LINKS[link]().deriv(mu), known.variance(mu)
    bread = np.linalg.inv(X.T @ (X * (prior * slope**2 / variance)[:, None]))
    scores = prior * (y - mu) * slope / variance
    sandwich = bread @ (X.T @ (X * (scores**2)[:, None])) @ bread * (ROWS / (ROWS - 3) if kind == "HC1" else 1)
    np.testing.assert_allclose(fit.vcov, sandwich, rtol=1e-6, atol=1e-12)
    if kind == "HC0" and link != "log":
        other = sm.GLM(y, X, family=known, var_weights=prior).fit(tol=1e-14, cov_type="HC0")
        np.testing.assert_allclose(fit.std_errors, other.bse, rtol=1e-6)


def likelihoods(family: str, y: np.ndarray, mu: np.ndarray, w: np.ndarray, phi: float) -> float:
    match family:
        case "binomial":
            return float(stats.binom.logpmf(np.rint(w * y), w, mu).sum())
        case "poisson":
            return float((w * stats.poisson.logpmf(y, mu)).sum())
        case "gaussian":
            return float(stats.norm.logpdf(y, mu, np.sqrt(phi / w)).sum())
        case "gamma":
            return float((w * stats.gamma.logpdf(y, 1 / phi, scale=mu * phi)).sum())
    return float((w * stats.invgauss.logpdf(y, mu * phi, scale=1 / phi)).sum())


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("family", ["binomial", "poisson", "gaussian", "gamma", "inverse_gaussian"])
def test_likelihoods_are_those_of_the_distributions(family: str, weights: str | None) -> None:
    """As R: the dispersion is deviance / n (the sum of weights but for the gaussian family), and counts in AIC."""
    rng = np.random.default_rng(7)
    link = "logit" if family == "binomial" else "log"
    x, z, w = rng.normal(size=ROWS), rng.normal(size=ROWS), rng.integers(1, 6, ROWS).astype(float)
    y = outcome(family, means(family, link, x, z, np.zeros(ROWS)), w if weights else None, rng)
    data = {"x": x, "z": z, "y": y, "w": w}
    fit, prior = gm.glm("y ~ x + z", data, family, link, weights=weights), w if weights else np.ones(ROWS)
    phi = fit.deviance / (ROWS if family == "gaussian" else prior.sum())
    mu = fit.predict(data)
    assert fit.loglik == pytest.approx(likelihoods(family, y, mu, prior, phi), rel=1e-10)
    estimated = family not in ("binomial", "poisson")
    assert fit.aic == pytest.approx(-2 * fit.loglik + 2 * (3 + estimated))
    assert fit.bic == pytest.approx(-2 * fit.loglik + np.log(ROWS) * (3 + estimated))


def test_gaussian_identity_is_least_squares() -> None:
    rng = np.random.default_rng(9)
    x, z, w = rng.normal(1e5, 1, ROWS), rng.normal(size=ROWS), rng.uniform(0.5, 2, ROWS)
    data = {"x": x, "z": z, "w": w, "y": 3 + 2 * x - z + rng.normal(size=ROWS)}
    fit, ols = gm.glm("y ~ x * z", data, "gaussian", weights="w"), gm.ols("y ~ x * z", data, weights="w")
    np.testing.assert_allclose(fit.coefficients, ols.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, ols.std_errors, rtol=1e-9)
    np.testing.assert_allclose(fit.p_values, ols.p_values, rtol=1e-6, atol=1e-300)
    assert fit.deviance == pytest.approx(ols.deviance, rel=1e-11)
    assert fit.loglik == pytest.approx(ols.loglik, rel=1e-11)
    assert fit.aic == pytest.approx(ols.aic, rel=1e-11)


def test_within_a_millionth_of_a_standard_error_of_the_optimum() -> None:
    """The score at the answer, in the metric of the covariance."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200_000, 8))
    y = (rng.random(200_000) < 1 / (1 + np.exp(-X @ rng.normal(size=8) * 0.3))).astype(float)
    fit = gm.glm("y ~ .", {"X": X, "y": y})
    A = np.column_stack([np.ones(len(y)), X])
    score = A.T @ (y - 1 / (1 + np.exp(-A @ fit.coefficients)))
    assert np.sqrt(score @ fit.vcov @ score) < 1e-7
    assert fit.passes <= 4
