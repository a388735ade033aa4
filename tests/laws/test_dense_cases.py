"""Small cases against dense columns: what random designs have found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as student

import gramian as gm

TIGHT = 1e-9  # relative; the cases are well conditioned, float64 keeps ten digits of each
RNG = np.random.default_rng(5)


def test_a_centred_column_beside_polynomials_of_it() -> None:
    x = RNG.normal(7.0, 1.0, 30)
    data = {"x": x, "y": x**2 + RNG.normal(size=30)}
    fit = gm.ols("y ~ center(x) + poly(x, 3)", data)
    assert tuple(fit.aliased) == ("poly(x, 3)[1]",)
    np.testing.assert_allclose(fit.predict(data), gm.ols("y ~ poly(x, 3)", data).predict(data), rtol=TIGHT)


def test_a_sum_of_grams_with_a_dependent_column_is_no_difference() -> None:
    """Sums told about another shift are not sums from which rows were taken."""
    x = np.concatenate([RNG.normal(1e4, 1.0, 20), RNG.normal(-7.0, 2.0, 20)])
    data = {"x": x, "c": 2.1 * x + 1, "y": RNG.normal(size=40)}
    first, second = ({name: column[part] for name, column in data.items()} for part in (slice(20), slice(20, 40)))
    with pytest.warns(gm.errors.AccuracyWarning):
        fit = (gm.gram("y ~ x + c", first) + gm.gram("y ~ x + c", second)).ols()
    assert tuple(fit.aliased) == ("c",)


def crossed() -> dict[str, np.ndarray]:
    """Two factors without rows of one combination, x and y far from zero."""
    f, g = np.repeat(list("aabbb"), 8), np.tile(list("uv"), 20)
    g = np.where(f == "a", "u", g)
    x = RNG.normal(-2e4, 1.0, 40)
    return {"f": f, "g": g, "x": x, "y": 1e6 + x - (f == "b") + RNG.normal(size=40)}


@pytest.mark.parametrize("formula", ["y ~ f:g", "y ~ f:g + x:g", "y ~ f:g + center(x):g"])
def test_a_combination_that_the_fit_has_not_seen_adds_nothing(formula: str, tmp_path: Path) -> None:
    data = crossed()
    fit = gm.ols(formula, data)
    new = {"f": ["a", "a", "b"], "g": ["v", "u", "v"], "x": [-2e4, -2e4 + 1, -2e4]}
    x = np.array(new["x"]) - (data["x"].mean() if "center" in formula else 0.0)
    label = next((name[5:] for name in fit.names if name.startswith("g[v]:")), "")
    slopes = [fit[f"g[{level}]:{label}"] if label else 0.0 for level in "vuv"]
    cells = [0.0, fit["f[a]:g[u]"], np.nan_to_num(fit["f[b]:g[v]"])]
    expected = fit["Intercept"] + np.array(cells) + np.array(slopes) * x
    np.testing.assert_allclose(fit.predict(new), expected, rtol=TIGHT, atol=TIGHT)
    fit.save(tmp_path / "fit")
    np.testing.assert_array_equal(gm.load(tmp_path / "fit").predict(new), fit.predict(new))
    table = fit.predict(new, interval="confidence")
    dense = np.zeros((3, len(fit.names)))
    for j, name in enumerate(fit.names):
        for i in range(3):
            cell = {f"f[{new['f'][i]}]", f"g[{new['g'][i]}]", label}
            inside = name == "Intercept" or set(name.split(":")) <= cell
            dense[i, j] = inside * (x[i] if label and label in name else 1.0)
    squares = np.einsum("ij,jk,ik->i", dense, np.nan_to_num(fit.vcov), dense)
    half = student.ppf(0.975, fit.df_residual) * np.sqrt(squares)
    np.testing.assert_allclose(table["high"].to_numpy() - table["fit"].to_numpy(), half, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("vcov", ["iid", "HC1"])
@pytest.mark.parametrize("formula", ["y ~ k + c + f - 1", "y ~ x:f + f + x + k:f + c"])
def test_an_interval_is_that_of_the_coefficients_that_are_told(formula: str, vcov: str) -> None:
    """Rows in which dependent columns differ: the prediction is that of the columns left in, and so is its error."""
    k = RNG.integers(0, 5, 30)
    data = {"k": k, "c": 2 * k + 1, "x": RNG.normal(3, 1, 30), "f": np.array(list("ab") * 15), "y": RNG.normal(size=30)}
    fit = gm.ols(formula, data, vcov=vcov)
    assert fit.aliased
    new = {"k": [1, 2, 3], "c": [0, 9, 7], "x": [0.0, 1.0, 2.0], "f": ["a", "b", "a"]}
    columns = {"Intercept": 1.0, "f[b]": (b := np.array([0.0, 1.0, 0.0])), "f[a]": 1 - b, **new}
    product = [np.prod([np.ones(3) * columns[part] for part in name.split(":")], axis=0) for name in fit.names]
    X = np.column_stack([column for column, sure in zip(product, fit.identified, strict=True) if sure])
    V = fit.vcov[np.ix_(fit.identified, fit.identified)]
    half = student.ppf(0.975, fit.df_residual) * np.sqrt(np.einsum("ij,jk,ik->i", X, V, X))
    found = fit.predict(new, interval="confidence")
    np.testing.assert_allclose(found["fit"].to_numpy(), X @ fit.coefficients[fit.identified], rtol=TIGHT)
    np.testing.assert_allclose(found["high"].to_numpy() - found["fit"].to_numpy(), half, rtol=TIGHT)


@pytest.mark.parametrize("contrast", ["sum", "helmert", "poly"])
@pytest.mark.parametrize("terms", ["{} + x", "x:{} + {} + x", "g * {}"])
def test_contrasts_beside_what_is_absorbed(contrast: str, terms: str) -> None:
    """The absorbed levels take up the constant that is between two contrasts."""
    firm = np.arange(60) % 7
    data = {"firm": firm, "f": RNG.choice(list("abc"), 60), "g": RNG.choice(list("uv"), 60), "x": RNG.normal(9, 1, 60)}
    data["y"] = 50.0 + firm + data["x"] * (data["f"] == "b") + RNG.normal(size=60)
    written = terms.format(*[f'C(f, contrast="{contrast}")'] * 2)
    absorbed, dummies = gm.ols(f"y ~ {written} | firm", data), gm.ols(f"y ~ factor(firm) + {written}", data)
    places = [dummies.names.index(name) for name in absorbed.names]
    np.testing.assert_allclose(absorbed.coefficients, dummies.coefficients[places], rtol=TIGHT, atol=TIGHT)
    np.testing.assert_allclose(absorbed.vcov, dummies.vcov[np.ix_(places, places)], rtol=TIGHT, atol=TIGHT)
    np.testing.assert_allclose(absorbed.predict(data), dummies.predict(data), rtol=TIGHT)


@pytest.mark.parametrize("option", ["weights", "counts"])
def test_a_column_may_be_called_like_an_option(option: str) -> None:
    data = {option: [1.0, None, 3.0, 5.0, 2.0, 2.0], "w": [1.0, 2.0, None, 3.0, 1.0, 2.0], "y": [1.0, 2, 4, 3, 5, 1]}
    fit = gm.ols(f"y ~ {option}", data, **{option: "w"})
    other = {"x" if name == option else name: column for name, column in data.items()}
    same = gm.ols("y ~ x", other, **{option: "w"})
    assert (fit.rows, dict(fit.dropped_rows)) == (same.rows, dict(same.dropped_rows))
    np.testing.assert_array_equal(fit.coefficients, same.coefficients)


@pytest.mark.parametrize("contrast", ["treatment", "sum", "helmert", "poly"])
def test_a_factor_of_one_level_is_a_constant(contrast: str) -> None:
    data = {"one": ["a"] * 30, "g": RNG.choice(list("uvw"), 30), "y": RNG.normal(size=30)}
    nested = gm.ols(f'y ~ C(one, contrast="{contrast}")/C(g, contrast="sum")', data)
    plain = gm.ols('y ~ C(g, contrast="sum")', data)
    np.testing.assert_allclose(nested.coefficients, plain.coefficients, rtol=TIGHT)


def test_a_path_is_at_the_penalties_that_were_asked_for() -> None:
    data = {"x": RNG.normal(size=49), "z": RNG.normal(size=49), "y": RNG.normal(size=49)}
    asked = [5.0, 0.5, 0.3, 0.07, 0.05, 0.011]
    assert gm.gram("y ~ x + z", data).path(alphas=asked).alphas.tolist() == asked
