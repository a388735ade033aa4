"""B-splines and natural splines against R's package splines; r/splines.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import EPS, Array, Case, cases, close

import gramian as gm

KNOWN = cases("splines")
ALONE = [name for name in KNOWN if "basis" in KNOWN[name]]


def tolerance(case: Case, fit: Any) -> float:
    """As in test_r_linear; columns themselves are good to some ten roundings."""
    return 4 * fit.rows * EPS * (case.number("condition") + float(fit.condition) ** 2)


def numbers(table: Any) -> Array:
    return np.column_stack(
        [table[name].to_numpy(zero_copy_only=False).astype(float) for name in ("fit", "low", "high")]
    )


@pytest.mark.parametrize("name", ALONE)
def test_knots_and_columns(name: str) -> None:
    """Beyond the boundary, too, where R goes on with a Taylor series of the piece inside."""
    case = KNOWN[name]
    (spline,) = gm.ols(case.formula, case.data).solved.design.terms.splines.values()
    close(spline.knots, case.numbers("knots"), 4 * EPS)
    close(spline.boundary, case.numbers("boundary"), 4 * EPS)
    x = case.numbers("beyond")
    columns = spline.basis(np.log(x) if "log" in name else x)
    # cubes of how far x is beyond, in spans of knots
    known = case.numbers("basis").reshape(columns.shape)
    close(columns, known, 64 * EPS, np.abs(known).max(axis=0))


@pytest.mark.parametrize("name", KNOWN)
def test_fits(name: str) -> None:
    case = KNOWN[name]
    fit = gm.ols(case.formula, case.data)
    rtol = tolerance(case, fit)
    close(fit.coefficients, case.numbers("coefficients"), rtol, fit.std_errors)
    close(fit.std_errors, case.numbers("std_errors"), rtol)
    close(fit.p_values, case.numbers("p_values"), rtol * (1 + fit.df_residual))


@pytest.mark.parametrize("name", KNOWN)
def test_predictions_also_beyond_the_boundary(name: str) -> None:
    case = KNOWN[name]
    fit = gm.ols(case.formula, case.data)
    if name in ALONE:
        new: Any = {"hp": case.numbers("beyond")}
    else:
        new = case.data.take(case.numbers("rows_predicted").astype(int) - 1)
    known = case.numbers("predicted").reshape(-1, 3)
    size = np.abs(known).max(axis=1, keepdims=True)  # an end near zero is a difference of what is not
    close(numbers(fit.predict(new, "confidence")), known, 16 * tolerance(case, fit), size)
