"""Robust covariances of curves: as of a linear fit where the curve is linear; files, cuts, intervals, messages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import stats

import gramian as gm
from gramian.cli.main import gramian
from gramian.errors import GramianError


def frame(n=240, seed=0):
    rng = np.random.default_rng(seed)
    x, firm = rng.uniform(0, 3, n), rng.integers(0, 12, n)
    places = {"lat": 45.0 + firm % 4, "lon": 1.0 * (firm // 4)}
    y = 1 + 2 * np.exp(-0.7 * x) + 0.1 * (1 + x) * rng.normal(size=n) + 0.05 * firm / 12
    time = {"t": np.arange(n) % 20, "id": np.arange(n) // 20, "when": np.arange(n)}
    return pd.DataFrame({"y": y, "x": x, "z": 0.0 + (x > 1), "w": rng.uniform(1, 2, n), "firm": firm, **time, **places})


KINDS = [
    *[f"HC{i}" for i in range(5)],
    {"cluster": "firm", "type": "CR0"},
    {"cluster": "firm"},
    {"cluster": ["firm", "t"]},
    {"hac": 3, "time": "when"},
    {"hac": 2, "time": "t", "panel": "id"},
    {"driscoll_kraay": "t", "lags": 2},
    {"conley": 150},
]
CURVE = "y ~ a + b * exp(-k * x)"


@pytest.mark.parametrize("vcov", KINDS, ids=str)
@pytest.mark.parametrize("weights", [None, "w"])
def test_a_line_has_the_errors_of_a_linear_fit(vcov, weights):
    data = frame()
    line = gm.curve("y ~ a + b * x + c * z", data, weights=weights, vcov=vcov)
    fit = gm.ols("y ~ x + z", data, weights=weights, vcov=vcov)
    np.testing.assert_allclose(line.vcov, fit.vcov, rtol=1e-7, atol=1e-9 * np.abs(fit.vcov).max())
    assert line.covariance.df == fit.covariance.df
    assert line.covariance.name == fit.covariance.name


@pytest.mark.parametrize("vcov", ["HC3", {"cluster": "firm"}, {"conley": 150}], ids=str)
def test_files_cuts_later_and_saved(vcov, tmp_path):
    data = frame()
    for i in range(4):
        data.iloc[i * 60 : (i + 1) * 60].to_parquet(tmp_path / f"{i}.parquet")
    start = {"k": 0.5}
    one, two = (gm.curve(CURVE, tmp_path, start, vcov=vcov, engine=gm.Local(threads=t)) for t in (1, 3))
    assert one.vcov.tobytes() == two.vcov.tobytes()
    plain = gm.curve(CURVE, tmp_path, start)
    for later in (plain.with_vcov(vcov, data), plain.with_vcov(vcov)):
        np.testing.assert_allclose(later.vcov, one.vcov, rtol=1e-9)
        assert later.passes == plain.passes + 1 == one.passes
    np.testing.assert_array_equal(one.with_vcov("iid").vcov, plain.vcov)
    one.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    assert again.summary() == one.summary()
    assert one.covariance.description in " ".join(one.summary().split())
    rows = data.head(3)
    assert again.predict(rows, "confidence").equals(one.predict(rows, "confidence"))
    # far out nothing but the constant is left
    far = one.predict({"x": [1e3]}, "confidence").to_pandas().loc[0]
    critical = stats.t.ppf(0.975, one.covariance.df)
    np.testing.assert_allclose(far.high - far.fit, critical * one.std_errors[one.names.index("a")], rtol=1e-9)
    wider = one.predict({"x": [1e3]}, "prediction").to_pandas().loc[0]
    error = np.hypot(one.std_errors[one.names.index("a")], one.sigma)
    np.testing.assert_allclose(wider.high - wider.fit, critical * error, rtol=1e-9)


def test_lags_that_the_data_choose():
    for lags in ("auto", "andrews"):
        fit = gm.curve(CURVE, frame(), {"k": 0.5}, vcov={"hac": lags, "time": "when"})
        assert "automatic" not in fit.covariance.name
        assert np.isfinite(fit.std_errors).all()


def test_a_parameter_at_its_bound_has_no_error_and_the_others_are_as_with_it_fixed():
    data = frame()
    bound = gm.curve(CURVE, data, {"k": 0.5, "b": 4.0}, bounds={"b": (3.0, 9.0)}, vcov="HC0")
    fixed = gm.curve("y ~ a + 3 * exp(-k * x)", data, {"k": 0.5}, vcov="HC0")
    assert np.isnan(bound.std_errors[list(bound.names).index("b")])
    at = [list(bound.names).index(name) for name in fixed.names]
    np.testing.assert_allclose(bound.std_errors[at], fixed.std_errors, rtol=1e-6)


def test_on_the_command_line(tmp_path):
    frame().to_csv(tmp_path / "a.csv", index=False)
    path = str(tmp_path / "a.csv")
    done = CliRunner().invoke(gramian, ["curve", CURVE, path, "--start", "k=0.5", "--vcov", "cluster:firm"])
    assert "CR1 by firm: 12 clusters" in " ".join(done.output.split())
    told = CliRunner().invoke(gramian, ["curve", CURVE, path, "--start", "k=0.5", "--vcov", "HC1", "--explain"])
    assert "HC1: one more pass for the scores" in " ".join(told.output.split())


@pytest.mark.parametrize(
    ("vcov", "said"),
    [
        (
            {"cluster": "firm", "type": "CR2"},
            "CR2 adjusts or leaves out clusters of a linear model; for",
        ),
        ({"cluster": "firm", "type": "CR3"}, "for a curve use CR1"),
        ({"hac": 2}, "NW of a curve needs a column of times, as in vcov={'hac': 4, 'time': 't'}"),
        ("twoway", "clusters by the first 2 absorbed factors, and this formula has none"),
        ({"cluster": "nope"}, "no column 'nope'"),
        ({"cluster": "one"}, "all rows are in one cluster by 'one'"),
        ({"cluster": "gap"}, "'gap' is null in 240 of the rows"),
    ],
    ids=str,
)
def test_refusals(vcov, said):
    with pytest.raises(GramianError) as raised:
        gm.curve(CURVE, frame().assign(one=1, gap=np.nan), {"k": 0.5}, vcov=vcov)
    assert said in str(raised.value)


def test_other_rows_are_refused():
    fit = gm.curve(CURVE, frame(), {"k": 0.5})
    with pytest.raises(GramianError, match="these are not the rows of the fit"):
        fit.with_vcov("HC1", frame(seed=1))
