"""Cholesky factors of many small matrices at once, stacked along the last axis; complex numbers without conjugates."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Stacked: TypeAlias = NDArray[Any]  # (..., g), float64, or complex128 where derivatives are taken


def cholesky(S: Stacked, floor: float = 0.0) -> Stacked:
    """Lower-triangular L with L L' = S, for each of g symmetric matrices.

    S : (q, q, g). floor : a pivot of at most `floor` times its diagonal is one of rounding errors, and its column is
    zero, as are the columns of zeros of S.
    """
    L = np.zeros_like(S)
    for j in range(len(S)):
        pivot = S[j, j] - np.sum(L[j, :j] * L[j, :j], axis=0)
        positive = pivot.real > floor * S[j, j].real
        L[j, j] = root = np.sqrt(np.where(positive, pivot, 0.0))
        inverse = np.where(positive, 1.0, 0.0) / np.where(positive, root, 1.0)
        for i in range(j + 1, len(S)):
            L[i, j] = (S[i, j] - np.sum(L[i, :j] * L[j, :j], axis=0)) * inverse
    return L


def forward(L: Stacked, B: Stacked) -> Stacked:
    """X with L X = B, (q, r, g), for L of `cholesky` and B (q, r, g); rows of zero where a pivot of L is zero."""
    X = np.zeros(B.shape, np.result_type(L, B))
    for j in range(len(L)):
        pivot = L[j, j]
        inverse = np.where(pivot == 0.0, 0.0, 1.0) / np.where(pivot == 0.0, 1.0, pivot)
        X[j] = (B[j] - np.sum(L[j, :j, None] * X[:j], axis=0)) * inverse
    return X


def summed(A: Stacked, B: Stacked) -> Stacked:
    """Sums over the first and the last axis of A (q, a, g) times B (q, b, g): (a, b)."""
    return np.asarray(np.tensordot(A, B, axes=((0, 2), (0, 2))))
