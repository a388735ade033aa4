"""Many small systems of the same columns at once: as `solve` makes of each, by arrays whose first axis is the systems.

What `solve` does in some two hundred calls of NumPy, each of which takes as long as its numbers for a few columns, is
done here in as many calls for all systems together. Only systems without aliased columns are solved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum

import numpy as np
from scipy.linalg import lapack

from gramian.linalg.certificate import EPS, MAX_RHO, Bounds
from gramian.linalg.doubledouble import two_product
from gramian.linalg.solve import SAFETY, Solution
from gramian.typing import Codes, Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Stack:
    """Solutions of w systems of p columns, as of `Solution` and `Bounds`.

    Attributes
    ----------
    solved : (w,) bool
        Which systems have independent columns and finite numbers; the others are solved one by one.
    coefficients : (w, p)
        Coefficients.
    inverse : (w, p, p)
        Inverses of the products.
    rss, condition : (w,)
        Residual sums of squares, and condition numbers.
    sensitivity, summed_norms, centred_norms : (w, p)
        As in `Bounds`.
    response_norm, rounding_error, backward_error, rho : (w,)
        As in `Bounds`.
    """

    solved: Mask
    coefficients: Matrix
    inverse: Matrix
    rss: Vector
    condition: Vector
    sensitivity: Matrix
    summed_norms: Matrix
    centred_norms: Matrix
    response_norm: Vector
    rounding_error: Vector
    backward_error: Vector
    rho: Vector

    def at(self, i: int) -> Solution:
        """The solution of one system."""
        bounds = Bounds(
            self.sensitivity[i],
            self.summed_norms[i],
            self.centred_norms[i],
            float(self.response_norm[i]),
            float(self.rounding_error[i]),
            float(self.rho[i]),
            backward_error=float(self.backward_error[i]),
        )
        p = self.coefficients.shape[1]
        return Solution(
            self.coefficients[i],
            self.inverse[i],
            np.ones(p, bool),
            np.zeros((p, 0)),
            float(self.rss[i]),
            float(self.condition[i]),
            float(p),
            bounds,
        )

    def errors(self) -> Matrix:
        """Bounds (w, p) of the errors of the coefficients, as of `Bounds.error`."""
        sizes = self.response_norm + _dots(self.summed_norms, np.abs(self.coefficients))
        return np.asarray(self.sensitivity * (self.backward_error * sizes * self.amplification)[:, None])

    def rss_errors(self) -> Vector:
        """Bounds (w,) of the errors of the residual sums of squares, as of `Bounds.rss`."""
        sizes = np.abs(self.coefficients)
        own = _dots(self.centred_norms, self.errors() + EPS * sizes)
        total = self.response_norm + _dots(self.summed_norms, sizes)
        return np.asarray(self.rounding_error * total**2 * self.amplification + own**2)

    def is_finite(self) -> Mask:
        """Which systems (w,) have finite numbers only."""
        one = (self.rss, self.condition, self.response_norm, self.backward_error)
        every = (self.coefficients, self.sensitivity, self.summed_norms, self.centred_norms)
        numbers = (*every, self.inverse.reshape(len(self.rss), -1), np.column_stack(one))
        return np.asarray(np.isfinite(np.concatenate(numbers, axis=1)).all(axis=1))

    @property
    def amplification(self) -> Vector:
        """1 / (1 - rho), (w,)."""
        return np.asarray(1.0 / (1.0 - self.rho))


@dataclass(frozen=True, slots=True)
class _Centred:
    """Systems with the constant partialled out, scaled by powers of two, as of `Centred`.

    Attributes
    ----------
    S : (w, q + 1, q + 1)
        Products, the response last.
    scales, means, summed : (w, q + 1)
        Scale and mean of each column, and the scaled square that was summed.
    others : (q,) int
        Positions of the columns but the constant.
    constant : int or None
        Position of the constant.
    weight : (w,)
        Its square.
    """

    S: Matrix
    scales: Matrix
    means: Matrix
    summed: Matrix
    others: Codes
    constant: int | None
    weight: Vector

    def norms(self) -> Matrix:
        """Roots (w, q + 1) of the squares that were summed, with what partialling out the constant adds."""
        return np.asarray(np.sqrt(self.summed) + np.abs(self.means * self.scales) * np.sqrt(self.weight)[:, None])


@np.errstate(all="ignore")  # systems with numbers beyond float64 are solved one by one
def solve_stack(products: Matrix, constant: int | None, sum_error: Vector, rows: Codes) -> Stack:
    """Solve w systems for the coefficients of all columns but the last, which is the response.

    Parameters
    ----------
    products : (w, p + 1, p + 1)
        X'WX of each, the response last; at least one column beside the constant.
    constant : int or None
        Position of the constant column, which is partialled out first.
    sum_error : (w,)
        Relative rounding error of a product.
    rows : (w,) int
        Rows of each system, which its rank cannot exceed.
    """
    p, centred = products.shape[1] - 1, _centre(products, constant)
    S, scale, y_scale, q = centred.S, centred.scales[:, :-1], centred.scales[:, -1], len(centred.others)
    A, c, norms, rounding_error = S[:, :-1, :-1], S[:, :-1, -1], centred.norms(), sum_error + p * EPS
    pivots, b, V = _factored(A, c)
    own = _diagonals(A)
    limits = np.minimum(SAFETY * rounding_error[:, None] * centred.summed[:, :-1], 0.5 * own)
    sensitivity = _times(np.abs(V), norms[:, :-1])
    rho = rounding_error * (norms[:, :-1] * sensitivity).max(axis=1)
    v = np.column_stack([-b, np.ones(len(b))])
    stack = Stack(
        (pivots**2 > limits).all(axis=1) & (rows - (p - q) >= q) & (rho < MAX_RHO),
        b * scale / y_scale[:, None],
        V * scale[:, :, None] * scale[:, None, :],
        np.maximum(_dots(v, _times(S, v)), 0.0) / y_scale / y_scale,
        np.sqrt(np.abs(A).sum(axis=1).max(axis=1) * np.abs(V).sum(axis=1).max(axis=1)),
        sensitivity * scale,
        norms[:, :-1] / scale,
        np.sqrt(own) / scale,
        norms[:, -1] / y_scale,
        rounding_error,
        sum_error + _backward_errors(A, b, c, norms),
        rho,
    )
    stack = stack if constant is None else _with_constant(stack, centred, constant)
    return replace(stack, solved=stack.solved & stack.is_finite())


def _centre(products: Matrix, constant: int | None) -> _Centred:
    """Partial out the constant, then scale by powers of two, as `centre` does."""
    p, w = products.shape[1] - 1, len(products)
    others = np.arange(p) if constant is None else np.delete(np.arange(p), constant)
    index = np.append(others, p)
    S, means, weight = products[:, index[:, None], index], np.zeros((w, len(index))), np.zeros(w)
    if constant is not None:
        weight, row = products[:, constant, constant], products[:, constant, index]
        means = row / weight[:, None]
        S = S - row[:, :, None] * means[:, None, :]
    size = np.sqrt(np.where(_diagonals(S) > 0.0, _diagonals(S), 1.0))
    scales = np.ldexp(np.ones(size.shape), -np.round(np.log2(size)).astype(int))
    S = S * scales[:, :, None] * scales[:, None, :]
    at = np.arange(len(index))
    S[:, at, at] = np.maximum(_diagonals(S), 0.0)
    return _Centred(S, scales, means, _diagonals(products)[:, index] * scales * scales, others, constant, weight)


def _backward_errors(A: Matrix, b: Matrix, c: Matrix, norms: Matrix) -> Vector:
    """What each solve left (w,), as of `backward_error`. norms : (w, q + 1), that of the response last."""
    sizes, roundings = np.abs(b), (b.shape[1] + 2) * EPS
    residual = np.abs(c - _times(A, b)) + roundings * (_times(np.abs(A), sizes) + np.abs(c))
    allowed = norms[:, :-1] * (norms[:, -1] + _dots(norms[:, :-1], sizes))[:, None]
    return np.asarray(np.divide(residual, allowed, out=np.zeros_like(b), where=residual > 0.0).max(axis=1))


def _with_constant(stack: Stack, centred: _Centred, at: int) -> Stack:
    """The solutions with the coefficient of the constant, as of `undo_scaling` and `with_constant`."""
    means, others, p = centred.means[:, :-1], centred.others, len(centred.others) + 1
    cross = -_times(stack.inverse, means)
    through = _dots(np.abs(means), stack.sensitivity)
    first = _dots(np.abs(cross), stack.summed_norms)
    through = np.minimum(through, first + (stack.rho + p * EPS) * through) + 1.0 / np.sqrt(centred.weight)
    corner = 1.0 / centred.weight + _dots(means, _times(stack.inverse, means))
    zero = np.zeros(len(through))
    return replace(
        stack,
        coefficients=_inserted(
            stack.coefficients, others, at, _intercepts(centred.means[:, -1], means, stack.coefficients)
        ),
        inverse=_bordered(stack.inverse, others, at, cross, corner),
        sensitivity=_inserted(stack.sensitivity, others, at, through),
        summed_norms=_inserted(stack.summed_norms, others, at, zero),
        centred_norms=_inserted(stack.centred_norms, others, at, zero),
    )


def _factored(A: Matrix, c: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Pivots (w, q) of the Cholesky factors of A (w, q, q), A^-1 c (w, q) and A^-1; zeros where there is none."""
    pivots, b, V = np.zeros_like(c), np.zeros_like(c), np.zeros(A.shape)
    for i, system in enumerate(A):
        L, failed = lapack.dpotrf(system, lower=1, clean=1)
        if not failed:
            pivots[i] = L.diagonal()
            b[i] = lapack.dpotrs(L, c[i], lower=1)[0]
            V[i] = lapack.dpotri(L, lower=1, overwrite_c=1)[0].T
    np.copyto(V, V.transpose(0, 2, 1).copy(), where=np.tri(A.shape[1], k=-1, dtype=bool))
    return pivots, b, V


def _intercepts(y_mean: Vector, mean: Matrix, slopes: Matrix) -> Vector:
    """y_mean - mean'slopes, (w,), each rounded once; NaN where a product leaves the range of float64."""
    high, low = two_product(mean, -slopes)
    terms = np.column_stack([high, low, y_mean])
    out, finite = np.full(len(terms), np.nan), np.isfinite(terms).all(axis=1)
    out[finite] = [fsum(row) for row in terms[finite].tolist()]
    return out


def _bordered(inner: Matrix, others: Codes, at: int, cross: Matrix, corner: Vector) -> Matrix:
    """Matrices (w, p, p) with another row and column at a position."""
    p = len(others) + 1
    out = np.empty((len(inner), p, p))
    out[:, others[:, None], others] = inner
    out[:, at, others] = out[:, others, at] = cross
    out[:, at, at] = corner
    return out


def _inserted(values: Matrix, others: Codes, at: int, column: Vector) -> Matrix:
    """Rows (w, p) with another number at a position."""
    out = np.empty((len(values), len(others) + 1))
    out[:, others], out[:, at] = values, column
    return out


def _diagonals(A: Matrix) -> Matrix:
    """Diagonals (w, p) of matrices (w, p, p)."""
    return np.asarray(np.diagonal(A, axis1=1, axis2=2))


def _times(A: Matrix, v: Matrix) -> Matrix:
    """Products (w, p) of matrices (w, p, p) and vectors (w, p)."""
    return np.asarray(np.matmul(A, v[:, :, None])[:, :, 0])


def _dots(a: Matrix, b: Matrix) -> Vector:
    """Products (w,) of vectors (w, p)."""
    return np.asarray(np.einsum("ij,ij->i", a, b))
