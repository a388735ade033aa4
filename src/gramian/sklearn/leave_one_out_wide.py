"""Leave-one-out errors of ridge regression where there are at least as many columns as rows.

There a small penalty fits every row nearly, so that residual and 1 - leverage are both differences of nearly equal
numbers. Their ratio is (P y)_i / P_ii as well, with P = (X X' + alpha)^-1 on what the intercept leaves, both of which
are sums without cancellation of that kind.

References
----------
Rifkin, R. M. and Lippert, R. A. (2007). Notes on regularized least squares. MIT-CSAIL-TR-2007-025.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import svd

from gramian.engines.fold import one_thread
from gramian.sklearn.rows import Rows, weight_name
from gramian.typing import Matrix, Vector


def suits(rows: Rows, *, intercept: bool) -> bool:
    """Whether there are at least as many columns as rows beside the intercept, and no row without weight."""
    weight = rows.vectors.get(weight_name(rows.columns))
    left = rows.rows - int(intercept)
    return 0 < left <= int(rows.X.shape[1]) and (weight is None or bool((weight > 0.0).all()))


def errors_of_wide_rows(
    rows: Rows, alphas: Vector, outcomes: tuple[str, ...], *, intercept: bool
) -> NDArray[np.float64]:
    """The leave-one-out error of every row, (n, k, a).

    rows : for which `suits` is true. alphas : (a,) penalties above 0. outcomes : their names.
    """
    X = np.asarray(rows.take(slice(None)), np.float64)
    Y = np.column_stack([rows.vectors[name] for name in outcomes])
    weight = rows.vectors.get(weight_name(rows.columns))
    root = np.ones(len(X)) if weight is None else np.sqrt(weight)
    with one_thread():
        if intercept:
            X, Y = (A - np.average(A, axis=0, weights=root**2) for A in (X, Y))  # exactly any constant would do
        basis = _complement(root) if intercept else np.eye(len(root))
        U, sizes, _ = svd(basis.T @ (root[:, None] * X), full_matrices=False)
        U = basis @ U
        shrink = 1.0 / (sizes[:, None] ** 2 + alphas)  # (r, a)
        diagonal = np.square(U) @ shrink  # (n, a)
        projected = U.T @ (root[:, None] * Y)  # (r, k)
        residuals = np.stack([U @ (b[:, None] * shrink) for b in projected.T], axis=1)
    return np.asarray(residuals / (root[:, None, None] * diagonal[:, None, :]))


def _complement(vector: Vector) -> Matrix:
    """An orthonormal basis (n, n - 1) of what is orthogonal to a vector (n,) of positive numbers, by a reflection."""
    v = vector / np.linalg.norm(vector)
    v[0] += 1.0
    return np.asarray((np.eye(len(v)) - np.outer(v, v) / v[0])[:, 1:])
