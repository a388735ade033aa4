"""Predictions and their intervals keep the digits that the coefficients have, beside exact rationals."""

import numpy as np
import pytest
from reference.ill_conditioned import PROBLEMS
from reference.rational_rows import floats, relative_error
from scipy import stats

import gramian as gm

EPS = 2.0**-53


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e7])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_predictions_have_the_digits_of_the_coefficients(problem, condition, exact):
    data, formula, truth = problem(condition)
    fit = gm.ols(formula, data, exact=exact)
    # beside one rounding, a plain product may lose the two digits up to which it is taken
    tolerance = max(300 * EPS, 10.0 ** -fit.digits.min())
    assert relative_error(fit.predict(data), floats(truth.fitted)) < tolerance
    residuals = fit.augment(data)[".resid"].to_numpy()
    assert np.abs(residuals - floats(truth.residuals)).max() < tolerance * np.abs(data["y"]).max()


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e7])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_intervals_of_exact_sums_lose_the_condition_number_once(problem, condition):
    data, formula, truth = problem(condition)
    fit = gm.ols(formula, data, exact=True)
    table = fit.predict(data, interval="confidence")
    half_width = (table["high"].to_numpy() - table["low"].to_numpy()) / 2
    quantile = stats.t.ppf(0.975, fit.df_residual)
    # the ends of an interval are rounded, which its width sees relative to the prediction
    rounding = 4 * EPS * np.max(np.abs(table["fit"].to_numpy()) / half_width)
    assert relative_error(half_width, quantile * truth.prediction_errors()) < 100 * EPS * condition + rounding


def test_a_saved_fit_predicts_the_same(tmp_path):
    data, formula, _ = PROBLEMS[0](1e6)
    fit = gm.ols(formula, data)
    fit.save(tmp_path / "fit")
    assert np.array_equal(gm.load(tmp_path / "fit").predict(data), fit.predict(data))


def test_aliased_columns_are_predicted_in_full():
    data, _, truth = PROBLEMS[0](1e6)
    fit = gm.ols("y ~ x + I(2 * x) + z", data)
    assert list(fit.aliased)
    assert relative_error(fit.predict(data), floats(truth.fitted)) < 300 * EPS
