"""Second derivatives of the deviance at its minimum, and how the covariance of fixed effects depends on parameters.

A. Kuznetsova, P. B. Brockhoff and R. H. B. Christensen, lmerTest package: tests in linear mixed effects models, Journal
of Statistical Software 82 (2017), with derivatives that are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.mixed.criterion import Criterion, Evaluated, residual_part
from gramian.linalg.mixed.search import Minimum
from gramian.typing import Matrix

POSITIVE = 1e-8  # eigenvalues of the second derivatives above it, relative to the largest, say something


@dataclass(frozen=True, slots=True)
class Information:
    """Covariance of the m covariance parameters and the logarithm of the residual variance, and derivatives by them.

    Attributes
    ----------
    covariance : ndarray of shape (m + 1, m + 1)
        Twice the inverse of the second derivatives.
    derivatives : ndarray of shape (m + 1, p, p)
        Of the covariance of the fixed effects.
    """

    covariance: Matrix
    derivatives: Matrix


def information(criterion: Criterion, found: Minimum[Evaluated]) -> Information:
    """The information at the minimum."""
    theta, sums = found.theta, found.sums
    b, square = sums.solved()
    variance = float(square / criterion.df)
    m = len(theta)
    H = np.empty((m + 1, m + 1))
    H[:m, :m] = criterion.hessian(theta, variance)
    L = criterion.factor.matrix(theta)
    H[m, :m] = H[:m, m] = 2.0 * criterion.factor.parameters(residual_part(sums, b) @ L) / variance
    H[m, m] = square / variance
    inverse = np.linalg.inv(sums.A[:-1, :-1])
    half = np.einsum("ij,ajbk,kl->aibl", inverse, sums.M[:, :-1, :, :-1], inverse)
    by_theta = np.tensordot(criterion.factor.derivatives(theta), half, axes=((1, 2), (0, 2)))
    return Information(2.0 * _inverse(H), variance * np.concatenate([by_theta, inverse[None]]))


def _inverse(H: Matrix) -> Matrix:
    """The inverse, with zero in the directions in which the deviance is flat."""
    size = np.sqrt(np.maximum(np.abs(H.diagonal()), 1e-300))
    values, vectors = np.linalg.eigh(H / size / size[:, None])
    inverse = np.where(values > POSITIVE * values[-1], 1.0, 0.0) / np.where(values > 0.0, values, 1.0)
    return np.asarray((vectors * inverse) @ vectors.T / size / size[:, None])
