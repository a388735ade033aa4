"""Products and scores by cluster in columns for which the products of all rows are the identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.bootstrap.sums import BootstrapSums
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.vcov.bias_reduced import model_contrasts
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class UnitProducts:
    """Sums by cluster, of c clusters in the order of their values.

    Attributes
    ----------
    values : Arrow array
        (c,) of the column of clusters.
    counts : Vector
        (c,) rows.
    products : Matrix
        (c, k, k), the identity in all.
    scores : Matrix
        (c, k) at the estimate.
    columns : float
        As of `OrderedSums`.
    to_model : Matrix
        (p, k) changes of the model's coefficients for one of each of these columns; zero where not identified.
    """

    values: Any
    counts: Vector
    products: Matrix
    scores: Matrix
    columns: float
    to_model: Matrix


def unit_products(solved: Solved, sums: BootstrapSums) -> UnitProducts:
    """The sums by cluster of a fit.

    Raises DataError for rows without a cluster, NumericalError for one cluster and for columns that are nearly
    collinear.
    """
    own, independent = sums.ordered, solved.solution.independent
    products = own.products[:, independent][:, :, independent]
    half = _half(products.sum(axis=0))
    return UnitProducts(
        own.values,
        own.counts,
        half @ products @ half.T,
        own.scores[:, independent] @ half.T,
        own.columns,
        model_contrasts(solved)[:, independent] @ half.T,
    )


def _half(S: Matrix) -> Matrix:
    """H (k, k) with H S H' = 1."""
    scale = 1.0 / np.sqrt(S.diagonal())
    try:
        return np.asarray(np.linalg.solve(np.linalg.cholesky(S * scale[:, None] * scale), np.diag(scale)))
    except np.linalg.LinAlgError:
        raise NumericalError(
            "the products by cluster of these nearly collinear columns leave no digits: leave one of the columns out"
        ) from None
