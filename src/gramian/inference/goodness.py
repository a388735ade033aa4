"""Goodness of fit, as R's summary.lm: about the mean with a constant, about zero without one."""

from __future__ import annotations

import math


def residual_sigma(rss: float, df_residual: float) -> float:
    """Residual standard deviation; NaN when no degree of freedom is left."""
    return math.sqrt(rss / df_residual) if df_residual > 0 else math.nan


def r_squared(rss: float, tss: float) -> float:
    """1 - rss / tss; NaN when the outcome does not vary."""
    return 1.0 - rss / tss if tss > 0 else math.nan


def adjusted(r_squared: float, rows: float, df_residual: float, *, intercept: bool) -> float:
    """1 - (1 - R^2) (n - 1) / df, with n instead of n - 1 when there is no constant; NaN without freedom."""
    return 1.0 - (1.0 - r_squared) * (rows - intercept) / df_residual if df_residual > 0 else math.nan
