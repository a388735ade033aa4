"""The solve of a step that is not the last: coefficients and inverse, without bounds, where nothing is dependent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from gramian.typing import Matrix, Vector

MAX_COLUMNS = 100  # columns; with more of them the Cholesky factor costs, not the calls
MIN_PIVOT = 1e-4  # pivots of a unit diagonal above which a solution has twelve digits


class CholeskySolution(NamedTuple):
    """coefficients : (p,). inverse : (p, p), as `Solution` has it. leverage : trace of the hat matrix."""

    coefficients: Vector
    inverse: Matrix
    leverage: float


def cholesky_step(products: Matrix, penalty: Matrix | None = None) -> CholeskySolution | None:
    """Solve for all columns but the last, which is the response; None where a careful solve is needed.

    products : (p + 1, p + 1). penalty : (p, p) added to the products.
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
    half, _ = lapack.dpotri(L, lower=1, overwrite_c=1)
    V = half + half.T
    V.flat[:: len(V) + 1] = half.diagonal()
    V *= outer_scale
    if penalty is None:
        return CholeskySolution(b, V, float(len(b)))
    return CholeskySolution(b, V @ inner @ V, float(np.vdot(V, inner)))
