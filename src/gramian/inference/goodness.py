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


def pseudo_r_squared(deviance: float, null_deviance: float, loglik: float | None, rows: int) -> dict[str, float]:
    """Measures of fit beside a model with an intercept only, by name; NaN without a likelihood.

    McFadden's is 1 - log L / log L0, that of Cox and Snell 1 - (L0 / L)^(2 / n), that of Nagelkerke the same over its
    largest value; "deviance" is the share of the null deviance that is explained.

    References
    ----------
    D. McFadden, in P. Zarembka (ed.), Frontiers in Econometrics, Academic Press 1974.

    N. J. D. Nagelkerke, A note on a general definition of the coefficient of determination, Biometrika 78 (1991).
    """
    explained = 1.0 - deviance / null_deviance if null_deviance > 0 else math.nan
    if loglik is None:
        return {"mcfadden": math.nan, "cox_snell": math.nan, "nagelkerke": math.nan, "deviance": explained}
    null = loglik - (null_deviance - deviance) / 2.0
    cox_snell = -math.expm1(-(null_deviance - deviance) / rows)
    largest = -math.expm1(2.0 * null / rows)
    return {
        "mcfadden": 1.0 - loglik / null if null else math.nan,
        "cox_snell": cox_snell,
        "nagelkerke": cox_snell / largest if largest > 0 else math.nan,
        "deviance": explained,
    }
