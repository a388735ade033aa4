"""Satterthwaite's degrees of freedom of contrasts of fixed effects, whose covariance is a function of parameters.

A. Kuznetsova, P. B. Brockhoff and R. H. B. Christensen, lmerTest package: tests in linear mixed effects models, Journal
of Statistical Software 82 (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.inference.restrictions import independent
from gramian.inference.tests import SMALLEST, Test, f_probability, square
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class VariableCovariance:
    """A covariance of p estimates that depends on k parameters.

    Attributes
    ----------
    matrix : ndarray of shape (p, p)
        The covariance at the estimates of the parameters.
    derivatives : ndarray of shape (k, p, p)
        Its derivatives by them.
    parameters : ndarray of shape (k, k)
        Their covariance.
    """

    matrix: Matrix
    derivatives: Matrix
    parameters: Matrix

    def df(self, contrast: Vector) -> float:
        """Degrees of freedom of c'b for a contrast c (p,): 2 v^2 / Var(v) for v the variance of c'b."""
        used = np.flatnonzero(contrast)
        c, block = contrast[used], np.ix_(used, used)
        variance = c @ self.matrix[block] @ c
        slope = np.array([c @ V[block] @ c for V in self.derivatives])
        spread = slope @ self.parameters @ slope
        return float(2.0 * variance * variance / spread) if spread > 0.0 else float("nan")

    def test(self, R: Matrix, b: Vector, q: Vector) -> Test:
        """F test of R b = q for R (k, p), b (p,) and q (k,).

        Raises NumericalError where R V R' is singular, and OptionError for hypotheses that repeat each other.

        The contrasts are rotated so that their estimates are uncorrelated; the degrees of freedom of F are those of
        a sum of squares of t with theirs (A. H.-C. Fai and P. L. Cornelius, Journal of Statistical Computation and
        Simulation 54 (1996)).
        """
        own = independent(R, q, np.sqrt(self.matrix.diagonal()))
        k, statistic = len(R), square(own.R @ b - own.q, self._of(own.R)) / len(R)
        df = _of_sum([self.df(contrast) for contrast in self._uncorrelated(R, own.R)])
        return Test(statistic, (float(k), df), f_probability(statistic, (k, df)), tuple((R @ b - q).tolist()))

    def _of(self, R: Matrix) -> Matrix:
        """R V R', (k, k)."""
        used = np.flatnonzero(R.any(axis=0))
        return np.asarray(R[:, used] @ self.matrix[np.ix_(used, used)] @ R[:, used].T)

    def _uncorrelated(self, R: Matrix, own: Matrix) -> Matrix:
        """Combinations (k, p) of hypotheses R whose estimates are uncorrelated: eigenvectors of R V R', as in lmerTest.

        Where their units differ so much that rounding hides the smallest variance, those of equivalent hypotheses own
        (k, p), each in units of its standard error.
        """
        values, vectors = np.linalg.eigh(self._of(R))
        if values[0] > SMALLEST * values[-1]:
            return np.asarray(vectors.T @ R)
        own = own / np.sqrt(self._of(own).diagonal())[:, None]
        return np.asarray(np.linalg.eigh(self._of(own))[1].T @ own)


def _of_sum(degrees: list[float]) -> float:
    """Denominator degrees of freedom of the mean of squares of independent t with these degrees of freedom."""
    if len(degrees) == 1 or np.ptp(degrees) < 1e-8 * degrees[0]:
        return degrees[0] if len(degrees) == 1 else float(np.mean(degrees))
    if min(degrees) <= 2.0:
        return 2.0
    expected = sum(df / (df - 2.0) for df in degrees)
    return 2.0 * expected / (expected - len(degrees))
