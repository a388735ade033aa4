"""Named curves: each recovers its parameters from noisy data, in any units, without a start."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from gramian import curve
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.errors import NumericalError
from gramian.fit.curve.start import SIZE, SamplePass
from gramian.formula.curves.curve import curve_of, parse_curve
from gramian.models.curves import CURVES

TRUTH = {
    "logistic": (3, 1.2, 0.4),
    "logistic4": (-1, 3, 1.2, 0.4),
    "gompertz": (3, 1.2, 0.4),
    "richards": (3, 1.2, 0.4, 2.0),
    "weibull": (3, 2.0, 1.7),
    "michaelis": (3, 1.5),
    "exponential": (2.0, 0.6),
    "tanh": (1, 2, 1.2, 0.4),
    "arctan": (1, 2, 1.2, 0.4),
    "gaussian": (2, 0.4, 0.9),
    "power": (2, 0.7),
}
HEIGHTS, WIDTHS = ("top", "bottom", "height", "level"), ("half", "width")


def value(name, x, parameters):
    code = CURVES[name].equation.replace("^", "**").replace("atan", "arctan")
    return eval(code, {**vars(np), **parameters, "x": x})


def problem(name, scale, shift, height, seed, falling=False):
    """A curve in other units of x (scale, shift) and y (height)."""
    rng = np.random.default_rng(seed)
    placed = "mid" in CURVES[name].parameters
    u = rng.uniform(-3, 4, 300) if placed or name == "exponential" else rng.uniform(0.02, 8, 300)
    t = dict(zip(CURVES[name].parameters, TRUTH[name], strict=True))
    shift = shift if placed else 0.0
    for k in t:
        t[k] *= height if k in HEIGHTS else 1.0
        t[k] *= scale if k in WIDTHS or (name == "weibull" and k == "scale") else 1.0
    if placed:
        t["mid"] = scale * (t["mid"] + shift)
    if "rate" in t:
        t["rate"] *= (-1 if falling else 1) / scale
    if name in ("exponential", "power"):
        t["scale"] *= height * (scale ** -t["exponent"] if name == "power" else 1.0)
    x = scale * (u + shift)
    mean = value(name, x, t)
    return {"x": x, "y": mean + 0.03 * mean.std() * rng.normal(size=300)}, mean, t


@pytest.mark.parametrize("height", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e-6, -3.0), (1000.0, 500.0), (1e8, 0.0)])
@pytest.mark.parametrize("name", TRUTH)
def test_parameters_are_recovered(name, scale, shift, height):
    data, mean, truth = problem(name, scale, shift, height, seed=7)
    fit = curve(f"y ~ {name}(x)", data)
    assert fit.names == CURVES[name].parameters
    assert fit.deviance <= ((data["y"] - mean) ** 2).sum() * (1 + 1e-9)  # no better point was missed
    assert np.abs((fit.coefficients - list(truth.values())) / fit.std_errors).max() < 5
    assert fit.passes <= 6  # the last one is for standard errors of more than eight digits


@pytest.mark.parametrize("name", ["logistic", "logistic4", "gompertz", "richards", "exponential", "tanh", "arctan"])
def test_falling_curves(name):
    data, mean, _ = problem(name, 1.0, 2.0, 1.0, seed=3, falling=True)
    fit = curve(f"y ~ {name}(x)", data)
    assert fit.deviance <= ((data["y"] - mean) ** 2).sum() * (1 + 1e-9)
    if name == "logistic4":
        assert fit["bottom"] < fit["top"]
        assert fit["rate"] < 0
    if name in ("tanh", "arctan"):
        assert fit["rate"] > 0
        assert fit["height"] < 0


def test_every_ready_made_curve_is_tried():
    assert set(TRUTH) == set(CURVES)


def test_the_argument_is_an_expression_and_the_curve_is_told():
    rng = np.random.default_rng(1)
    dose = 10 ** rng.uniform(-3, 3, 200)
    y = 1 + 4 / (1 + np.exp(-1.5 * (np.log10(dose) - 0.3))) + 0.05 * rng.normal(size=200)
    fit = curve("y ~ logistic4(log10(dose))", {"dose": dose, "y": y})
    assert fit["mid"] == pytest.approx(0.3, abs=0.05)
    assert fit.equation == "bottom + (top - bottom)/(1 + exp(-rate * (log10(dose) - mid)))"
    assert fit.equation in fit.summary()
    assert fit.predict({"dose": [2.0]}).shape == (1,)


def test_tanh_of_a_parameter_is_the_function():
    x = np.linspace(-2, 2, 50)
    fit = curve("y ~ tanh(a * x)", {"x": x, "y": np.tanh(0.7 * x) + 0.001 * np.cos(9 * x)}, {"a": 1})
    assert fit.names == ("a",)
    assert curve("y ~ tanh(x)", {"x": x, "y": 1 + np.tanh(0.7 * x)}).names == ("level", "height", "rate", "mid")


def test_a_column_may_have_the_name_of_a_parameter():
    data, _, _ = problem("logistic", 1.0, 0.0, 1.0, seed=2)
    fit = curve("y ~ logistic(top)", {"top": data["x"], "y": data["y"]})
    assert fit["mid"] == pytest.approx(0.4, abs=0.2)


def test_a_start_may_be_given_in_part_or_whole():
    data, _, _ = problem("logistic", 1.0, 0.0, 1.0, seed=2)
    alone = curve("y ~ logistic(x)", data)
    part = curve("y ~ logistic(x)", data, {"mid": 0.0})
    whole = curve("y ~ logistic(x)", data, {"mid": 0.0, "rate": 1.0})
    assert part.start["mid"] == 0.0
    assert whole.start == {"rate": 1.0, "mid": 0.0}
    for fit in (part, whole):
        assert fit.coefficients == pytest.approx(alone.coefficients, rel=1e-8)


def test_bounds_of_a_ready_made_curve():
    data, _, _ = problem("logistic", 1.0, 0.0, 1.0, seed=2)
    fit = curve("y ~ logistic(x)", data, bounds={"rate": (0.0, 1.0), "top": (0, 10)})
    assert fit["rate"] == 1.0


def test_rows_that_repeat_do_not_crowd_the_sample():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 6, 50_000).astype(float)
    y = np.round(3 / (1 + np.exp(-1.2 * (x - 2.4))) + rng.choice([-0.1, 0.1], 50_000), 3)
    fit = curve("y ~ logistic(x)", {"x": x, "y": y})
    assert fit["mid"] == pytest.approx(2.4, abs=0.01)


def test_sorted_files_are_sampled_over_all_of_their_length():
    x = np.sort(np.random.default_rng(0).uniform(-5, 5, 200_000))
    fit = curve("y ~ logistic(x)", {"x": x, "y": 3 / (1 + np.exp(-1.2 * (x - 3))) + 0.1 * np.sin(1e4 * x)})
    assert fit["mid"] == pytest.approx(3.0, abs=0.01)
    assert fit.passes <= 6  # the last one is for standard errors of more than eight digits


def test_the_sample_does_not_depend_on_cuts_or_order():
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=20_000).round(3), "y": rng.normal(size=20_000).round(1)}
    source = source_of(data)
    found = parse_curve("y ~ logistic(x)", source.schema.names)
    task = SamplePass(curve_of(found, source.schema, CURVES["logistic"].parameters))
    whole = Local(1).fold(source, task)
    shuffled = rng.permutation(20_000)
    batches = pa.table({k: v[shuffled] for k, v in data.items()}).to_batches(max_chunksize=777)
    cut = Local(2).fold(source_of(batches), task)
    assert len(whole.x) == SIZE
    for a, b in zip(whole.arrays, cut.arrays, strict=True):
        assert np.array_equal(a, b)


def test_a_curve_that_cannot_be():
    with pytest.raises(NumericalError, match=r"weibull: .* is not defined for these data, or flat"):
        curve("y ~ weibull(x)", {"x": np.linspace(-9, -1, 30), "y": np.ones(30)})
