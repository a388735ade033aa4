"""Tests and intervals by Student's t, or by the normal distribution where the dispersion is known (df infinite)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import erfc, gammaincc, ndtri

from gramian.errors import NumericalError
from gramian.inference import intervals, tests
from gramian.typing import Codes, Matrix, Vector


def probability(statistics: Vector, df: float | Vector) -> Vector:
    """Two-sided p-values P(|T| >= |t|) of statistics (p,). df : of all, or (p,)."""
    if isinstance(df, np.ndarray):
        return np.array([tests.t_probability(t, d) for t, d in zip(statistics, df.tolist(), strict=True)], np.float64)
    if math.isfinite(df):
        return tests.t_probability(statistics, df)
    # erfc keeps the digits of small probabilities, which 1 - Phi would lose
    return np.asarray(erfc(np.abs(statistics) / math.sqrt(2.0)))


def critical(level: float, df: float) -> float:
    """Half-width of a two-sided confidence interval, in standard errors. Raises OptionError unless 0 < level < 1."""
    # checks the level also where the normal quantile is used
    by_t = intervals.critical(level, df if math.isfinite(df) else 1.0)
    return by_t if math.isfinite(df) else -float(ndtri((1.0 - level) / 2.0))


def interval(estimates: Vector, std_errors: Vector, level: float, df: float | Vector) -> Matrix:
    """Confidence intervals estimate -+ critical value * standard error, (p, 2).

    The parameters are those of `intervals.interval`; df may be infinite, or (p,).
    """
    width = np.array([critical(level, d) for d in df.tolist()]) if isinstance(df, np.ndarray) else critical(level, df)
    margin = width * std_errors
    with np.errstate(invalid="ignore"):  # an infinite estimate less an infinite margin is no number
        return np.column_stack([estimates - margin, estimates + margin])


def wald(R: Matrix, b: Vector, q: Vector, V: Matrix, df: float, factor: float = 1.0) -> tests.Test:
    """Wald test of R b = q as an F test; with df infinite k F is chi-square with k degrees of freedom.

    See `gramian.inference.tests.wald` for the parameters.
    """
    test = tests.wald(R, b, q, V, df, factor)
    if math.isfinite(df) or math.isnan(df):
        return test
    k = len(R)
    return replace(test, p_value=float(gammaincc(k / 2, k * test.statistic / 2)))


def zero_test(b: Vector, V: Matrix, at: Codes, df: float, factor: float = 1.0) -> tests.Test | None:
    """Wald test that the coefficients at these positions are zero; None where their covariance is singular.

    factor : by which F is multiplied, other than 1 where the degrees of freedom are those of Hotelling's T squared.
    """
    # a covariance of G clusters has rank G - 1 = df at most
    if factor == 1.0 and len(at) > max(df, 1.0):
        return None
    R = np.zeros((len(at), len(b)))
    R[np.arange(len(at)), at] = 1.0
    try:
        return wald(R, np.nan_to_num(b), np.zeros(len(at)), V, df, factor)
    except NumericalError:
        return None
