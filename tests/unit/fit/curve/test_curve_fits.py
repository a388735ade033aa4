"""Fitted curves: against scipy, weights, bounds, missing rows, cuts, threads, predictions."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.special import expit

from gramian import curve
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.errors import GramianError
from gramian.fit.curve.accumulate import CurvePass
from gramian.formula.curves.curve import curve_of, parameters_of, parse_curve

SIGMOID = "y ~ bottom + (top - bottom) / (1 + exp(-rate * (x - mid)))"
START = {"bottom": 0.0, "top": 1.0, "rate": 1.0, "mid": 0.0}
TIDY = ("term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
TRUTH = (-1.0, 2.0, 1.5, 0.5)


def sigmoid(x, bottom, top, rate, mid):
    return bottom + (top - bottom) * expit(rate * (x - mid))


def problem(rows=200, seed=0, noise=0.1, truth=TRUTH):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-4, 4, rows)
    return {"x": x, "y": sigmoid(x, *truth) + noise * rng.normal(size=rows), "w": rng.uniform(0.2, 3.0, rows)}


@settings(max_examples=40)
@given(
    st.integers(0, 2**31),
    st.floats(0.5, 4.0),
    st.floats(-2.0, 2.0),
    st.sampled_from([1e-3, 1.0, 1e4]),
    st.booleans(),
)
def test_random_sigmoids_against_scipy(seed, rate, mid, scale, weighted):
    truth = (-1.0 * scale, 2.0 * scale, rate, mid)
    data = problem(120, seed, 0.05 * scale, truth)
    fit = curve(SIGMOID, data, START, weights="w" if weighted else None)
    errors = 1 / np.sqrt(data["w"]) if weighted else None
    p0 = (*truth[:3], mid + 0.01)  # scipy cannot take differences at zero
    b, V = curve_fit(sigmoid, data["x"], data["y"], p0=p0, sigma=errors, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert (np.abs(fit.coefficients - b) <= 2e-3 * fit.std_errors).all()  # scipy's differences end about there
    assert fit.std_errors == pytest.approx(np.sqrt(np.diag(V)), rel=5e-3)
    w = data["w"] if weighted else 1.0
    assert fit.deviance <= (w * (data["y"] - sigmoid(data["x"], *b)) ** 2).sum() * (1 + 1e-12)


def test_a_curve_without_linear_parameters():
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 3, 100)
    y = np.exp(-0.7 * x) / (0.5 + 0.2 * x) + 0.01 * rng.normal(size=100)
    fit = curve("y ~ exp(-a * x) / (b + c * x)", {"x": x, "y": y}, {"a": 1, "b": 1, "c": 1})
    b, V = curve_fit(lambda x, a, b, c: np.exp(-a * x) / (b + c * x), x, y, p0=(0.7, 0.5, 0.2), xtol=1e-14, ftol=1e-14)
    assert fit.coefficients == pytest.approx(b, rel=1e-6)
    assert fit.std_errors == pytest.approx(np.sqrt(np.diag(V)), rel=1e-4)


def test_a_linear_model_takes_one_pass_and_agrees_with_least_squares():
    data = problem()
    fit = curve("y ~ a + b * x + c * x^2", data, {"a": 0, "b": 0, "c": 0})
    X = np.column_stack([np.ones(200), data["x"], data["x"] ** 2])
    assert fit.passes == 1
    assert fit.coefficients == pytest.approx(np.linalg.lstsq(X, data["y"], rcond=None)[0], rel=1e-12)
    gram = np.linalg.inv(X.T @ X)
    assert fit.vcov == pytest.approx(gram * fit.sigma**2, rel=1e-10)


def test_weights_are_those_of_repeated_rows():
    data = problem(60, 1)
    times = np.random.default_rng(2).integers(0, 4, 60)
    weighted = curve(SIGMOID, {**data, "w": times.astype(float)}, START, weights="w")
    repeated = curve(SIGMOID, {k: np.repeat(v, times) for k, v in data.items()}, START)
    assert weighted.coefficients == pytest.approx(repeated.coefficients, rel=1e-9)
    assert weighted.deviance == pytest.approx(repeated.deviance, rel=1e-12)
    assert weighted.rows == (times > 0).sum()
    assert weighted.dropped_rows == {"zero weight": (times == 0).sum()}
    ratio = repeated.df_residual / weighted.df_residual
    assert weighted.vcov == pytest.approx(repeated.vcov * ratio, rel=1e-6)
    assert weighted.weight == pytest.approx(times.sum())


def test_missing_rows_are_dropped_and_counted():
    data = problem(50)
    x, y = data["x"].tolist(), data["y"].tolist()
    x[3], y[5], x[7], y[9] = None, None, float("nan"), float("inf")
    table = pa.table({"x": pa.array(x), "y": pa.array(y)})
    fit = curve(SIGMOID, table, START)
    keep = np.ones(50, bool)
    keep[[3, 5, 7, 9]] = False
    same = curve(SIGMOID, {k: v[keep] for k, v in data.items()}, START)
    assert fit.dropped_rows == {"null": 2, "nan": 1, "infinite": 1}
    assert fit.missing == {"x": 2, "y": 2}
    assert fit.coefficients == pytest.approx(same.coefficients, rel=1e-12)
    assert "46 rows used of 50" in fit.summary()


def test_what_columns_alone_make_not_finite_is_dropped_as_in_a_linear_model():
    fit = curve("y ~ a + b * log(x)", {"x": [-1.0, 0, 1, 2, 3, 4], "y": [1.0, 2, 3, 4, 5, 7]}, {"a": 0, "b": 0})
    assert fit.dropped_rows == {"nan": 1, "infinite": 1}
    assert fit.rows == 4


@pytest.mark.parametrize("cuts", [(1,), (37, 38, 39), tuple(range(10, 200, 10))])
def test_how_rows_are_cut_does_not_matter(cuts):
    data = problem()
    table = pa.table(data)
    ends = [0, *cuts, 200]
    parts = [table.slice(a, b - a) for a, b in pairwise(ends)]
    whole = curve(SIGMOID, table, START, weights="w")
    cut = curve(SIGMOID, [b for part in parts for b in part.to_batches()], START, weights="w")
    assert cut.coefficients == pytest.approx(whole.coefficients, rel=1e-9)
    assert cut.std_errors == pytest.approx(whole.std_errors, rel=1e-7)
    assert cut.deviance == pytest.approx(whole.deviance, rel=1e-13)
    assert cut.loglik == pytest.approx(whole.loglik, rel=1e-12)


def test_threads_give_the_same_bits():
    data = problem(150_000)
    fits = [curve("y ~ logistic4(x)", data, engine=Local(n)) for n in (1, 2, 5)]
    assert len({f.coefficients.tobytes() + f.vcov.tobytes() for f in fits}) == 1
    assert len({f.passes for f in fits}) == 1


def test_a_pass_is_small_and_survives_pickling():
    source = source_of(problem())
    found = parse_curve(SIGMOID, source.schema.names)
    ready = curve_of(found, source.schema, parameters_of(found, source.schema, START), "w")
    task = CurvePass(ready, tuple(START.values()))
    again = pickle.loads(pickle.dumps(task))
    assert again == task
    assert np.array_equal(Local().fold(source, again).factor, Local().fold(source, task).factor)
    empty = task.empty
    total = empty + Local().fold(source, task) + empty
    assert np.array_equal(total.factor, Local().fold(source, task).factor)


def test_laws_of_the_sums():
    data = problem(90)
    source = source_of(data)
    found = parse_curve(SIGMOID, source.schema.names)
    task = CurvePass(curve_of(found, source.schema, parameters_of(found, source.schema, START)), (0.0, 1.0, 1.0, 0.0))
    parts = [Local().fold(source_of({k: v[s] for k, v in data.items()}), task) for s in (slice(7), slice(7, 90))]
    whole, summed = Local().fold(source, task), parts[0] + parts[1]
    assert summed.rows == whole.rows
    assert summed.factor.T @ summed.factor == pytest.approx(whole.factor.T @ whole.factor, rel=1e-13)


def test_the_numbers_of_a_fit():
    data = problem()
    fit = curve(SIGMOID, data, START)
    assert fit.df_residual == 196
    assert fit.sigma == pytest.approx(np.sqrt(fit.deviance / 196))
    n, rss = 200, fit.deviance
    assert fit.loglik == pytest.approx(-n / 2 * (np.log(2 * np.pi) + 1 + np.log(rss / n)))
    assert fit.aic == pytest.approx(-2 * fit.loglik + 2 * 5)
    assert fit.bic == pytest.approx(-2 * fit.loglik + np.log(n) * 5)
    assert fit.conf_int().shape == (4, 2)
    assert fit.tidy().column_names == list(TIDY)
    assert fit.glance()["rows"].to_pylist() == [200]
    told = fit.to_dict()
    assert told["schema"] == "gramian.fit/1"
    assert told["family"] is None
    assert [c["term"] for c in told["coefficients"]] == list(START)
    assert fit.test("rate = 1.5, mid = 0.5").p_value > 0.001
    assert fit.start == {"rate": 1.0, "mid": 0.0}
    assert fit["mid"] == fit.coefficients[3]
    assert fit.converged
    with pytest.raises(ValueError, match="read-only"):
        fit.coefficients[0] = 1
    with pytest.raises(GramianError, match="did you mean 'rate'"):
        fit["rates"]


def test_a_perfect_fit_is_told_as_one():
    x = np.linspace(-3, 3, 40)
    fit = curve(SIGMOID, {"x": x, "y": sigmoid(x, *TRUTH)}, START)
    assert fit.coefficients == pytest.approx(TRUTH, rel=1e-12)
    assert "perfect to rounding" in fit.summary()


def test_as_many_rows_as_parameters():
    x = np.array([-2.0, 0.0, 0.7, 3.0])
    fit = curve(SIGMOID, {"x": x, "y": sigmoid(x, *TRUTH)}, {**START, "rate": 1.3, "mid": 0.4})
    assert fit.coefficients == pytest.approx(TRUTH, rel=1e-8)
    assert fit.tidy()["std_error"].null_count == 4
    assert "no residual degrees of freedom" in fit.summary()
    assert fit.predict({"x": [1.0]}, "confidence")["low"].to_pylist() == [None]


def test_steep_steps_saturate_without_harm():
    x = np.linspace(-1000, 1000, 400)
    y = sigmoid(x, 0.0, 3.0, 2.0, 10.3) + 0.01 * np.sin(x)
    fit = curve("y ~ top / (1 + exp(-rate * (x - mid)))", {"x": x, "y": y}, {"top": 1, "rate": 1, "mid": 8})
    assert fit["top"] == pytest.approx(3.0, abs=0.01)


def test_columns_by_expression_names_in_backticks_and_matrices():
    rng = np.random.default_rng(5)
    X = rng.uniform(0, 2, (80, 2))
    y = 2 * np.exp(0.5 * X[:, 0] + X[:, 1] ** 2) * (1 + 0.01 * rng.normal(size=80))
    fit = curve("log(`my y`) ~ log(a) + b * X[0] + c * X[1]^2", {"X": X, "my y": y}, {"a": 1, "b": 1, "c": 1})
    assert fit.coefficients == pytest.approx([2, 0.5, 1], rel=0.02)
    assert fit.predict({"X": X}).shape == (80,)
