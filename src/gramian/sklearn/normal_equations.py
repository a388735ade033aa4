"""Least squares and ridge regression of several outcomes from their sums, by one Cholesky factor for all outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from gramian.engines.fold import one_thread
from gramian.errors import NumericalError
from gramian.linalg.aliasing import minimum_norm
from gramian.linalg.certificate import bounds, digits, scaled_bounds
from gramian.linalg.doubledouble import pair, two_product
from gramian.linalg.solve import SAFETY, centre, factorize
from gramian.sklearn.sums import Sums
from gramian.typing import Matrix, Vector

LARGEST_SQUARE = 1e289  # and its inverse the smallest: beyond, sums of squares overflow or lose their digits


@dataclass(frozen=True, slots=True)
class LeastSquaresSolution:
    """Coefficients of k outcomes, with the number of certified digits.

    Attributes
    ----------
    slopes : ndarray, (k, p)
        Coefficients of the columns.
    intercepts : ndarray, (k,)
        Zeros in a model without intercept.
    rank : int
        Number of linearly independent columns.
    digits : ndarray, (k,)
        Decimal digits that are certain in the worst coefficient of each outcome, as `solved` defines them.
    """

    slopes: Matrix
    intercepts: Vector
    rank: int
    digits: Vector


@dataclass(frozen=True, slots=True)
class CentredProducts:
    """Products of centred columns and outcomes, scaled by powers of two so that diagonals are between 1/2 and 2.

    Scaling by powers of two is exact. Attributes with `y_` are those of the outcomes.

    Attributes
    ----------
    S : ndarray, (p, p)
        Products of the columns.
    C : ndarray, (p, k)
        Products of columns and outcomes.
    yy : ndarray, (k,)
        Sums of squares of the outcomes.
    scale, y_scale : ndarray, (p,) and (k,)
        Powers of two by which columns were multiplied.
    mean, y_mean : ndarray, (p,) and (k,)
        Means of the shifted columns, not scaled.
    summed_squares, y_summed_squares : ndarray, (p,) and (k,)
        Sums of squares before centring, scaled: rounding errors are relative to these.
    rows : float
        Number of rows, or the sum of integer weights.
    rounding_error : float
        Relative rounding error of a sum.
    """

    S: Matrix
    C: Matrix
    yy: Vector
    scale: Vector
    mean: Vector
    summed_squares: Vector
    y_scale: Vector
    y_mean: Vector
    y_summed_squares: Vector
    rows: float
    rounding_error: float


def centred_products(sums: Sums, *, intercept: bool) -> CentredProducts:
    """Products about the means of columns and outcomes; without an intercept about the origin.

    Raises NumericalError where squares leave the range of float64.
    """
    _check_range(sums)
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


def _check_range(sums: Sums) -> None:
    """Raise NumericalError where the squares of a column or an outcome overflow or have lost their digits."""
    squares, totals = sums.dense.diagonal()[1:], sums.dense[0, 1:]
    lost = (squares > LARGEST_SQUARE) | ((squares < 1.0 / LARGEST_SQUARE) & ((squares > 0.0) | (totals != 0.0)))
    if lost.any():
        at = int(np.argmax(lost))
        what = f"column {at} of X" if at < sums.columns else "y"
        raise NumericalError(f"squares of {what} leave the range of float64: multiply it by a power of ten")


def effective_rows(sums: Sums) -> float:
    """Sum of weights where all weights are integers, so that they are frequencies; otherwise the number of rows."""
    return sums.weight if sums.integer_weights else float(sums.rows)


def solved(sums: Sums, alpha: Vector | None, *, intercept: bool) -> LeastSquaresSolution:
    """Coefficients that minimize |y - X b|^2 + alpha |b|^2 for every outcome.

    Parameters
    ----------
    sums : Sums
        Sums of products.
    alpha : ndarray, (k,), or None
        Penalty of each outcome. None for least squares; with dependent columns the solution of minimum norm.
    intercept : bool
        Whether the model has an intercept, which is not penalised.

    Returns
    -------
    LeastSquaresSolution
        A coefficient has d digits if its error bound is at most 10^-d times the largest of: its absolute value, its
        standard error, and the largest |b_i| |x_i| / |x_j| over all i (a coefficient that adds almost nothing to the
        fit needs no digits of its own).
    """
    with one_thread():
        centred = centred_products(sums, intercept=intercept)
        slopes, rank, digits = _least_squares(centred) if alpha is None else _ridge(centred, alpha)
    return LeastSquaresSolution(slopes, intercepts(sums, slopes, intercept=intercept), rank, digits)


def _least_squares(centred: CentredProducts) -> tuple[Matrix, int, Vector]:
    """Slopes (k, p), rank, and digits (k,) of least squares; of minimum norm where columns are dependent."""
    # A pivot below its rounding error decides nothing; half of the diagonal at most, so that a column that is
    # orthogonal to all others is never dropped.
    limits = np.minimum(SAFETY * centred.rounding_error * centred.summed_squares, 0.5 * centred.S.diagonal())
    independent, L, combos = factorize(centred.S, limits)
    B, V = np.zeros(centred.C.shape), np.zeros(centred.S.shape)
    if len(L):
        B[independent] = lapack.dpotrs(L, centred.C[independent], lower=1)[0]
        V[np.ix_(independent, independent)] = _inverse(L)
    digits = _digits(centred, V, B, centred.S.diagonal(), penalised=False)
    slopes = B * centred.scale[:, None] / centred.y_scale
    if not independent.all():
        # Columns of the null space: each dependent column minus the combination of independent ones that equals it.
        null = np.zeros((len(B), combos.shape[1]))
        null[independent], null[~independent] = -combos, np.eye(combos.shape[1])
        null = null * centred.scale[:, None]
        slopes = np.column_stack([minimum_norm(b, null) for b in slopes.T])
    return slopes.T, int(independent.sum()), digits


def _ridge(centred: CentredProducts, alpha: Vector) -> tuple[Matrix, int, Vector]:
    """Slopes (k, p), rank and digits (k,) of ridge regression; one factor for all outcomes with the same penalty."""
    B, digits = np.zeros(centred.C.shape), np.zeros(len(alpha))
    for value in np.unique(alpha):
        outcomes = np.flatnonzero(alpha == value)
        # One penalty may be 0 among others; X'X itself needs the treatment of dependent columns.
        if value == 0:
            slopes, _, digits_of = _least_squares(centred)
            B[:, outcomes], digits[outcomes] = (
                slopes.T[:, outcomes] / centred.scale[:, None] * centred.y_scale[outcomes],
                digits_of[outcomes],
            )
            continue
        with np.errstate(over="ignore"):
            diagonal = centred.S.diagonal() + value * centred.scale * centred.scale
        if not np.isfinite(diagonal).all():
            raise NumericalError(f"a penalty of {value:g} is beyond float64 beside columns as small as these")
        S = centred.S.copy()
        np.fill_diagonal(S, diagonal)
        # The penalty changes the diagonal, so columns are scaled again: Cholesky's error grows with the condition of S.
        rescale = np.ldexp(1.0, -np.round(0.5 * np.log2(np.where(diagonal > 0, diagonal, 1.0))).astype(int))
        L, failed = lapack.dpotrf(S * rescale[:, None] * rescale, lower=1, clean=1)
        if failed:
            # Not a number tells the estimator that further passes are needed.
            B[:, outcomes], digits[outcomes] = np.nan, 0.0
            continue
        B[:, outcomes] = rescale[:, None] * lapack.dpotrs(L, rescale[:, None] * centred.C[:, outcomes], lower=1)[0]
        V = _inverse(L) * rescale[:, None] * rescale
        digits[outcomes] = _digits(centred, V, B, diagonal, penalised=True)[outcomes]
    return (B * centred.scale[:, None] / centred.y_scale).T, len(B), digits


def _inverse(L: Matrix) -> Matrix:
    """Inverse of L L' from its Cholesky factor L (q, q)."""
    half, _ = lapack.dpotri(L, lower=1)  # above the diagonal it has the zeros of L
    inverse = half + half.T
    inverse.flat[:: len(inverse) + 1] = half.diagonal()
    return np.asarray(inverse)


def _digits(centred: CentredProducts, V: Matrix, B: Matrix, diagonal: Vector, *, penalised: bool) -> Vector:
    """Certified digits of the worst coefficient of each outcome, (k,).

    V : (p, p) inverse of the system, zeros for dependent columns. B : (p, k) scaled slopes. diagonal : (p,) that of the
    system, penalty included. penalised : whether there is a penalty, which rounding does not touch.
    """
    sizes, lengths = np.sqrt(centred.summed_squares + (diagonal - centred.S.diagonal())), np.sqrt(diagonal)
    df_residual, least_digits = max(centred.rows - len(B) - 1, 1.0), np.zeros(B.shape[1])
    for j, b in enumerate(B.T):
        error_bounds = bounds(
            V, sizes, lengths, float(np.sqrt(centred.y_summed_squares[j])), centred.rounding_error, penalised=penalised
        )
        # As a quadratic form, which is stationary at the solution: the error of b enters squared.
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
    """Means of the outcomes minus those of the columns times the slopes, (k,), rounded once. slopes : (k, p)."""
    k, p = len(slopes), sums.columns
    if not intercept:
        return np.zeros(k)
    mean = sums.dense[0, 1:] / sums.weight
    return np.array([_intercept(sums.shift, mean, p + j, slopes[j]) for j in range(k)])


def _intercept(shift: Vector, mean: Vector, outcome: int, b: Vector) -> float:
    """shift_y + mean_y - b'(shift + mean) for outcome column `outcome`, from exact products and one exact sum."""
    # two_product gives each product as an exact sum of two float64 numbers, and fsum rounds their total once.
    products = [term for values in (shift, mean) for term in two_product(values[: len(b)], -b)]
    terms = np.concatenate([*products, [shift[outcome], mean[outcome]]])
    return math.fsum(terms.tolist()) if np.isfinite(terms).all() else math.nan
