"""Robust and clustered covariances beside absorbed factors, against the values of pyfixest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm

KNOWN = json.loads((Path(__file__).parent / "pyfixest_values.json").read_text())


def told(case: dict[str, Any]) -> str:
    return f"{case['formula']}, {case['cluster'] or 'HC1'}, {case['weights']}"


@pytest.mark.parametrize("case", KNOWN["cases"], ids=told)
def test_as_pyfixest(case: dict[str, Any]) -> None:
    vcov = {"cluster": case["cluster"].split(" + ")} if case["cluster"] else "HC1"
    fit = gm.ols(case["formula"], KNOWN["data"], weights=case["weights"], vcov=vcov, like="fixest")
    # one factor: elimination and demeaning lose three of 15 digits each; two: pyfixest's demeaning ends when steps are
    # below 1e-13 and is then off by some hundred times that, in each of the 120 scores that are added
    rtol = 1e-8 if " + " in case["formula"].partition("|")[2] else 1e-11
    np.testing.assert_allclose(fit.coefficients, case["coefficients"], rtol=rtol)
    np.testing.assert_allclose(fit.std_errors, case["std_errors"], rtol=rtol)
    np.testing.assert_allclose(fit.p_values, case["p_values"], rtol=1e2 * rtol, atol=1e-14)
