"""Working rows of generalized linear models by the kernel: those of NumPy, and the same bits from every kernel."""

from __future__ import annotations

import numpy as np
import pytest

from gramian.kernels import sums
from gramian.kernels.library import Library
from gramian.kernels.sums import LINKS, VARIANCES, Part, has_working_products
from gramian.models.families import FAMILIES, Family
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.typing import Vector

MODELS = [(v, link) for v in VARIANCES for link in LINKS if has_working_products(v, link)]
BY_VARIANCE: dict[str, Family] = {"mu(1-mu)": FAMILIES["binomial"], "mu": FAMILIES["poisson"]}
BY_VARIANCE |= {"mu^2": FAMILIES["gamma"], "constant": FAMILIES["gaussian"]}


def problem(variance: str, link: str, n: int, p: int) -> tuple[np.ndarray, Vector, Vector, Vector, Vector]:
    """Columns, coefficients, outcomes, offset and prior weights for which every mean is possible."""
    rng = np.random.default_rng([n, p])
    X, b = rng.random((n, p)), rng.random(p) / p + 0.1
    b, offset = (-b, -rng.random(n) * 0.1) if (variance, link) == ("mu(1-mu)", "log") else (b, rng.random(n))
    y = {
        "mu(1-mu)": (rng.random(n) < 0.4).astype(float),
        "mu": rng.poisson(2.0, n).astype(float),
        "mu^2": rng.gamma(2.0, 1.0, n) + 1e-3,
        "constant": rng.standard_normal(n) + 1.0,
    }[variance]
    return X, b, y, offset, rng.random(n) + 0.5


def by_numpy(
    model: tuple[str, str, bool], X: np.ndarray, b: Vector, rows: tuple[Vector, Vector | None, Vector | None]
) -> tuple[np.ndarray, float, np.ndarray]:
    """Products, deviance, and what rounding errors of the products are relative to."""
    variance, link, observed = model
    y, offset, prior = rows
    eta = X @ b if offset is None else X @ b + offset
    work = GLM(BY_VARIANCE[variance], link_named(link)).linearize(y, eta, prior, observed=observed)
    Z = np.column_stack([X, work.r]) * np.sqrt(work.w)[:, None]
    return Z.T @ Z, work.loss, np.abs(Z).T @ np.abs(Z)


@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize(("variance", "link"), MODELS)
def test_products_and_deviance_are_those_of_numpy(
    variance: str, link: str, observed: bool, compiled: Library, reference: Library
) -> None:
    for n, p in ((1, 1), (7, 2), (128, 7), (129, 8), (1000, 20)):
        X, b, y, offset, prior = problem(variance, link, n, p)
        model = variance, link, observed
        for rows in ((y, None, None), (y, offset, None), (y, offset, prior)):
            expected, loss, size = by_numpy(model, X, b, rows)
            found = np.zeros((p + 1, p + 1))
            w, r = working = np.full((2, n), np.nan)
            deviance = sums.add_working_products(compiled, model, [Part(X)], b, rows, found, 256, working)
            assert found[-1] == pytest.approx(
                np.column_stack([X, r]).T @ (w * r), rel=1e-12, abs=1e-13 * size[-1].max()
            )
            assert (np.abs(found - expected) <= 1e-13 * (size + size[-1, -1] * (n == 1))).all(), (n, p)
            assert deviance == pytest.approx(loss, rel=1e-12, abs=1e-13 * n)
            again = np.zeros((p + 1, p + 1))
            columns = [Part(np.asfortranarray(X[:, :1])), Part(np.asfortranarray(X[:, 1:]))]
            assert deviance == sums.add_working_products(reference, model, columns, b, rows, again, 256)
            assert again.tobytes() == found.tobytes()


@pytest.mark.parametrize("n", [300, 1000])
def test_rows_may_come_in_several_calls(n: int, compiled: Library) -> None:
    X, b, y, offset, prior = problem("mu(1-mu)", "logit", n, 5)
    model, whole, cut = ("mu(1-mu)", "logit", False), np.zeros((6, 6)), np.zeros((6, 6))
    deviance = sums.add_working_products(compiled, model, [Part(X)], b, (y, offset, prior), whole, 256)
    total = 0.0
    for start in range(0, n, 256):
        rows = slice(start, start + 256)
        some = y[rows], offset[rows], prior[rows]
        total += sums.add_working_products(compiled, model, [Part(X[rows])], b, some, cut, 256)
    assert cut.tobytes() == whole.tobytes()
    assert total == deviance


@pytest.mark.parametrize(("variance", "link"), MODELS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_deviance(variance: str, link: str, bad: float, compiled: Library) -> None:
    X, b, y, _, _ = problem(variance, link, 300, 9)
    for at in (0, 130, 299):
        for wrong in (X, y):
            before = wrong.flat[at * wrong[:1].size]
            wrong.flat[at * wrong[:1].size] = bad
            products = np.zeros((10, 10))
            deviance = sums.add_working_products(
                compiled, (variance, link, False), [Part(X)], b, (y, None, None), products, 256
            )
            assert not np.isfinite(deviance) or not np.isfinite(products.diagonal().sum())
            wrong.flat[at * wrong[:1].size] = before


def test_means_out_of_range_have_no_deviance(compiled: Library) -> None:
    X, y = np.ones((200, 1)), np.ones(200)
    for variance, link, b in (
        ("mu", "identity", -1.0),
        ("mu^2", "inverse", -1.0),
        ("mu(1-mu)", "log", 0.1),
        ("mu", "log", 800.0),
    ):
        products = np.zeros((2, 2))
        found = sums.add_working_products(
            compiled, (variance, link, False), [Part(X)], np.array([b]), (y, None, None), products, 256
        )
        assert not np.isfinite(found), (variance, link)


@pytest.mark.parametrize(("variance", "link"), [model for model in MODELS if model[0] == VARIANCES[0]])
def test_proportions_at_the_ends_are_those_of_numpy(variance: str, link: str, compiled: Library) -> None:
    largest = {"log": 0.0, "cloglog": 5.0}.get(link, 700.0)  # of cloglog exp(eta) is squared
    eta = np.concatenate([-np.logspace(-20, np.log10(800.0), 100), np.logspace(-20, np.log10(700.0), 100)])
    eta = eta[eta < largest]
    for value in (0.0, 1.0, 0.3):
        y = np.full(len(eta), value)
        expected, loss, size = by_numpy((variance, link, False), eta[:, None], np.ones(1), (y, None, None))
        products = np.zeros((2, 2))
        found = sums.add_working_products(
            compiled, (variance, link, False), [Part(eta[:, None])], np.ones(1), (y, None, None), products, 256
        )
        if np.isfinite(loss):
            assert found == pytest.approx(loss, rel=1e-12)
            assert np.allclose(products, expected, rtol=1e-11, atol=1e-13 * size.max())
        else:
            assert not np.isfinite(found)
