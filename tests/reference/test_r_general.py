"""Generalized linear models against R's `glm` and the negative binomials of MASS; r/general.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import EPS, Case, as_r, cases, close
from scipy import stats

import gramian as gm

KNOWN = cases("general")
FAMILIES = {"Gamma": "gamma", "inverse.gaussian": "inverse_gaussian"}
LINKS = {"1/mu^2": "inverse_squared"}
VARIANCES = {"quasi_square": "mu^2", "quasi_cube": "mu^3", "quasi_share": "mu(1-mu)"}
STEP = 1e-7
TOLERANCE = STEP**2  # the last step leaves its square in the coefficients; what it was made from is told as it was


def fitted(name: str, tolerance: float = TOLERANCE) -> Any:
    case = KNOWN[name]
    family, link = case.texts("family")
    options: dict[str, Any] = {}
    if family.startswith("Negative Binomial"):
        family = "negative_binomial"
        options["theta"] = None if "theta" in case else 1.5
    if family == "quasi":
        options["variance"] = VARIANCES[name]
    return gm.glm(
        case.formula,
        case.data,
        FAMILIES.get(family, family),
        LINKS.get(link, link),
        weights=case.weights,
        tolerance=tolerance,
        max_passes=50,
        **options,
    )


def rounding(case: Case, fit: Any) -> float:
    """As in a linear model of the last step: a QR loses the condition, a Gram its square."""
    return 4 * fit.rows * EPS * (case.number("condition") + float(fit.condition) ** 2)


@pytest.mark.parametrize("name", KNOWN)
def test_coefficients_with_their_errors(name: str) -> None:
    case, fit = KNOWN[name], fitted(name)
    assert as_r(fit.names) == case.texts("names")
    rtol, errors = rounding(case, fit), np.nan_to_num(fit.std_errors)
    close(fit.coefficients, case.numbers("coefficients"), rtol + TOLERANCE, errors)
    close(fit.std_errors, case.numbers("std_errors"), rtol + STEP)
    # d log p / d log z is about z^2 where z is large, about 1 where it is small
    close(fit.p_values, case.numbers("p_values"), (rtol + STEP) * (2 + np.nan_to_num(fit.statistics) ** 2))
    if "theta" in case:
        close(fit.theta, case.number("theta"), rtol + STEP)


@pytest.mark.parametrize("name", KNOWN)
def test_the_tolerance_that_is_promised(name: str) -> None:
    """By default 1e-8 standard errors."""
    case, fit = KNOWN[name], fitted(name, 1e-8)
    close(fit.coefficients, case.numbers("coefficients"), 1e-8, np.nan_to_num(fit.std_errors))


@pytest.mark.parametrize("name", KNOWN)
def test_figures_of_the_whole(name: str) -> None:
    case, fit = KNOWN[name], fitted(name)
    rtol = rounding(case, fit)
    assert fit.df_null == case.number("df_null")
    assert fit.df_residual == case.number("df_residual")
    for figure in ("deviance", "null_deviance"):  # flat where the coefficients are the solution
        close(getattr(fit, figure), case.number(figure), rtol + (STEP if "theta" in case else 0.0))
    for figure in ("pearson", "dispersion"):
        close(getattr(fit, figure), case.number(figure), rtol + STEP)
    if "loglik" not in case:
        assert (fit.loglik, fit.aic, fit.bic) == (None, None, None)
        return
    close(fit.loglik, case.number("loglik"), rtol, fit.rows)
    ending = "_with_theta" if "theta" in case else ""
    close(fit.aic, case.number(f"aic{ending}"), rtol, fit.rows)
    bic = case.number(f"bic{ending}")
    if name == "gamma_zero_weights":  # R's BIC of a glm counts rows of weight zero, its residual df and nobs() do not
        bic -= (np.log(case.data.num_rows) - np.log(fit.rows)) * fit.parameters
    close(fit.bic, bic, rtol, fit.rows)


@pytest.mark.parametrize("name", KNOWN)
def test_predictions_with_their_intervals(name: str) -> None:
    case, fit = KNOWN[name], fitted(name)
    rtol = rounding(case, fit) + TOLERANCE
    new = case.data.take(case.numbers("rows_predicted").astype(int) - 1)
    eta, errors = case.numbers("link"), case.numbers("link_errors")
    close(fit.predict(new, "link"), eta, rtol, np.nan_to_num(errors))
    known = case.numbers("response" if "response" in case else "link")
    close(fit.predict(new), known, rtol * (1 + np.abs(np.nan_to_num(eta))), np.nan_to_num(errors))
    reach = stats.norm.ppf(0.975) if fit.known_dispersion else stats.t.ppf(0.975, fit.df_residual)
    table = fit.predict(new, "link", "confidence", 0.95)
    low, high = (table[end].to_numpy(zero_copy_only=False).astype(float) for end in ("low", "high"))
    close((high - low) / (2 * reach), errors, rtol * (1 + np.nan_to_num(np.abs(eta) / errors)) + STEP)


def test_hypotheses() -> None:
    """R's chi-square is k times the F with infinite degrees of freedom."""
    case, fit = KNOWN["logit"], fitted("logit")
    statistic, k, p = case.numbers("test")
    found = fit.test(case.figures["hypothesis"])
    assert found.df == (k, np.inf)
    rtol = 4 * (rounding(case, fit) + STEP)
    close(found.statistic * k, statistic, rtol)
    close(found.p_value, p, rtol * (1 + statistic))
