"""Every number of a fit, against statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import gramian as gm
from gramian.errors import OptionError

FORMULAS = {
    "y ~ x + z": "y ~ x + z",
    "y ~ x*f": "y ~ f*x",
    "y ~ f + factor(k) + b + x": "y ~ f + C(k) + b + x",
    "y ~ 0 + x + z": "y ~ 0 + x + z",
    "y ~ I(x^2) + z": "y ~ I(x**2) + z",
    "y ~ 1": "y ~ 1",
}
TOLERANCE = 1e-9
ROUNDING = 4 * np.finfo(float).eps  # of 1 - ssr / tss, which the reference has also where it is 0: by its BLAS kernel


def close(a, b, tolerance=TOLERANCE):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max(initial=0.0))


def same_order(fit, reference):
    """Positions that bring the reference's coefficients into our order, by value."""
    return np.argsort(np.argsort(fit.coefficients)), np.argsort(reference.params.to_numpy())


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("weights", [None, "w"])
def test_every_number_is_that_of_statsmodels(frame, formula, weights):
    fit = gm.ols(formula, frame, weights=weights)
    model = smf.wls(FORMULAS[formula], frame, weights=frame.w) if weights else smf.ols(FORMULAS[formula], frame)
    reference = model.fit()
    ranks, order = same_order(fit, reference)
    at = order[ranks]
    close(fit.coefficients, reference.params.to_numpy()[at])
    close(fit.std_errors, reference.bse.to_numpy()[at])
    close(fit.statistics, reference.tvalues.to_numpy()[at])
    np.testing.assert_allclose(fit.p_values, reference.pvalues.to_numpy()[at], rtol=1e-6, atol=1e-300)
    close(fit.conf_int(0.9), reference.conf_int(0.1).to_numpy()[at])
    close(fit.vcov, reference.cov_params().to_numpy()[np.ix_(at, at)])
    close(fit.sigma, np.sqrt(reference.scale))
    close(fit.deviance, reference.ssr)
    shares = [fit.r_squared, fit.adj_r_squared]
    np.testing.assert_allclose(shares, [reference.rsquared, reference.rsquared_adj], rtol=TOLERANCE, atol=ROUNDING)
    assert formula != "y ~ 1" or shares == [0.0, 0.0]
    close(fit.loglik, reference.llf)
    close(fit.aic, reference.aic + 2)  # sigma counts, as in R
    close(fit.bic, reference.bic + np.log(len(frame)))
    assert (fit.rows, fit.df_residual, fit.rank) == (len(frame), reference.df_resid, len(reference.params))


@pytest.mark.parametrize("formula", [f for f in FORMULAS if f != "y ~ 1"])
def test_the_overall_f_test_is_that_of_statsmodels(frame, formula):
    fit, reference = gm.ols(formula, frame), smf.ols(FORMULAS[formula], frame).fit()
    close(fit.f_test.statistic, reference.fvalue)
    np.testing.assert_allclose(fit.f_test.p_value, reference.f_pvalue, rtol=1e-6, atol=1e-300)
    assert fit.f_test.df == (reference.df_model, reference.df_resid)
    assert len(fit.f_test.estimate) == reference.df_model


def test_a_count_is_that_many_rows(frame):
    fit, repeated = gm.ols("y ~ x + f", frame, counts="n"), gm.ols("y ~ x + f", frame.loc[frame.index.repeat(frame.n)])
    assert fit.rows == repeated.rows == frame.n.sum()
    reference = smf.ols("y ~ x + f", frame.loc[frame.index.repeat(frame.n)]).fit()
    close(np.sort(fit.std_errors), np.sort(reference.bse.to_numpy()))
    for number in ("sigma", "r_squared", "adj_r_squared", "loglik", "aic", "bic", "df_residual"):
        close(getattr(fit, number), getattr(repeated, number))


def test_a_weight_of_zero_takes_a_row_out(frame):
    weighted = frame.assign(w=np.where(frame.index < 100, 0.0, frame.w))
    fit, rest = gm.ols("y ~ x", weighted, weights="w"), gm.ols("y ~ x", weighted[100:], weights="w")
    assert fit.rows == rest.rows == 400
    close(fit.loglik, rest.loglik)
    assert fit.dropped_rows == {"zero weight": 100}


def test_hypotheses_are_tested_as_statsmodels_does(frame):
    fit, reference = gm.ols("y ~ x + z + f", frame), smf.ols("y ~ x + z + f", frame).fit()
    ours = fit.test("f[b] = f[c], 2*x - z = 3")
    theirs = reference.f_test("f[T.b] = f[T.c], 2*x - z = 3")
    close(ours.statistic, float(theirs.statistic))
    np.testing.assert_allclose(ours.p_value, float(theirs.pvalue), rtol=1e-6)
    close(np.array(ours.estimate), [fit["f[b]"] - fit["f[c]"], 2 * fit["x"] - fit["z"] - 3])
    assert ours.df == (2, 495)


def test_testing_all_slopes_is_the_overall_test(frame):
    fit = gm.ols("y ~ x + z + f", frame)
    close(fit.test("x, z, f[b], f[c]").statistic, fit.f_test.statistic)


def test_one_hypothesis_is_the_squared_t(frame):
    fit = gm.ols("y ~ x + z", frame)
    close(fit.test("z = 0").statistic, fit.statistics[2] ** 2)
    close(fit.test("z").p_value, fit.p_values[2])


def test_aliased_columns_are_unknown_in_arrays_and_null_in_tables(frame):
    fit = gm.ols("y ~ x + z + v", frame.assign(v=2 * frame.x - 3 * frame.z + 1))
    assert np.isnan([fit["v"], fit.std_errors[3], fit.statistics[3], fit.p_values[3]]).all()
    assert (fit.rank, fit.df_residual) == (3, 497)
    assert fit.aliased == {"v": "1 + 2*x - 3*z"}
    row = fit.tidy().to_pylist()[3]
    assert row == {"term": "v", **dict.fromkeys(list(row)[1:])}
    plain = gm.ols("y ~ x + z", frame)
    for number in ("sigma", "r_squared", "adj_r_squared", "loglik", "aic"):
        close(getattr(fit, number), getattr(plain, number))
    assert fit.f_test.df == (2, 497)
    assert "  v = 1 + 2*x - 3*z" in fit.summary()
    with pytest.raises(OptionError, match=r"'v' cannot be tested: the data do not determine it \(v = 1 \+ 2\*x - 3\*z"):
        fit.test("v = 0")


@pytest.mark.parametrize("vcov", ["iid", "HC3"])
@pytest.mark.parametrize("options", [{}, {"collinear": "min-norm"}, {"exact": True}, {"weights": "w"}])
def test_aliased_levels_leave_predictions_and_residuals_as_they_are(frame, options, vcov):
    """Nothing but indicators, and an outcome far from zero: what it was shifted by counts once."""
    data = frame.assign(y=frame.y + 1e3, same=frame.f)
    with_copy, plain = (gm.ols(formula, data, vcov=vcov, **options) for formula in ("y ~ f + same", "y ~ f"))
    assert len(with_copy.aliased) == data.f.nunique() - 1
    close(with_copy.predict(data), plain.predict(data))
    told, known = (fit.predict(data, "confidence") for fit in (with_copy, plain))
    close(told["low"].to_numpy(), known["low"].to_numpy())
    if options.get("collinear") is None:
        close(with_copy.std_errors[: len(plain.names)], plain.std_errors)


def test_the_minimum_norm_solution_has_no_errors_where_nothing_is_identified(frame):
    data = frame.assign(v=frame.x * 2)
    fit = gm.ols("y ~ x + v + z", data, collinear="min-norm")
    X = np.column_stack([np.ones(len(data)), data.x, data.v, data.z])
    np.testing.assert_allclose(fit.coefficients, np.linalg.pinv(X) @ data.y, rtol=1e-8)
    assert np.isnan(fit.std_errors).tolist() == [False, True, True, False]
    close(fit.std_errors[[0, 3]], gm.ols("y ~ x + z", data).std_errors[[0, 2]])
    with pytest.raises(OptionError, match="'x' cannot be tested"):
        fit.test("x")
    assert "the solution has the least norm" in fit.summary()


def test_no_degrees_of_freedom_leave_errors_unknown():
    fit = gm.ols("y ~ x", {"x": [1.0, 2.0], "y": [3.0, 5.0]})
    np.testing.assert_allclose(fit.coefficients, [1, 2], rtol=1e-14)
    assert fit.df_residual == 0
    assert np.isnan([fit.sigma, *fit.std_errors, *fit.p_values, *fit.conf_int().ravel(), fit.adj_r_squared]).all()
    assert fit.f_test is None
    assert "no residual degrees of freedom" in fit.summary()
    assert fit.to_dict()["sigma"] is None
    assert np.isnan(fit.test("x = 2").statistic)


def test_one_row_leaves_the_intercept():
    fit = gm.ols("y ~ x", {"x": [7.0], "y": [3.0]})
    assert fit["Intercept"] == 3.0
    assert fit.rank == 1
    assert fit.summary()


def test_an_intercept_alone(frame):
    fit = gm.ols("y ~ 1", frame)
    close(fit["Intercept"], frame.y.mean())
    close(fit.std_errors, [frame.y.std() / np.sqrt(len(frame))])
    assert fit.f_test is None
    assert fit.r_squared == 0.0
    assert fit.glance()["statistic"].to_pylist() == [None]


def test_a_perfect_fit_is_told_without_a_warning():
    x = np.arange(20.0)
    fit = gm.ols("y ~ x", {"x": x, "y": 3 + 2 * x})
    np.testing.assert_allclose(fit.coefficients, [3, 2], rtol=1e-13)
    assert fit.r_squared == pytest.approx(1.0, abs=1e-14)
    assert "perfect to rounding" in fit.summary()
    assert fit.to_dict()["coefficients"][1]["p_value"] < 1e-100


def test_a_constant_outcome_has_no_r_squared():
    fit = gm.ols("y ~ x", {"x": np.arange(20.0), "y": np.full(20, 5.0)})
    assert fit["Intercept"] == pytest.approx(5.0)
    assert np.isnan(fit.r_squared)
    assert fit.to_dict()["r_squared"] is None
    assert fit.summary()


def test_ridge_tells_its_effective_degrees_of_freedom(frame):
    alpha, fit = 50.0, gm.ridge("y ~ x + z", frame, alpha=50.0)
    X = frame[["x", "z"]].to_numpy()
    C = X - X.mean(axis=0)
    S = C.T @ C
    inverse = np.linalg.inv(S + alpha * np.eye(2))
    b = inverse @ C.T @ (frame.y - frame.y.mean())
    df = len(frame) - 1 - np.trace(inverse @ S)
    residuals = frame.y - frame.y.mean() - C @ b
    sigma = np.sqrt(residuals @ residuals / df)
    close(fit.coefficients[1:], b)
    close(fit.df_residual, df)
    close(fit.sigma, sigma)
    close(fit.std_errors[1:], sigma * np.sqrt(np.diag(inverse @ S @ inverse)))
    close(fit.aic, -2 * fit.loglik + 2 * (len(frame) - df + 1))
    assert fit.f_test is None
    assert "Ridge regression, alpha = 50" in fit.summary()
    assert "effective columns of 3" in fit.summary()


def test_predictions_are_those_of_statsmodels(frame):
    fit, reference = gm.ols("y ~ x*f", frame), smf.ols("y ~ x*f", frame).fit()
    new = frame.head(7)
    close(fit.predict(new), reference.predict(new).to_numpy())
    told = reference.get_prediction(new).summary_frame(alpha=0.1)
    table = fit.predict(new, interval="confidence", level=0.9).to_pandas()
    close(table.to_numpy(), told[["mean", "mean_ci_lower", "mean_ci_upper"]].to_numpy())
    table = fit.predict(new, interval="prediction", level=0.9).to_pandas()
    close(table.to_numpy(), told[["mean", "obs_ci_lower", "obs_ci_upper"]].to_numpy())


def test_rows_left_out_are_counted_by_cause_and_column(frame):
    data = frame.assign(x=frame.x.where(frame.index > 4), z=frame.z.where(frame.index != 2))
    fit = gm.ols("y ~ x + z", data)
    assert sum(fit.dropped_rows.values()) == 5
    assert fit.missing == {"x": 5, "z": 1}
    assert gm.ols("y ~ x", frame).dropped_rows == {}


def test_a_coefficient_by_name(frame):
    fit = gm.ols("y ~ x + f", frame)
    assert fit["x"] == fit.coefficients[1]
    with pytest.raises(OptionError, match=r"no coefficient 'X'; did you mean 'x'\?"):
        fit["X"]


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, "0.9", True, float("nan")])
def test_a_level_lies_between_zero_and_one(frame, level):
    with pytest.raises(OptionError, match="level must be a number between 0 and 1"):
        gm.ols("y ~ x", frame).conf_int(level)


def test_a_fit_is_frozen(frame):
    fit = gm.ols("y ~ x", frame)
    for array in (fit.coefficients, fit.vcov):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(AttributeError):
        fit.solved = None


def test_no_intercept_is_measured_about_zero():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    y = np.array([2.0, 4.1, 5.9, 8.2])
    fit = gm.ols("y ~ 0 + x", {"x": x, "y": y})
    b = x @ y / (x @ x)
    close(fit.r_squared, 1 - ((y - b * x) ** 2).sum() / (y @ y))
    assert fit.f_test.df == (1, 3)
    assert "about zero" in fit.summary()


def test_an_offset_leaves_the_r_squared_of_the_rest(frame):
    fit = gm.ols("y ~ x + offset(z)", frame)
    plain = gm.ols("v ~ x", frame.assign(v=frame.y - frame.z))
    close(fit.r_squared, plain.r_squared)


def test_frames_are_not_needed_to_ask(frame):
    data = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 3.0, 2.0, 5.0]})
    fit = gm.ols("y ~ x", data)
    # by hand: Sxx = 5, Sxy = 5.5, b = 1.1, a = 0, rss = 2.7
    close(fit.coefficients, [0.0, 1.1])
    close(fit.std_errors, [np.sqrt(1.35 * 1.5), np.sqrt(1.35 / 5)])
    close(fit.sigma, np.sqrt(1.35))


@pytest.mark.parametrize("rows", [12, 6])
def test_a_column_of_zeros_has_the_digits_of_its_zero_in_the_shortest_solution(rows: int) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((rows, 8)), rng.standard_normal(rows)
    X[:, 2] = 0.0
    for fit in (
        gm.ols("y ~ X", {"X": X, "y": y}, collinear="min-norm"),
        gm.gram("y ~ X", {"X": X, "y": y}).ols(collinear="min-norm"),
    ):
        assert fit.coefficients[3] == 0.0
        assert fit.digits[3] == 53 * np.log10(2.0)
        assert np.isnan(fit.std_errors[3])
        truth = np.linalg.pinv(np.column_stack([np.ones(rows), X])) @ y
        np.testing.assert_allclose(fit.coefficients, truth, atol=1e-12)  # condition below 100, two roundings squared
