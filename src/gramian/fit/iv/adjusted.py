"""CR2 and CR3 beside instruments: scores by cluster with adjusted residuals, from products by cluster.

Both adjust the residuals of a cluster by its part of a hat matrix. That of the coefficients is the one of the second
stage, with projected regressors, as in clubSandwich; the first stages have the instruments, the test of endogeneity
regressors and first-stage residuals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.fit.iv.accumulate import MomentRows
from gramian.fit.iv.basis import Basis, solve_scaled
from gramian.fit.iv.leverages import orthonormal_columns, orthonormal_combinations
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.vcov.bias_reduced import ClusterProducts, bias_reduced
from gramian.fit.vcov.sandwich import Sandwich, jackknife_changes
from gramian.inference.estimators import BiasReduced
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.columns import Columns, Layout
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class BasisRows:
    """Rows of orthonormal instruments and of residuals on them, in the place of stored columns."""

    moment_rows: MomentRows

    @property
    def width(self) -> int:
        """Number of columns, m + k + 1."""
        return self.moment_rows.instruments + self.moment_rows.endogenous + 1

    def rows(self, columns: Columns, layout: Layout, sizes: Mapping[str, int]) -> Matrix:
        """The rows of a block, (n, m + k + 1). sizes : factor -> levels."""
        own, Z = self.moment_rows.combinations, self.moment_rows.stored(columns, layout, sizes)
        return np.hstack([np.dot(Z, own.instruments), np.dot(Z, own.residuals)])


@dataclass(frozen=True, slots=True)
class BasisProducts:
    """Products by cluster of orthonormal instruments, residuals on them, and the residual of the model, which is last.

    The residual of the outcome is without that of the model.

    Attributes
    ----------
    rows : MomentRows
        Which columns these are, m + k + 2 in number.
    products : ndarray of shape (G, w, w)
        With weights and CR2 every column is there once more, times the weight.
    twice : bool
        Whether it is.
    """

    rows: MomentRows
    products: Matrix
    twice: bool = False

    @property
    def width(self) -> int:
        """Number of columns, w."""
        return self.rows.instruments + self.rows.endogenous + 2

    def regression(self, regressors: Matrix, outcome: Vector) -> ClusterProducts:
        """Products by cluster of a regression. regressors : (w, r), outcome : (w,) combinations of the columns."""
        both = np.kron(np.eye(1 + self.twice), regressors)
        cross = self.products[:, :, : self.width] @ outcome
        return ClusterProducts(both.T @ self.products @ both, cross @ both, self.twice)

    def _place(self, combinations: Matrix, start: int) -> Matrix:
        """Combinations (j, c) of the columns from a place on, as combinations (w, c) of all."""
        out = np.zeros((self.width, combinations.shape[1]))
        out[start : start + len(combinations)] = combinations
        return out

    @property
    def residual(self) -> Vector:
        """The residual of the model, (w,)."""
        return np.asarray(np.eye(self.width)[-1])

    @property
    def outcome(self) -> Vector:
        """The residual of the outcome on all instruments, (w,)."""
        return np.asarray(np.eye(self.width)[-2] + self.residual)

    def sums(self, basis: Basis, within: Matrix, reduced: Matrix, vcov: VcovSpec, independent: Mask) -> Matrix:
        """The vectors of `MomentRows` by cluster, (G, width): plain for the model, adjusted for the tests.

        within, reduced : as in `IvSolved`. independent : (p,) columns of the model.
        """
        m, k, own = self.rows.instruments, self.rows.endogenous, self.rows.combinations
        L = self.rows.excluded
        plain = self.regression(self._place(np.eye(m), 0), self.residual).scores[:, -m:]
        # with first-stage residuals among the regressors: those without what the regressors explain of them
        unexplained = within[:k, :k] - reduced[:, :k].T @ reduced[:, :k]
        explained = solve_scaled(within[:k, :k], unexplained)
        U, H = orthonormal_columns(basis.projection(), independent), orthonormal_combinations(unexplained)
        both = np.hstack([self._place(U, 0), self._place(H, m)])
        tested = np.vstack(
            [-U[m - L :].T @ (reduced[:, :k] @ explained), H.T @ (unexplained @ (np.eye(k) - explained))]
        )
        error = self.outcome.copy()
        error[m : m + k] -= own.slopes
        error[m - L : m] += own.explained
        instruments = self._place(np.eye(m), 0)
        residuals = [*np.eye(self.width)[m : m + k], self.outcome]
        first = [adjusted_scores(vcov, self.regression(instruments, v))[:, m - L :] for v in residuals]
        return np.hstack([plain, *first, adjusted_scores(vcov, self.regression(both, error)) @ tested])

    def covariance(self, basis: Basis, sandwich: Sandwich) -> RobustCovariance:
        """The covariance of the coefficients."""
        own = self.regression(self._place(basis.projection(), 0), self.residual)
        if isinstance(sandwich.vcov.estimator, BiasReduced):
            return sandwich.by_adjustment(own)
        return sandwich.by_jackknife(own.products, own.scores)[0]


def adjusted_scores(vcov: VcovSpec, clusters: ClusterProducts) -> Matrix:
    """Adjusted scores (G, r) of a regression on orthonormal columns, but for their sign."""
    every = np.ones(clusters.width, bool)
    if isinstance(vcov.estimator, BiasReduced):
        return bias_reduced(clusters, every, np.zeros((0, clusters.width))).changes
    return jackknife_changes(clusters.products, clusters.scores, every).changes


def products_twice(vcov: VcovSpec, structural: Solved) -> bool:
    """Whether products with the squares of weights are needed."""
    return isinstance(vcov.estimator, BiasReduced) and structural.design.weight is not None
