"""Covariance of the coefficients.

References
----------
J. E. Pustejovsky and E. Tipton, Small-sample methods for cluster-robust variance estimation and hypothesis testing in
fixed effects models, Journal of Business and Economic Statistics 36 (2018), 672-683 (the test HTZ).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gramian.errors import NumericalError
from gramian.inference.estimators import IID
from gramian.inference.vcov_spec import VcovSpec
from gramian.typing import Matrix, Vector

SINGULAR = 1e-12  # of the largest eigenvalue of the expected covariance of hypotheses
SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-290, 1e290  # outside, float64 may have lost digits of a variance


class JointDf(NamedTuple):
    """Degrees of freedom of the denominator of a joint test, and the factor of its statistic."""

    df: float
    factor: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class ClusterPairs:
    """What the degrees of freedom of all hypotheses about p coefficients follow from, with few clusters.

    Hotelling's T squared with degrees of freedom that match the variance of the covariance.

    Attributes
    ----------
    expected : Matrix
        (p, p) expectation of the covariance under equal variances of one.
    pairs : Matrix
        (p^2, p^2) sums over pairs of clusters of P_gh(a, b) P_gh(c, d), the covariances of what these add to
        coefficients, each in units of the root of its expected variance.
    """

    expected: Matrix
    pairs: Matrix

    def of(self, R: Matrix) -> JointDf:
        """Of hypotheses R (k, p); NaN where they repeat each other."""
        from gramian.inference.restrictions import equivalent  # most fits are not asked for joint tests

        k, roots = len(R), np.sqrt(self.expected.diagonal())
        roots = np.where(roots > 0.0, roots, 1.0)
        own = equivalent(R, np.zeros(k), roots)
        if own.implied is not None:
            return JointDf(np.nan)
        C = own.R * roots
        C = C / np.linalg.norm(C, axis=1, keepdims=True)
        values, vectors = np.linalg.eigh(C @ (self.expected / roots / roots[:, None]) @ C.T)
        if not values[0] > SINGULAR * values[-1]:
            return JointDf(np.nan)
        C = (vectors / np.sqrt(values)) @ vectors.T @ C
        both = np.einsum("sa,tb->stab", C, C).reshape(k * k, -1)
        moments = (both @ self.pairs @ both.T).reshape(k, k, k, k)
        variances = np.einsum("sstt->st", moments) + np.einsum("stts->st", moments)
        degrees = k * (k + 1) / float(variances.sum())
        return JointDf(degrees - k + 1.0, (degrees - k + 1.0) / degrees)


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """Covariance matrix of the coefficients, as tests and intervals use it.

    Attributes
    ----------
    name : str
        The estimator: "iid", "HC1", "CR1 by firm", ...
    matrix : Matrix
        (p, p), NaN where a coefficient is not identified.
    df : float
        Degrees of freedom of t and F; infinite for the normal distribution.
    description : str
        The estimator in one line, with its small-sample factor.
    diagonal_roots : Vector or None
        (p,) square roots of the diagonal, where the diagonal itself may overflow or underflow float64.
    clusters : tuple of int
        Number of clusters of each column of clusters.
    coefficient_df : Vector or None
        (p,) degrees of freedom of the t test of each coefficient; None where they are all `df`.
    joint : ClusterPairs or None
        What the degrees of freedom of other tests follow from; None where these are `df`.
    """

    name: str
    matrix: Matrix
    df: float
    description: str = IID
    diagonal_roots: Vector | None = None
    clusters: tuple[int, ...] = ()
    coefficient_df: Vector | None = None
    joint: ClusterPairs | None = None

    @property
    def t_df(self) -> float | Vector:
        """Degrees of freedom of the t test of a coefficient, one number or (p,)."""
        return self.df if self.coefficient_df is None else self.coefficient_df

    def df_of(self, R: Matrix) -> float:
        """Degrees of freedom of the test of hypotheses (k, p): those of a coefficient where one is tested alone."""
        return self.joint_df(R).df

    def joint_df(self, R: Matrix) -> JointDf:
        """Degrees of freedom of the test of hypotheses (k, p), and the factor of its F.

        Raises NumericalError where clusters leave none.
        """
        if self.joint is None:
            return JointDf(self._df_alone(R))
        found = self.joint.of(np.nan_to_num(R))
        if found.df <= 0.0:
            raise NumericalError(
                f"{len(R):,} hypotheses cannot be tested at once: {self.clusters[0]:,} clusters leave "
                f"{found.df + len(R) - 1.0:.2g} degrees of freedom for them ({self.name}); test fewer at once"
            )
        return found

    def _df_alone(self, R: Matrix) -> float:
        """Those of a coefficient where one is tested alone, else `df`."""
        if self.coefficient_df is None or len(R) != 1 or np.count_nonzero(R) != 1:
            return self.df
        return float(self.coefficient_df[np.flatnonzero(R[0])[0]])

    def check_rank(self, hypotheses: int) -> None:
        """Raise NumericalError for more hypotheses at once than the rank of the covariance."""
        reason = self.too_few_clusters(hypotheses)
        if reason:
            raise NumericalError(f"{reason}; test fewer at once")

    def too_few_clusters(self, hypotheses: int) -> str:
        """Why clusters are too few to test so many hypotheses at once; empty where they are not."""
        # the scores of all rows add up to zero, so those of G clusters span G - 1 dimensions at most
        if len(self.clusters) != 1 or hypotheses < self.clusters[0]:
            return ""
        count = self.clusters[0]
        rank = f"a covariance by {count:,} clusters has rank {count - 1:,} at most"
        return f"{hypotheses:,} hypotheses cannot be tested at once: {rank}"

    @property
    def std_errors(self) -> Vector:
        """Standard errors, (p,).

        NaN where multi-way clustering gives a negative variance.
        """
        if self.diagonal_roots is not None:
            return self.diagonal_roots
        variance = self.matrix.diagonal()
        return np.asarray(np.sqrt(np.where(variance < 0.0, np.nan, variance)))


def iid(inverse: Matrix, rss: float, df_residual: float, diagonal_roots: Vector | None = None) -> Covariance:
    """sigma^2 (X'WX)^-1: the covariance under independent errors of equal variance.

    Parameters
    ----------
    inverse : Matrix
        (p, p) inverse of X'WX.
    rss : float
        Residual sum of squares; sigma^2 is rss / df_residual, NaN without residual degrees of freedom.
    df_residual : float
        Residual degrees of freedom.
    diagonal_roots : Vector, optional
        (p,) square roots of the diagonal of `inverse`, where float64 cannot hold the diagonal.
    """
    sigma = math.sqrt(rss / df_residual) if df_residual > 0 else math.nan
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        inverse_roots = np.sqrt(np.maximum(inverse.diagonal(), 0.0)) if diagonal_roots is None else diagonal_roots
        return Covariance(
            IID,
            sigma**2 * inverse,
            df_residual,
            # sigma times the root, since sigma^2 times the diagonal may leave float64's range
            diagonal_roots=np.where(np.isnan(inverse.diagonal()), np.nan, sigma * inverse_roots),
        )


def scaled_inverse(inverse: Matrix, dispersion: float, df: float, inverse_roots: Vector | None) -> Covariance:
    """dispersion (X'WX)^-1: the covariance of a generalized linear model.

    Parameters
    ----------
    inverse : Matrix
        (p, p) inverse of X'WX.
    dispersion : float
        Variance of an outcome over the variance function.
    df : float
        Degrees of freedom of t and F; infinite for the normal distribution.
    inverse_roots : Vector or None
        (p,) square roots of the diagonal of `inverse`, used where a variance leaves the range of float64.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        matrix = inverse * dispersion
        variances = matrix.diagonal()
        representable = (variances > SMALLEST_VARIANCE) & (variances < LARGEST_VARIANCE)
        if inverse_roots is None or (representable | np.isnan(variances)).all():
            return Covariance(IID, matrix, df)
        return Covariance(IID, matrix, df, diagonal_roots=np.sqrt(dispersion) * inverse_roots)


def robust_covariance(
    vcov: VcovSpec,
    matrix: Matrix,
    df: float,
    factor: float,
    clusters: tuple[int, ...],
    negative: int,
    coefficient_df: Vector | None = None,
    joint: ClusterPairs | None = None,
) -> Covariance:
    """A robust covariance with its description.

    Parameters
    ----------
    vcov : VcovSpec
        The estimator.
    matrix : Matrix
        (p, p) covariance, with the factor applied.
    df : float
        Degrees of freedom.
    factor : float
        Small-sample factor, for the description.
    clusters : tuple of int
        Number of clusters of each column.
    negative : int
        Number of negative eigenvalues that were raised to the floor of the conventions.
    coefficient_df : Vector, optional
        (p,) degrees of freedom of each coefficient.
    joint : ClusterPairs, optional
        What the degrees of freedom of joint tests follow from.
    """
    details = [" and ".join(f"{n:,}" for n in clusters) + " clusters"] if clusters else []
    details += [f"factor {factor:.6g}"] if factor != 1.0 else []
    degrees = "z" if math.isinf(df) else f"t with {df:,.10g} degrees of freedom"
    if coefficient_df is not None:
        others = f"joint tests with {df:,.10g}" if joint is None else "joint tests by Hotelling's T squared (HTZ)"
        degrees = f"t with Satterthwaite's degrees of freedom, {others}"
    details += [degrees]
    if negative:
        floor = vcov.small_sample.eigenvalue_floor
        what = f"raised to {floor:g}" if floor else "set to zero"
        details += [f"{negative} negative eigenvalue{'s'[: negative != 1]} {what}"]
    details += [f"as {vcov.like}"] if vcov.like else []
    return Covariance(
        vcov.name,
        matrix,
        df,
        f"{vcov.name}: {', '.join(details)}",
        clusters=clusters,
        coefficient_df=coefficient_df,
        joint=joint,
    )
