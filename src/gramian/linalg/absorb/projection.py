"""Projection on the levels of several large factors: by a sparse factorization or by conjugate gradient.

Conjugate gradient works on sparse products, all columns together. Where the levels of two factors make a sparse graph
(`gramian.linalg.absorb.level_graph`), its leaves are eliminated first, and what is left is factored or iterated.

Hestenes and Stiefel (1952), with the diagonal as preconditioner. The error is bounded by the residual and the smallest
Ritz value of the iteration (Golub and Meurant, "Matrices, Moments and Quadrature", 2010), and the residual is
recomputed at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal
from scipy.sparse import csr_array

from gramian.errors import ConvergenceError
from gramian.kernels.graphs import column_products, difference_of_products, move, sparse_times, turn, with_short_indices
from gramian.linalg.absorb.level_graph import Factorization, LevelGraph, factorization
from gramian.linalg.certificate import EPS
from gramian.linalg.solve import SAFETY
from gramian.typing import Matrix, Vector

TOLERANCE = 1e-8  # error of a projection relative to its residual; products of residuals are off by the square
MAX_ERROR = 1e-6  # largest error that is accepted at the end: products are then off by 1e-12
MAX_STEPS = 20_000
CHECK_INTERVAL = 10  # steps between tests of convergence, each of which solves an eigenvalue problem
FEW_STEPS = 50  # steps up to which the eigenvalue problem is so small that every step is tested
MIN_RITZ = 1e-13  # smaller Ritz values are zeros with rounding errors: the system is singular but consistent


@dataclass(frozen=True, slots=True)
class Projected:
    """Solution of R X = B for k right-hand sides.

    Attributes
    ----------
    X : (n, k)
        The solution.
    residual : (n, k)
        B - R X, recomputed at the end.
    steps : int
        Steps taken.
    correct : callable or None
        Combination (k,) of the columns -> what its solution (n,) lacks, to the rounding errors of B; None where the
        solution is that exact.
    """

    X: Matrix
    residual: Matrix
    steps: int
    correct: Callable[[Vector], Vector] | None = None


@dataclass(frozen=True, slots=True)
class SchurComplement:
    """R = M - C' D^-1 C, positive semidefinite, as an operator that is never written out.

    Attributes
    ----------
    M : sparse (n, n)
        Products of the levels of all factors but the largest.
    C : sparse (L, n)
        Products of the levels of the largest factor with them.
    transposed : sparse (n, L)
        C' in row order, for fast products.
    weight : (L,)
        Diagonal D of the products of the largest factor.
    """

    M: csr_array
    C: csr_array
    transposed: csr_array
    weight: Vector

    @classmethod
    def of(cls, M: csr_array, C: csr_array, weight: Vector) -> SchurComplement:
        """The same, with short indices."""
        M, C = with_short_indices(M), with_short_indices(C)
        return cls(M, C, csr_array(C.T), weight)

    def __matmul__(self, P: Matrix) -> Matrix:
        inner = sparse_times(self.C, P, self.weight)
        return difference_of_products(self.M, P, self.transposed, inner)

    def diagonal(self) -> Vector:
        """The diagonal of R, (n,)."""
        T = self.transposed
        squares = csr_array((T.data * T.data, T.indices, T.indptr), shape=T.shape) @ (1.0 / self.weight)
        return np.asarray(self.M.diagonal() - squares)


def project(
    R: SchurComplement,
    B: Matrix,
    remaining: Vector,
    summed_squares: Vector,
    squares: Vector,
    rounding_error: float,
    graph: LevelGraph | None = None,
) -> Projected:
    """Solve R X = B for k columns at once.

    Parameters
    ----------
    R : SchurComplement
        Products of the levels of all factors but the largest, which is partialled out.
    B : (n, k)
        Products of the levels with the columns, the largest factor partialled out.
    remaining : (k,)
        Squares of the columns before this projection.
    summed_squares : (k,)
        Squares of the columns as they were summed.
    squares : (n,)
        Squares of the levels to which rounding errors of R are relative.
    rounding_error : float
        Relative rounding error of a product.
    graph : LevelGraph, optional
        Of the levels of two factors.

    Raises
    ------
    ConvergenceError
        Where the error of some projection stays above MAX_ERROR relative to its residual.

    Notes
    -----
    A column has converged when the error of its projection, in the norm of R, is below TOLERANCE times the norm of its
    residual: ||x - x*||_R^2 <= r'P r / (smallest Ritz value), with the preconditioner P.
    """
    floor = (8 * EPS) ** 2 * summed_squares  # rounding errors of B
    if graph is not None:
        factored = factorization(graph.laplacian)
        if factored is not None:
            return _by_factorization(R, graph, factored, B, remaining, floor)
        return _on_core(R, graph, B, remaining, floor)
    diagonal = R.diagonal()
    redundant = diagonal <= SAFETY * rounding_error * squares
    # A level that the largest factor explains has a zero row in R but for rounding: it gets no coefficient.
    inverse = np.where(redundant, 0.0, 1.0 / np.where(redundant, 1.0, diagonal))[:, None]
    loop = _iterated(R, B, inverse, remaining, floor)

    # The recurrence of the residual drifts from the true one by rounding; the certificate needs the true one.
    residual = B - R @ loop.X

    def correct(v: Vector) -> Vector:
        """Further steps for one column."""
        return _iterated(R, (residual @ v)[:, None], inverse, np.zeros(1), _floor_of(v, floor)).X[:, 0]

    error = (residual * residual * inverse).sum(axis=0) / loop.smallest_ritz_values()
    _check(error, loop.remaining, floor, loop.steps)
    return Projected(loop.X, residual, loop.steps, correct)


def _by_factorization(
    R: SchurComplement, graph: LevelGraph, factored: Factorization, B: Matrix, remaining: Vector, floor: Vector
) -> Projected:
    """Solve by elimination, with one step of refinement; the error in the norm of R is r'R^+ r, by one more solve."""

    def solved(rhs: Matrix) -> Matrix:
        core, eliminated = graph.eliminate(rhs)
        return graph.substitute(factored.solve(core), eliminated)

    X = solved(B)
    X += solved(B - R @ X)
    residual = B - R @ X
    error = np.abs((residual * solved(residual)).sum(axis=0))
    _check(error, remaining - (B * X).sum(axis=0), floor, 1)
    return Projected(X, residual, 1)


def _on_core(R: SchurComplement, graph: LevelGraph, B: Matrix, remaining: Vector, floor: Vector) -> Projected:
    """Eliminate the leaves of the graph, and iterate on its core."""
    core, eliminated = graph.eliminate(B)
    diagonal = graph.laplacian.diagonal()
    inverse = np.where(diagonal > 0.0, 1.0 / np.where(diagonal > 0.0, diagonal, 1.0), 0.0)[:, None]
    loop = _iterated(graph.laplacian, core, inverse, remaining - graph.explained(eliminated), floor)
    left = core - graph.laplacian @ loop.X
    error = (left * left * inverse).sum(axis=0) / loop.smallest_ritz_values()
    _check(error, loop.remaining, floor, loop.steps)
    X = graph.substitute(loop.X, eliminated)
    residual = B - R @ X

    def correct(v: Vector) -> Vector:
        """Further steps for one column, on the core."""
        rest, whole = graph.eliminate((residual @ v)[:, None])
        steps = _iterated(graph.laplacian, rest, inverse, np.zeros(1), _floor_of(v, floor))
        return graph.substitute(steps.X, whole)[:, 0]

    return Projected(X, residual, loop.steps, correct)


def _floor_of(v: Vector, floor: Vector) -> Vector:
    """The floor (1,) of a combination v (k,) of columns with floors (k,).

    A smaller residual is rounding error, with which a singular system is not consistent: steps would lead away.
    """
    return np.array([float(np.abs(v) @ np.sqrt(floor)) ** 2])


def _iterated(
    R: SchurComplement | csr_array, B: Matrix, inverse: Matrix, remaining: Vector, floor: Vector
) -> _ConjugateGradient:
    """Conjugate gradient for R X = B until every column has converged, or the steps are used up."""
    loop = _ConjugateGradient(B, inverse, remaining, floor)
    while loop.steps < MAX_STEPS:
        if (loop.steps <= FEW_STEPS or loop.steps % CHECK_INTERVAL == 0) and loop.converged():
            break
        loop.step(R)
    return loop


def _check(error: Vector, remaining: Vector, floor: Vector, steps: int) -> None:
    """Raise ConvergenceError where an error (k,), squared in the norm of R, is too large for what remains."""
    if (error > MAX_ERROR**2 * np.maximum(remaining, 0.0) + SAFETY * floor).any():
        worst = float(np.sqrt(error / np.maximum(remaining, floor)).max())
        raise ConvergenceError(
            f"absorbing several large factors did not converge in {steps:,} steps (relative error {worst:.1e}): "
            "their levels share too few rows; leave out levels that are hardly connected, or absorb one factor"
        )


class _ConjugateGradient:
    """State of the preconditioned iteration; every column has step lengths of its own."""

    def __init__(self, B: Matrix, inverse: Matrix, remaining: Vector, floor: Vector) -> None:
        self.X, self.r, self.inverse = np.zeros(B.shape), B.copy("C"), np.ascontiguousarray(inverse)
        self.remaining, self.floor = remaining.copy(), floor
        z = inverse * self.r
        self.p, self.rho = z, (self.r * z).sum(axis=0)
        self.active = self.rho > floor
        self.rates, self.ratios = list[Vector](), list[Vector]()

    @property
    def steps(self) -> int:
        """Steps taken."""
        return len(self.rates)

    def step(self, R: SchurComplement | csr_array) -> None:
        """One step of every column that is still active."""
        q = R @ self.p if isinstance(R, SchurComplement) else sparse_times(R, self.p)
        curvature = column_products(self.p, q)
        self.active &= curvature > 0.0
        rate = np.where(self.active, self.rho / np.where(self.active, curvature, 1.0), 0.0)
        rho = move(rate, self.p, q, self.inverse, self.X, self.r)
        self.remaining -= rate * self.rho  # what this step adds to x'R x, the square that the levels explain
        ratio = np.where(self.active & (self.rho > 0.0), rho / np.where(self.rho > 0.0, self.rho, 1.0), 0.0)
        turn(ratio, self.inverse, self.r, self.p)
        self.rho = np.where(self.active, rho, self.rho)
        self.active &= self.rho > self.floor  # a residual below is rounding error, and so would be further steps
        self.rates.append(rate)
        self.ratios.append(ratio)

    def converged(self) -> bool:
        """Whether the error of every column is small enough; columns that are become inactive."""
        enough = np.maximum(TOLERANCE**2 * np.maximum(self.remaining, 0.0), self.floor)
        # Eigenvalues of a matrix with unit diagonal average one, so the smallest is hardly larger: a residual like this
        # cannot pass, and the eigenvalue problem is saved.
        if (self.active & (self.rho > enough)).any():
            return False
        unconverged = self.rho / self.smallest_ritz_values() > enough
        self.active &= unconverged
        return not self.active.any()

    def smallest_ritz_values(self) -> Vector:
        """The smallest Ritz value of every column that is not a zero with rounding errors, (k,)."""
        return np.array(
            [
                _smallest_ritz_value([r[j] for r in self.rates], [s[j] for s in self.ratios])
                for j in range(len(self.rho))
            ]
        )


def _smallest_ritz_value(rates: list[float], ratios: list[float]) -> float:
    """Smallest eigenvalue of the Lanczos matrix, computed from the step lengths and ratios of a column's iteration."""
    steps = next((i for i, rate in enumerate(rates) if rate <= 0.0), len(rates))
    if not steps:
        return 1.0
    inverse, share = 1.0 / np.array(rates[:steps]), np.array(ratios[: steps - 1])
    diagonal = inverse.copy()
    # Coefficients of conjugate gradient are those of the Lanczos process (Golub and Meurant, 2010): the tridiagonal
    # matrix has 1/rate_k + ratio_{k-1}/rate_{k-1} on its diagonal and sqrt(ratio_k)/rate_k beside it.
    diagonal[1:] += share * inverse[:-1]
    values = eigvalsh_tridiagonal(diagonal, np.sqrt(share) * inverse[:-1])
    return float(values[values > MIN_RITZ][0]) if (values > MIN_RITZ).any() else 1.0
