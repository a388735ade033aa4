"""Instrumental variables against R's AER, sandwich and clubSandwich; r/instruments.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import Case, cases, close

import gramian as gm

KNOWN = cases("instruments")


def fitted(case: Case, **options: Any) -> Any:
    return gm.iv(case.formula, case.data, weights=case.weights, **options)


def ours(case: Case, fit: Any) -> list[int]:
    """Places of R's coefficients among ours."""
    names = [
        n.replace("(Intercept)", "Intercept").replace("factor(year)1995", "factor(year)[1995]")
        for n in case.texts("names")
    ]
    return [fit.names.index(n) for n in names]


@pytest.mark.parametrize("name", KNOWN)
def test_coefficients_and_iid_errors(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    at = ours(case, fit)
    close(fit.coefficients[at], case.numbers("coefficients"), 1e-11, fit.std_errors[at])
    close(fit.std_errors[at], case.numbers("std_errors"), 1e-10)
    close(fit.p_values[at], case.numbers("p_values"), 1e-8)
    assert fit.df_residual == case.number("df_residual")
    f = fit.f_test
    close([fit.sigma, fit.r_squared, fit.adj_r_squared, f.statistic], case.numbers("figures"), 1e-10)


@pytest.mark.parametrize("name", KNOWN)
def test_diagnostics(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    for column, test in fit.weak_instruments().first_stage.items():
        row = "Weak instruments" if len(fit.endogenous) == 1 else f"Weak instruments ({column})"
        close([*test.df, test.statistic, test.p_value], case.numbers(row), 1e-9)
    test = fit.wu_hausman()
    close([*test.df, test.statistic, test.p_value], case.numbers("Wu-Hausman"), 1e-9)
    test, known = fit.sargan(), case.numbers("Sargan")
    if test is None:
        assert known[0] == 0
    else:
        close([test.df[0], test.statistic, test.p_value], known[[0, 2, 3]], 1e-9)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3", "HC4", "CR0 by state", "CR1 by state"])
@pytest.mark.parametrize("name", [name for name, case in KNOWN.items() if "HC0" in case])
def test_robust_errors(name: str, kind: str) -> None:
    case = KNOWN[name]
    vcov: Any = {"cluster": "state", "type": kind[:3]} if " by " in kind else kind
    fit = fitted(case, vcov=vcov)
    close(fit.std_errors[ours(case, fit)], case.numbers(kind), 1e-10)


@pytest.mark.parametrize("name", KNOWN)
def test_adjusted_residuals_of_clubsandwich(name: str) -> None:
    case = KNOWN[name]
    for kind in ("CR2", "CR3"):
        fit = fitted(case, vcov={"cluster": "state", "type": kind}, like="R")
        at = ours(case, fit)
        close(fit.std_errors[at], case.numbers(f"{kind} by state"), 1e-10)
        if kind == "CR2":
            close(np.asarray(fit.solved.robust.coefficient_df)[at], case.numbers("CR2 df"), 1e-8)


def test_least_squares_first_stages_have_the_same_robust_f() -> None:
    case = KNOWN["two instruments"]
    for vcov in ("iid", "HC1", {"cluster": "state"}):
        fit = fitted(case, vcov=vcov)
        test = fit.first_stage["price"].test("tdiff = 0, tax = 0")
        np.testing.assert_allclose(fit.weak_instruments().first_stage["price"].statistic, test.statistic, rtol=1e-10)
