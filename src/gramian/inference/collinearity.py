"""How much columns depend on each other: variance inflation, condition indexes and what is behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.typing import Codes, Matrix, Vector


def inflation(S: Matrix, V: Matrix, groups: Sequence[Codes]) -> Vector:
    """Generalised variance inflation det(S_gg) det(V_gg) of groups of columns, (groups,); 1 where nothing is shared.

    S : (p, p) products of the columns, centred if there is an intercept. V : (p, p) its inverse. For a single column it
    is 1 / (1 - R^2) of that column on the others. J. Fox and G. Monette, JASA 87 (1992).
    """
    return np.array([max(_inflation(S[np.ix_(g, g)], V[np.ix_(g, g)]), 1.0) for g in groups])


def _inflation(S: Matrix, V: Matrix) -> float:
    signs, logs = zip(*(np.linalg.slogdet(_unit(M)) for M in (S, V)), strict=True)
    if min(signs) <= 0:
        return float("inf")
    with np.errstate(over="ignore"):
        return float(np.exp(sum(logs) + np.log(S.diagonal() * V.diagonal()).sum()))


def _unit(M: Matrix) -> Matrix:
    """With unit diagonal."""
    scale = 1.0 / np.sqrt(M.diagonal())
    return np.asarray(M * scale[:, None] * scale)


@dataclass(frozen=True, slots=True)
class Decomposition:
    """What is behind a condition number.

    indexes : (p,) condition indexes, the largest first. proportions : (p, p), for each index the share that it has in
    the variance of each coefficient; columns add to one.
    """

    indexes: Vector
    proportions: Matrix


def decomposition(S: Matrix) -> Decomposition:
    """Condition indexes sqrt(largest eigenvalue / eigenvalue) of columns scaled to unit length, and their columns.

    S : (p, p) products. An eigenvalue that is rounding has an infinite index.
    D. A. Belsley, E. Kuh and R. E. Welsch, Regression Diagnostics (1980), section 3.2.
    """
    if not len(S):
        return Decomposition(np.zeros(0), np.zeros((0, 0)))
    values, vectors = np.linalg.eigh(_unit(S))
    noise = len(S) * np.finfo(float).eps * values[-1]
    eigenvalues = np.where(values > noise, values, 0.0)
    with np.errstate(divide="ignore"):
        indexes = np.sqrt(values[-1] / eigenvalues)
    shares = vectors**2 / np.maximum(values, noise)
    return Decomposition(indexes, (shares / shares.sum(axis=1, keepdims=True)).T)
