"""Confidence intervals by Student's t distribution."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from gramian.errors import OptionError
from gramian.typing import Matrix, Vector


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t with df degrees of freedom; NaN unless df > 0."""
    if not df > 0:
        return float("nan")
    return float(stdtrit(df, probability))


def critical(level: float, df: float) -> float:
    """Half-width of a two-sided confidence interval, in standard errors. Raises OptionError unless 0 < level < 1."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0.0 < level < 1.0:
        raise OptionError(f"level must be a number between 0 and 1, as in 0.95, found {level!r}")
    return -t_quantile((1.0 - level) / 2.0, df)


def interval(estimates: Vector, std_errors: Vector, level: float, df: float) -> Matrix:
    """Confidence intervals estimate -+ critical value * standard error, (p, 2).

    Parameters
    ----------
    estimates, std_errors : Vector
        (p,) each.
    level : float
        Confidence level, such as 0.95.
    df : float
        Degrees of freedom of t.
    """
    margin = critical(level, df) * std_errors
    return np.column_stack([estimates - margin, estimates + margin])
