"""Paths and cross-validations against scikit-learn, refitted on rows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, Ridge, lars_path_gram
from sklearn.preprocessing import StandardScaler
from unit.fit.penalized.systems import folded, houses, system_from, whole, written_out

from gramian.fit.penalized.options import path_options
from gramian.fit.penalized.result_cv import cross_validation_of
from gramian.fit.penalized.result_path import path_of
from gramian.linalg.penalized.paths import lasso
from gramian.linalg.penalized.system import Penalty

FORMULA = "y ~ f + x + z + u + I(z^2)"
# both solve systems of condition below 1e4 whose sums are right to about 1e-15 of their lengths
CLOSE = 1e-10
MODELS = {
    "ridge": (0.0, lambda alpha, constant: Ridge(alpha, fit_intercept=constant, solver="cholesky")),
    "net": (
        0.4,
        lambda alpha, constant: ElasticNet(alpha, l1_ratio=0.4, fit_intercept=constant, tol=1e-14, max_iter=10**6),
    ),
    "lasso": (1.0, lambda alpha, constant: Lasso(alpha, fit_intercept=constant, tol=1e-14, max_iter=10**6)),
}


def correlated(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)) / np.sqrt(p))
    return X, X @ rng.normal(size=p) + 3.0 * rng.normal(size=n)


@pytest.mark.parametrize(("n", "p"), [(400, 40), (60, 40), (25, 40)])
def test_every_knot_is_scikit_learns(n: int, p: int) -> None:
    X, y = correlated(n, p, seed=n)
    Z, r = X - X.mean(axis=0), y - y.mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about alphas that repeat at the end where there are more columns than rows
        alphas, _, told = lars_path_gram(Z.T @ r, Z.T @ Z, n_samples=n, method="lasso", max_iter=5000)
    path = lasso(system_from(X, y), Penalty(np.ones(p)))
    distinct = np.append(alphas[:-1] - alphas[1:] > 1e-12 * alphas[0], True) & (alphas > 1e-12 * alphas[0])
    there = path.alphas > 1e-12 * alphas[0]
    np.testing.assert_allclose(path.alphas[there], alphas[distinct], rtol=CLOSE, atol=CLOSE * alphas[0])
    np.testing.assert_allclose(path.coefficients[there], told.T[distinct], atol=CLOSE * np.abs(told).max())


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_fits_are_scikit_learns(name: str, constant: bool, weights: str | None) -> None:
    data, (l1_ratio, model) = houses(), MODELS[name]
    X, w = written_out(data), data["w"] if weights else None
    formula = FORMULA if constant else FORMULA.replace("~", "~ 0 +")
    design, done = whole(formula, data, weights=weights)
    top = path_of(design, done, l1_ratio=l1_ratio).alphas[0]
    path = path_of(design, done, l1_ratio=l1_ratio, alphas=top * np.array([0.5, 0.1, 0.01]))
    for alpha, intercept, slopes in zip(path.alphas, path.intercepts, path.coefficients, strict=True):
        other = model(alpha, constant).fit(X, data["y"], sample_weight=w)
        np.testing.assert_allclose(slopes, other.coef_, atol=1e-8 * np.abs(other.coef_).max())
        assert intercept == pytest.approx(other.intercept_, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_standardised_columns_are_scikit_learns(name: str) -> None:
    data, (l1_ratio, model) = houses(), MODELS[name]
    design, done = whole(FORMULA, data, weights="w")
    path = path_of(design, done, l1_ratio=l1_ratio, standardize=True, alphas=[0.3, 0.02])
    scaler = StandardScaler().fit(written_out(data), sample_weight=data["w"])
    for i, alpha in enumerate(path.alphas):
        other = model(alpha, True).fit(scaler.transform(written_out(data)), data["y"], sample_weight=data["w"])
        np.testing.assert_allclose(path.coefficients[i], other.coef_ / scaler.scale_, atol=1e-9)


def test_a_factor_of_the_penalty_is_a_change_of_units() -> None:
    data = houses()
    X = np.column_stack([data["x"], data["z"] / 4.0, data["u"]])
    design, done = whole("y ~ x + z + u", data)
    path = path_of(design, done, penalties={"z": 4.0}, alphas=[0.1])
    other = Lasso(0.1, tol=1e-14, max_iter=10**6).fit(X, data["y"])
    np.testing.assert_allclose(path.coefficients[0], other.coef_ / [1.0, 4.0, 1.0], atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_unpenalised_terms_are_partialled_out(name: str) -> None:
    """Frisch and Waugh: the penalised slopes are those of residuals on the residuals of the penalised columns."""
    data, (l1_ratio, model) = houses(), MODELS[name]
    design, done = whole("y ~ f + x + z + u", data)
    path = path_of(design, done, l1_ratio=l1_ratio, penalties={"f": 0.0, "u": 0.0}, alphas=[0.5])
    out = np.column_stack([*(data["f"] == level for level in "abcd"), data["u"]]).astype(float)
    inside = np.column_stack([data["x"], data["z"]])
    Z, r = (v - out @ np.linalg.lstsq(out, v, rcond=None)[0] for v in (inside, data["y"]))
    other = model(0.5, False).fit(Z, r)
    at = [path.names.index(name) for name in ("x", "z")]
    np.testing.assert_allclose(path.coefficients[0][at], other.coef_, atol=1e-9)
    assert "f[a]" not in path.names  # what is not penalised needs no more than its span
    fitted = path[0].predict(data)
    np.testing.assert_allclose(out.T @ (data["y"] - fitted), 0.0, atol=1e-7)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_cross_validation_is_brute_force(name: str, standardize: bool, weights: str | None) -> None:
    data, folds, (l1_ratio, model) = houses(121), 5, MODELS[name]
    design, parts = folded(FORMULA, data, folds, weights=weights)
    found = cross_validation_of(
        design, [p.moments for p in parts], l1_ratio=l1_ratio, standardize=standardize, alphas=[3.0, 0.3, 0.05]
    )
    X, y, w = written_out(data), data["y"], data["w"] if weights else np.ones(121)
    fold = np.arange(121) % folds
    for k in range(folds):
        train, test = fold != k, fold == k
        scaler = StandardScaler(with_mean=standardize, with_std=standardize).fit(X[train], sample_weight=w[train])
        for i, alpha in enumerate(found.alphas):
            other = model(alpha, True).fit(scaler.transform(X[train]), y[train], sample_weight=w[train])
            error = np.average((y[test] - other.predict(scaler.transform(X[test]))) ** 2, weights=w[test])
            assert found.errors[k, i] == pytest.approx(error, rel=1e-8)
    np.testing.assert_allclose(found.mean_error, found.errors.mean(axis=0))
    np.testing.assert_allclose(found.std_error, found.errors.std(axis=0, ddof=1) / np.sqrt(folds))


def test_the_lasso_is_cross_validated_at_the_knots_of_the_whole() -> None:
    data = houses(90)
    design, parts = folded(FORMULA, data, 3)
    found = cross_validation_of(design, [p.moments for p in parts], l1_ratio=1.0)
    done = parts[0] + parts[1] + parts[2]
    np.testing.assert_allclose(found.alphas, path_of(design, done).alphas)
    X, y, fold = written_out(data), data["y"], np.arange(90) % 3
    for i in (1, 3):
        for k in range(3):
            other = Lasso(found.alphas[i], tol=1e-14, max_iter=10**6).fit(X[fold != k], y[fold != k])
            error = np.mean((y[fold == k] - other.predict(X[fold == k])) ** 2)
            assert found.errors[k, i] == pytest.approx(error, rel=1e-8)


def test_options_are_scikit_learns_alphas() -> None:
    assert path_options(alphas=[0.1, 2, 0.1]).alphas == (2.0, 0.1)
