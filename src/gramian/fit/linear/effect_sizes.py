"""Coefficients in standard deviations, and how much of R squared each of them is, without data."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gramian.errors import OptionError
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.collinearity import products_about_means


def effect_sizes(solved: Solved) -> pa.Table:
    """Standardized coefficients with partial and semi-partial R squared, a row for each column but the intercept.

    With t the statistic under iid errors: partial R^2 = t^2 / (t^2 + df), semi-partial R^2 = t^2 (1 - R^2) / df, which
    is what R squared loses without the column. Raises OptionError for a fit with a penalty or absorbed factors.
    """
    if solved.alpha is not None or solved.absorbed is not None:
        raise OptionError("standardized coefficients are of a plain linear fit, without a penalty or absorbed factors")
    if not solved.intercept:
        raise OptionError("standardized coefficients are about means; this fit has no intercept")
    df = solved.rows - solved.effective
    at = [i for i in range(len(solved.names)) if i != solved.parametrization.constant]
    deviations = np.sqrt(np.maximum(products_about_means(solved).diagonal(), 0.0) / solved.tss)[at]
    b, variances = solved.coefficients[at], solved.inverse.diagonal()[at]
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.sqrt(variances * solved.rss / df)
        t2 = np.where(solved.identified[at], (b / unit) ** 2, np.nan)
        numbers = {
            "estimate": b * deviations,
            "std_error": unit * deviations,
            "partial_r_squared": t2 / (t2 + df),
            "semipartial_r_squared": t2 * (solved.rss / solved.tss) / df,
        }
    columns = {name: pa.array(v, pa.float64(), mask=~np.isfinite(v)) for name, v in numbers.items()}
    return pa.table({"term": pa.array([solved.names[i] for i in at], pa.string()), **columns})
