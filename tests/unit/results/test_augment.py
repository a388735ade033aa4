"""Rows with what a fit says of them, against statsmodels and hand-made numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import gramian as gm
from gramian.errors import ColumnError

TOLD = [".fitted", ".resid", ".hat", ".std_resid", ".cooksd", ".dffits", ".rstudent"]


def column(table, name):
    return np.array(table[name].to_pylist(), float)


@pytest.mark.parametrize("weights", [None, "w"])
def test_a_linear_fit_against_statsmodels(frame, weights):
    fit = gm.ols("y ~ x + z + f", frame, weights=weights)
    table = fit.augment(frame)
    assert table.column_names == [*fit.solved.design.columns, *TOLD]
    assert table["f"].to_pylist() == frame.f.tolist()
    found = smf.wls("y ~ x + z + C(f)", frame, weights=frame.w if weights else 1.0).fit()
    root = np.sqrt(found.model.weights)
    W = found.model.exog * root[:, None]
    hat = np.einsum("ij,jk,ik->i", W, np.linalg.inv(W.T @ W), W)
    standard = root * found.resid / np.sqrt(found.scale * (1 - hat))
    np.testing.assert_allclose(column(table, ".fitted"), found.fittedvalues, rtol=1e-9)
    np.testing.assert_allclose(column(table, ".resid"), found.resid, atol=1e-9)
    np.testing.assert_allclose(column(table, ".hat"), hat, rtol=1e-8)
    np.testing.assert_allclose(column(table, ".std_resid"), standard, rtol=1e-7, atol=1e-9)


def test_a_generalized_fit_tells_means(frame):
    data = frame.assign(late=np.where(frame.y + 3 * np.sin(31 * frame.w) > frame.y.median(), "yes", "no"))
    table = gm.glm("late ~ x + z", data).augment(data)
    X = sm.add_constant(data[["x", "z"]])
    found = sm.GLM((data.late == "yes").astype(float), X, sm.families.Binomial()).fit(tol=1e-12)
    np.testing.assert_allclose(column(table, ".fitted"), found.fittedvalues, rtol=1e-6)
    np.testing.assert_allclose(column(table, ".resid"), found.resid_response, atol=1e-6)
    np.testing.assert_allclose(column(table, ".hat"), found.get_hat_matrix_diag(), rtol=1e-6)
    assert table["late"].to_pylist() == data.late.tolist()


def test_a_curve_that_is_a_line_is_that_line():
    data = {"x": [1.0, 2.0, 3.0, 4.0, 6.0], "y": [2.0, 4.0, 5.0, 8.0, 11.0]}
    line, curve = gm.ols("y ~ x", data), gm.curve("y ~ a + b * x", data, start={"a": 0, "b": 0})
    for name in TOLD:
        np.testing.assert_allclose(column(curve.augment(data), name), column(line.augment(data), name), rtol=1e-8)


def test_absorbed_factors_have_fitted_values_but_no_leverages(frame):
    table = gm.ols("y ~ x | f", frame).augment(frame)
    dummies = gm.ols("y ~ x + f", frame).augment(frame)
    for name in (".fitted", ".resid"):
        np.testing.assert_allclose(column(table, name), column(dummies, name), rtol=1e-7, atol=1e-9)
    assert table[".hat"].null_count == table[".std_resid"].null_count == len(frame)


def test_rows_stay_in_their_places_and_are_null_where_something_is_missing():
    data = pa.table({"x": [1.0, None, 3.0, 4.0], "y": [2.0, 4.0, None, 8.0], "f": ["a", "b", "a", "b"]})
    table = gm.ols("y ~ x", data).augment(data)
    assert [value is None for value in table[".fitted"].to_pylist()] == [False, True, True, False]
    assert table["x"].to_pylist() == [1.0, None, 3.0, 4.0]
    assert gm.ols("y ~ x", data).augment(data.slice(0, 0)).num_rows == 0


def test_without_the_outcome_there_are_no_residuals(frame):
    weighted = frame.assign(w=1.0 + np.arange(len(frame)) % 3, late=(frame.y > frame.y.median()).astype(float))
    fits = {
        "y": [gm.ols("y ~ x + f", weighted), gm.ols("log(y + 100) ~ x", weighted, weights="w")],
        "late": [gm.glm("late ~ x", weighted, link="probit"), gm.glm("late ~ x", weighted, "poisson", weights="w")],
    }
    for outcome, some in fits.items():
        for fit in some:
            whole, without = fit.augment(weighted), fit.augment(weighted.drop(columns=outcome))
            assert without.column_names[-2:] == [".fitted", ".hat"]
            for name in without.column_names[-2:]:
                np.testing.assert_allclose(column(without, name), column(whole, name), rtol=1e-12)
    fit, rows = fits["y"][1], weighted.drop(columns=["y", "w"])
    assert fit.augment(rows).column_names == ["x", ".fitted"]
    assert column(fit.augment(rows), ".fitted").tolist() == fit.predict(rows).tolist()
    with pytest.raises(ColumnError, match="no column 'x'"):
        fit.augment(rows.drop(columns="x"))
    curve = gm.curve("y ~ a * x", weighted)
    assert curve.augment(weighted.drop(columns="y")).column_names == ["x", ".fitted", ".hat"]
