"""Which of the levels of several factors are independent of each other."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from gramian.typing import Codes, Matrix, Vector


def pivoted(S: Matrix, size: Vector, tolerance: float) -> tuple[Matrix, Codes]:
    """The Cholesky factor (r, r) of products (s, s) of independent levels, in units of `size`, and which they are.

    size : (s,) roots of the squares to which rounding errors are relative; pivots below the tolerance are such errors.
    """
    scaled = S / size[:, None] / size
    # LAPACK takes the first pivot whatever the tolerance: of factors that are all nested in the largest it is rounding
    if not (scaled.diagonal() > tolerance).any():
        return np.zeros((0, 0)), np.zeros(0, np.int64)
    L, pivots, rank, _ = lapack.dpstrf(scaled, tol=tolerance, lower=1)
    return L[:rank, :rank], pivots[:rank].astype(np.int64) - 1
