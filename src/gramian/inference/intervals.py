"""Confidence intervals by Student's t distribution."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, stdtrit

from gramian.errors import OptionError
from gramian.inference.tests import t_probability
from gramian.typing import Matrix, Vector

ENOUGH = 1e-13  # relative error of a tail that is left


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t with df degrees of freedom; NaN unless df > 0."""
    if not df > 0:
        return float("nan")
    t = float(stdtrit(df, probability))
    tail = 2.0 * min(probability, 1.0 - probability)
    if not tail > 0 or not 0 < abs(t) < np.inf:
        return t
    # SciPy before 1.15 gives 11 digits for few degrees of freedom: one step of Newton's method gives the others
    miss = float(t_probability(np.array(t), df)) / tail - 1.0
    return t if abs(miss) < ENOUGH else t + np.sign(t) * miss * tail / (2.0 * _density(t, df))


def _density(t: float, df: float) -> float:
    """Density of Student's t, to about seven digits."""
    constant = gammaln((df + 1.0) / 2.0) - gammaln(df / 2.0) - 0.5 * np.log(df * np.pi)
    return float(np.exp(constant - (df + 1.0) / 2.0 * np.log1p(t * t / df)))


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
