"""Influence of rows, tests of assumptions and of nested fits against R and lmtest; r/after.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import Case, cases, close

import gramian as gm

KNOWN = cases("after")
FAMILIES = {"Gamma": "gamma"}
RTOL = 1e-8


def fitted(case: Case, formula: str | None = None) -> Any:
    formula = formula or case.formula
    if "family" not in case:
        return gm.ols(formula, case.data, weights=case.weights)
    family, link = case.texts("family")
    return gm.glm(formula, case.data, FAMILIES.get(family, family), link, tolerance=1e-14, max_passes=50)


@pytest.mark.parametrize("name", [name for name, case in KNOWN.items() if "cooks" in case])
def test_influence(name: str) -> None:
    case = KNOWN[name]
    table = fitted(case).augment()
    for column, figure in ((".cooksd", "cooks"), (".dffits", "dffits"), (".rstudent", "rstudent")):
        known = case.numbers(figure)
        close(table.column(column).to_numpy(), known, RTOL, 1e-2 * np.abs(known).max())


@pytest.mark.parametrize("name", [name for name, case in KNOWN.items() if "reset" in case])
def test_assumptions(name: str) -> None:
    case = KNOWN[name]
    rows = {row["test"]: row for row in fitted(case).diagnostics().to_pylist()}
    bp, reset = rows["Breusch-Pagan"], rows["RESET"]
    close([bp["statistic"], bp["df"], bp["p_value"]], case.numbers("breusch_pagan"), RTOL)
    close(rows["Durbin-Watson"]["statistic"], case.number("durbin_watson"), RTOL)
    known = case.numbers("reset")
    if known[0] > 1e-6:  # a saturated model has no powers that are not in it
        close([reset["statistic"], reset["df"], reset["df_residual"], reset["p_value"]], known, 1e-7)


@pytest.mark.parametrize("name", [name for name, case in KNOWN.items() if "formulas" in case])
def test_nested(name: str) -> None:
    case = KNOWN[name]
    fits = [fitted(case, formula) for formula in case.texts("formulas")]
    table = gm.anova(*fits[::-1])
    close(table.column("statistic").to_numpy(), case.numbers("statistic"), 1e-7)
    close(table.column("p_value").to_numpy(), case.numbers("p_value"), 1e-6)
    if "lr" in case:
        close(gm.anova(*fits, test="LR").column("statistic").to_numpy(), case.numbers("lr"), RTOL)
