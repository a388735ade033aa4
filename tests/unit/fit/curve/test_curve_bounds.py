"""Bounds, and predictions with intervals by the delta method."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import expit
from scipy.stats import t as student

from gramian import curve

SIGMOID = "y ~ bottom + (top - bottom) / (1 + exp(-rate * (x - mid)))"
START = {"bottom": 0.0, "top": 1.0, "rate": 1.0, "mid": 0.0}
TRUTH = (-1.0, 2.0, 1.5, 0.5)


def sigmoid(x, bottom, top, rate, mid):
    return bottom + (top - bottom) * expit(rate * (x - mid))


def problem(rows=200, seed=0, noise=0.1, truth=TRUTH):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-4, 4, rows)
    return {"x": x, "y": sigmoid(x, *truth) + noise * rng.normal(size=rows), "w": rng.uniform(0.2, 3.0, rows)}


def test_bounds_hold():
    data = problem()
    free = curve(SIGMOID, data, START)
    held = curve(SIGMOID, data, START, bounds={"rate": (None, 1.2), "bottom": (-5, 5)})
    assert held["rate"] == 1.2
    assert held.at_bound.tolist() == [False, False, True, False]
    assert held["bottom"] != pytest.approx(free["bottom"])
    fixed = curve(SIGMOID.replace("rate", "1.2"), data, {k: v for k, v in START.items() if k != "rate"})
    others = [0, 1, 3]
    assert held.coefficients[others] == pytest.approx(fixed.coefficients, rel=1e-8)
    assert held.deviance == pytest.approx(fixed.deviance, rel=1e-12)
    assert np.isnan(held.std_errors[2])
    assert held.std_errors[others] == pytest.approx(
        fixed.std_errors * np.sqrt(fixed.df_residual / held.df_residual), rel=1e-6
    )
    assert held.tidy()["std_error"].null_count == 1
    assert "NaN" not in str(held.to_dict())
    assert "nan" not in held.summary()
    assert "rate" in held.summary().rsplit("at a bound", 1)[1]


def test_bounds_that_do_not_bind_change_nothing():
    data = problem()
    free = curve(SIGMOID, data, START)
    wide = curve(SIGMOID, data, START, bounds=dict.fromkeys(START, (-50, 50)))
    assert wide.coefficients == pytest.approx(free.coefficients, rel=1e-8)
    assert wide.std_errors == pytest.approx(free.std_errors, rel=1e-6)
    assert not wide.at_bound.any()


def test_several_bounds_at_once_agree_with_scipy():
    data = problem(seed=8)
    low, high = [-0.5, -9, 0.1, 0.8], [0.0, 1.8, 1.0, 3.0]
    start = dict(zip(START, (-0.2, 1.0, 0.5, 1.0), strict=True))
    fit = curve(SIGMOID, data, start, bounds=dict(zip(START, zip(low, high, strict=True), strict=True)))
    b, _ = curve_fit(sigmoid, data["x"], data["y"], p0=list(start.values()), bounds=(low, high), xtol=1e-15, ftol=1e-15)
    assert fit.deviance <= np.sum((data["y"] - sigmoid(data["x"], *b)) ** 2) * (1 + 1e-9)
    assert fit.coefficients == pytest.approx(b, rel=1e-4)


def test_intervals_by_the_delta_method():
    data = problem()
    fit = curve(SIGMOID, data, START)
    x = np.array([-3.0, 0.4, 2.0])
    table = fit.predict({"x": [*x.tolist(), None]}, interval="confidence", level=0.9)
    steps = 1e-6 * np.eye(4)
    b = fit.coefficients
    G = np.column_stack([(sigmoid(x, *(b + h)) - sigmoid(x, *(b - h))) / 2e-6 for h in steps])
    half = student.ppf(0.95, fit.df_residual) * np.sqrt(np.einsum("ij,jk,ik->i", G, fit.vcov, G))
    assert table["fit"].to_pylist()[:3] == pytest.approx(sigmoid(x, *b))
    assert table["high"].to_pylist()[:3] == pytest.approx(sigmoid(x, *b) + half, rel=1e-6)
    assert table["low"].to_pylist()[3] is None
    wide = fit.predict({"x": x}, interval="prediction", level=0.9)
    both = np.sqrt(half**2 + (student.ppf(0.95, fit.df_residual) * fit.sigma) ** 2)
    assert wide["high"].to_pylist() == pytest.approx(sigmoid(x, *b) + both, rel=1e-6)
    assert np.isnan(fit.predict({"x": [1.0, float("nan")]})[1])
