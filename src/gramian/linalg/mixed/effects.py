"""Conditional means and covariances of random effects, given the outcome and the parameters."""

from __future__ import annotations

import numpy as np

from gramian.linalg.mixed.products import GroupedProducts
from gramian.linalg.mixed.stacked import Stacked, cholesky, forward
from gramian.typing import Matrix, Vector


def conditional(products: GroupedProducts, factor: Matrix, b: Vector, variance: float) -> tuple[Matrix, Stacked]:
    """Means (q, g) and covariances (q, q, g) of the random effects of each group.

    factor : (q, q) Lambda. b : (s - 1,) fixed effects. variance : of the residuals.

    With D = Lambda Lambda' the mean is D Z_g' V_g^-1 (y_g - X_g b), and the covariance the residual variance times
    Lambda (1 + Lambda' Z_g'Z_g Lambda)^-1 Lambda'.
    """
    means, covariances, residual = [], [], np.append(-b, 1.0)
    for L, B in products.chunks():
        half, root, X = _roots(L, factor)
        e = np.tensordot(B, residual, axes=(1, 0))
        target = np.einsum("jig,jg->ig", half, e)[:, None]
        covariances.append(variance * np.einsum("iag,ibg->abg", X, X))
        means.append(np.einsum("iag,ig->ag", X, forward(root, target)[:, 0]))
    return np.concatenate(means, axis=1), np.concatenate(covariances, axis=2)


def influences(products: GroupedProducts, factor: Matrix) -> Stacked:
    """D Z_g'V_g^-1 X_g, (q, s - 1, g): how the means of the random effects depend on the fixed effects."""
    out = []
    for L, B in products.chunks():
        half, root, X = _roots(L, factor)
        out.append(np.einsum("iag,isg->asg", X, forward(root, np.einsum("jig,jsg->isg", half, B[:, :-1]))))
    return np.concatenate(out, axis=2)


def _roots(L: Stacked, factor: Matrix) -> tuple[Stacked, Stacked, Stacked]:
    """L_g'Lambda, the Cholesky factor R_g of 1 + Lambda'Z_g'Z_g Lambda, and R_g^-1 Lambda', (q, q, g) each."""
    half = np.einsum("jig,jk->ikg", L, factor)
    K = np.einsum("jig,jkg->ikg", half, half)
    K[np.arange(len(K)), np.arange(len(K))] += 1.0
    root = cholesky(K)
    return half, root, forward(root, np.broadcast_to(factor.T[:, :, None], (*factor.shape, L.shape[2])))
