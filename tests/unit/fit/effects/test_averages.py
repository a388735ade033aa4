"""Averages of predictions, comparisons and slopes: against formulas written out with NumPy, from sums and from rows."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import OptionError
from gramian.fit.effects.accumulate import average_over
from gramian.fit.effects.settings import Fixed, Quantity, Shifted
from gramian.testing import check_pass

N = 400
RNG = np.random.default_rng(7)
X, Z = RNG.normal(3.0, 1.0, N), RNG.uniform(1.0, 2.0, N)
G, H = RNG.choice(list("abc"), N), RNG.choice([True, False], N)
DATA: dict[str, Any] = {"x": X, "z": Z, "g": G, "h": H}
DATA["y"] = 1 + 0.5 * X + 0.2 * X**2 - X * Z + (G == "b") * X + RNG.normal(size=N)
DATA["hit"] = (RNG.uniform(size=N) < expit(X - 3)).astype(float)
DATA["n"] = RNG.integers(1, 4, N)
TERMS = "x + I(x^2) + x:z + z + g*x + h + log(z)"
NAMES = ["Intercept", "x", "I(x^2)", "z", "g[b]", "g[c]", "h[true]", "log(z)", "x:z", "x:g[b]", "x:g[c]"]


def matrix(x: Any = X, z: Any = Z, g: Any = G, h: Any = H) -> Any:
    """The columns of TERMS in the order of NAMES."""
    b, c, one = np.asarray(g == "b", float), np.asarray(g == "c", float), np.ones(N)
    x, z, b, c = x * one, z * one, b * one, c * one
    return np.column_stack([one, x, x**2, z, b, c, h * one, np.log(z), x * z, b * x, c * x])


def by_x(z: Any = Z, g: Any = G) -> Any:
    """Derivative of `matrix` by x."""
    b, c, one, none = np.asarray(g == "b", float), np.asarray(g == "c", float), np.ones(N), np.zeros(N)
    return np.column_stack([none, one, 2 * X, none, none, none, none, none, z * one, b * one, c * one])


def by_z() -> Any:
    """Derivative of `matrix` by z."""
    none = np.zeros(N)
    return np.column_stack([none, none, none, np.ones(N), none, none, none, 1 / Z, X, none, none])


def coefficients(fit: Any) -> tuple[Any, Any]:
    """Coefficients and their covariance in the order of NAMES."""
    order = [fit.names.index(name) for name in NAMES]
    return fit.coefficients[order], fit.vcov[np.ix_(order, order)]


def agrees(effects: Any, values: list[float], gradients: list[Any], V: Any, tolerance: float = 1e-9) -> None:
    """Estimates, standard errors and joint covariance are these."""
    J = np.array(gradients)
    assert_allclose(effects.working, values, rtol=tolerance, atol=1e-12)
    assert_allclose(effects.covariance, J @ V @ J.T, rtol=tolerance, atol=1e-14)


@pytest.fixture(scope="module")
def linear() -> Any:
    return gm.ols(f"y ~ {TERMS}", DATA)


@pytest.fixture(scope="module")
def logistic() -> Any:
    return gm.glm(f"hit ~ {TERMS}", DATA, family="binomial")


@pytest.mark.parametrize("data", [None, DATA])
@pytest.mark.parametrize("vcov", ["iid", "HC3"])
def test_predictions_of_a_linear_fit(linear: Any, data: Any, vcov: str) -> None:
    fit = linear if vcov == "iid" else linear.with_vcov(vcov, DATA)
    b, V = coefficients(fit)
    grid = [matrix(x, g=g).mean(axis=0) for x in (1.0, 2.5) for g in ("c", "a")]
    agrees(fit.predictions({"x": [1.0, 2.5], "g": ["c", "a"]}, data), [m @ b for m in grid], grid, V)
    agrees(fit.predictions(data=data), [np.mean(DATA["y"])], [matrix().mean(axis=0)], V)


def test_slopes_of_a_linear_fit(linear: Any) -> None:
    b, V = coefficients(linear)
    rows = [by_x().mean(axis=0), by_z().mean(axis=0)]
    agrees(linear.slopes(), [m @ b for m in rows], rows, V)
    at = [by_x(z=1.5).mean(axis=0), by_x(z=2.0).mean(axis=0)]
    for data in (None, DATA):
        agrees(linear.slopes("x", data, at={"z": [1.5, 2.0]}), [m @ b for m in at], at, V)


def test_groups(linear: Any, logistic: Any) -> None:
    b, V = coefficients(linear)
    rows = [by_x()[g == G].mean(axis=0) for g in "abc"]
    slopes = linear.slopes("x", by="g")
    agrees(slopes, [m @ b for m in rows], rows, V)
    assert slopes.labels == {"g": ("a", "b", "c"), "term": ("x", "x", "x")}
    differences = logistic.comparisons({"z": (1, 2)}, by="h")
    b, _ = coefficients(logistic)
    for on, found in zip((False, True), differences.estimates, strict=True):
        values = expit(matrix(z=2.0) @ b) - expit(matrix(z=1.0) @ b)
        assert_allclose(found, values[on == H].mean(), rtol=1e-9)


@pytest.mark.parametrize("data", [None, DATA])
def test_comparisons_of_a_linear_fit(linear: Any, data: Any) -> None:
    b, V = coefficients(linear)
    rows = [
        (matrix(x=X + 1) - matrix()).mean(axis=0),
        (matrix(z=2.0) - matrix(z=1.0)).mean(axis=0),
        *((matrix(g=high) - matrix(g=low)).mean(axis=0) for low, high in ("ab", "ac", "bc")),
    ]
    asked = {"x": None, "z": (1, 2), "g": None}
    found = linear.comparisons(asked, data, pairs="pairwise")
    agrees(found, [m @ b for m in rows], rows, V)
    assert found.labels["contrast"] == ("+1", "2 - 1", "b - a", "c - a", "c - b")


def test_a_logistic_fit(logistic: Any) -> None:
    b, V = coefficients(logistic)
    eta = matrix() @ b
    mu, first = expit(eta), expit(eta) * expit(-eta)
    second = first * (1 - 2 * mu)
    agrees(logistic.predictions(), [mu.mean()], [first @ matrix() / N], V)
    slopes = [(D, D @ b) for D in (by_x(), by_z())]
    gradients = [(first @ D + (second * d) @ matrix()) / N for D, d in slopes]
    agrees(logistic.slopes(), [(first * d).mean() for _, d in slopes], gradients, V)
    low, high = expit(matrix(h=False) @ b).mean(), expit(matrix(h=True) @ b).mean()
    odds = logistic.comparisons("h", compare="odds_ratio")
    assert_allclose(odds.estimates, [high / (1 - high) / (low / (1 - low))], rtol=1e-9)
    assert_allclose(odds.std_errors, odds.estimates * np.sqrt(odds.covariance.diagonal()), rtol=1e-12)
    link = logistic.slopes("x", scale="link")
    agrees(link, [slopes[0][1].mean()], [by_x().mean(axis=0)], V)


def test_frequencies_are_repeated_rows() -> None:
    repeated = {name: np.repeat(values, DATA["n"]) for name, values in DATA.items()}
    fit, other = gm.ols("y ~ x*g", DATA, counts="n"), gm.ols("y ~ x*g", repeated)
    for rows in ({}, {"by": "h"}):
        one, two = fit.slopes("x", **rows), other.slopes("x", **rows)
        assert one.rows == two.rows == int(DATA["n"].sum())
        assert_allclose([*one.estimates, *one.std_errors], [*two.estimates, *two.std_errors], rtol=1e-8)


def test_incomplete_rows_are_not_averaged() -> None:
    data = {**DATA, "x": np.where(np.arange(N) < 5, np.nan, X), "z": np.where(np.arange(N) == 9, -1.0, Z)}
    data = {name: np.array(values) for name, values in data.items()}
    with np.errstate(invalid="ignore"):
        fit = gm.ols("y ~ x + log(z)", data)
    found = fit.predictions(data=data)
    assert found.rows == fit.rows == N - 6
    assert_allclose(found.estimates, fit.predictions().estimates, rtol=1e-12)


def test_splines_and_expressions() -> None:
    fit = gm.ols("y ~ bs(x, 5) + ns(z, 3)*g + I(x / z) + exp(0.1 * x)", DATA)
    step = 1e-5
    for name, values in (("x", X), ("z", Z)):
        up, down = (fit.predict({**DATA, name: values + s}).mean() for s in (step, -step))
        assert_allclose(fit.slopes(name).estimates, [(up - down) / (2 * step)], rtol=1e-7)


def test_offsets_take_part() -> None:
    fit = gm.glm("n ~ x + offset(log(z))", DATA, "poisson")
    mu = fit.predict(DATA)
    assert_allclose(fit.slopes("z").estimates, [(mu / Z).mean()], rtol=1e-12)
    assert_allclose(fit.predictions({"z": 1.0}).estimates, [(mu / Z).mean()], rtol=1e-12)


def test_absorbed_factors_have_slopes_but_no_predictions() -> None:
    fit, dummies = gm.ols("y ~ x + I(x^2) + z | g", DATA), gm.ols("y ~ x + I(x^2) + z + g", DATA)
    one, two = fit.slopes(), dummies.slopes()
    assert_allclose([*one.estimates, *one.std_errors], [*two.estimates, *two.std_errors], rtol=1e-9)
    with pytest.raises(OptionError, match="absorbed"):
        fit.predictions()


def test_what_the_data_do_not_determine_is_null() -> None:
    here = (G != "c") | H  # no row has c and false
    data = {name: values[here] for name, values in DATA.items()}
    fit = gm.ols("y ~ g*h", data)
    for rows in (None, data):
        assert np.isnan(fit.comparisons("h", rows).estimates).tolist() == [True]
    fit = gm.ols("y ~ x + w + z", {**DATA, "w": 2 * X})
    found = fit.slopes(["x", "z"])
    assert np.isnan(found.estimates).tolist() == [True, False]
    assert found.tidy().column("estimate").to_pylist()[0] is None


def test_saved_fits_know_their_averages(tmp_path: Path) -> None:
    gram = gm.gram(f"y ~ {TERMS}", DATA)
    gram.save(tmp_path / "sums.gram")
    fit = gm.load(tmp_path / "sums.gram").ols()
    fit.save(tmp_path / "fit")
    again = gm.load(tmp_path / "fit")
    expected = gm.ols(f"y ~ {TERMS}", DATA).slopes("x", at={"z": 1.0})
    for one in (fit, again):
        assert_allclose(one.slopes("x", at={"z": 1.0}).estimates, expected.estimates, rtol=1e-9)
    with pytest.raises(OptionError, match=r"these averages need rows: .*give the data"):
        fit.slopes("z")  # the mean of 1 / z is not among the sums


def test_the_pass_obeys_the_laws(logistic: Any) -> None:
    quantities = [Quantity(), Quantity((("x", Shifted(1.0)),)), Quantity((("g", Fixed("b")),), "x")]
    source = source_of({name: values[:9] for name, values in DATA.items()})
    task = average_over(logistic._effect_model(), quantities, source.schema, "h")
    batches = [batch for unit in source.units for batch in unit.batches(task.columns)]
    check_pass(task, batches)
    assert pickle.loads(pickle.dumps(task)).columns == task.columns


def test_a_result_is_a_table(linear: Any) -> None:
    found = linear.comparisons("g", at={"x": [0, 1]})
    frame = pl.DataFrame(found)
    assert frame.columns[:4] == ["term", "contrast", "x", "estimate"]
    assert frame["x"].to_list() == [0.0, 1.0, 0.0, 1.0]
    assert "b - a" in str(found)
    assert found.to_dict()["estimates"][0]["contrast"] == "b - a"
    ratio = found.exponentiate()
    assert_allclose(ratio.estimates, np.exp(found.estimates))
    assert_allclose(ratio.p_values, found.p_values)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit: fit.slopes("g"), r"'g' is a factor, and has no slope; comparisons\('g'\) compares its levels"),
        (lambda fit: fit.means("x"), r"'x' is a column of numbers, and has no means of levels; set it by at="),
        (lambda fit: fit.means("g").pairs("scheffe"), r"adjust"),
        (lambda fit: fit.slopes("w"), r"'w' is no predictor of this fit \(x, z, g, h\)"),
        (lambda fit: fit.predictions({"g": "d"}), r"'g' has no level 'd' \(a, b, c\)"),
        (lambda fit: fit.predictions({"x": "a"}), r"'x' is a column of numbers, and cannot be set to 'a'"),
        (lambda fit: fit.predictions({"x": []}), r"at=\{'x': ...\} has no values"),
        (lambda fit: fit.comparisons({"g": ["a"]}), r"'g' has fewer than two values, so there is nothing to compare"),
        (lambda fit: fit.comparisons(compare="odd"), r"compare"),
        (lambda fit: fit.predictions(scale="mean"), r"scale"),
        (
            lambda fit: fit.slopes("x").exponentiate().exponentiate(),
            r"mapped back from the scale of the log link",
        ),
    ],
)
def test_messages(linear: Any, ask: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        ask(linear)


@pytest.mark.parametrize("data", [None, DATA])
@pytest.mark.parametrize("vcov", ["iid", "HC1"])
def test_a_fit_with_instruments(data: Any, vcov: str) -> None:
    fit = gm.iv("y ~ z*g + [x ~ log(z)]", DATA, vcov=vcov)
    rows = {"Intercept": 0.0, "z": 1.0, "z:g[b]": np.mean(G == "b"), "z:g[c]": np.mean(G == "c")}
    gradient = np.array([rows.get(name, 0.0) for name in fit.names])
    agrees(fit.slopes("z", data), [gradient @ fit.coefficients], [gradient], fit.vcov, 1e-7)
