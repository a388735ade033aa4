"""Robust and clustered covariances against R's sandwich, clubSandwich and lmtest; r/robust.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import EPS, Case, cases, close, data

import gramian as gm

KNOWN = cases("robust")
COVARIANCES = [name for name in KNOWN if "/" in name]
THEIRS = {"left out": "CR3", "club CR1S": "CR1", "club CR3": "CR3"}
STEP = 1e-7  # of the last step of a glm, see test_r_general
# sandwich 3.0.2 multiplies weighted residuals by (I - H)^-1 where (I - H')^-1 belongs, H = X (X'WX)^-1 X'W: with
# weights that differ within a cluster, those of a glm too, that is no longer what leaving the cluster out does
TRANSPOSED = {"panel_weighted/CR3 by firm", "panel_weighted/CR3 by year", "births/CR3 by stratum"}


def asked(kind: str) -> Any:
    """The option for R's kind."""
    if " by " not in kind:
        return kind
    kind, by = kind.split(" by ")
    return {"cluster": by.split(" + "), "type": THEIRS.get(kind, kind)}


def fitted(case: Case, vcov: Any) -> Any:
    if "family" not in case:
        return gm.ols(case.formula, case.data, weights=case.weights, vcov=vcov, like="R")
    family, link = case.texts("family")
    options = {"weights": case.weights, "vcov": vcov, "like": "R", "tolerance": STEP**2}
    return gm.glm(case.formula, case.data, {"Gamma": "gamma"}.get(family, family), link, **options)


def tolerance(case: Case, fit: Any) -> float:
    """Bread, meat and bread: three times what rounding does to a fit, see test_r_linear; a last step for a glm."""
    rounding = 4 * fit.rows * EPS * (case.number("condition") + float(fit.condition) ** 2)
    return 3 * (rounding + ("family" in case) * STEP)


@pytest.mark.parametrize("name", COVARIANCES)
def test_covariances(name: str) -> None:
    model, kind = name.split("/")
    case, known = KNOWN[model], KNOWN[name]
    fit = fitted(case, asked(kind))
    lower = np.tril_indices(len(fit.names))
    at = np.lexsort(lower)  # R goes down the columns
    V = fit.vcov[lower][at]
    errors = np.nan_to_num(fit.std_errors)
    size = np.outer(errors, errors)[lower][at]
    if name in TRANSPOSED:
        assert np.nanmax(np.abs(V - known.numbers("vcov")) / size) > 0.01
        return
    rtol = tolerance(case, fit)
    close(V, known.numbers("vcov"), rtol, size)
    t = np.nan_to_num(fit.statistics)
    close(fit.p_values, known.numbers("p_values"), rtol * (2 + np.minimum(t**2, fit.df_residual)))


@pytest.mark.parametrize("vcov", ["iid", "HC1", "HC3", "year", "firm"])
def test_absorbed_factors_are_dummies(vcov: str) -> None:
    case, clustered = KNOWN["absorbed"], vcov in ("year", "firm")
    option: Any = {"cluster": vcov} if clustered else vcov
    like = None if vcov == "iid" else "R"
    fit = gm.ols("inv ~ value + capital | firm", data("panel"), vcov=option, like=like)
    rtol = 3 * 4 * fit.rows * EPS * (case.number("condition") + float(fit.condition) ** 2)
    close(fit.coefficients, case.numbers("coefficients"), rtol, fit.std_errors)
    known = {"iid": "std_errors"}.get(vcov, f"CR1 by {vcov}" if clustered else vcov)
    close(fit.std_errors, case.numbers(known), rtol)
    figures = [fit.sigma, fit.r_squared, fit.adj_r_squared, fit.aic, fit.bic]
    close(figures, case.numbers("figures"), rtol, [0.0, 1.0, 1.0, fit.rows, fit.rows])
