"""Logistic regressions that take turns, each as exact as it has to be.

Tolerances mean something else in every package. So each one's is tightened from its default, by powers of ten and
untimed, until its coefficients are near enough to the optimum; where that never happens, the nearest is taken.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from problems import Array, Sizes, binary
from runner import Answer, Bar, Contender, Optimum, Race

import gramian as gm

WITHIN = 1e-6  # standard errors
TIGHTEST = 1e-14
Fit = Callable[[float], Array]


def in_memory(sizes: Sizes) -> Race:
    X, y = binary(sizes.array)
    best = gm.glm("y ~ X", {"X": X, "y": y}, family="binomial", tolerance=1e-13)
    glum = with_glum(X, y)
    checked = np.abs(glum(1e-12) - best.coefficients) / best.std_errors
    optimum = Optimum(best.coefficients, best.std_errors, WITHIN, float(checked.max()))
    others = {
        "glum": tuned("glum gradient_tol", glum, 1e-4, optimum),
        "by columns": tuned(
            "glum, X stored by columns, gradient_tol", with_glum(np.asfortranarray(X), y), 1e-4, optimum
        ),
        "newton": tuned("scikit-learn newton-cholesky tol", with_sklearn(X, y, "newton-cholesky"), 1e-4, optimum),
        "lbfgs": tuned("scikit-learn lbfgs tol", with_sklearn(X, y, "lbfgs"), 1e-4, optimum),
        "statsmodels": tuned("statsmodels GLM tol", with_statsmodels(X, y), 1e-8, optimum),
    }
    at_most = {"glum": 1.0, "by columns": 1.0, "newton": 1.0, "lbfgs": 1.0, "statsmodels": 0.1}
    return Race(
        "logistic",
        f"logistic, {sizes.array:,} x {X.shape[1]} array in memory",
        [Contender("gramian", lambda: fitted({"X": X, "y": y})), *others.values()],
        [Bar("gramian", others[name].name, most) for name, most in at_most.items()],
        optimum=optimum,
    )


RACES: Mapping[str, Callable[[Sizes], Race]] = {"logistic": in_memory}


def fitted(data: Mapping[str, Array]) -> Answer:
    fit = gm.glm("y ~ X", data, family="binomial")
    return Answer(fit.coefficients, fit.std_errors)


def tuned(name: str, fit: Fit, tolerance: float, optimum: Optimum) -> Contender:
    """The contender with the loosest tolerance that brings it to the optimum, else the one that comes nearest."""
    distances: dict[float, float] = {}
    while tolerance >= TIGHTEST and min(distances.values(), default=np.inf) > optimum.within:
        distances[tolerance] = optimum.distance(fit(tolerance))
        tolerance = float(f"{tolerance / 10:.0e}")
    best = min(distances, key=lambda t: distances[t])
    return Contender(f"{name}={best:g}", lambda: fit(best))


def with_glum(X: Array, y: Array) -> Fit:
    from glum import GeneralizedLinearRegressor

    def fit(tolerance: float) -> Array:
        model = quietly(GeneralizedLinearRegressor(family="binomial", alpha=0, gradient_tol=tolerance).fit, X, y)
        return np.r_[model.intercept_, model.coef_]

    return fit


def with_sklearn(X: Array, y: Array, solver: str) -> Fit:
    from sklearn.linear_model import LogisticRegression

    def fit(tolerance: float) -> Array:
        model = LogisticRegression(C=np.inf, solver=solver, tol=tolerance, max_iter=1000)
        quietly(model.fit, X, y)
        return np.r_[model.intercept_, model.coef_[0]]

    return fit


def with_statsmodels(X: Array, y: Array) -> Fit:
    """The column of ones is there already."""
    import statsmodels.api as sm

    with_ones = sm.add_constant(X)
    return lambda tolerance: quietly(sm.GLM(y, with_ones, family=sm.families.Binomial()).fit, tol=tolerance).params


def quietly(work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The call without its warnings: that a tolerance is not reached shows in the distance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return work(*arguments, **options)
