"""Estimators of a panel from the products of its columns within each group: between, random effects, with group means.

P. A. V. B. Swamy and S. S. Arora, Econometrica 40 (1972), for unbalanced panels as in B. H. Baltagi and Y.-J. Chang,
Journal of Econometrics 62 (1994), with their weighted regression between groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.mixed.criterion import evaluate
from gramian.linalg.mixed.products import GroupedProducts, grouped_products
from gramian.typing import Codes, Mask, Matrix, Vector

RANK = 1e-12  # eigenvalue of products of unit diagonal below which columns depend on each other
EXACT = 1e-13  # share of the outcome's square below which residuals are rounding errors
WITHIN = 1e-12  # share of a column's square that rounding errors leave of it within groups


@dataclass(frozen=True, slots=True)
class GroupColumns:
    """Products of k columns and the outcome within each of c groups.

    Attributes
    ----------
    products : ndarray of shape (c, k, k + 1)
        Of the columns with all.
    sums : ndarray of shape (c, k + 1)
        Sums of all.
    counts : ndarray of shape (c,)
        Rows of each group.
    square : float
        Square of the outcome over all rows.
    """

    products: Matrix
    sums: Matrix
    counts: Vector
    square: float

    @property
    def total(self) -> Matrix:
        """Products (k + 1, k + 1) of all rows."""
        upper = self.products.sum(axis=0)
        return np.vstack([upper, np.append(upper[:, -1], self.square)])

    def grouped(self) -> GroupedProducts:
        """Products within and between groups."""
        return grouped_products(self.total, self.counts[None, None], np.ascontiguousarray(self.sums.T)[None])

    def varying(self) -> Mask:
        """Which of the k columns vary within groups, (k,)."""
        within, total = self.grouped().within.diagonal()[:-1], self.total.diagonal()[:-1]
        return np.asarray(within > WITHIN * total)

    def with_means(self, columns: Codes) -> GroupColumns:
        """With the group means of some columns behind the others."""
        k, counts = self.products.shape[1], self.counts[:, None, None]
        means = self.sums[:, columns] / self.counts[:, None]
        with_all = means[:, :, None] * self.sums[:, None, :]  # a mean is the same in all rows of a group
        own = counts * means[:, :, None] * means[:, None, :]
        upper = np.concatenate(
            [self.products[:, :, :k], with_all[:, :, :k].transpose(0, 2, 1), self.products[:, :, k:]], axis=2
        )
        lower = np.concatenate([with_all[:, :, :k], own, with_all[:, :, k:]], axis=2)
        sums = np.concatenate([self.sums[:, :k], self.counts[:, None] * means, self.sums[:, k:]], axis=1)
        return GroupColumns(np.concatenate([upper, lower], axis=1), sums, self.counts, self.square)


@dataclass(frozen=True, slots=True)
class Regression:
    """A regression on k columns by generalised least squares.

    Attributes
    ----------
    coefficients : ndarray of shape (k,)
        The estimates.
    inverse : ndarray of shape (k, k)
        Of the products.
    square : float
        Residual sum of squares.
    rank : int
        Number of columns that do not depend on others.
    """

    coefficients: Vector
    inverse: Matrix
    square: float
    rank: int


def regression(A: Matrix) -> Regression:
    """The regression with the products A (k + 1, k + 1), the outcome last."""
    size = np.sqrt(np.where(A.diagonal() > 0.0, A.diagonal(), 1.0))
    scaled = A / size / size[:, None]
    values, vectors = np.linalg.eigh(scaled[:-1, :-1])
    own = values > RANK
    inverse = (vectors[:, own] / values[own]) @ vectors[:, own].T
    b = inverse @ scaled[:-1, -1]
    square = max(float(scaled[-1, -1] - scaled[-1, :-1] @ b), 0.0) * size[-1] ** 2
    return Regression(b * size[-1] / size[:-1], inverse / size[:-1] / size[:-1, None], square, int(own.sum()))


def between(columns: GroupColumns) -> tuple[Matrix, Regression]:
    """The regression of group means, each group once; and the products of the means, (k + 1, k + 1)."""
    means = columns.sums / columns.counts[:, None]
    A = means.T @ means
    return A, regression(A)


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Variances of the residuals and of the effects of groups, and degrees of freedom within and between groups."""

    residual: float
    group: float
    df_within: float
    df_between: float


def swamy_arora(columns: GroupColumns) -> VarianceComponents:
    """The components of variance by moments of the residuals within and between groups; a negative one is zero."""
    grouped, counts, rows = columns.grouped(), columns.counts, float(columns.counts.sum())
    varying = columns.varying()
    at = np.append(np.flatnonzero(varying), len(varying))
    df_within = rows - len(counts) - int(varying.sum())
    square = regression(grouped.within[np.ix_(at, at)]).square
    square = square if square > EXACT * columns.square else 0.0
    residual = square / df_within if df_within > 0 else np.nan
    B = grouped.between[0]
    found = regression(B @ B.T)
    df_between = len(counts) - found.rank
    weighted = (B[:-1] * counts) @ B[:-1].T
    effects = rows - float(np.sum(found.inverse * weighted))
    group = (found.square - df_between * residual) / effects if df_between > 0 else np.nan
    return VarianceComponents(residual, max(group, 0.0) if group == group else group, df_within, df_between)


def random_effects(columns: GroupColumns, ratio: float) -> tuple[Matrix, Regression]:
    """Generalised least squares with a variance of groups of `ratio` times that of the residuals; and its products."""
    A = evaluate(columns.grouped(), np.array([[ratio]])).A
    return A, regression(A)


def scores(columns: GroupColumns, b: Vector, ratio: float) -> Matrix:
    """Scores (c, k) of each group, X_g'V_g^-1 (y_g - X_g b)."""
    residual = np.append(-b, 1.0)
    own, total = columns.products @ residual, columns.sums @ residual
    shrunk = ratio / (1.0 + ratio * columns.counts) * total
    return np.asarray(own - shrunk[:, None] * columns.sums[:, :-1])
