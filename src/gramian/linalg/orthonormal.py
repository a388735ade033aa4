"""Orthonormal columns: a matrix W with W'SW = 1, so that the rows x'W are those of an orthonormal basis of the columns.

Sums over such rows keep their digits where products of the columns themselves lose twice the logarithm of the condition
number: the rounding of a row x'W costs it once. W is improved as the factor of CholeskyQR2 is, by W (W'SW)^-1/2, with
the products in double-double.

References
----------
Y. Yamamoto, Y. Nakatsukasa, Y. Yanagisawa and T. Fukaya, Roundoff error analysis of the CholeskyQR2 algorithm,
Electronic Transactions on Numerical Analysis 44 (2015), 306-326.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gramian.linalg.certificate import EPS
from gramian.linalg.doubledouble import Pair, pair
from gramian.typing import Matrix

MAX_STEPS = 8  # each makes up for a condition number of about 1e7
MAX_DEFECT = 0.1  # of W'SW from 1: above it the products do not determine a basis


class Root(NamedTuple):
    """A matrix W with W'SW = 1 up to its rounding.

    Attributes
    ----------
    W : Matrix
        (p, p).
    defect : float
        Bound of the norm of W'SW - 1.
    """

    W: Matrix
    defect: float


def inverse_root(S: Pair) -> Root | None:
    """W with W'SW = 1, so that WW' is the inverse of S; None where S is singular in double-double.

    S : (p, p), symmetric.
    """
    p = len(S.hi)
    if not p or not (S.hi.diagonal() > 0.0).all():
        return None
    # unit diagonal first, exactly: the units of the columns do not cost digits
    scale = np.ldexp(np.ones(p), -np.round(np.log2(S.hi.diagonal()) / 2.0).astype(int))
    scaled = Pair(S.hi * scale[:, None] * scale, S.lo * scale[:, None] * scale)
    W, best = np.eye(p), Root(np.eye(p), np.inf)
    for _ in range(MAX_STEPS):
        G = congruence(W, scaled)
        root = Root(W, defect_of(G))
        if root.defect > best.defect / 2.0 and best.defect < MAX_DEFECT:
            break
        best = min(best, root, key=lambda r: r.defect)
        W = W @ inverse_square_root(G)
    return None if best.defect > MAX_DEFECT else Root(best.W * scale[:, None], best.defect)


def congruence(W: Matrix, S: Pair) -> Matrix:
    """W'SW, (p, p), computed in double-double and rounded once. W : (q, p). S : (q, q)."""
    half = _product(W, Pair(S.hi.T, S.lo.T))
    return _product(W, Pair(np.ascontiguousarray(half.hi.T), np.ascontiguousarray(half.lo.T))).value


def _product(W: Matrix, R: Pair) -> Pair:
    """W'R, (p, m), for R : (q, m)."""
    total = pair(np.zeros((W.shape[1], R.hi.shape[1])))
    for row, hi, lo in zip(W, R.hi, R.lo, strict=True):
        total = total + pair(row[:, None]) * Pair(hi[None, :], lo[None, :])
    return total


def defect_of(G: Matrix) -> float:
    """Bound of the norm of G - 1: its largest row sum; infinite where G is not finite."""
    defect = float(np.abs(G - np.eye(len(G))).sum(axis=1).max(initial=0.0))
    return defect if np.isfinite(defect) else np.inf


def inverse_square_root(G: Matrix) -> Matrix:
    """M with M'GM = 1 for symmetric G (p, p); directions below the rounding errors of G are made longer only."""
    values, vectors = np.linalg.eigh((G + G.T) / 2.0)
    floor = 16.0 * len(G) * EPS * np.abs(values).max(initial=0.0)
    return np.asarray(vectors / np.sqrt(np.maximum(values, floor)))
