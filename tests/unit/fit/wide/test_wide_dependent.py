"""Predictions of columns and of rows that depend on each other: right to the digits wanted, or the fit is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import gramian as gm
from gramian.errors import AccuracyWarning, NotIdentifiedError
from gramian.linalg.doubledouble import pair
from gramian.linalg.wide.predictions import Bounds
from gramian.linalg.wide.problem import wide_problem
from gramian.linalg.wide.refine import refine, zero_point
from gramian.linalg.wide.rows import Rows
from gramian.typing import Vector

DIGITS = 8.0
FORMS = [np.asarray, sp.csr_array]
KERNELS = ["Prescott", "Nehalem"]  # of OpenBLAS, for any x86; other libraries do not read the variable


def exact_predictions(X: Any, y: Vector, w: Vector) -> Vector:
    """Of weighted least squares with a constant, in rational numbers; dependent columns are passed over."""
    rows = [[Fraction(1), *map(Fraction, r)] for r in X.tolist()]
    right, weight = [Fraction(v) for v in y.tolist()], [Fraction(v) for v in w.tolist()]
    p = len(rows[0])
    A = [[sum(v * r[i] * r[j] for r, v in zip(rows, weight, strict=True)) for j in range(p)] for i in range(p)]
    for i in range(p):
        A[i].append(sum(v * r[i] * t for r, v, t in zip(rows, weight, right, strict=True)))
    taken = []
    for k in range(p):
        if not A[k][k]:
            continue
        taken.append(k)
        for i in set(range(p)) - {k}:
            ratio = A[i][k] / A[k][k]
            if ratio:
                A[i] = [a - ratio * b for a, b in zip(A[i], A[k], strict=True)]
    b = {k: A[k][p] / A[k][k] for k in taken}
    return np.array([float(sum(r[k] * v for k, v in b.items())) for r in rows])


def columns(family: str, rng: Any) -> Any:
    """Small integers, so that what depends on each other does so exactly."""
    X = rng.integers(-4, 5, (20, 6)) * (rng.random((20, 6)) < 0.5) * 1.0
    match family:
        case "a duplicate":
            return np.column_stack([X, X[:, :2]])
        case "a sum of two":
            return np.column_stack([X, X[:, 0] + X[:, 1]])
        case "twelve sums":
            return np.column_stack([X, *(X[:, i % 6] + X[:, (i * i + 1) % 6] for i in range(12))])
        case "zeros":
            return np.column_stack([X, np.zeros(20), X[:, 0]])
        case "more columns than rows":
            return rng.integers(-4, 5, (10, 16)) * 1.0
        case "levels of two factors":
            return np.column_stack([np.eye(4)[rng.integers(0, 4, 20)], np.eye(3)[rng.integers(0, 3, 20)]])
        case _:
            return np.column_stack([X, X[:, 0] - X[:, 1], X[:, 2]]) * 2.0 ** rng.integers(-27, 28, 8)


FAMILIES = [
    "a duplicate",
    "a sum of two",
    "twelve sums",
    "zeros",
    "more columns than rows",
    "levels of two factors",
    "scales from 1e-8 to 1e8",
]


def fitted(X: Any, y: Vector, w: Vector, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # coefficients have no digits
        return gm.ols("y ~ X", {"X": X, "y": y, "w": w}, weights="w", **{"solver": "iterative", **options})


def check(fit: Any, X: Any, y: Vector, w: Vector, truth: Vector) -> None:
    """Predictions, and what is told of the residuals, against the truth."""
    mean = w @ y / w.sum()
    found, residual = (float(np.sqrt(w @ v**2)) for v in (truth - mean, y - truth))
    allowed = 10.0**-DIGITS * max(found, residual / np.sqrt(len(y)))
    off = float(np.sqrt(w @ (fit.predict({"X": X}) - truth) ** 2))
    assert off <= allowed
    total = float(w @ (y - mean) ** 2)
    rounding = 1e-13 * total  # of sums of so few terms; the residual sum is off by the square of what predictions are
    assert abs(fit.deviance - residual**2) <= allowed**2 + rounding
    assert abs(fit.r_squared - (1.0 - residual**2 / total)) <= (allowed**2 + rounding) / total


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("noise", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_of_dependent_columns(family: str, noise: float, form: Any) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = columns(family, rng)
        scale = np.abs(X).max(axis=0)
        y = X / np.where(scale > 0.0, scale, 1.0) @ rng.standard_normal(X.shape[1]) + noise * rng.standard_normal(
            len(X)
        )
        w = rng.choice([0.0, 1.0, 2.5], len(X)) if seed == 2 else np.ones(len(X))
        fit = fitted(form(X), y, w)
        used = w > 0.0
        check(fit, X[used], y[used], w[used], exact_predictions(X[used], y[used], w[used]))
        assert np.nanmax(fit.digits) == 0.0
        assert np.isnan(fit.df_residual)  # nobody has counted how many columns are independent


@pytest.mark.parametrize("size", range(4, 13))
def test_columns_that_nearly_depend_on_each_other(size: int) -> None:
    refused = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((20, 4))
        X = np.column_stack([X, X[:, 0] + 10.0**-size * rng.standard_normal(20)])
        y, w = X[:, :4].sum(axis=1) + rng.standard_normal(20), np.ones(20)
        try:
            fit = fitted(X, y, w)
        except NotIdentifiedError:
            refused += 1
        else:
            check(fit, X, y, w, exact_predictions(X, y, w))
    assert refused == 0 if size <= 7 else size < 11 or refused > 0


def test_refused_where_predictions_are_not_determined() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3))
    X = np.column_stack([X, X[:, 0] + 1e-11 * rng.standard_normal(50)])
    with pytest.raises(NotIdentifiedError, match=r"predictions have 0\.\d of the 8 digits wanted; leave some out"):
        gm.ols("y ~ X", {"X": X, "y": rng.standard_normal(50)}, solver="iterative")


def sparse_sums() -> tuple[dict[str, Any], dict[str, Any]]:
    """300 x 40 sparse columns: independent, and with sums of two that round."""
    rng = np.random.default_rng(3)
    X = sp.random(300, 40, density=0.15, format="csr", random_state=3)
    y = 1e5 + X @ rng.standard_normal(40) + 0.5 * (1e7 + rng.standard_normal(300)) + rng.standard_normal(300)
    sums = [X[:, i : i + 1] + X[:, i + 1 : i + 2] for i in range(12)]
    return {"X": X, "y": y}, {
        "one": {"X": sp.hstack([X, sums[0]], format="csr"), "y": y},
        "twelve": {"X": sp.hstack([X, *sums], format="csr"), "y": y},
    }


def compare_sums() -> None:
    """Fits of dependent columns and of the independent ones among them."""
    plain, dependent = sparse_sums()
    fit = gm.ols("y ~ X", plain, solver="gram")
    for data in dependent.values():
        again = fitted(data["X"], data["y"], np.ones(300))
        np.testing.assert_allclose(again.r_squared, fit.r_squared, rtol=0, atol=1e-12)
        np.testing.assert_allclose(again.predict(data), fit.predict(plain), rtol=0, atol=1e-7)  # of 20: 8 digits


def test_sums_of_sparse_columns() -> None:
    compare_sums()


@pytest.mark.parametrize("kernel", KERNELS)
def test_sums_of_sparse_columns_by_other_kernels(kernel: str) -> None:
    run = "from unit.fit.wide.test_wide_dependent import compare_sums; compare_sums()"
    known = {**os.environ, "OPENBLAS_CORETYPE": kernel, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    subprocess.run([sys.executable, "-c", run], env=known, check=True, timeout=120)


def test_a_wrong_correction_is_not_taken() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    rows = Rows((X,), (None,), pair(y))
    problem = wide_problem(lambda kernels: [kernel(rows) for kernel in kernels], None, centred=True)
    found = refine(problem, lambda point, bold: 1e17 * np.ones(3), lambda: Bounds(0.0, 1e-15), DIGITS)
    assert found.point.rss == zero_point(problem).rss
    assert not found.point.b.hi.any()
    assert found.proof.predictions < 1.0


@pytest.mark.parametrize("constant", ["", "0 + "])
@pytest.mark.parametrize("form", FORMS)
def test_predictions_of_dependent_rows(form: Any, constant: str) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.integers(-4, 5, (12, 60)) * 10.0 ** rng.integers(-seed, seed + 1, 60)
        X = np.vstack([X, X[:3], X[0] + X[1]])
        y = rng.standard_normal(16)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AccuracyWarning)
            fit = gm.ols(f"y ~ {constant}X", {"X": form(X), "y": y}, solver="dual", collinear="min-norm")
        U, values, _ = np.linalg.svd(X if constant else np.column_stack([np.ones(16), X]), full_matrices=False)
        U = U[:, values > 1e-13 * values[0]]
        truth = U @ (U.T @ y)
        assert np.linalg.norm(fit.predict({"X": X}) - truth) <= 10.0**-DIGITS * np.linalg.norm(truth)
        np.testing.assert_allclose(fit.deviance, np.sum((y - truth) ** 2), rtol=1e-9)


def test_nearly_dependent_rows_are_refused() -> None:
    rng = np.random.default_rng(2)
    X = rng.standard_normal((12, 60))
    X = np.vstack([X, X[:1] + 1e-10 * rng.standard_normal((1, 60))])
    with pytest.raises(NotIdentifiedError, match="the rows depend on each other, or so nearly"):
        gm.ols("y ~ X", {"X": X, "y": rng.standard_normal(13)}, solver="dual", collinear="min-norm")


@pytest.mark.parametrize("solver", ["iterative", "dual"])
def test_residuals_of_a_fit_without_a_constant(solver: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3))
    data = {"X": X, "y": 5.0 + X.sum(axis=1) + rng.standard_normal(50)}
    for alpha in (1.0,) if solver == "dual" else (None, 1.0):
        by_products, fit = (
            gm.ols("y ~ 0 + X", data, solver=s) if alpha is None else gm.ridge("y ~ 0 + X", data, alpha, solver=s)
            for s in ("gram", solver)
        )
        np.testing.assert_allclose(fit.deviance, by_products.deviance, rtol=1e-12)
        np.testing.assert_allclose(fit.r_squared, by_products.r_squared, rtol=1e-12)
        np.testing.assert_allclose(fit.deviance, np.sum((data["y"] - fit.predict(data)) ** 2), rtol=1e-12)


def test_columns_far_from_zero_are_not_taken_for_dependent_ones() -> None:
    rng = np.random.default_rng(3)
    z = rng.standard_normal(60)
    X = np.column_stack([z, 1e5 + z + 1e-2 * rng.standard_normal(60)])
    data = {"X": sp.csr_array(X), "y": X @ [1.0, 2.0] + rng.standard_normal(60)}
    fit = gm.ols("y ~ X", data, solver="iterative")
    assert fit.digits.min() >= DIGITS
    np.testing.assert_allclose(fit.coefficients, gm.ols("y ~ X", data, solver="gram").coefficients, rtol=1e-8)
