"""Tests of the assumptions of a linear model, from sums over its rows.

T. S. Breusch and A. R. Pagan, Econometrica 47 (1979), studentized after R. Koenker, Journal of Econometrics 17 (1981);
H. White, Econometrica 48 (1980); J. B. Ramsey, Journal of the Royal Statistical Society B 31 (1969); J. Durbin and
G. S. Watson, Biometrika 37 (1950); C. M. Jarque and A. K. Bera, Economics Letters 6 (1980).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc

from gramian.inference.tests import f_probability
from gramian.typing import Matrix, Vector

DEPENDENT = 1e-10  # singular value of columns of length 1 below which they depend on each other


@dataclass(frozen=True, slots=True)
class DiagnosticTest:
    """One test.

    Attributes
    ----------
    name : str
        The test.
    hypothesis : str
        What it tests.
    statistic : float
        Chi-squared or F; NaN where it is not defined.
    df : float
        Degrees of freedom, of F of the numerator; NaN for a statistic without a distribution.
    df_residual : float
        Degrees of freedom of the denominator of F; NaN for chi-squared.
    p_value : float
        Probability of a larger statistic; NaN without a distribution.
    """

    name: str
    hypothesis: str
    statistic: float
    df: float = math.nan
    df_residual: float = math.nan
    p_value: float = math.nan


def chi_squared(name: str, hypothesis: str, statistic: float, df: float) -> DiagnosticTest:
    """A test with a chi-squared distribution."""
    defined = df > 0 and math.isfinite(statistic)
    p = float(gammaincc(df / 2.0, max(statistic, 0.0) / 2.0)) if defined else math.nan
    return DiagnosticTest(name, hypothesis, statistic, df, p_value=p)


def breusch_pagan(explained: float, total: float, rows: int, df: float) -> DiagnosticTest:
    """N R^2 of a regression of centred squared residuals on the columns.

    explained, total : sums of squares of that regression.
    """
    statistic = rows * explained / total if total > 0 else math.nan
    return chi_squared("Breusch-Pagan", "errors of equal variance", statistic, df)


def white(R: Matrix, rows: int) -> DiagnosticTest:
    """N R^2 of a regression of squared residuals on the columns, their squares and products.

    R : triangular factor of these columns (a constant among them), the squared residuals last.
    """
    columns, u = R[:, :-1], R[:, -1]
    lengths = np.sqrt(np.square(columns).sum(axis=0))
    U, singular, _ = np.linalg.svd(columns / np.where(lengths > 0, lengths, 1.0), full_matrices=False)
    kept = singular > DEPENDENT * singular[0]
    explained, total = float(np.square(U[:, kept].T @ u).sum()), float(np.square(u).sum())
    # the columns contain a constant: about the mean both lose the square of the mean
    constant = R[:, 0] / lengths[0]
    mean = float(constant @ u) ** 2
    statistic = rows * (explained - mean) / (total - mean) if total > mean else math.nan
    return chi_squared("White", "errors of equal variance", statistic, int(kept.sum()) - 1)


def reset(S: Matrix, c: Vector, rss: float, df_residual: float) -> DiagnosticTest:
    """F test of powers of the fitted values.

    S : products of the powers after the columns are partialled out. c : their products with the residuals.
    """
    df, rest = len(c), df_residual - len(c)
    scale = np.sqrt(np.maximum(S.diagonal(), 0.0))
    statistic = math.nan
    if (scale > 0).all() and rest > 0 and np.linalg.cond(S / scale[:, None] / scale) < 1.0 / DEPENDENT:
        explained = float(c @ np.linalg.solve(S, c))
        statistic = explained / df / ((rss - explained) / rest)
    p = f_probability(statistic, (df, rest)) if math.isfinite(statistic) else math.nan
    return DiagnosticTest("RESET", "no powers of the fitted values are missing", statistic, df, rest, p)


def jarque_bera(powers: Vector) -> DiagnosticTest:
    """Skewness and kurtosis of residuals. powers : sums of e^0 to e^4."""
    n, mean = powers[0], powers[1] / powers[0]
    raw = powers / n
    second = raw[2] - mean**2
    third = raw[3] - 3 * mean * raw[2] + 2 * mean**3
    fourth = raw[4] - 4 * mean * raw[3] + 6 * mean**2 * raw[2] - 3 * mean**4
    if not second > 0:
        return chi_squared("Jarque-Bera", "normal errors", math.nan, 2)
    skewness, kurtosis = third / second**1.5, fourth / second**2
    return chi_squared("Jarque-Bera", "normal errors", float(n / 6 * (skewness**2 + (kurtosis - 3) ** 2 / 4)), 2)


def durbin_watson(differences: float, rss: float) -> DiagnosticTest:
    """Sum of squared differences of neighbouring residuals over the sum of squares; about 2 without correlation."""
    statistic = differences / rss if rss > 0 else math.nan
    return DiagnosticTest("Durbin-Watson", "neighbouring errors are not correlated", statistic)
