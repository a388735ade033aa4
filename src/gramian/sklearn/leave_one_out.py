"""Errors of ridge fits on each row by the fit to all others: one pass for all penalties.

The error is r / (1 - h), h the leverage, without fitting again (Golub, Heath and Wahba 1979); in the eigenvectors of
the products all penalties have theirs at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, eigh
from scipy.linalg.lapack import dgejsv

from gramian.batch import Batch
from gramian.engines.blas import one_thread
from gramian.sklearn.lasso import system_of
from gramian.sklearn.rows import MATRIX, Rows, weight_name
from gramian.sklearn.sums import Sums
from gramian.sklearn.threads import local
from gramian.typing import Matrix, Vector

MIN_COMPLEMENT = 1e-12  # of 1 - h: a row that alone determines its fit has no error to speak of
MAX_SQUARE_RATIO = (
    1e4  # between squares of columns: what it costs of the smallest eigenvalue's digits, if its size is ignored
)


@dataclass(frozen=True, slots=True)
class Total:
    """Sums that add."""

    values: Matrix

    def __add__(self, other: Total, /) -> Total:
        return Total(self.values + other.values)


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOutPass:
    """The pass. centre : (p + k,) means, zero without an intercept. vectors : (p, r). shrink : (r, a) of the squares.

    along : (k, r, a) coefficients in the eigenvectors. share : 1 / sum of weights, 0 without an intercept.
    """

    centre: Vector
    vectors: Matrix
    shrink: Matrix
    coefficients: Matrix
    outcomes: tuple[str, ...]
    weight: str | None
    constant_leverage: float

    @property
    def columns(self) -> tuple[str, ...]:
        """None by name: the whole matrix is read."""
        return ()

    @property
    def empty(self) -> Total:
        """No rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Total:
        """Weighted sums of squared errors, (k, a)."""
        error_sums, p = np.zeros((len(self.outcomes), self.shrink.shape[1])), len(self.vectors)
        for batch in batches:
            w = np.ones(batch.rows) if self.weight is None else batch.columns[self.weight]
            T = np.dot(np.asarray(batch.matrices[MATRIX], np.float64) - self.centre[:p], self.vectors)
            complement = 1.0 - w[:, None] * (np.dot(T * T, self.shrink) + self.constant_leverage)
            complement = np.maximum(complement, MIN_COMPLEMENT)
            for j, (name, mean, b) in enumerate(zip(self.outcomes, self.centre[p:], self.coefficients, strict=True)):
                errors = ((batch.columns[name] - mean)[:, None] - np.dot(T, b)) / complement
                error_sums[j] += w @ (errors * errors)
        return Total(error_sums)


def leave_one_out_errors(
    rows: Rows, sums: Sums, alphas: Vector, outcomes: tuple[str, ...], *, intercept: bool
) -> Vector:
    """Mean squared errors of left-out rows, (k, a)."""
    systems = [system_of(sums, j, intercept=intercept) for j in range(sums.outcomes)]
    with one_thread():
        values, vectors = _spectrum(systems[0].S)
    shrink = 1.0 / (np.maximum(values, 0.0)[:, None] + alphas)
    coefficients = np.array([(vectors.T @ s.c)[:, None] * shrink for s in systems])
    centre = sums.shift + sums.dense[0, 1:] / sums.weight if intercept else np.zeros(len(sums.shift))
    weight_column = weight_name(rows.columns)
    weight = weight_column if weight_column in rows.vectors else None
    task = LeaveOneOutPass(
        centre, vectors, shrink, coefficients, outcomes, weight, 1.0 / sums.weight if intercept else 0.0
    )
    return np.asarray(local(rows.rows).fold(rows, task).values / sums.weight)


def _spectrum(S: Matrix) -> tuple[Vector, Matrix]:
    """Eigenvalues (r,) and eigenvectors (p, r) of positive semidefinite products; columns of zeros have none."""
    squares = S.diagonal()
    used = np.flatnonzero(squares > 0.0)
    nonzero, sizes = S[np.ix_(used, used)], squares[used]
    badly_scaled = sizes.max(initial=0.0) > MAX_SQUARE_RATIO * sizes.min(initial=np.inf)
    values, nonzero_vectors = (_jacobi_spectrum(nonzero) if badly_scaled else None) or eigh(nonzero)
    vectors = np.zeros((len(S), len(used)))
    vectors[used] = nonzero_vectors
    return values, vectors


def _jacobi_spectrum(S: Matrix) -> tuple[Vector, Matrix] | None:
    """The spectrum for columns of different sizes, each eigenvalue with the digits that unit columns would give it.

    One-sided Jacobi rotations of the Cholesky factor (Demmel and Veselic 1992); an ordinary solver errs in every
    eigenvalue by the rounding of the largest. None where there is no factor, or no end of the rotations.
    """
    try:
        upper = cholesky(S)
    except np.linalg.LinAlgError:
        return None
    singular_values, _, vectors, work, _, info = dgejsv(upper, joba=0, jobu=3, jobv=0)
    return None if info else (np.square(singular_values * (work[0] / work[1])), vectors)
