"""Ridge fits whose penalty is below the rounding of the products: right to their digits, or refused."""

from __future__ import annotations

import operator
import warnings
from fractions import Fraction

import numpy as np
import pytest
from attack.extremes import exact_ridge

import gramian as gm
from gramian import sklearn as ours
from gramian.errors import AccuracyWarning, NumericalError
from gramian.linalg.penalized.singular import singular_ridge


def problem(seed: int, dependent: bool = False) -> tuple[str, dict[str, np.ndarray], np.ndarray]:
    """A formula, data of fewer rows than columns, and the columns."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(3, 10))
    columns = rows + int(rng.integers(0, 5))
    X = rng.standard_normal((rows, columns)) * 10.0 ** rng.uniform(-2, 2, columns) + 100.0 * (seed % 2)
    if dependent:
        X[:, -1] = X[:, 0] + X[:, 1]
    names = [f"x{j}" for j in range(columns)]
    data = {**dict(zip(names, X.T, strict=True)), "y": X[:, 0] + rng.standard_normal(rows)}
    return f"y ~ {' + '.join(names)}", data, X


def truth_of(X: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
    exact = exact_ridge(X, y, Fraction(alpha))
    assert exact is not None
    return np.array([float(b) for b in exact])


@pytest.mark.parametrize("alpha", [1e-300, 1e-16, 1e-12, 1e-8])
@pytest.mark.parametrize("seed", range(4))
def test_fewer_rows_than_columns_from_the_rows(seed: int, alpha: float) -> None:
    formula, data, X = problem(seed)
    truth = truth_of(X, data["y"], alpha)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        fit = gm.ridge(formula, data, alpha)
        estimator = ours.Ridge(alpha=alpha).fit(X, data["y"])
    off = np.abs(fit.coefficients - truth) / np.abs(truth)
    assert (off < 1e-6).all()
    assert (-np.log10(np.maximum(off, 2.0**-53)) >= fit.digits - 1e-9).all()
    found = np.append(estimator.intercept_, estimator.coef_)
    assert np.abs(found - truth).max() < 1e-6 * np.abs(truth).max()


@pytest.mark.parametrize("seed", range(4))
def test_weights_and_levels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = {"f": np.array(["a", "b", "c"])[[0, 1, 2, 0, 1]], "x": rng.standard_normal(5), "z": rng.standard_normal(5)}
    data |= {"u": rng.standard_normal(5), "y": rng.standard_normal(5), "w": rng.uniform(0.5, 2.0, 5)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        tiny = gm.ridge("y ~ f + x + z + u", data, 1e-14, weights="w")
        small = gm.ridge("y ~ f + x + z + u", data, 1e-7, weights="w")
    assert tiny.coefficients == pytest.approx(small.coefficients, rel=1e-4)


def test_a_gram_refuses_a_penalty_below_its_rounding() -> None:
    formula, data, _ = problem(2)
    gram = gm.gram(formula, data)
    with pytest.raises(NumericalError, match="a penalty of 1e-16 is below the rounding of the products"):
        gram.ridge(1e-16)
    assert np.isfinite(gram.ridge(1.0).coefficients).all()


@pytest.mark.parametrize("alpha", [1e-300, 1e-16])
def test_dependent_columns_need_a_penalty_that_can_be_told_from_none(alpha: float) -> None:
    rng = np.random.default_rng(5)
    x, z = rng.standard_normal((2, 30))
    data = {"x": x, "z": z, "sum": x + z, "y": x + rng.standard_normal(30)}
    with pytest.raises(NumericalError, match="take a larger penalty"):
        gm.ridge("y ~ x + z + sum", data, alpha)
    with pytest.raises(NumericalError, match="take a larger penalty"):
        ours.Ridge(alpha=alpha).fit(np.column_stack([x, z, x + z]), data["y"])


def test_no_penalty_is_least_squares() -> None:
    rng = np.random.default_rng(6)
    x = rng.standard_normal(30)
    data = {"x": x, "twice": 2.0 * x, "y": x + rng.standard_normal(30)}
    fit = gm.ridge("y ~ x + twice", data, 0.0)
    assert fit.aliased == {"twice": "2*x"}
    assert fit.coefficients[:2].tolist() == gm.ols("y ~ x", data).coefficients.tolist()


def test_error_bounds_of_singular_values_hold() -> None:
    rng = np.random.default_rng(7)
    for rows, columns in ((8, 5), (5, 8), (6, 6)):
        A, y = rng.standard_normal((rows, columns)) * 10.0 ** rng.uniform(-4, 4, columns), rng.standard_normal(rows)
        for alpha in (1e-20, 1e-10, 1.0):
            part = singular_ridge(A, y, alpha, rows, float(np.linalg.norm(A)))
            exact = [[Fraction(v) for v in row] for row in A.tolist()]
            K = [[sum(map(operator.mul, p, q), Fraction(0)) for q in exact] for p in exact]
            for i in range(rows):
                K[i] = [*(k + Fraction(alpha) * (i == j) for j, k in enumerate(K[i])), Fraction(y[i])]
            dual = _solved(K)
            truth = [float(sum((Fraction(v) * d for v, d in zip(c, dual, strict=True)), Fraction(0))) for c in A.T]
            assert np.linalg.norm(part.b - truth) <= part.error


def _solved(K: list[list[Fraction]]) -> list[Fraction]:
    """The solution of a system with its right-hand side as last column."""
    for k, row in enumerate(K):
        for i, other in enumerate(K):
            if i != k:
                share = other[k] / row[k]
                K[i] = [a - share * b for a, b in zip(other, row, strict=True)]
    return [row[-1] / row[i] for i, row in enumerate(K)]
