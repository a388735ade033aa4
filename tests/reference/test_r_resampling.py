"""The cluster jackknife against R: clubSandwich and lm without each cluster; r/resampling.R has made the values."""

from __future__ import annotations

import numpy as np
import pytest
from reference.r_values import cases, close

import gramian as gm

KNOWN = cases("resampling")


@pytest.mark.parametrize("name", KNOWN)
def test_the_jackknife(name: str) -> None:
    case = KNOWN[name]
    (by,) = case.texts("by")
    found = gm.ols(case.formula, case.data, weights=case.weights).jackknife(cluster=by)
    close(found.vcov.reshape(-1), case.numbers("vcov"), 1e-8, np.outer(found.std_errors, found.std_errors).reshape(-1))
    without = case.numbers("without").reshape(found.coefficients.shape)
    close((found.coefficients / found.std_errors).reshape(-1), (without / found.std_errors).reshape(-1), 1e-9)
    close(found.leverages, case.numbers("leverages"), 1e-9)
