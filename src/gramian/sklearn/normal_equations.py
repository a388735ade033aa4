"""Least squares and ridge for several outcomes from their sums: one factor for all, and how many digits are right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from gramian.engines.blas import one_thread
from gramian.linalg.aliasing import minimum_norm
from gramian.linalg.certificate import bounds, digits, scaled_bounds
from gramian.linalg.doubledouble import pair, two_product
from gramian.linalg.solve import SAFETY, centre, factorize
from gramian.sklearn.sums import Sums
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class LeastSquaresSolution:
    """slopes : (k, p), intercepts : (k,), for k outcomes. rank : columns used. digits : (k,), see `solved`."""

    slopes: Matrix
    intercepts: Vector
    rank: int
    digits: Vector


@dataclass(frozen=True, slots=True)
class CentredProducts:
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
    rounding_error: float


def centred_products(sums: Sums, *, intercept: bool) -> CentredProducts:
    """Sweep the constant out, or leave it out."""
    P = sums.dense if intercept else sums.dense[1:, 1:]
    c = centre(pair(P), 0 if intercept else None, P.diagonal())
    p = sums.columns
    outcome_columns = np.s_[p:]
    return CentredProducts(
        c.S[:p, :p], np.column_stack([c.S[:p, p:], c.c[:p]]), np.append(c.S.diagonal()[outcome_columns], c.yy),
        c.scale[:p], c.mean[:p], c.summed_squares[:p],
        np.append(c.scale[outcome_columns], c.y_scale), np.append(c.mean[outcome_columns], c.y_mean),
        np.append(c.summed_squares[outcome_columns], c.y_summed_square), effective_rows(sums), sums.rounding_error,
    )  # fmt: skip


def effective_rows(sums: Sums) -> float:
    """Rows, each as often as its weight says where all weights are whole numbers."""
    return sums.weight if sums.integer_weights else float(sums.rows)


def solved(sums: Sums, alpha: Vector | None, *, intercept: bool) -> LeastSquaresSolution:
    """Minima of |y - X b|^2 + alpha |b|^2, for every outcome; without alpha the shortest where there are many.

    alpha : (k,) or None. Digits are those of the worst coefficient, relative to the largest of it, its standard error
    and what the longest share of the fit would be in its column.
    """
    with one_thread():
        centred = centred_products(sums, intercept=intercept)
        slopes, rank, digits = _least_squares(centred) if alpha is None else _ridge(centred, alpha)
    return LeastSquaresSolution(slopes, intercepts(sums, slopes, intercept=intercept), rank, digits)


def _least_squares(centred: CentredProducts) -> tuple[Matrix, int, Vector]:
    limits = np.minimum(SAFETY * centred.rounding_error * centred.raw, 0.5 * centred.S.diagonal())
    independent, L, combos = factorize(centred.S, limits)
    B, V = np.zeros(centred.C.shape), np.zeros(centred.S.shape)
    if len(L):
        B[independent] = lapack.dpotrs(L, centred.C[independent], lower=1)[0]
        V[np.ix_(independent, independent)] = _inverse(L)
    digits = _digits(centred, V, B, centred.S.diagonal(), penalised=False)
    slopes = B * centred.scale[:, None] / centred.y_scale
    if not independent.all():
        null = np.zeros((len(B), combos.shape[1]))
        null[independent], null[~independent] = -combos, np.eye(combos.shape[1])
        null = null * centred.scale[:, None]
        slopes = np.column_stack([minimum_norm(b, null) for b in slopes.T])
    return slopes.T, int(independent.sum()), digits


def _ridge(centred: CentredProducts, alpha: Vector) -> tuple[Matrix, int, Vector]:
    B, digits = np.zeros(centred.C.shape), np.zeros(len(alpha))
    for value in np.unique(alpha):
        outcomes = np.flatnonzero(alpha == value)
        if value == 0:
            slopes, _, digits_of = _least_squares(centred)
            B[:, outcomes], digits[outcomes] = (
                slopes.T[:, outcomes] / centred.scale[:, None] * centred.y_scale[outcomes],
                digits_of[outcomes],
            )
            continue
        diagonal = centred.S.diagonal() + value * centred.scale**2
        S = centred.S.copy()
        np.fill_diagonal(S, diagonal)
        rescale = np.ldexp(1.0, -np.round(0.5 * np.log2(np.where(diagonal > 0, diagonal, 1.0))).astype(int))
        L, failed = lapack.dpotrf(S * rescale[:, None] * rescale, lower=1, clean=1)
        if failed:
            B[:, outcomes], digits[outcomes] = np.nan, 0.0
            continue
        B[:, outcomes] = rescale[:, None] * lapack.dpotrs(L, rescale[:, None] * centred.C[:, outcomes], lower=1)[0]
        V = _inverse(L) * rescale[:, None] * rescale
        digits[outcomes] = _digits(centred, V, B, diagonal, penalised=True)[outcomes]
    return (B * centred.scale[:, None] / centred.y_scale).T, len(B), digits


def _inverse(L: Matrix) -> Matrix:
    half, _ = lapack.dpotri(L, lower=1)  # above the diagonal it has the zeros of L
    inverse = half + half.T
    inverse.flat[:: len(inverse) + 1] = half.diagonal()
    return np.asarray(inverse)


def _digits(centred: CentredProducts, V: Matrix, B: Matrix, diagonal: Vector, *, penalised: bool) -> Vector:
    sizes, lengths = np.sqrt(centred.raw + (diagonal - centred.S.diagonal())), np.sqrt(diagonal)
    df_residual, least_digits = max(centred.rows - len(B) - 1, 1.0), np.zeros(B.shape[1])
    for j, b in enumerate(B.T):
        error_bounds = bounds(
            V, sizes, lengths, float(np.sqrt(centred.y_raw[j])), centred.rounding_error, penalised=penalised
        )
        rss = max(float(centred.yy[j] - b @ (2.0 * centred.C[:, j] - centred.S @ b)), 0.0)
        std_errors = np.sqrt(rss / df_residual * V.diagonal())
        fit_share = np.divide(np.abs(b * lengths).max(initial=0.0), lengths, out=np.zeros(len(b)), where=lengths > 0)
        certified = digits(
            scaled_bounds(error_bounds.sensitivity, error_bounds.error(b)),
            np.maximum(np.maximum(np.abs(b), std_errors), fit_share),
        )
        least_digits[j] = float(certified.min(initial=16.0))
    return least_digits


def intercepts(sums: Sums, slopes: Matrix, *, intercept: bool) -> Vector:
    """Means of the outcomes less those of the columns times their slopes (k, p), rounded once."""
    k, p = len(slopes), sums.columns
    if not intercept:
        return np.zeros(k)
    mean = sums.dense[0, 1:] / sums.weight
    return np.array([_intercept(sums.shift, mean, p + j, slopes[j]) for j in range(k)])


def _intercept(shift: Vector, mean: Vector, outcome: int, b: Vector) -> float:
    products = [term for values in (shift, mean) for term in two_product(values[: len(b)], -b)]
    terms = np.concatenate([*products, [shift[outcome], mean[outcome]]])
    return math.fsum(terms.tolist()) if np.isfinite(terms).all() else math.nan
