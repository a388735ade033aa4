"""Panels against R's plm; r/panels.R has made the values."""

from __future__ import annotations

import pytest
from reference.r_values import as_r, cases, close

import gramian as gm

KNOWN = cases("panels")


@pytest.mark.parametrize("name", KNOWN)
def test_random_effects_and_between_as_plm(name: str) -> None:
    case = KNOWN[name]
    random = gm.random_effects(case.formula, case.data, panel="firm")
    for kind, fit in (("random", random), ("between", gm.between(case.formula, case.data, panel="firm"))):
        assert as_r(fit.names) == case.texts(f"{kind} names")
        close(fit.coefficients, case.numbers(f"{kind} coefficients"), 1e-10, fit.std_errors)
        close(fit.std_errors, case.numbers(f"{kind} std_errors"), 1e-9)
        close(fit.p_values, case.numbers(f"{kind} p_values"), 1e-7)
    close([random.sigma_residual, random.sigma_group], case.numbers("components"), 1e-10)
    close(random.panel_solved.quasi, case.numbers("quasi"), 1e-10)
    clustered = gm.random_effects(case.formula, case.data, panel="firm", vcov={"cluster": "firm", "type": "CR0"})
    close(clustered.std_errors, case.numbers("random by firm"), 1e-9)


@pytest.mark.parametrize("name", KNOWN)
def test_hausman_as_plm(name: str) -> None:
    case = KNOWN[name]
    random = gm.random_effects(case.formula, case.data, panel="firm")
    fixed = gm.ols(f"{case.formula} | firm", case.data)
    test = gm.hausman(fixed, random)
    # a difference of covariances that are nearly equal, divided by
    close([test.statistic, test.df, test.p_value], case.numbers("hausman"), 1e-6)
    close(gm.hausman(fixed, random, robust=True).statistic, case.number("hausman by firm"), 1e-8)
