"""The solve: from products of columns to coefficients, by Cholesky of the centred products with unit diagonal."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack, solve_triangular

from gramian.linalg.certificate import EPS, Bounds, bounds
from gramian.linalg.doubledouble import Pair, two_product
from gramian.typing import Codes, Mask, Matrix, Vector

SAFETY = 100.0  # a pivot below SAFETY times its rounding error says nothing


@dataclass(frozen=True, slots=True)
class Centred:
    """Products with the constant swept out and the diagonal brought near one by powers of two.

    products : (q + 1, q + 1) of the columns other than the constant, the response last. scale : (q,) and y_scale, exact
    powers of two. mean : (q,) and y_mean, zero without a constant. raw : (q,) and y_raw, squares ever summed, in the
    same scale: what centring left of them is the diagonal.
    others : (q,) positions of these columns, constant : that of the constant or None, weight : its square.
    """

    products: Matrix
    scale: Vector
    y_scale: float
    mean: Vector
    y_mean: float
    summed_squares: Vector
    y_summed_square: float
    others: Codes
    constant: int | None
    weight: float

    @property
    def S(self) -> Matrix:  # noqa: N802  a matrix
        """(q, q), the products but for those with the response."""
        return self.products[:-1, :-1]

    @property
    def c(self) -> Vector:
        """(q,) with the response."""
        return self.products[:-1, -1]

    @property
    def yy(self) -> float:
        """The square of the response."""
        return float(self.products[-1, -1])


@dataclass(frozen=True, slots=True)
class Solution:
    """What the normal equations say, in the columns that were solved for.

    coefficients : (p,), zero where aliased. inverse : (p, p) of the products, zero rows where aliased.
    kept : (p,) columns that were used. null : (p, r), one column for each aliased column: it with coefficient 1 minus
    the combination of kept ones that equals it. rss : residual sum of squares (without any penalty).
    condition : estimated condition number of the scaled columns. leverage : trace of the hat matrix.
    bounds : what rounding can have done to all this.
    """

    coefficients: Vector
    inverse: Matrix
    independent: Mask
    null: Matrix
    rss: float
    condition: float
    leverage: float
    bounds: Bounds | None = None


def sum_rounding_error(rows: int, columns: int, longest: int, degree: int = 1) -> float:
    """Relative rounding error of a sum of products, probabilistic: (2 sqrt(m') + n + 2 d + 6) u.

    longest : additions on the longest path of the sum. degree : factors of a monomial, each rounded by its shift and
    its product; six more roundings are those of a root of a weight and of centring.
    """
    return (2.0 * float(np.sqrt(min(rows, longest) + 1)) + columns + 2 * degree + 6) * EPS


def solve(
    products: Pair,
    constant: int | None,
    rounding_error: float,
    penalty: Matrix | None = None,
    summed_squares: Vector | None = None,
) -> Solution:
    """Solve for the coefficients of all columns but the last, which is the response.

    products : (p + 1, p + 1). constant : position of the constant column, swept out first. unit : relative rounding
    error of a product. penalty : (p, p) added to the products, zero for the constant. raw : (p + 1,) squares of the
    columns before anything was eliminated from them.
    """
    centred = centre(products, constant, products.hi.diagonal() if summed_squares is None else summed_squares)
    S = centred.S if penalty is None else centred.S + _scaled_penalty(penalty, centred)
    diagonal = centred.S.diagonal()
    independent, L, dependencies = factorize(
        S, np.minimum(SAFETY * rounding_error * centred.summed_squares, 0.5 * diagonal)
    )
    b = np.zeros(len(S))
    b[independent] = lapack.dpotrs(L, centred.c[independent], lower=1)[0] if len(L) else 0.0
    inverse = _inverse(L)  # L is gone
    V = _embedded(inverse, independent)
    error_bounds = _scaled_bounds(V, centred, S.diagonal(), rounding_error, penalised=penalty is not None)
    condition = _condition(_submatrix(S, independent), inverse)
    leverage = float(independent.sum())
    if penalty is not None:
        leverage = float(np.sum(inverse * _submatrix(centred.S, independent)))
        V = V @ centred.S @ V
    return _undo_scaling(centred, b, V, independent, dependencies, condition, leverage, error_bounds)


def _submatrix(A: Matrix, selected: Mask) -> Matrix:
    """Rows and columns that are kept."""
    return A if selected.all() else A[np.ix_(selected, selected)]


def _embedded(A: Matrix, selected: Mask) -> Matrix:
    """The same among rows and columns of zeros."""
    if selected.all():
        return A
    out = np.zeros((len(selected), len(selected)))
    out[np.ix_(selected, selected)] = A
    return out


def _scaled_bounds(V: Matrix, centred: Centred, diagonal: Vector, rounding_error: float, *, penalised: bool) -> Bounds:
    """Bounds in the scaled system, whose diagonal may contain a penalty; sums are swept out with their errors."""
    root_weight = np.sqrt(centred.weight)
    summed_norms = (
        np.sqrt(centred.summed_squares + (diagonal - centred.S.diagonal()))
        + np.abs(centred.mean * centred.scale) * root_weight
    )
    response_norm = float(np.sqrt(centred.y_summed_square) + abs(centred.y_mean * centred.y_scale) * root_weight)
    return bounds(V, summed_norms, np.sqrt(diagonal), response_norm, rounding_error, penalised=penalised)


def centre(products: Pair, constant: int | None, squares: Vector) -> Centred:
    """Sweep the constant out, then scale by powers of two; `squares` are those of the columns as they were summed."""
    p = len(products.hi) - 1
    others = np.arange(p) if constant is None else np.delete(np.arange(p), constant)
    index = np.append(others, p)
    mean, weight, centred_products = np.zeros(len(index)), 0.0, products.hi
    if constant is not None:
        weight, row = float(products.hi[constant, constant]), _row(products, constant, index)
        mean = row.value / weight if weight else mean
        centred_products = (
            _partial_out_constant(products, row, constant) if weight else _without_index(products.hi, constant)
        )
    diagonal = np.maximum(centred_products.diagonal(), 0.0)
    size = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scale = np.ldexp(np.ones(len(size)), -np.round(np.log2(size)).astype(int))
    scaled, summed_squares = _scaled(centred_products, scale), squares[index] * scale**2
    np.fill_diagonal(scaled, np.maximum(scaled.diagonal(), 0.0))
    return Centred(
        scaled, scale[:-1], float(scale[-1]), mean[:-1],
        float(mean[-1]), summed_squares[:-1], float(summed_squares[-1]), others, constant, weight,
    )  # fmt: skip


def _scaled(A: Matrix, scale: Vector) -> Matrix:
    out = A * scale[:, None]
    out *= scale
    return out


def _partial_out_constant(products: Pair, row: Pair, constant: int) -> Matrix:
    """S - s s' / weight; in double-double where the products carry low parts. row : s, those with the constant."""
    weight, rest = products.hi[constant, constant], _without_index(products.hi, constant)
    if not products.lo.any():
        outer = np.outer(row.hi, row.hi / weight)
        return np.subtract(rest, outer, out=outer)
    share = row / Pair(np.full(len(rest), weight), np.full(len(rest), products.lo[constant, constant]))
    outer_pair = Pair(row.hi[:, None], row.lo[:, None]) * Pair(share.hi[None, :], share.lo[None, :])
    return (Pair(rest, _without_index(products.lo, constant)) - outer_pair).value


def _row(products: Pair, constant: int, index: Codes) -> Pair:
    return Pair(products.hi[constant, index], products.lo[constant, index])


def _without_index(A: Matrix, at: int) -> Matrix:
    """Less a row and its column; the first, where the constant mostly is, without a copy."""
    return A[1:, 1:] if at == 0 else np.delete(np.delete(A, at, 0), at, 1)


def _scaled_penalty(penalty: Matrix, centred: Centred) -> Matrix:
    inner = penalty[np.ix_(centred.others, centred.others)]
    return _scaled(inner, centred.scale)


def factorize(S: Matrix, limits: Vector) -> tuple[Mask, Matrix, Matrix]:
    """Kept columns, the Cholesky factor of them, and the combinations (kept, aliased) that give the others.

    A column is aliased when its pivot is not above its limit: the later one in order.
    """
    independent = np.ones(len(S), bool)
    if not len(S):
        return independent, S.copy(), np.zeros((0, 0))
    L, info = lapack.dpotrf(S, lower=1, clean=1)
    if info or (L.diagonal() ** 2 <= limits).any():
        independent, L, dependencies = _factorize_independent(S, limits)
    else:
        dependencies = np.zeros((len(S), 0))
    return independent, L, dependencies


def _factorize_independent(S: Matrix, limits: Vector) -> tuple[Mask, Matrix, Matrix]:
    """Cholesky in the order given, passing over every column whose pivot is not above its limit."""
    q = len(S)
    L, chosen, dependencies = np.zeros((q, q)), list[int](), list[tuple[int, Vector]]()
    for j in range(q):
        k = len(chosen)
        row = solve_triangular(L[:k, :k], S[chosen, j], lower=True) if k else np.zeros(0)
        pivot = S[j, j] - row @ row
        if pivot > limits[j]:
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


def _inverse(L: Matrix) -> Matrix:
    if not len(L):
        return np.zeros((0, 0))
    half, _ = lapack.dpotri(L, lower=1, overwrite_c=1)  # above the diagonal it has the zeros of L
    out = half + half.T
    out[np.diag_indices(len(out))] = half.diagonal()
    return np.asarray(out)


def _condition(S: Matrix, inverse: Matrix) -> float:
    if not len(S):
        return 1.0
    return float(np.sqrt(np.abs(S).sum(axis=0).max() * np.abs(inverse).sum(axis=0).max()))


def _undo_scaling(
    centred: Centred,
    b: Vector,
    V: Matrix,
    independent: Mask,
    dependencies: Matrix,
    condition: float,
    leverage: float,
    error_bounds: Bounds,
) -> Solution:
    """Undo scaling and centring."""
    error_bounds = replace(
        error_bounds,
        sensitivity=error_bounds.sensitivity * centred.scale,
        summed_norms=error_bounds.summed_norms / centred.scale,
        centred_norms=error_bounds.centred_norms / centred.scale,
        response_norm=error_bounds.response_norm / centred.y_scale,
    )
    v = np.append(-b, 1.0)
    rss = max(float(v @ (centred.products @ v)), 0.0) / centred.y_scale**2
    slopes, inverse = b * centred.scale / centred.y_scale, _scaled(V, centred.scale)
    null = np.zeros((len(b), dependencies.shape[1]))
    null[independent] = -dependencies
    null[~independent] = np.eye(dependencies.shape[1])
    null = null * centred.scale[:, None] / centred.scale[~independent]
    if centred.constant is None:
        return Solution(slopes, inverse, independent, null, rss, condition, leverage, error_bounds)
    p, at, mean = len(b) + 1, centred.constant, centred.mean
    coefficients, full_inverse, full_null = np.zeros(p), np.empty((p, p)), np.zeros((p, null.shape[1]))
    coefficients[centred.others], coefficients[at] = slopes, _intercept(centred.y_mean, mean, slopes)
    inner_index = np.ix_(centred.others, centred.others) if at else np.s_[1:, 1:]
    full_inverse[inner_index] = inverse
    cross = -inverse @ mean
    full_inverse[at, centred.others] = full_inverse[centred.others, at] = cross
    full_inverse[at, at] = 1.0 / centred.weight + mean @ inverse @ mean
    full_null[centred.others], full_null[at] = null, -(mean @ null)
    used = np.ones(p, bool)
    used[centred.others] = independent
    return Solution(
        coefficients,
        full_inverse,
        used,
        full_null,
        rss,
        condition,
        leverage + 1.0,
        _bounds_with_constant(error_bounds, centred),
    )


def _bounds_with_constant(inner_bounds: Bounds, centred: Centred) -> Bounds:
    """The intercept is the outcome's mean less those of the columns: their errors, and those of the means."""
    places, p = centred.others, len(centred.others) + 1
    sensitivity, summed_norms, centred_norms = np.zeros(p), np.zeros(p), np.zeros(p)
    sensitivity[places], summed_norms[places], centred_norms[places] = (
        inner_bounds.sensitivity,
        inner_bounds.summed_norms,
        inner_bounds.centred_norms,
    )
    sensitivity[centred.constant] = np.abs(centred.mean) @ inner_bounds.sensitivity + centred.weight**-0.5
    return replace(inner_bounds, sensitivity=sensitivity, summed_norms=summed_norms, centred_norms=centred_norms)


def _intercept(y_mean: float, mean: Vector, slopes: Vector) -> float:
    """y_mean less the sum of the products, rounded once; NaN where one of them leaves the range of float64."""
    high, low = two_product(mean, -slopes)
    terms = np.concatenate([high, low, [y_mean]])
    return math.fsum(terms.tolist()) if np.isfinite(terms).all() else math.nan
