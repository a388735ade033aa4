"""Satterthwaite's degrees of freedom of contrasts of fixed effects, whose covariance is a function of parameters.

A. Kuznetsova, P. B. Brockhoff and R. H. B. Christensen, lmerTest package: tests in linear mixed effects models, Journal
of Statistical Software 82 (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError
from gramian.inference.tests import SINGULAR, SMALLEST, Test, f_probability
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

    def test(self, R: Matrix, difference: Vector) -> Test:
        """F test of R b = q for R (k, p). difference : (k,) R b - q. Raises NumericalError where R V R' is singular.

        The contrasts are rotated so that their estimates are uncorrelated; the degrees of freedom of F are those of
        a sum of squares of t with theirs (A. H.-C. Fai and P. L. Cornelius, Journal of Statistical Computation and
        Simulation 54 (1996)).
        """
        R = np.atleast_2d(R)
        used = np.flatnonzero(np.abs(R).sum(axis=0))
        covariance = R[:, used] @ self.matrix[np.ix_(used, used)] @ R[:, used].T
        size = np.sqrt(covariance.diagonal())
        values, vectors = np.linalg.eigh(covariance)
        if not (size > 0.0).all() or not values[0] > SMALLEST * values[-1]:
            raise NumericalError(SINGULAR)
        squares = (vectors.T @ difference) ** 2 / values
        k, statistic = len(R), float(squares.mean())
        df = _of_sum([self.df(contrast @ R) for contrast in vectors.T])
        return Test(statistic, (float(k), df), f_probability(statistic, (k, df)), tuple(difference.tolist()))


def _of_sum(degrees: list[float]) -> float:
    """Denominator degrees of freedom of the mean of squares of independent t with these degrees of freedom."""
    if len(degrees) == 1 or np.ptp(degrees) < 1e-8 * degrees[0]:
        return degrees[0] if len(degrees) == 1 else float(np.mean(degrees))
    if min(degrees) <= 2.0:
        return 2.0
    expected = sum(df / (df - 2.0) for df in degrees)
    return 2.0 * expected / (expected - len(degrees))
