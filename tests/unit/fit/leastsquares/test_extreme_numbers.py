"""Numbers near the ends of float64: right to the digits that are certified, or refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian.errors import AccuracyWarning, ConvergenceError, NumericalError
from gramian.linalg.exact import solve as exact_solve
from gramian.sklearn import LinearRegression

RNG = np.random.default_rng(0)
X, Z, Y = RNG.standard_normal((3, 12))


def right_digits(found: float, truth: float) -> float:
    return -np.log10(max(abs(found / truth - 1.0), 2.0**-53))


@pytest.mark.parametrize("exponent", [-470, -300, 300, 470])
def test_an_outcome_of_any_size_whose_squares_are_numbers(exponent: int) -> None:
    ordinary = gm.ols("y ~ x", {"x": X, "y": Y})
    fit = gm.ols("y ~ x", {"x": X, "y": np.ldexp(Y, exponent)})
    assert fit.coefficients.tolist() == np.ldexp(ordinary.coefficients, exponent).tolist()
    assert fit.std_errors.tolist() == np.ldexp(ordinary.std_errors, exponent).tolist()
    assert fit.r_squared == ordinary.r_squared


@pytest.mark.parametrize("options", [{}, {"exact": True}, {"vcov": "HC1"}])
@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e-160, 1e160, 1e300])
def test_an_outcome_whose_squares_leave_float64_is_refused(unit: float, options: dict[str, object]) -> None:
    with pytest.raises(NumericalError, match=r"squares of 'y' are about 1e-?\d+, .* multiply it by 1e-?\d+"):
        gm.ols("y ~ x", {"x": X, "y": Y * unit}, **options)


def test_an_outlier_beyond_all_squares_is_refused() -> None:
    with pytest.raises(NumericalError, match="squares of 'y'"):
        gm.ols("y ~ x", {"x": X, "y": np.append(Y[:-1], 1e170)})


def test_a_gram_refuses_what_its_fit_would_refuse() -> None:
    with pytest.raises(NumericalError, match="squares of 'y'"):
        gm.gram("y ~ x", {"x": X, "y": Y * 1e-170}).ols()
    with pytest.raises(NumericalError, match="squares of 'y'"):
        gm.gram("y ~ x", {"x": X, "y": Y * 1e170}).path()


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_columns_without_an_intercept_are_scaled_or_refused(unit: float) -> None:
    ordinary = gm.ols("y ~ 0 + x", {"x": X, "y": Y})
    fit = gm.ols("y ~ 0 + x", {"x": X * unit, "y": Y})
    assert fit["x"] * unit == pytest.approx(ordinary["x"], rel=1e-15)
    assert fit.std_errors * unit == pytest.approx(ordinary.std_errors, rel=1e-15)
    with pytest.raises(NumericalError, match="squares of 'x'"):  # its shift has to be undone before the solve
        gm.ols("y ~ 0 + x", {"x": (X + 100.0) * unit, "y": Y})


@pytest.mark.parametrize("formula", ["y ~ x", "y ~ x + z"])
def test_a_subnormal_coefficient_has_few_digits(formula: str) -> None:
    data = {"x": X * 2.0**520, "z": Z, "y": Y * 2.0**-478}
    truth = float(gm.ols(formula, {**data, "x": X, "y": Y}, exact=True)["x"])
    fit = gm.gram(formula, data).ols()
    assert 0.0 < abs(fit["x"]) < 2.3e-301
    data["x"] = data["x"] * 2.0**70
    with pytest.warns(AccuracyWarning):
        fit = gm.gram(formula, data).ols()
    assert 0.0 < abs(fit["x"]) < 1e-318
    found = float(Fraction(fit["x"]) * Fraction(2) ** (478 + 590))
    assert fit.digits[1] <= right_digits(found, truth) + 1e-9


def test_weights_that_underflow_are_refused_or_cost_their_digits() -> None:
    data = {"x": X, "y": Y, "w": np.full(len(X), 1e-320)}
    with pytest.raises(NumericalError, match="squares of 'y'"):
        gm.ols("y ~ x", data, weights="w")
    data["w"] = np.where(np.arange(len(X)) == 0, 1e-318, 1.0)
    data["f"] = np.where(np.arange(len(X)) == 0, "a", np.where(np.arange(len(X)) < 6, "b", "c"))
    fit = gm.ols("y ~ 0 + f", data, weights="w", digits=0)
    found = float(fit["f[a]"])
    assert fit.digits[0] <= right_digits(found, float(Y[0])) + 1e-9


def test_dependent_columns_of_unequal_size_are_refused() -> None:
    with pytest.raises(NumericalError, match="columns that depend on each other differ in size"):
        gm.ols("y ~ z + x", {"x": np.ldexp(X, 700), "z": np.ldexp(X, -700), "y": Y})


def test_standard_errors_of_a_generalized_model_of_large_columns() -> None:
    counts = RNG.poisson(3.0, len(X)).astype(float)
    ordinary = gm.glm("n ~ x", {"x": X, "n": counts}, "poisson")
    fit = gm.glm("n ~ x", {"x": np.ldexp(X, 700), "n": counts}, "poisson")
    assert np.ldexp(fit.std_errors, [0, 700]) == pytest.approx(ordinary.std_errors, rel=1e-12)


def test_exact_elimination_that_nobody_asked_for_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spline beside a level for each value nearly depends on the levels: no bound is proved."""
    rng = np.random.default_rng(0)
    x, z, y = rng.standard_normal((3, 48))
    monkeypatch.setattr(exact_solve, "_solve_exactly", lambda *_: pytest.fail("half a minute of elimination"))
    with pytest.warns(AccuracyWarning, match="of the 8 digits wanted"):
        gm.ols("y ~ ns(x, 4) + factor(x) + z", {"x": x, "z": z, "y": y})


@pytest.mark.parametrize("unit", [2.0**-627, 2.0**627])
def test_a_curve_through_an_outcome_whose_squares_leave_float64(unit: float) -> None:
    x = np.linspace(0.1, 4.0, 12)
    with pytest.raises(NumericalError, match=r"squares of|squares of the curve overflow"):
        gm.curve("y ~ a * exp(-b * x)", {"x": x, "y": unit * (2.0 * np.exp(-0.7 * x) + 0.01 * X)}, {"a": 1, "b": 1})


@pytest.mark.parametrize("unit", [1e-200, 1e-241, 1e160])
def test_estimators_refuse_squares_that_leave_float64(unit: float) -> None:
    with pytest.raises(NumericalError, match=r"leave the range of float64|overflow"):
        LinearRegression().fit(X[:, None] * unit, Y)
    with pytest.raises(NumericalError, match=r"leave the range of float64|overflow"):
        LinearRegression().fit(X[:, None], Y * unit)


def test_the_iterative_solver_refuses_squares_that_leave_float64() -> None:
    for unit in (1e-200, 1e200):
        with pytest.raises(NumericalError, match="leave the range of float64"):
            gm.ols("y ~ x", {"x": X * unit, "y": Y}, solver="iterative")


@pytest.mark.parametrize("unit", [1e-170, 1e170])
def test_a_gaussian_model_refuses_as_least_squares_does(unit: float) -> None:
    with pytest.raises(NumericalError, match="squares of 'y'"):
        gm.glm("y ~ x", {"x": X, "y": Y * unit}, "gaussian")


def test_weights_of_a_generalized_model_that_underflow_are_refused() -> None:
    data = {"x": X, "y": (Y > 0).astype(float), "w": np.full(len(X), 1e-320)}
    with pytest.raises(NumericalError, match=r"the weights add up to 1\.2e-319"):
        gm.glm("y ~ x", data, weights="w")


def test_theta_that_cannot_be_estimated() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ConvergenceError, match="theta of the negative binomial cannot be estimated"):
        gm.glm("y ~ x", {"x": rng.standard_normal(30), "y": np.append(np.zeros(29), 1e6)}, "negative_binomial")


def test_a_coefficient_beyond_float64_is_refused() -> None:
    with pytest.raises(NumericalError, match="the coefficient of 'x' is beyond the largest float64"):
        gm.ols("y ~ x", {"x": 5e-324 * np.arange(12), "y": Y}, exact=True)
    with pytest.raises(NumericalError, match="the coefficient of 'x' is beyond the largest float64"):
        gm.ols("y ~ x", {"x": 5e-324 * np.arange(12), "y": Y})


@pytest.mark.parametrize("vcov", ["HC1", "HC3", {"cluster": "g"}])
@pytest.mark.parametrize("unit", [1e-200, 1e160, 1e200])
def test_robust_variances_beyond_float64_are_refused(vcov: Any, unit: float) -> None:
    """They were zero or subnormal, with more than 13 digits certified of their roots."""
    x = RNG.normal(size=30)
    data = {"x": x * unit, "y": x + RNG.normal(size=30), "g": np.arange(30) % 6}
    with pytest.raises(NumericalError, match="the variance of the coefficient of 'x' is about 1e"):
        gm.ols("y ~ x", data, vcov=vcov)


def test_robust_errors_beside_an_outlier_of_any_size() -> None:
    x = RNG.normal(size=13)
    x[5] = -7.7e173
    with pytest.raises(NumericalError, match="variance of the coefficient of 'x'"):
        gm.ols("y ~ x + z", {"x": x, "z": np.full(13, -6.6e232), "y": RNG.normal(size=13)}, vcov="HC1")
