"""Least squares and ridge for several outcomes from their sums: one factor for all, and how many digits are right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from gramian.engines.blas import one_thread
from gramian.linalg.aliasing import minimum_norm
from gramian.linalg.certificate import bounds, digits, times
from gramian.linalg.doubledouble import pair, two_product
from gramian.linalg.solve import SAFETY, centre, factorize
from gramian.sklearn.sums import Sums
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Answer:
    """slopes : (k, p), intercepts : (k,), for k outcomes. rank : columns used. digits : (k,), see `solved`."""

    slopes: Matrix
    intercepts: Vector
    rank: int
    digits: Vector


@dataclass(frozen=True, slots=True)
class Swept:
    """Centred products of columns with themselves and with the outcomes, scaled by powers of two.

    S : (p, p), C : (p, k), yy : (k,). scale, mean : (p,), raw : (p,) squares as they were summed; y_ : (k,) the same
    of the outcomes. rows, unit : of the sums.
    """

    S: Matrix
    C: Matrix
    yy: Vector
    scale: Vector
    mean: Vector
    raw: Vector
    y_scale: Vector
    y_mean: Vector
    y_raw: Vector
    rows: float
    unit: float


def swept(sums: Sums, *, intercept: bool) -> Swept:
    """Sweep the constant out, or leave it out."""
    P = sums.dense if intercept else sums.dense[1:, 1:]
    c = centre(pair(P), 0 if intercept else None, P.diagonal())
    p = sums.columns
    rest = np.s_[p:]
    return Swept(
        c.S[:p, :p], np.column_stack([c.S[:p, p:], c.c[:p]]), np.append(c.S.diagonal()[rest], c.yy), c.scale[:p],
        c.mean[:p], c.raw[:p], np.append(c.scale[rest], c.y_scale), np.append(c.mean[rest], c.y_mean),
        np.append(c.raw[rest], c.y_raw), effective_rows(sums), sums.unit,
    )  # fmt: skip


def effective_rows(sums: Sums) -> float:
    """Rows, each as often as its weight says where all weights are whole numbers."""
    return sums.weight if sums.whole else float(sums.rows)


def solved(sums: Sums, alpha: Vector | None, *, intercept: bool) -> Answer:
    """Minima of |y - X b|^2 + alpha |b|^2, for every outcome; without alpha the shortest where there are many.

    alpha : (k,) or None. Digits are those of the worst coefficient, relative to the largest of it, its standard error
    and what the longest share of the fit would be in its column.
    """
    with one_thread():
        centred = swept(sums, intercept=intercept)
        slopes, rank, right = _least_squares(centred) if alpha is None else _ridge(centred, alpha)
    return Answer(slopes, intercepts(sums, slopes, intercept=intercept), rank, right)


def _least_squares(at: Swept) -> tuple[Matrix, int, Vector]:
    limits = np.minimum(SAFETY * at.unit * at.raw, 0.5 * at.S.diagonal())
    kept, L, combos = factorize(at.S, limits)
    B, V = np.zeros(at.C.shape), np.zeros(at.S.shape)
    if len(L):
        B[kept] = lapack.dpotrs(L, at.C[kept], lower=1)[0]
        V[np.ix_(kept, kept)] = _inverse(L)
    right = _digits(at, V, B, at.S.diagonal(), penalised=False)
    told = B * at.scale[:, None] / at.y_scale
    if not kept.all():
        null = np.zeros((len(B), combos.shape[1]))
        null[kept], null[~kept] = -combos, np.eye(combos.shape[1])
        null = null * at.scale[:, None]
        told = np.column_stack([minimum_norm(b, null) for b in told.T])
    return told.T, int(kept.sum()), right


def _ridge(at: Swept, alpha: Vector) -> tuple[Matrix, int, Vector]:
    B, right = np.zeros(at.C.shape), np.zeros(len(alpha))
    for value in np.unique(alpha):
        these = np.flatnonzero(alpha == value)
        if value == 0:
            told, _, digits_of = _least_squares(at)
            B[:, these], right[these] = told.T[:, these] / at.scale[:, None] * at.y_scale[these], digits_of[these]
            continue
        diagonal = at.S.diagonal() + value * at.scale**2
        S = at.S.copy()
        np.fill_diagonal(S, diagonal)
        again = np.ldexp(1.0, -np.round(0.5 * np.log2(np.where(diagonal > 0, diagonal, 1.0))).astype(int))
        L, failed = lapack.dpotrf(S * again[:, None] * again, lower=1, clean=1)
        if failed:
            B[:, these], right[these] = np.nan, 0.0
            continue
        B[:, these] = again[:, None] * lapack.dpotrs(L, again[:, None] * at.C[:, these], lower=1)[0]
        V = _inverse(L) * again[:, None] * again
        right[these] = _digits(at, V, B, diagonal, penalised=True)[these]
    return (B * at.scale[:, None] / at.y_scale).T, len(B), right


def _inverse(L: Matrix) -> Matrix:
    half, _ = lapack.dpotri(L, lower=1)  # above the diagonal it has the zeros of L
    out = half + half.T
    out.flat[:: len(out) + 1] = half.diagonal()
    return np.asarray(out)


def _digits(at: Swept, V: Matrix, B: Matrix, diagonal: Vector, *, penalised: bool) -> Vector:
    sizes, lengths = np.sqrt(at.raw + (diagonal - at.S.diagonal())), np.sqrt(diagonal)
    spare, out = max(at.rows - len(B) - 1, 1.0), np.zeros(B.shape[1])
    for j, b in enumerate(B.T):
        found = bounds(V, sizes, lengths, float(np.sqrt(at.y_raw[j])), at.unit, penalised=penalised)
        rss = max(float(at.yy[j] - b @ (2.0 * at.C[:, j] - at.S @ b)), 0.0)
        spread = np.sqrt(rss / spare * V.diagonal())
        share = np.divide(np.abs(b * lengths).max(initial=0.0), lengths, out=np.zeros(len(b)), where=lengths > 0)
        right = digits(times(found.reach, found.error(b)), np.maximum(np.maximum(np.abs(b), spread), share))
        out[j] = float(right.min(initial=16.0))
    return out


def intercepts(sums: Sums, slopes: Matrix, *, intercept: bool) -> Vector:
    """Means of the outcomes less those of the columns times their slopes (k, p), rounded once."""
    k, p = len(slopes), sums.columns
    if not intercept:
        return np.zeros(k)
    mean = sums.dense[0, 1:] / sums.weight
    return np.array([_intercept(sums.shift, mean, p + j, slopes[j]) for j in range(k)])


def _intercept(shift: Vector, mean: Vector, outcome: int, b: Vector) -> float:
    products = [part for values in (shift, mean) for part in two_product(values[: len(b)], -b)]
    terms = np.concatenate([*products, [shift[outcome], mean[outcome]]])
    return math.fsum(terms.tolist()) if np.isfinite(terms).all() else math.nan
