"""CR2 and Satterthwaite's degrees of freedom against R's clubSandwich; r/bias_reduced.R has made the values."""

from __future__ import annotations

import numpy as np
import pytest
from reference.r_values import cases, close

import gramian as gm

KNOWN = cases("bias_reduced")


@pytest.mark.parametrize("name", KNOWN)
def test_covariances_and_tests(name: str) -> None:
    case = KNOWN[name]
    (by,) = case.texts("by")
    vcov = {"cluster": by, "type": "CR2"}
    fit = gm.ols(case.formula, case.data, weights=case.weights, vcov=vcov)
    close(fit.vcov.reshape(-1), case.numbers("vcov"), 1e-8, np.outer(fit.std_errors, fit.std_errors).reshape(-1))
    table = fit.tidy()
    close(table["df"].to_numpy(), case.numbers("df"), 1e-8)
    close(table["p_value"].to_numpy(), case.numbers("p_values"), 1e-8 * (2 + np.minimum(fit.statistics**2, 1e3)))
    if case.weights is None:
        stored = gm.gram(case.formula, case.data, cluster=by).ols(case.formula, vcov=vcov)
        close(stored.std_errors, fit.std_errors, 1e-8)
        close(stored.covariance.coefficient_df, fit.covariance.coefficient_df, 1e-8)
