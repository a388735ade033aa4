"""Analysis of variance from coefficients and their covariance: no pass over the rows is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError
from gramian.inference.tests import f_probability
from gramian.linalg.triangular import solve_triangular
from gramian.typing import Codes, Matrix, Vector

SINGULAR = 1e-12  # pivots of a unit-diagonal covariance below which fewer than four digits are left
DEPENDENT = 1e-7  # length that is left of a column of length 1 below which others explain it, as for aliased columns


@dataclass(frozen=True, slots=True)
class AnovaRow:
    """A row of an analysis of variance table.

    Attributes
    ----------
    term : str
        The term, or "Residuals".
    df : float
        Degrees of freedom.
    sum_sq : float
        Sum of squares, in squared units of the outcome; NaN in tables of Wald tests.
    statistic : float
        F statistic; NaN for residuals.
    p_value : float
        P(F >= statistic); NaN where there is no statistic.
    """

    term: str
    df: float
    sum_sq: float
    statistic: float
    p_value: float

    @property
    def mean_sq(self) -> float:
        """Sum of squares divided by degrees of freedom; NaN without degrees of freedom."""
        return self.sum_sq / self.df if self.df > 0 else math.nan


def sequential_sums(b: Vector, V: Matrix, groups: Sequence[Codes]) -> Vector:
    """Sum of squares that each group of columns adds when the groups enter one after the other, (groups,).

    With the covariance V = U U', U upper triangular, it is |z_g|^2 of z = U^-1 b. For V = (X'WX)^-1 that is type I: the
    reverse Cholesky factor of V is the inverse of R in X = QR, so that z = Q'y.

    Parameters
    ----------
    b : Vector
        (p,) coefficients.
    V : Matrix
        (p, p) their covariance.
    groups : Sequence of Codes
        Positions of the columns of each group, in the order of entering. Columns in no group are in the model before
        them.

    Raises
    ------
    NumericalError
        V is singular to rounding.
    """
    # in reverse order the lower Cholesky factor is the factor V = U U'
    at = np.concatenate([np.zeros(0, np.int64), *groups])[::-1]
    scale = np.sqrt(np.maximum(V.diagonal()[at], 0.0))
    if not len(at) or not np.isfinite(scale).all():
        return np.full(len(groups), 0.0 if not len(at) else math.nan)
    if (scale == 0.0).any():
        raise NumericalError(_singular())
    # unit diagonal: the pivots then say how many digits are left, whatever the units of the columns
    L = _factor(V[np.ix_(at, at)] / scale[:, None] / scale)
    z = solve_triangular(L, b[at] / scale, lower=True)[::-1]
    ends = np.cumsum([len(g) for g in groups])
    return np.array([float(part @ part) for part in np.split(z, ends[:-1])])


def added_by(b: Vector, V: Matrix, others: Matrix, own: Matrix) -> tuple[int, float]:
    """Degrees of freedom and sum of squares that columns add to others, which may depend on each other.

    Both are parts of what two models without some columns of the full one lose. A model whose columns are X K, with X
    the independent columns of the full one, loses |z - P z|^2 with z = U^-1 b, V = U U', P the projection on U^-1 K.

    Parameters
    ----------
    b, V
        (r,) coefficients of X and (r, r) their covariance.
    others, own : Matrix
        (r, k) the columns that are there, and those that are added, as combinations of the columns of X.

    Raises
    ------
    NumericalError
        V is singular to rounding.
    """
    scale = np.sqrt(np.maximum(V.diagonal(), 0.0))
    if not (np.isfinite(scale).all() and scale.all()):
        raise NumericalError(_singular())
    L = _factor(V / scale[:, None] / scale)
    z, present, added = (solve_triangular(L, (M.T / scale).T, lower=True) for M in (b, others, own))
    basis = _basis(present)
    added = added / np.maximum(np.linalg.norm(added, axis=0), np.finfo(float).tiny)
    new = _basis(added - basis @ (basis.T @ added), relative=False)
    return new.shape[1], float(np.sum((new.T @ z) ** 2))


def _basis(columns: Matrix, *, relative: bool = True) -> Matrix:
    """An orthonormal basis of the span of columns, which are scaled to length 1 first if `relative`."""
    if relative:
        columns = columns / np.maximum(np.linalg.norm(columns, axis=0), np.finfo(float).tiny)
    left, size, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, size > DEPENDENT])


def _factor(C: Matrix) -> Matrix:
    """Lower Cholesky factor of C (p, p) with unit diagonal. Raises NumericalError where C is singular to rounding."""
    try:
        L = np.linalg.cholesky(C)
    except np.linalg.LinAlgError:
        raise NumericalError(_singular()) from None
    if (L.diagonal() ** 2 < SINGULAR).any():
        raise NumericalError(_singular())
    return np.asarray(L)


def _singular() -> str:
    """Message for a covariance that is singular to rounding."""
    return (
        "the coefficients are too collinear for an analysis of variance: their covariance is singular to rounding; "
        "centre the columns, or use poly(x, degree) for powers"
    )


def anova_row(term: str, df: float, sum_sq: float, variance: float, df_residual: float) -> AnovaRow:
    """A row from its sum of squares.

    Parameters
    ----------
    term : str
        The term.
    df, sum_sq : float
        Its degrees of freedom and sum of squares; a term without degrees of freedom has a sum of 0 and no test.
    variance : float
        Residual variance, the denominator of F.
    df_residual : float
        Residual degrees of freedom.
    """
    if not df > 0:
        return AnovaRow(term, df, 0.0, math.nan, math.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = float(np.float64(sum_sq / df) / np.float64(variance))
    return AnovaRow(term, df, sum_sq, statistic, f_probability(statistic, (df, df_residual)))


def wald_row(term: str, df: float, wald: float, df_residual: float) -> AnovaRow:
    """A row from a Wald statistic (df times F), which has no sum of squares."""
    if not df > 0:
        return AnovaRow(term, df, math.nan, math.nan, math.nan)
    statistic = wald / df
    return AnovaRow(term, df, math.nan, statistic, f_probability(statistic, (df, df_residual)))


def residual_row(rss: float, df_residual: float) -> AnovaRow:
    """The last row, of the residuals."""
    return AnovaRow("Residuals", df_residual, rss, math.nan, math.nan)
