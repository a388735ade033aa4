"""Mixed models against R's lme4 and lmerTest; r/mixed.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import Case, cases, close

import gramian as gm

PROFILES = {name: case for name, case in cases("mixed").items() if "low" in case}
KNOWN = {name: case for name, case in cases("mixed").items() if name not in PROFILES}


def fitted(case: Case) -> Any:
    return gm.mixed(case.formula, case.data, reml=bool(case.number("reml")), weights=case.weights)


@pytest.mark.parametrize("name", KNOWN)
def test_as_lmer(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    close(fit.coefficients, case.numbers("coefficients"), 1e-8, fit.std_errors)
    close(fit.std_errors, case.numbers("std_errors"), 1e-6)
    close([fit.sigma, fit.loglik, fit.aic, fit.bic], case.numbers("figures"), 1e-7)
    components = fit.variance_components().to_pydict()
    # lme4 lists variances, covariances, the residual, term by term, as we do
    close(components["vcov"], case.numbers("vcov"), 1e-5, 1e-5 * fit.sigma**2)
    effects = fit.random_effects
    close(effects["estimate"], case.numbers("effects"), 1e-6, fit.sigma)
    close(effects["std_error"], case.numbers("effect_errors"), 1e-6, 1e-3 * fit.sigma)
    close(fit.predict(case.data)[:5], case.numbers("fitted"), 1e-8)
    assert fit.singular == (name == "singular")


@pytest.mark.parametrize("name", KNOWN)
def test_satterthwaite_as_lmertest(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    # lmerTest differentiates numerically, by Richardson's extrapolation, on theta as lme4 found it
    close(fit.df, case.numbers("df"), 2e-5)
    close(fit.p_values, case.numbers("p_values"), 1e-4)
    np.testing.assert_allclose(fit.tidy()["df"], fit.df)


@pytest.mark.parametrize("name", PROFILES)
def test_profile_intervals_as_lme4(name: str) -> None:
    case = PROFILES[name]
    low, high = case.numbers("low"), case.numbers("high")
    fit = gm.mixed(case.formula, case.data, weights=case.weights)
    table = fit.profile(level=0.9, fixed=case.weights is None).to_pydict()
    # lme4 lists a correlation before the standard deviation of its second effect
    order = [0, 2, 1, *range(3, len(low))] if table["with"][2] else range(len(low))
    # lme4 interpolates: a spline of the roots of deviances that its search leaves off by 1e-8
    close(np.array(table["conf_low"])[order], low, 1e-5, 1e-5)
    close(np.array(table["conf_high"])[order], high, 1e-5, 1e-5)
