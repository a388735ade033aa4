"""Normal equations: coefficients from products of columns, by Cholesky of the centred products with unit diagonal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import lapack

from gramian.linalg.aliasing import factorize_independent
from gramian.linalg.certificate import Bounds, absolute_sums, backward_error, bounds, with_constant
from gramian.linalg.doubledouble import Pair, less_product
from gramian.linalg.self_products import by_columns, mirror_upper
from gramian.linalg.triangular import inverse_form
from gramian.typing import Codes, Mask, Matrix, Vector

SAFETY = 100.0  # a pivot below SAFETY times its rounding error counts as zero
CANCELLED = 64.0  # terms of a sum over the sum, from which on their rounding is more than that of the system


@dataclass(frozen=True, slots=True)
class Centred:
    """Products with the constant partialled out, scaled by powers of two so that the diagonal is near one.

    Attributes
    ----------
    products : (q + 1, q + 1)
        Centred, scaled products of the columns other than the constant, the response last.
    scale : (q,)
        Power of two that each column was multiplied by, which is exact.
    y_scale : float
        The same for the response.
    mean : (q,)
        Means of the columns, unscaled; zero without a constant.
    y_mean : float
        Mean of the response.
    summed_squares : (q,)
        Squares ever summed, in the scale of the products. The diagonal is what centring left of them.
    y_summed_square : float
        The same for the response.
    others : (q,) int
        Positions of these columns among all columns.
    constant : int or None
        Position of the constant column.
    weight : float
        Square of the constant column, the sum of weights; zero without one.
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
        """(q, q), products of the columns."""
        return self.products[:-1, :-1]

    @property
    def c(self) -> Vector:
        """(q,), products of the columns with the response."""
        return self.products[:-1, -1]

    @property
    def yy(self) -> float:
        """Square of the response about its mean."""
        return float(self.products[-1, -1])


@dataclass(frozen=True, slots=True)
class Solution:
    """Solution of the normal equations, in the parametrization that was solved for.

    Attributes
    ----------
    coefficients : (p,)
        Zero where aliased.
    inverse : (p, p)
        Inverse of the products, rows and columns of zeros where aliased; with a penalty P it is V S V for V = (S +
        P)^-1.
    independent : (p,) bool
        Columns that were used; the others are aliased.
    null : (p, r)
        X null = 0. One column for each aliased column: 1 for itself, minus its combination of independent ones.
    rss : float
        Residual sum of squares, without any penalty.
    condition : float
        Estimated condition number of the scaled design matrix, sqrt(||S||_1 ||S^-1||_1).
    leverage : float
        Trace of the hat matrix.
    bounds : Bounds or None
        Error bounds.
    low : (p,) or None
        Low parts of the coefficients in double-double; None for those of float64.
    root : (p, p) or None
        W with W'X'WXW = 1 and zeros where aliased, so that WW' is the inverse, from products that keep their digits;
        None where only the inverse is known.
    """

    coefficients: Vector
    inverse: Matrix
    independent: Mask
    null: Matrix
    rss: float
    condition: float
    leverage: float
    bounds: Bounds | None = None
    low: Vector | None = None
    root: Matrix | None = None

    @property
    def finite_bounds(self) -> Bounds | None:
        """The bounds; None where they are infinite and say nothing."""
        return None if self.bounds is None or not self.bounds.is_finite else self.bounds


@np.errstate(all="ignore")  # what leaves the range of float64 is infinite or NaN, and has no certified digits
def solve(
    products: Pair,
    constant: int | None,
    rounding_error: float,
    penalty: Matrix | None = None,
    summed_squares: Vector | None = None,
    max_rank: int | None = None,
    sum_error: float | None = None,
) -> Solution:
    """Solve for the coefficients of all columns but the last, which is the response.

    Parameters
    ----------
    products : Pair (p + 1, p + 1)
        X'WX with the response as last column. Low parts of zero are ignored.
    constant : int or None
        Position of the constant column, which is partialled out first.
    rounding_error : float
        Relative rounding error g of a product.
    penalty : (p, p) or None
        Added to the products, zero for the constant.
    summed_squares : (p + 1,) or None
        Squares of the columns before anything was eliminated from them; the diagonal of the products if None.
    max_rank : int or None
        Most columns that can be independent, the constant included, which is the number of rows; None with a penalty.
    sum_error : float or None
        The part of g that is not the rounding of the solve, which is measured then; None to bound coefficients with g.

    Notes
    -----
    A column is aliased when its pivot, the square of what earlier columns do not explain of it, is at most 100 times
    the rounding error g R_j^2 of its square, or half of its centred square if that is less.
    """
    centred = centre(products, constant, products.hi.diagonal() if summed_squares is None else summed_squares)
    S = centred.S if penalty is None else centred.S + _scaled_penalty(penalty, centred)
    # Limits refer to the products without the penalty: their rounding errors do not grow with it.
    diagonal = centred.S.diagonal()
    # squares that are below zero, as no columns have them, but the sums of a file may, determine nothing
    limits = np.maximum(np.minimum(SAFETY * rounding_error * centred.summed_squares, 0.5 * diagonal), 0.0)
    most = None if max_rank is None else max(max_rank - (constant is not None), 0)
    independent, L, dependencies = factorize(S, limits, most)
    b = np.zeros(len(S))
    b[independent] = lapack.dpotrs(L, centred.c[independent], lower=1)[0] if len(L) else 0.0
    # The error bounds need |S^-1| itself, so the inverse is formed although the solution does not need it.
    inverse = inverse_of(L)  # overwrites L
    V = embedded(inverse, independent)
    error_bounds = _scaled_bounds(V, centred, S.diagonal(), rounding_error, penalised=penalty is not None)
    solved = submatrix(S, independent)
    if sum_error is not None:
        norms, y_norm = error_bounds.summed_norms[independent], error_bounds.response_norm
        left = backward_error(solved, b[independent], centred.c[independent], norms, y_norm)
        error_bounds = replace(error_bounds, backward_error=sum_error + left)
    condition = condition_number(solved, inverse)
    leverage = float(independent.sum())
    if penalty is not None:
        # trace(V S) = trace of the hat matrix with a penalty, the effective degrees of freedom.
        leverage = float(np.sum(inverse * submatrix(centred.S, independent)))
        V = V @ centred.S @ V
    return undo_scaling(centred, b, V, independent, dependencies, condition, leverage, error_bounds)


def submatrix(A: Matrix, selected: Mask) -> Matrix:
    """The selected rows and columns of A, A itself where all are selected."""
    return A if selected.all() else A[np.ix_(selected, selected)]


def embedded(A: Matrix, selected: Mask) -> Matrix:
    """A as the selected rows and columns of a larger matrix of zeros."""
    if selected.all():
        return A
    out = np.zeros((len(selected), len(selected)))
    out[np.ix_(selected, selected)] = A
    return out


def _scaled_bounds(V: Matrix, centred: Centred, diagonal: Vector, rounding_error: float, *, penalised: bool) -> Bounds:
    """Bounds in the scaled system, whose diagonal may contain a penalty.

    The norms are increased by |mean| sqrt(weight): partialling out the constant brings in the rounding errors of the
    sums.
    """
    root_weight = np.sqrt(centred.weight)
    summed_norms = (
        np.sqrt(centred.summed_squares + (diagonal - centred.S.diagonal()))
        + np.abs(centred.mean * centred.scale) * root_weight
    )
    response_norm = float(np.sqrt(centred.y_summed_square) + abs(centred.y_mean * centred.y_scale) * root_weight)
    return bounds(V, summed_norms, np.sqrt(diagonal), response_norm, rounding_error, penalised=penalised)


@np.errstate(over="ignore", invalid="ignore")  # as in `solve`
def centre(products: Pair, constant: int | None, squares: Vector) -> Centred:
    """Partial out the constant, then scale by powers of two.

    Parameters
    ----------
    products : Pair (p + 1, p + 1)
        Products, the response last.
    constant : int or None
        Position of the constant column.
    squares : (p + 1,)
        Squares of the columns as they were summed.
    """
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
    # Unit diagonal is within a factor q of the best diagonal scaling (van der Sluis, 1969); powers of two make it
    # exact, at the price of a factor of two.
    scale = np.ldexp(np.ones(len(size)), -np.round(np.log2(size)).astype(int))
    # products with the constant partialled out are no longer anybody else's: they are scaled where they are
    scaled = _scaled(centred_products, scale, centred_products if weight else None)
    summed_squares = squares[index] * scale * scale
    np.fill_diagonal(scaled, np.maximum(scaled.diagonal(), 0.0))
    return Centred(
        scaled, scale[:-1], float(scale[-1]), mean[:-1],
        float(mean[-1]), summed_squares[:-1], float(summed_squares[-1]), others, constant, weight,
    )  # fmt: skip


def _scaled(A: Matrix, scale: Vector, out: Matrix | None = None) -> Matrix:
    """A_ij s_i s_j. out : memory for them, which may be A."""
    out = np.multiply(A, scale[:, None], out=out)
    out *= scale
    return out


def _partial_out_constant(products: Pair, row: Pair, constant: int) -> Matrix:
    """S - s s' / weight, in double-double where the products have low parts. row : s, products with the constant."""
    weight, rest = products.hi[constant, constant], _without_index(products.hi, constant)
    if not products.lo.any():
        outer = np.outer(row.hi, row.hi / weight)
        return np.subtract(rest, outer, out=outer)
    share = row / Pair(np.full(len(rest), weight), np.full(len(rest), products.lo[constant, constant]))
    outer_pair = Pair(row.hi[:, None], row.lo[:, None]) * Pair(share.hi[None, :], share.lo[None, :])
    return (Pair(rest, _without_index(products.lo, constant)) - outer_pair).value


def _row(products: Pair, constant: int, index: Codes) -> Pair:
    """Products of the constant with the columns `index`."""
    return Pair(products.hi[constant, index], products.lo[constant, index])


def _without_index(A: Matrix, at: int) -> Matrix:
    """A without one row and its column; a view if it is the first, where the constant mostly is."""
    return A[1:, 1:] if at == 0 else np.delete(np.delete(A, at, 0), at, 1)


def _scaled_penalty(penalty: Matrix, centred: Centred) -> Matrix:
    """The penalty of the columns other than the constant, in their scale."""
    inner = penalty[np.ix_(centred.others, centred.others)]
    return _scaled(inner, centred.scale)


def factorize(S: Matrix, limits: Vector, max_rank: int | None = None) -> tuple[Mask, Matrix, Matrix]:
    """Cholesky factorization with aliasing: pivots not above their limits are passed over.

    S : (q, q), symmetric. limits : (q,). max_rank : most columns that can be independent. Of dependent columns the
    later ones are aliased. Returns the mask (q,) of the k independent columns, their lower Cholesky factor (k, k), and
    the coefficients (k, q - k) that express each aliased column by the independent ones.
    """
    independent = np.ones(len(S), bool)
    if not len(S):
        return independent, S.copy(), np.zeros((0, 0))
    # The common case without aliased columns costs one call of LAPACK; the loop in Python runs only where that fails.
    L, info = lapack.dpotrf(by_columns(S), lower=1, clean=1, overwrite_a=1)
    too_many = max_rank is not None and len(S) > max_rank
    if info or too_many or (L.diagonal() ** 2 <= limits).any():
        independent, L, dependencies = factorize_independent(S, limits, max_rank)
    else:
        dependencies = np.zeros((len(S), 0))
    return independent, L, dependencies


def inverse_of(L: Matrix) -> Matrix:
    """Inverse of LL' (k, k), symmetric to the last bit; L is overwritten."""
    if not len(L):
        return np.zeros((0, 0))
    half, _ = lapack.dpotri(L, lower=1, overwrite_c=1)
    out = np.asarray(half).T  # stored by columns, so this one is stored by rows
    mirror_upper(out)
    return out


def condition_number(S: Matrix, inverse: Matrix) -> float:
    """Condition number of the scaled design matrix, from the 1-norms of its products and their inverse."""
    if not len(S):
        return 1.0
    return float(np.sqrt(absolute_sums(S).max() * absolute_sums(inverse).max()))


def undo_scaling(
    centred: Centred,
    b: Vector,
    V: Matrix,
    independent: Mask,
    dependencies: Matrix,
    condition: float,
    leverage: float,
    error_bounds: Bounds,
) -> Solution:
    """The solution in the columns themselves, with the coefficient of the constant.

    Parameters
    ----------
    centred : Centred
        The system that was solved.
    b : (q,)
        Its solution, zero where aliased.
    V : (q, q)
        Its inverse, embedded.
    independent : (q,) bool
        The k columns that were used.
    dependencies : (k, q - k)
        Combinations that equal the aliased columns.
    condition, leverage : float
        As in `Solution`, the constant not counted.
    error_bounds : Bounds
        In the scale of the system.
    """
    error_bounds = error_bounds.with_norms(
        error_bounds.sensitivity * centred.scale,
        error_bounds.summed_norms / centred.scale,
        error_bounds.centred_norms / centred.scale,
        error_bounds.response_norm / centred.y_scale,
    )
    # yy - b'c would cancel where R^2 is near one; the quadratic form (-b, 1)' C (-b, 1) does not.
    v = np.append(-b, 1.0)
    rss = max(float(v @ (centred.products @ v)), 0.0) / centred.y_scale / centred.y_scale
    slopes = b * centred.scale / centred.y_scale
    null = np.zeros((len(b), dependencies.shape[1]))
    null[independent] = -dependencies
    null[~independent] = np.eye(dependencies.shape[1])
    null = null * centred.scale[:, None] / centred.scale[~independent]
    if centred.constant is None:
        inverse = _scaled(V, centred.scale)
        return Solution(slopes, inverse, independent, null, rss, condition, leverage, error_bounds)
    p, at, mean = len(b) + 1, centred.constant, centred.mean
    coefficients, full_inverse, full_null = np.zeros(p), np.empty((p, p)), np.zeros((p, null.shape[1]))
    coefficients[centred.others], coefficients[at] = slopes, less_product(centred.y_mean, mean, slopes)
    inverse = _scaled(V, centred.scale, full_inverse[1:, 1:] if at == 0 else None)
    if at:
        full_inverse[np.ix_(centred.others, centred.others)] = inverse
    # Inverse of the bordered matrix: with V of the centred products, -V mean beside the diagonal, 1/weight + mean'V
    # mean on it.
    cross = -(inverse @ mean)
    full_inverse[at, centred.others] = full_inverse[centred.others, at] = cross
    full_inverse[at, at] = 1.0 / centred.weight + mean @ inverse @ mean
    if not error_bounds.penalised and _cancels(inverse, mean, float(full_inverse[at, at])):
        full_inverse[at, at] = 1.0 / centred.weight + _without_cancelling(centred, independent)
    full_null[centred.others], full_null[at] = null, -(mean @ null)
    used = np.ones(p, bool)
    used[centred.others] = independent
    bounded = with_constant(error_bounds, centred.others, at, mean, centred.weight, cross)
    return Solution(coefficients, full_inverse, used, full_null, rss, condition, leverage + 1.0, bounded)


def _cancels(V: Matrix, mean: Vector, total: float) -> bool:
    """Whether mean'V mean is a sum of terms whose rounding, relative to a total, is more than that of the system."""
    size = np.abs(mean)
    if float(size @ np.sqrt(np.maximum(V.diagonal(), 0.0))) ** 2 <= CANCELLED * total:  # bounds them at less cost
        return False
    return float(sum(size[i : i + 64] @ np.abs(V[i : i + 64]) @ size for i in range(0, len(V), 64))) > CANCELLED * total


def _without_cancelling(centred: Centred, independent: Mask) -> float:
    """mean'V mean of which no terms cancel: by L^-1 mean, with S = LL' in the scale of the system."""
    used, L, _ = factorize(submatrix(centred.S, independent), np.zeros(int(independent.sum())))
    return inverse_form(L, (centred.mean * centred.scale)[independent][used])
