"""Nonlinear regressions against R's `nls` and its self-starting models; r/curves.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import EPS, Case, cases, close
from scipy import stats

import gramian as gm

KNOWN = cases("curves")
READY = [name for name in KNOWN if name.startswith("ready")]
WRITTEN = [name for name in KNOWN if name not in READY]
TOLERANCE = 1e-12  # standard errors: what is left of a parameter's error
STEP = 1e2 * TOLERANCE  # the last step, where steps shrink by no more than a hundred; derivatives are from before it


def fitted(case: Case, tolerance: float = TOLERANCE) -> Any:
    start = None if "start" not in case else dict(zip(case.texts("names"), case.numbers("start").tolist(), strict=True))
    return gm.curve(case.formula, case.data, start, weights=case.weights, tolerance=tolerance)


def rounding(case: Case, fit: Any) -> float:
    """Of the last step, a linear regression on the derivatives; a triangle is kept, so no condition is squared."""
    return 16 * fit.rows * EPS * case.number("condition")


@pytest.mark.parametrize("name", WRITTEN)
def test_parameters_with_their_errors(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    at = [fit.names.index(n) for n in case.texts("names")]
    assert len(at) == len(fit.names)
    rtol, errors = rounding(case, fit) + STEP, fit.std_errors[at]
    close(fit.coefficients[at], case.numbers("coefficients"), rounding(case, fit) + TOLERANCE, errors)
    close(errors, case.numbers("std_errors"), rtol)
    close(fit.p_values[at], case.numbers("p_values"), rtol * (1 + fit.df_residual))
    V = fit.vcov[np.ix_(at, at)].T[np.triu_indices(len(at))]
    close(V, case.numbers("vcov"), 4 * rtol, np.outer(errors, errors)[np.triu_indices(len(at))])


@pytest.mark.parametrize("name", WRITTEN)
def test_the_tolerance_that_is_promised(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case, 1e-8)
    at = [fit.names.index(n) for n in case.texts("names")]
    close(fit.coefficients[at], case.numbers("coefficients"), 1e-8, fit.std_errors[at])


@pytest.mark.parametrize("name", WRITTEN)
def test_figures_of_the_whole(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    rtol = rounding(case, fit) + TOLERANCE  # the sum of squares is flat where the parameters are the solution
    assert fit.df_residual == case.number("df_residual")
    for figure in ("sigma", "deviance"):
        close(getattr(fit, figure), case.number(figure), rtol)
    for figure in ("loglik", "aic", "bic"):
        close(getattr(fit, figure), case.number(figure), rtol, fit.rows)


@pytest.mark.parametrize("name", WRITTEN)
def test_predictions_with_their_errors(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    rtol = rounding(case, fit) + STEP
    known, errors = case.numbers("fitted"), case.numbers("fitted_errors")
    table = fit.predict(case.data.slice(0, len(known)), "confidence", 0.95)
    value, low, high = (table[name].to_numpy() for name in ("fit", "low", "high"))
    close(value, known, rtol, errors)
    reach = stats.t.ppf(0.975, fit.df_residual)
    close((high - low) / (2 * reach), errors, 4 * rtol + EPS * np.abs(known) / errors)


@pytest.mark.parametrize("name", READY)
def test_ready_curves_are_the_same_curves(name: str) -> None:
    """Their parameters are others than R's."""
    case = KNOWN[name]
    fit = fitted(case)
    assert fit.df_residual == case.number("df_residual")
    sigma = np.sqrt(case.number("deviance") / fit.df_residual)
    close(fit.deviance, case.number("deviance"), 1e3 * EPS + TOLERANCE)
    close(fit.predict(case.data.slice(0, 8)), case.numbers("fitted"), STEP, sigma)
