"""Marginal means against R's package emmeans; r/effects.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import Case, cases, close

import gramian as gm

KNOWN = cases("effects")
FAMILIES = {"Gamma": "gamma"}
RTOL = 1e-8


def fitted(case: Case) -> Any:
    if "family" not in case:
        return gm.ols(case.formula, case.data, weights=case.weights)
    family, link = case.texts("family")
    return gm.glm(case.formula, case.data, FAMILIES.get(family, family), link, tolerance=1e-14, max_passes=50)


def means(case: Case, scale: str = "link") -> Any:
    at = {}
    if "at" in case:
        name, value = case.texts("at")
        at = {name: float(value)}
    # the last factor varies fastest here, the first one in R
    return fitted(case).means(case.texts("factors")[::-1], at=at, scale=scale)


def agrees(found: Any, case: Case, prefix: str) -> None:
    low, high = found.conf_int().T
    close(found.estimates, case.numbers(prefix + "estimate"), RTOL, 1e-3)
    close(found.std_errors, case.numbers(prefix + "SE"), RTOL)
    size = np.nanmax(np.abs(case.numbers(prefix + "estimate")))
    # quantiles of the studentized range have fewer digits in R
    rtol = 1e-5 if prefix == "pairs_" and case.texts("adjust") == ["tukey"] else RTOL
    close(low, case.numbers(prefix + "lower.CL"), rtol, size)
    close(high, case.numbers(prefix + "upper.CL"), rtol, size)


@pytest.mark.parametrize("name", KNOWN)
def test_means(name: str) -> None:
    case = KNOWN[name]
    found = means(case)
    agrees(found, case, "")
    close(found.p_values, case.numbers("p.value"), 1e-6, 1e-12)


@pytest.mark.parametrize("name", KNOWN)
def test_pairs(name: str) -> None:
    case = KNOWN[name]
    (adjust,) = case.texts("adjust")
    found = means(case).pairs(adjust)
    agrees(found, case, "pairs_")
    close(found.p_values, case.numbers("pairs_p.value"), 1e-6, 1e-6)


@pytest.mark.parametrize("name", [name for name, case in KNOWN.items() if "response_estimate" in case])
def test_response(name: str) -> None:
    case = KNOWN[name]
    (adjust,) = case.texts("adjust")
    found = means(case, "response")
    agrees(found, case, "response_")
    ratios = found.pairs(adjust)
    close(ratios.estimates, case.numbers("ratio_estimate"), RTOL)
    close(ratios.std_errors, case.numbers("ratio_SE"), RTOL)
