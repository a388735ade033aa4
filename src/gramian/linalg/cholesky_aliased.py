"""Cholesky factorization of products of which some columns depend on earlier ones."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from gramian.typing import Mask, Matrix, Vector


def factorize_independent(S: Matrix, limits: Vector, max_rank: int | None = None) -> tuple[Mask, Matrix, Matrix]:
    """As `factorize` of `solve`, row by row: every column whose pivot is not above its limit is passed over."""
    q = len(S)
    L, chosen, dependencies = np.zeros((q, q)), list[int](), list[tuple[int, Vector]]()
    for j in range(q):
        k = len(chosen)
        row = solve_triangular(L[:k, :k], S[chosen, j], lower=True) if k else np.zeros(0)
        pivot = S[j, j] - row @ row
        if pivot > limits[j] and k != max_rank:
            L[k, :k], L[k, k] = row, np.sqrt(pivot)
            chosen.append(j)
        else:
            dependencies.append((k, row))
    k = len(chosen)
    L = np.ascontiguousarray(L[:k, :k])
    out = np.zeros((k, len(dependencies)))
    for i, (width, row) in enumerate(dependencies):
        out[:width, i] = solve_triangular(L[:width, :width], row, lower=True, trans="T") if width else 0.0
    independent = np.zeros(q, bool)
    independent[chosen] = True
    return independent, L, out
