"""Goodness of fit, as R's summary.lm: about the mean with an intercept, about zero without one."""

from __future__ import annotations

import math


def residual_sigma(rss: float, df_residual: float) -> float:
    """Residual standard deviation; NaN without residual degrees of freedom."""
    return math.sqrt(rss / df_residual) if df_residual > 0 else math.nan


def r_squared(rss: float, tss: float) -> float:
    """1 - rss / tss; NaN where the outcome does not vary."""
    return 1.0 - rss / tss if tss > 0 else math.nan


def adjusted(r_squared: float, rows: float, df_residual: float, *, intercept: bool) -> float:
    """1 - (1 - R^2) (n - 1) / df_residual, with n for n - 1 without an intercept; NaN unless df_residual > 0."""
    return 1.0 - (1.0 - r_squared) * (rows - intercept) / df_residual if df_residual > 0 else math.nan
