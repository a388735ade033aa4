"""Solutions from sums have the same bits whatever the number of BLAS's threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import gramian as gm
from gramian import sklearn

RANDOM = np.random.default_rng(5)
X = RANDOM.standard_normal((600, 60))
Y = X[:, :5].sum(axis=1) + RANDOM.standard_normal(600)
FEW = {f"x{i}": X[:, i] for i in range(8)} | {"f": RANDOM.integers(0, 40, 600).astype(str)}
GRAM = gm.gram("y ~ . ", FEW | {"y": Y})


def selected() -> Any:
    return GRAM.select("aic", "forward").best


def from_estimator() -> Any:
    return sklearn.LinearRegression().fit(X, Y).inference_


def of_a_ridge() -> Any:
    return sklearn.Ridge(alpha=2.0).fit(X, Y).inference_


def of_a_polynomial() -> Any:
    return sklearn.PolynomialRegression(degree=2).fit(X[:, :6], Y).inference_


def exact() -> Any:
    return gm.ols("y ~ .", FEW | {"y": Y}, exact=True)


@pytest.mark.parametrize("fitted", [selected, from_estimator, of_a_ridge, of_a_polynomial, exact])
def test_any_number_of_threads_gives_the_same_bits(fitted: Callable[[], Any]) -> None:
    found = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, user_api="blas"):
            fit = fitted()
            found.append((fit.coefficients.tobytes(), fit.std_errors.tobytes(), fit.vcov.tobytes()))
    assert found[0] == found[1] == found[2]
