"""Least squares with many sets of weights for a few sums: the draws of a bootstrap, from products by cluster.

With products N_g and scores s_g of clusters at the estimate b, in columns for which the N_g sum to the identity, a draw
that takes cluster g v_g times has the estimate b + u, u = (sum v_g N_g)^-1 sum v_g s_g: no row is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.typing import Mask, Matrix, Vector

MIN_INFORMATION = 1e-9  # smallest eigenvalue of the products of a draw, which are 1 for all rows: below it no estimate


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Estimates of d draws.

    Attributes
    ----------
    changes : Matrix
        (d, k) from the estimate; NaN where the draw does not identify it.
    identified : Mask
        (d,) whether it does.
    inverse : Matrix
        (d, k, k) of the products.
    """

    changes: Matrix
    identified: Mask
    inverse: Matrix


def redrawn(products: Matrix, gradients: Matrix) -> Redrawn:
    """The estimates from the sums of the draws: products (d, k, k) and scores (d, k)."""
    k = products.shape[1]
    lowest = np.linalg.eigvalsh(products).min(axis=1, initial=np.inf)
    identified = np.asarray(lowest > MIN_INFORMATION)
    inverse = np.linalg.inv(np.where(identified[:, None, None], products, np.eye(k)))
    changes = (inverse @ gradients[:, :, None])[:, :, 0]
    return Redrawn(np.where(identified[:, None], changes, np.nan), identified, inverse)


def draws_by_cluster(products: Matrix, scores: Matrix, weights: Matrix) -> Redrawn:
    """The draws of weights (c, d), from products (c, k, k) and scores (c, k) by cluster."""
    c, k = scores.shape
    return redrawn((weights.T @ products.reshape(c, k * k)).reshape(-1, k, k), weights.T @ scores)


def squares_by_cluster(
    products: Matrix, scores: Matrix, weights: Matrix, found: Redrawn, combinations: Matrix
) -> Matrix:
    """Sums of squares by cluster of what the scores of a draw add to combinations of its coefficients, (d, m).

    A cluster that is taken twice counts as two. combinations : (m, k).
    """
    c, k = scores.shape
    at_draw = scores[None] - (found.changes @ products.reshape(c * k, k).T).reshape(-1, c, k)
    added = at_draw @ (found.inverse @ combinations.T)
    return np.asarray(np.einsum("gd,dgm->dm", weights, np.square(added)))


def cross_products(products: Matrix, combinations: Matrix) -> Vector:
    """Shares m_j'N_g m_j / m_j'm_j (c, m) of clusters in the products of what combinations (m, k) are estimated of."""
    with np.errstate(invalid="ignore"):
        return np.asarray(
            np.einsum("mk,ckl,ml->cm", combinations, products, combinations, optimize=True)
            / np.square(combinations).sum(axis=1)
        )
