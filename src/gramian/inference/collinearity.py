"""Collinearity of columns: variance inflation factors, condition indexes and variance proportions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.typing import Codes, Matrix, Vector


def inflation(S: Matrix, V: Matrix, groups: Sequence[Codes]) -> Vector:
    """Generalised variance inflation factors det(S_gg) det(V_gg) of groups of columns, (groups,).

    At least 1, and 1 for a group that is orthogonal to the others. For a single column it is 1 / (1 - R^2) of that
    column on the others.

    Parameters
    ----------
    S : Matrix
        (p, p) products of the columns, centred if there is an intercept.
    V : Matrix
        (p, p) inverse of S.
    groups : Sequence of Codes
        Positions of the columns of each group.

    References
    ----------
    J. Fox and G. Monette, Generalized collinearity diagnostics, Journal of the American Statistical Association 87
    (1992), 178-183.
    """
    # rounding may leave a little less than 1
    return np.array([max(_inflation(S[np.ix_(g, g)], V[np.ix_(g, g)]), 1.0) for g in groups])


def _inflation(S: Matrix, V: Matrix) -> float:
    """det(S) det(V) of one group; infinite where one of them is not positive."""
    signs, logs = zip(*(np.linalg.slogdet(_unit(M)) for M in (S, V)), strict=True)
    if min(signs) <= 0:
        return float("inf")
    with np.errstate(over="ignore"):
        # in logarithms, with the scales apart: determinants of many columns leave float64's range
        return float(np.exp(sum(logs) + np.log(S.diagonal() * V.diagonal()).sum()))


def _unit(M: Matrix) -> Matrix:
    """M scaled to unit diagonal."""
    scale = 1.0 / np.sqrt(M.diagonal())
    return np.asarray(M * scale[:, None] * scale)


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Collinearity diagnostics of p columns.

    Attributes
    ----------
    indexes : Vector
        (p,) condition indexes, the largest first.
    proportions : Matrix
        (p, p) share of each index (row) in the variance of each coefficient (column); columns sum to one.
    """

    indexes: Vector
    proportions: Matrix


def decomposition(S: Matrix) -> Decomposition:
    """Condition indexes and variance proportions, from products S (p, p) of columns scaled to unit length.

    The indexes are sqrt(largest eigenvalue / eigenvalue); an eigenvalue below rounding error has an infinite index.

    References
    ----------
    D. A. Belsley, E. Kuh and R. E. Welsch, Regression Diagnostics, Wiley 1980, section 3.2.
    """
    if not len(S):
        return Decomposition(np.zeros(0), np.zeros((0, 0)))
    values, vectors = np.linalg.eigh(_unit(S))
    # bound of the rounding error of the eigenvalues of a symmetric matrix
    noise = len(S) * np.finfo(float).eps * values[-1]
    eigenvalues = np.where(values > noise, values, 0.0)
    with np.errstate(divide="ignore"):
        indexes = np.sqrt(values[-1] / eigenvalues)
    shares = vectors**2 / np.maximum(values, noise)
    return Decomposition(indexes, (shares / shares.sum(axis=1, keepdims=True)).T)
