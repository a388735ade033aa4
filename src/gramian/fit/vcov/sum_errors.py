"""Bounds of the rounding errors of the sums from which a robust covariance is made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.fit.leastsquares.solution import Solved
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.sandwich import Sandwich
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import EPS, sum_rounding_error
from gramian.linalg.monomials import highest_degree
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class SumErrors:
    """What the rounding of the sums of a pass, and of leverages, adds to the errors of standard errors.

    Attributes
    ----------
    scores : ndarray of shape (p,)
        For each column that was solved for a bound of the norm of the errors of its sums of scores.
    relative : float
        Relative error of a standard error by those of leverages.
    squared : bool
        Whether squares of scores were summed, whose errors are those of squares of standard errors.
    amplification : float
        What a jackknife multiplies errors of scores by; 1 for other estimators.
    terms : float
        Norm of the errors of the terms in an orthonormal basis, by the products of clusters.
    absolute : ndarray of shape (p, p) or None
        Covariance in the columns that were solved for before parts of it were subtracted; None where there are none.
    """

    scores: Vector
    relative: float = 0.0
    squared: bool = False
    amplification: float = 1.0
    terms: float = 0.0
    absolute: Matrix | None = None


def pass_rounding_error(solved: Solved, longest: float | None = None) -> float:
    """Relative rounding error of the sums of a pass at the solution, and of the products with the bread."""
    rows = int(min(solved.rows, longest or solved.rows))
    return sum_rounding_error(rows, 2 * row_roundings(solved), ROWS_PER_BLOCK + rows // ROWS_PER_BLOCK)


def row_roundings(solved: Solved) -> int:
    """Roundings of a product of a row of stored columns with a vector that the solved columns are combined for."""
    groups = solved.parametrization.groups
    stored = sum(len(g.positions) for g in groups)
    # each stored column is a product of shifted variables
    return stored + len(solved.names) + 2 * highest_degree([m for g in groups for m in g.monomials]) + 3


def column_norms(solved: Solved) -> Vector:
    """Norms of the columns that were solved for, the constant among them, as they were summed; (p,)."""
    bounds = solved.solution.bounds
    assert bounds is not None
    constant = solved.parametrization.constant
    norms = bounds.summed_norms.copy()
    if constant is not None:
        norms[constant] = np.sqrt(solved.weight)
    return norms


def largest_cluster(clusters: Clusters, counts: Vector) -> float:
    """Rows of the largest cluster by any one of the columns. counts : (c,) rows of each combination."""
    return float(max(np.bincount(clusters.by([i]), counts).max() for i in range(clusters.cells.shape[1])))


def certifiable(solved: Solved) -> bool:
    """Whether there are bounds from which digits follow: not of a loaded fit, nor beside absorbed factors."""
    return solved.solution.bounds is not None and solved.absorbed is None and solved.inverse_roots is not None


def errors_by_row(solved: Solved, squares: Vector, smallest_complement: float, power: int) -> SumErrors:
    """Errors of a pass by row.

    Parameters
    ----------
    solved : Solved
        The fit.
    squares : Vector
        (p,) sums of squares of the scores times the columns that were solved for.
    smallest_complement : float
        The smallest 1 - h.
    power : int
        Of 1 - h, by which squared scores were divided.
    """
    scores = np.sqrt(pass_rounding_error(solved) * np.maximum(squares, 0.0))
    return SumErrors(scores, leverage_error(solved, smallest_complement, power), squared=True)


def errors_by_cluster(
    sandwich: Sandwich, clusters: Clusters, scores: Matrix, counts: Vector, largest_score: float
) -> SumErrors:
    """Errors of sums of scores by cluster.

    Parameters
    ----------
    sandwich : Sandwich
        The fit and the estimator.
    clusters : Clusters
        The c clusters.
    scores : Matrix
        (c, p) their sums of scores.
    counts : Vector
        (c,) their rows.
    largest_score : float
        The largest score of a row.
    """
    largest = largest_cluster(clusters, counts)
    rounding = pass_rounding_error(sandwich.solved, largest) * np.sqrt(largest) * largest_score
    absolute = None
    if clusters.cells.shape[1] > 1:
        absolute = sandwich.summed(*sandwich.parts(clusters, scores), absolute=True)
    return SumErrors(rounding * column_norms(sandwich.solved), absolute=absolute)


def errors_of_products(
    sandwich: Sandwich, clusters: Clusters, scores: Matrix, *, outcome_is_residual: bool
) -> SumErrors:
    """Errors of scores from products by cluster.

    Parameters
    ----------
    sandwich : Sandwich
        The fit and the estimator.
    clusters : Clusters
        The c clusters.
    scores : Matrix
        (c, p) their sums of scores.
    outcome_is_residual : bool
        Whether products with the residual were summed; otherwise scores are differences of products, which cancel.
    """
    solved = sandwich.solved
    bounds, norms = solved.solution.bounds, column_norms(solved)
    assert bounds is not None
    size = np.sqrt(solved.rss)
    if not outcome_is_residual:
        scale = solved.parametrization.scale
        size = scale * (bounds.response_norm + norms @ np.abs(solved.solution.coefficients))
    absolute = None
    if clusters.cells.shape[1] > 1:
        absolute = sandwich.summed(*sandwich.parts(clusters, scores), absolute=True)
    return SumErrors(pass_rounding_error(solved) * size * norms, absolute=absolute)


def errors_of_jackknife(errors: SumErrors, solved: Solved, products: Matrix, V: Matrix, lowest: float) -> SumErrors:
    """Errors of a jackknife, from those of the scores.

    Parameters
    ----------
    errors : SumErrors
        Of the scores.
    solved : Solved
        The fit.
    products : Matrix
        (c, p, p) by cluster.
    V : Matrix
        (p, p) the covariance.
    lowest : float
        Smallest share of the products that is left without a cluster.
    """
    bounds = solved.solution.bounds
    assert bounds is not None
    changes = np.sqrt(max(float(np.sum(products.sum(axis=0) * V)), 0.0))
    # products of all rows, their root and those of a cluster have errors that the inverse of what is left enlarges
    rounding = 3.0 * pass_rounding_error(solved) * float(column_norms(solved) @ bounds.sensitivity)
    return replace(errors, scores=errors.scores / lowest, amplification=1.0 / lowest, terms=rounding * changes / lowest)


def leverage_error(solved: Solved, smallest_complement: float, power: int) -> float:
    """Bound of the relative error of the discounted scores by those of leverages. power : of 1 - h in the variance."""
    bounds, V = solved.solution.bounds, solved.solution.inverse
    if bounds is None or not power:
        return 0.0
    R, norms = bounds.summed_norms, column_norms(solved)
    by_bread = bounds.rounding_error * bounds.amplification * float(R @ np.sqrt(np.maximum(V.diagonal(), 0.0))) ** 2
    by_products = 2.0 * row_roundings(solved) * EPS * float(norms @ np.abs(V) @ norms)
    return power * (by_bread + by_products) / smallest_complement / 2.0
