"""Which columns a derivation has: formulas, powers, factors, rows left out, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from unit.derivation.small_data import GROUPS, POINTS, WAVE

import gramian as gm
from gramian.derivation import derive
from gramian.errors import ColumnError, FormulaError, NumericalError, OptionError

FORMULAS = [
    "y ~ x",
    "y ~ 0 + x",
    "y ~ 1",
    "y ~ g",
    "y ~ 0 + g",
    "y ~ g + x",
    "y ~ g * x",
    'y ~ C(g, ref="b") + I(x^2)',
    "y ~ poly(x, 3, raw=TRUE)",
    "y ~ center(x) + I(x^2)",
    "y ~ g + scale(x):g",
    "log(y) ~ sqrt(x) + offset(x)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_coefficients_are_those_of_ols(formula):
    fit, d = gm.ols(formula, GROUPS), derive(formula, GROUPS, constant="first")
    assert d.names == fit.names
    # both are right to about 13 digits here: the columns are few and their condition is below 1e3
    np.testing.assert_allclose(d.w, fit.coefficients, rtol=1e-10, atol=1e-12)
    assert d.cost_after == pytest.approx(fit.deviance, rel=1e-10, abs=1e-20)


def test_a_factor_gives_columns_of_zeros_and_ones():
    d = derive("y ~ g", GROUPS)
    assert d.names == ("g[b]", "g[c]", "Intercept")
    assert d.X[:3].tolist() == [[0, 0, 1], [1, 0, 1], [0, 1, 1]]
    assert "The level a of g has no column" in d.text()


def test_polynomial_means_raw_powers_of_the_one_predictor():
    d, fit = derive("y ~ x", WAVE, polynomial=3), gm.ols("y ~ poly(x, 3, raw=TRUE)", WAVE)
    assert d.names == ("x", "I(x^2)", "I(x^3)", "Intercept")
    assert d.X[:, :3].tolist() == [[k, k**2, k**3] for k in range(1, 13)]
    np.testing.assert_allclose(np.roll(d.w, 1), fit.coefficients, rtol=1e-10)
    assert derive("y ~ x", WAVE, polynomial=1).names == ("x", "Intercept")
    assert derive("y ~ 0 + x", WAVE, polynomial=2).names == ("x", "I(x^2)")


def test_the_highest_powers_are_exact_too():
    d = derive("y ~ x", {"x": np.linspace(0.1, 3.7, 40), "y": np.sin(np.linspace(0, 9, 40))}, polynomial=11)
    assert d.gradient.tolist() == [0] * 12
    assert (d.eigenvalues > 0).all()
    product = math.prod(d.solution.eigenvalues) / d.solution.determinant
    assert float(product) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("degree", [0, 12, 2.0, True, "2"])
def test_degrees_out_of_range_are_refused(degree):
    with pytest.raises(OptionError, match="polynomial must be a whole number from 1 to 11"):
        derive("y ~ x", WAVE, polynomial=degree)


@pytest.mark.parametrize("formula", ["y ~ x + g", "y ~ g", "y ~ x:g", "y ~ I(x^2)", "y ~ center(x)", "y ~ 1"])
def test_powers_need_one_numeric_predictor(formula):
    with pytest.raises(OptionError, match="one numeric predictor, such as y ~ x; found"):
        derive(formula, GROUPS, polynomial=2)


def test_orthogonal_polynomials_are_refused():
    with pytest.raises(FormulaError, match=r"square roots.*write poly\(x, 2, raw=TRUE\)"):
        derive("y ~ poly(x, 2)", WAVE)


def test_weights_are_refused():
    with pytest.raises(TypeError, match="weights"):
        derive("y ~ x", WAVE, weights="x")  # type: ignore[call-arg]


def test_rows_with_something_missing_are_left_out_and_told():
    data = {"x": [1, 2, None, 4, 5], "y": [1, 3, 2, math.nan, 4], "g": ["a", "b", "c", "a", "a"]}
    d = derive("y ~ x + g", data)
    assert d.X.tolist() == [[1, 0, 1], [2, 1, 1], [5, 0, 1]]
    assert sum(d.dropped_rows.values()) == 2
    assert "2 more rows were left out, for want of a value" in d.text()
    assert "g[c]" not in d.text()


def test_a_single_row_left_out():
    assert "1 more row was left out" in derive("y ~ x", {"x": [1, 2, 3, math.inf], "y": [1, 3, 2, 5]}).text()


def test_numbers_count_as_their_shortest_decimals():
    d = derive("y ~ 0 + x", {"x": [0.1, 0.2, 0.3], "y": [0.3, 0.6, 0.9]})
    assert d.w.tolist() == [3]
    assert d.cost_after == 0


def test_centred_columns_are_at_right_angles_to_ones():
    d = derive("y ~ center(x)", {"x": [0.1, 0.7, 0.4], "y": [1, 2, 4]})
    assert d.XtX[0, 1] == 0


def test_what_is_computed_in_floating_point_is_told():
    told = derive("log(y) ~ x", POINTS).text()
    assert "log(y) is computed from the data in floating point first." in told
    assert "floating point" not in derive("y ~ x", POINTS).text()


def test_too_many_rows():
    x = np.arange(201.0)
    with pytest.raises(OptionError, match=r"more than 200 rows.*gm\.ols"):
        derive("y ~ x", {"x": x, "y": x**2})
    assert len(derive("y ~ x", {"x": x[1:], "y": x[1:] ** 2}).y) == 200


def test_too_many_columns():
    data = {f"x{i}": np.arange(3.0) ** i for i in range(12)} | {"y": [1, 2, 4]}
    with pytest.raises(OptionError, match=r"has 13 columns; .* at most 12, use gm\.ols"):
        derive("y ~ .", data)
    assert len(derive("y ~ . + 0", data).names) == 12


def test_other_refusals():
    with pytest.raises(OptionError, match="constant must be one of 'last', 'first'"):
        derive("y ~ x", WAVE, constant="middle")
    with pytest.raises(ColumnError, match="did you mean 'x'"):
        derive("y ~ X", WAVE)
    with pytest.raises(FormulaError, match="no terms and no constant"):
        derive("y ~ 0", WAVE)
    with pytest.raises(NumericalError, match="no rows are left"):
        derive("y ~ x", {"x": [math.nan], "y": [1.0]})
    with pytest.raises(NumericalError, match="rescale"):
        derive("y ~ x", {"x": [1e300, 2e300], "y": [1.0, 2.0]}).w  # noqa: B018


def test_it_is_a_function_of_the_package():
    import gramian as gm

    assert gm.derive("y ~ x", POINTS).w.tolist() == [1.07, -0.16]
