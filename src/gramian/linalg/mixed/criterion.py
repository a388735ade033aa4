"""Deviance of a linear mixed model as a function of the relative covariance factor, with its gradient.

D. Bates, M. Maechler, B. Bolker and S. Walker, Fitting linear mixed-effects models using lme4, Journal of Statistical
Software 67 (2015), with products of one grouping in the place of sparse factors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gramian.linalg.mixed.products import GroupedProducts
from gramian.linalg.mixed.stacked import Stacked, cholesky, forward
from gramian.typing import Codes, Matrix, Vector

STEP = 1e-30  # of complex derivatives: its square vanishes beside any number


@dataclass(frozen=True, slots=True)
class Factor:
    """Which entries of the relative covariance factor are free: one lower triangle for each term.

    Attributes
    ----------
    size : int
        Number of random effects of a group, q.
    rows, columns : ndarray of int, shape (m,)
        Places of the parameters.
    """

    size: int
    rows: Codes
    columns: Codes

    def matrix(self, theta: Stacked) -> Stacked:
        """The factor Lambda (q, q), lower triangular."""
        out = np.zeros((self.size, self.size), np.asarray(theta).dtype)
        out[self.rows, self.columns] = theta
        return out

    def parameters(self, matrix: Stacked) -> Stacked:
        """The free entries of a matrix (q, q)."""
        return np.asarray(matrix[self.rows, self.columns])

    def derivatives(self, theta: Vector) -> Matrix:
        """Derivatives of D = Lambda Lambda', (m, q, q)."""
        L = self.matrix(theta)
        half = np.zeros((len(theta), self.size, self.size))
        for k, (i, j) in enumerate(zip(self.rows, self.columns, strict=True)):
            half[k, i] = L[:, j]
        return np.asarray(half + half.transpose(0, 2, 1))


def factor_of(sizes: list[int]) -> Factor:
    """The factor of terms with so many random effects, those of different terms uncorrelated."""
    starts = np.cumsum([0, *sizes])
    pairs = [
        (start + i, start + j)
        for start, n in zip(starts[:-1], sizes, strict=True)
        for j in range(n)
        for i in range(j, n)
    ]
    rows, columns = np.array(pairs, np.int64).T
    return Factor(int(starts[-1]), rows, columns)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Sums over the groups at one D; complex where derivatives are taken.

    Attributes
    ----------
    log_det : number
        sum_g log |1 + L_g' D L_g|.
    A : (s, s)
        Products of the model, V^-1 between them.
    E : (q, q)
        sum_g Z_g' V_g^-1 Z_g.
    M : (q, s, q, s)
        sum_g h_g h_g' for h_g = Z_g' V_g^-1 [X_g y_g].
    """

    log_det: Any
    A: Stacked
    E: Stacked
    M: Stacked

    def solved(self) -> tuple[Stacked, Any]:
        """Coefficients (s - 1,) of the fixed effects, and the weighted residual sum of squares."""
        A = self.A
        b = np.linalg.solve(A[:-1, :-1], A[:-1, -1])
        return b, A[-1, -1] - A[-1, :-1] @ b


def evaluate(products: GroupedProducts, D: Stacked) -> Evaluated:
    """The sums over the groups at a relative covariance D (q, q)."""
    q, s, _ = products.between.shape
    A, E, M = products.within.astype(D.dtype), np.zeros((q, q), D.dtype), np.zeros((q * s, q * s), D.dtype)
    log_det = 0.0
    for L, B in products.chunks():
        factor = cholesky(_inner(L, D))
        log_det += 2.0 * np.sum(np.log(factor[np.arange(q), np.arange(q)]))
        N, C = forward(factor, L.transpose(1, 0, 2)), forward(factor, B)
        h = np.einsum("iag,isg->asg", N, C).reshape(q * s, -1)
        A += np.tensordot(C, C, axes=((0, 2), (0, 2)))
        E += np.tensordot(N, N, axes=((0, 2), (0, 2)))
        M += h @ h.T
    return Evaluated(log_det, A, E, M.reshape(q, s, q, s))


def _inner(L: Stacked, D: Stacked) -> Stacked:
    """1 + L_g' D L_g, (q, q, g)."""
    K: Stacked = np.einsum("jig,jlg->ilg", L, np.tensordot(D, L, axes=(1, 0)))
    K[np.arange(len(D)), np.arange(len(D))] += 1.0
    return K


@dataclass(frozen=True, slots=True)
class Criterion:
    """The deviance, -2 log-likelihood or its restricted form, up to constants.

    Attributes
    ----------
    products : GroupedProducts
        Of the columns.
    factor : Factor
        Which covariances are free.
    rows : float
        Number of rows.
    reml : bool
        Whether it is the restricted one.
    """

    products: GroupedProducts
    factor: Factor
    rows: float
    reml: bool

    @property
    def df(self) -> float:
        """Divisor of the residual variance: rows, less the fixed effects under REML."""
        return self.rows - (len(self.products.within) - 1 if self.reml else 0)

    def at(self, theta: Stacked) -> Evaluated:
        """The sums at theta (m,)."""
        L = self.factor.matrix(theta)
        return evaluate(self.products, L @ L.T)

    def value(self, sums: Evaluated) -> float:
        """The profiled deviance."""
        _, square = sums.solved()
        if not square > 0.0:
            return math.inf
        out = float(sums.log_det) + self.df * math.log(square / self.df)
        return out + (float(np.linalg.slogdet(sums.A[:-1, :-1])[1]) if self.reml else 0.0)

    def gradient(self, sums: Evaluated, theta: Stacked, variance: Any = None) -> Stacked:
        """Derivatives (m,) of the deviance. variance : of the residuals; None for that which theta gives."""
        return 2.0 * self.factor.parameters(self.slope(sums, variance) @ self.factor.matrix(theta))

    def slope(self, sums: Evaluated, variance: Any = None) -> Stacked:
        """Derivative (q, q) of the deviance by the symmetric D."""
        b, square = sums.solved()
        out = sums.E - residual_part(sums, b) / (square / self.df if variance is None else variance)
        if self.reml:
            inverse = np.linalg.inv(sums.A[:-1, :-1])
            out = out - np.tensordot(sums.M[:, :-1, :, :-1], inverse, axes=((1, 3), (0, 1)))
        return np.asarray(out)

    def hessian(self, theta: Vector, variance: float | None = None) -> Matrix:
        """Second derivatives (m, m)."""
        return second_derivatives(lambda moved: self.gradient(self.at(moved), moved, variance), theta)


def residual_part(sums: Evaluated, b: Stacked) -> Stacked:
    """sum_g u_g u_g' (q, q) for u_g = Z_g' V_g^-1 (y_g - X_g b)."""
    v = np.append(-b, 1.0)
    return np.asarray(np.tensordot(np.tensordot(sums.M, v, axes=(3, 0)), v, axes=(1, 0)))


def second_derivatives(gradient: Callable[[Stacked], Stacked], x: Vector) -> Matrix:
    """Second derivatives (m, m), by complex steps of the gradient, which have no rounding error of differences."""
    out = np.empty((len(x), len(x)))
    for k in range(len(x)):
        moved = x.astype(np.complex128)
        moved[k] += 1j * STEP
        out[k] = gradient(moved).imag / STEP
    return (out + out.T) / 2.0
