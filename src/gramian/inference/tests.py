"""Test statistics and their tail probabilities, with relative accuracy far out in the tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import betainc, betaincc

from gramian.errors import NumericalError
from gramian.typing import Matrix, Vector

SMALLEST = 64 * float(np.finfo(float).eps)  # squared pivot, with unit diagonal, below which it is rounding error of V
SINGULAR = "the hypotheses cannot be told apart: their covariance is singular"


@dataclass(frozen=True, slots=True)
class Test:
    """Result of a Wald or F test.

    Attributes
    ----------
    statistic : float
        The F statistic.
    df : tuple of float
        Degrees of freedom of numerator and denominator; the latter is infinite for a chi-square test.
    p_value : float
        Probability of a larger statistic under the hypothesis.
    estimate : tuple of float
        For each hypothesis its left side minus its right side.
    """

    __test__ = False  # tells pytest that the class is not a test case

    statistic: float
    df: tuple[float, float]
    p_value: float
    estimate: tuple[float, ...]

    @property
    def chi_squared(self) -> float:
        """Numerator degrees of freedom times F, which large samples compare with chi-squared of as many."""
        return self.statistic * self.df[0]

    def _repr_html_(self) -> str:
        cells = f"{self.statistic:.6g}", *(f"{df:.6g}" for df in self.df), f"{self.p_value:.4g}"
        head = "".join(f"<th>{name}</th>" for name in ("F", "df", "df of the errors", "p-value"))
        return f"<table><tr>{head}</tr><tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr></table>"


def ratios(estimates: Vector, std_errors: Vector) -> Vector:
    """Estimates / standard errors, (p,); infinite where the error is zero, NaN where both are zero or either is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(estimates / std_errors)


def t_probability(t: Vector, df: float) -> Vector:
    """P(|T| >= |t|) for T with df degrees of freedom; NaN unless df > 0."""
    t = np.abs(np.asarray(t, np.float64))
    if not df > 0:
        return np.full_like(t, np.nan)
    with np.errstate(over="ignore"):
        # t^2 with df degrees of freedom is F with 1 and df
        return _upper_tail((t / np.sqrt(df)) ** 2, 1, df)


def f_probability(statistic: float, df: tuple[float, float]) -> float:
    """P(F >= statistic) for F with df degrees of freedom; NaN unless both are positive."""
    if not (df[0] > 0 and df[1] > 0):
        return float("nan")
    return float(_upper_tail(np.array(statistic * df[0] / df[1]), *df))


def _upper_tail(x: Vector, numerator_df: float, denominator_df: float) -> Vector:
    """P(ratio of independent chi-squares >= x) = 1 - I_z(numerator_df/2, denominator_df/2), z = x / (1 + x).

    For x > 1 it is I_(1-z)(denominator_df/2, numerator_df/2) with 1 - z = 1 / (1 + x), else the complement near zero:
    so neither z nor 1 - z loses digits, and the tail has full relative accuracy.

    References
    ----------
    M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 26.6.2 and 26.7.1.
    """
    with np.errstate(invalid="ignore"):
        # clipped: both formulas are evaluated everywhere, each is accurate on its side of 1
        near = betaincc(numerator_df / 2, denominator_df / 2, np.minimum(x, 1.0) / (1.0 + np.minimum(x, 1.0)))
        far = betainc(denominator_df / 2, numerator_df / 2, 1.0 / (1.0 + np.maximum(x, 1.0)))
    return np.asarray(np.where(x > 1.0, far, near))


def overall_f_test(rss: float, tss: float, df: tuple[float, float], estimate: tuple[float, ...]) -> Test:
    """F test that all coefficients but the intercept are zero, ((tss - rss) / df1) / (rss / df2).

    Parameters
    ----------
    rss, tss : float
        Residual and total sum of squares.
    df : tuple of float
        Degrees of freedom of the model without intercept, and of the residuals.
    estimate : tuple of float
        The coefficients, for the result.
    """
    explained, residual = max(tss - rss, 0.0) / df[0], rss / df[1]
    statistic = explained / residual if residual else float("inf") if explained else float("nan")
    return Test(statistic, df, f_probability(statistic, df), estimate)


def wald(R: Matrix, b: Vector, q: Vector, V: Matrix, df: float, factor: float = 1.0) -> Test:
    """Wald test of R b = q: F = (R b - q)' (R V R')^-1 (R b - q) / k.

    Parameters
    ----------
    R : Matrix
        (k, p), of full row rank.
    b : Vector
        (p,) coefficients.
    q : Vector
        (k,) right sides.
    V : Matrix
        (p, p) covariance of b, finite wherever R is not zero.
    df : float
        Degrees of freedom of the denominator.
    factor : float
        By which F is multiplied.

    Raises
    ------
    OptionError
        The hypotheses repeat or contradict each other.
    NumericalError
        R V R' is singular to rounding.
    """
    from gramian.inference.restrictions import independent  # most fits are not asked for joint tests

    # coefficients that are not identified are NaN, and NaN times 0 is NaN
    used = np.flatnonzero(R.any(axis=0))
    R, b, V = R[:, used], b[used], V[np.ix_(used, used)]
    own = independent(R, q, np.sqrt(np.abs(V.diagonal())))
    with np.errstate(over="ignore", invalid="ignore"):  # a variance that is not finite gives a statistic of NaN
        statistic = factor * square(own.R @ b - own.q, own.R @ V @ own.R.T) / len(R)
    degrees = (len(R), df)
    return Test(statistic, degrees, f_probability(statistic, degrees), tuple((R @ b - q).tolist()))


def square(distance: Vector, C: Matrix) -> float:
    """d' C^-1 d, with C scaled to unit diagonal; infinite where a variance is zero and its distance is not."""
    scale = np.sqrt(np.maximum(C.diagonal(), 0.0))
    if not np.isfinite(scale).all():
        return float("nan")
    if (scale == 0).any():
        return float("inf") if (distance != 0).any() else float("nan")
    d = distance / scale
    try:
        factor = cho_factor(C / scale[:, None] / scale, lower=True)
    except np.linalg.LinAlgError:
        raise NumericalError(SINGULAR) from None
    if factor[0].diagonal().min() ** 2 < SMALLEST:
        raise NumericalError(SINGULAR)
    return float(d @ cho_solve(factor, d))
