"""Normal equations of an iteration step that is not the last: coefficients and inverse, without error bounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from gramian.typing import Matrix, Vector

MAX_COLUMNS = 100  # with more columns the factorization dominates the overhead of `solve`, which this saves
MIN_PIVOT = 1e-4  # pivots of a unit-diagonal matrix above which a solution has about twelve digits


class CholeskySolution(NamedTuple):
    """Solution of one step.

    Attributes
    ----------
    coefficients : (p,)
        Coefficients.
    inverse : (p, p)
        Inverse of the products, as in `Solution`; with a penalty V S V for V = (S + P)^-1.
    leverage : float
        Trace of the hat matrix.
    """

    coefficients: Vector
    inverse: Matrix
    leverage: float


def cholesky_step(products: Matrix, penalty: Matrix | None = None) -> CholeskySolution | None:
    """Solve for all columns but the last, which is the response; None where `solve` with its checks is needed.

    products : (p + 1, p + 1), of p columns and the response. penalty : (p, p), added to the products. The matrix is
    scaled to unit diagonal before Cholesky, which is within a factor p of the best diagonal scaling (van der Sluis,
    1969).
    """
    inner = products[:-1, :-1]
    S = inner if penalty is None else inner + penalty
    diagonal = S.diagonal()
    if not len(S) or len(S) > MAX_COLUMNS or not diagonal.min() > 0.0:
        return None
    scale = diagonal**-0.5
    outer_scale = scale[:, None] * scale
    L, info = lapack.dpotrf(S * outer_scale, lower=1, clean=1)
    if info or not L.diagonal().min() ** 2 > MIN_PIVOT:
        return None
    b = lapack.dpotrs(L, products[:-1, -1] * scale, lower=1)[0] * scale
    # dpotri writes the lower triangle only; above it are the zeros of L (clean=1), so the sum with the transpose is the
    # full inverse but for a doubled diagonal.
    half, _ = lapack.dpotri(L, lower=1, overwrite_c=1)
    V = half + half.T
    V.flat[:: len(V) + 1] = half.diagonal()
    V *= outer_scale
    if penalty is None:
        return CholeskySolution(b, V, float(len(b)))
    return CholeskySolution(b, V @ inner @ V, float(np.vdot(V, inner)))
