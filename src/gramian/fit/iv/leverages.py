"""Leverages of the rows in the three regressions whose moments a pass at the solution sums.

The second stage is the regression on projected regressors, as in R's ivreg; the first stages are on all instruments;
the test of endogeneity is on regressors and first-stage residuals. Each has the leverage of a row in an orthonormal
basis of its columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.iv.basis import Basis
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.vcov.hc import MIN_COMPLEMENT
from gramian.inference.estimators import ESTIMATORS, Rowwise
from gramian.linalg.certificate import EPS
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Leverages:
    """What the leverages of rows are made of, and what their squared scores are divided by.

    Attributes
    ----------
    kind : str
        The name of the estimator, whose discount is a function of 1 - h and the mean leverage.
    projected : ndarray of shape (m, r)
        Projected regressors as an orthonormal basis, in the basis of the instruments.
    residuals : ndarray of shape (k, s)
        Residuals of the first stages as an orthonormal basis.
    means : tuple of float
        Mean leverages of the second stage, the first stages and the test of endogeneity.
    """

    kind: str
    projected: Matrix
    residuals: Matrix
    means: tuple[float, float, float]

    def factors(self, Q: Matrix, V: Matrix, weight: Vector, of_level: Vector | float) -> tuple[Vector, Vector, Vector]:
        """What scores (n,) of the three regressions are multiplied by, zero where the leverage is 1.

        Parameters
        ----------
        Q : ndarray of shape (n, m)
            Orthonormal instruments.
        V : ndarray of shape (n, k)
            Residuals of the first stages.
        weight : ndarray of shape (n,)
            Weights.
        of_level : ndarray of shape (n,) or 0
            Leverage of a row by its absorbed level, per weight.

        Raises
        ------
        NumericalError
            Where a row has leverage 1 in the second stage.
        """
        second = weight * (of_level + _squares(np.dot(Q, self.projected)))
        first = weight * (of_level + _squares(Q))
        augmented = second + weight * _squares(np.dot(V, self.residuals))
        check_full_leverage(self.kind, int((1.0 - second < MIN_COMPLEMENT).sum()))
        return (
            self._factor(second, self.means[0]),
            self._factor(first, self.means[1]),
            self._factor(augmented, self.means[2]),
        )

    def _factor(self, leverage: Vector, mean: float) -> Vector:
        """Root of 1 over the discount, (n,)."""
        complement = 1.0 - leverage
        full = complement < MIN_COMPLEMENT
        return np.where(full, 0.0, 1.0 / np.sqrt(_discount(self.kind)(np.where(full, 1.0, complement), mean)))


def _discount(kind: str) -> Callable[[Vector, float], Vector]:
    """The discount of an estimator by row."""
    estimator = ESTIMATORS[kind]
    assert isinstance(estimator, Rowwise)
    assert estimator.discount is not None
    return estimator.discount


def _squares(rows: Matrix) -> Vector:
    """Sums of squares of rows, (n,)."""
    return np.asarray(np.einsum("ij,ij->i", rows, rows))


def check_full_leverage(kind: str, rows: int) -> None:
    """Raise NumericalError for rows with leverage 1."""
    if rows:
        raise NumericalError(
            f"rows with leverage 1 in the second stage: {rows:,}; the fit goes through them whatever their outcome, so "
            f"{kind} is not defined; use HC1, or leave the columns out that are not zero in one row only"
        )


def leverages_of(kind: str, basis: Basis, structural: Solved, unexplained: Matrix) -> Leverages:
    """The leverages of a fit by two-stage least squares. unexplained : (k, k) products of first-stage residuals."""
    rows, others = structural.rows, structural.leverage - structural.rank
    k, m = len(basis.endogenous), basis.Q.shape[1]
    means = (structural.rank + others, m + others, structural.rank + k + others)
    return Leverages(
        kind,
        orthonormal_columns(basis.projection(), structural.solution.independent),
        orthonormal_combinations(unexplained),
        (means[0] / rows, means[1] / rows, means[2] / rows),
    )


def orthonormal_columns(T: Matrix, independent: Mask) -> Matrix:
    """An orthonormal basis (m, r) of the independent columns of T (m, p)."""
    own = T[:, independent]
    return np.linalg.qr(own / np.sqrt(_squares(own.T)))[0] if own.shape[1] else own


def orthonormal_combinations(S: Matrix) -> Matrix:
    """Combinations H (k, s) of columns with products S (k, k) that are orthonormal: H'SH = 1; s is the rank of S."""
    scale = 1.0 / np.sqrt(np.where(S.diagonal() > 0.0, S.diagonal(), 1.0))
    values, vectors = np.linalg.eigh(S * scale[:, None] * scale)
    used = values > len(S) * EPS * 64
    return np.asarray(scale[:, None] * vectors[:, used] / np.sqrt(values[used]))
