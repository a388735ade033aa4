"""Poisson regressions with absorbed factors, against the values of pyfixest's fepois."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm

KNOWN = json.loads((Path(__file__).parent / "pyfixest_glm_values.json").read_text())


def text(case: dict[str, Any]) -> str:
    return f"{case['formula']}, {case['vcov']}, {' '.join(case['options'])}"


@pytest.mark.parametrize("case", KNOWN["cases"], ids=text)
def test_as_fepois(case: dict[str, Any]) -> None:
    clusters = case["vcov"]
    vcov = "HC1" if clusters == "hetero" else {"cluster": clusters["CRV1"].split(" + ")}
    fit = gm.glm(case["formula"], KNOWN["data"], family="poisson", vcov=vcov, like="fixest", **case["options"])
    assert fit.rows == case["rows"]
    assert fit.dropped_rows["separated"] == 300 - case["rows"] > 0
    # pyfixest takes its weights at the point before the last, which is off by the square root of its tolerance
    np.testing.assert_allclose(fit.coefficients, case["coefficients"], rtol=1e-10)
    np.testing.assert_allclose(fit.std_errors, case["std_errors"], rtol=1e-8)
