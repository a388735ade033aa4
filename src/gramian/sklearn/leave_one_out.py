"""Leave-one-out errors of ridge regression for all penalties, in one pass.

The error of a row under the fit to all other rows is r_i / (1 - h_i), with residual r_i and leverage h_i of the fit
to all rows. In the eigenvectors of X'X the residuals and leverages of all penalties are products with one matrix.

References
----------
Golub, G. H., Heath, M. and Wahba, G. (1979). Generalized cross-validation as a method for choosing a good ridge
parameter. Technometrics 21, 215-223.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, eigh
from scipy.linalg.lapack import dgejsv

from gramian.batch import Batch
from gramian.engines.fold import one_thread
from gramian.sklearn.lasso import system_of
from gramian.sklearn.leave_one_out_wide import errors_of_wide_rows, suits
from gramian.sklearn.rows import MATRIX, Rows, weight_name
from gramian.sklearn.sums import Sums
from gramian.sklearn.threads import local
from gramian.typing import Matrix, Vector

# Least 1 - h that is divided by: where h = 1 the row alone determines its fit, and its error is 0 / 0.
MIN_COMPLEMENT = 1e-12
# Largest ratio of squares of columns for which the usual eigenvalue solver is taken: the smallest eigenvalue may lose
# as many digits as this number has zeros.
MAX_SQUARE_RATIO = 1e4


@dataclass(frozen=True, slots=True)
class Total:
    """An array of sums; two are added element by element."""

    values: Matrix

    def __add__(self, other: Total, /) -> Total:
        return Total(self.values + other.values)


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOutPass:
    """The pass that accumulates squared leave-one-out errors.

    Attributes
    ----------
    centre : ndarray, (p + k,)
        Means of columns and outcomes; zeros without an intercept.
    vectors : ndarray, (p, r)
        Eigenvectors of the centred products.
    shrink : ndarray, (r, a)
        1 / (eigenvalue + alpha) for each penalty.
    coefficients : ndarray, (k, r, a)
        Coefficients in the basis of the eigenvectors, for each outcome and penalty.
    outcomes : tuple of str, (k,)
        Names of the outcomes.
    weight : str or None
        Name of the column of weights.
    constant_leverage : float
        Leverage of the intercept for a row of weight 1: 1 / sum of weights; 0 without an intercept.
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
        """No column names: batches have the matrix as one block."""
        return ()

    @property
    def empty(self) -> Total:
        """Sums of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Total:
        """Weighted sums of squared leave-one-out errors, (k, a)."""
        error_sums = np.zeros((len(self.outcomes), self.shrink.shape[1]))
        for batch in batches:
            w = self._weights(batch)
            for j, errors in enumerate(self.errors(batch)):
                error_sums[j] += w @ (errors * errors)
        return Total(error_sums)

    def errors(self, batch: Batch) -> Iterator[Matrix]:
        """Leave-one-out errors of the rows for every penalty, (n, a), one outcome after the other."""
        w, p = self._weights(batch), len(self.vectors)
        T = np.dot(np.asarray(batch.matrices[MATRIX], np.float64) - self.centre[:p], self.vectors)
        # The leverage of a row in the basis of the eigenvectors is a weighted sum of squares.
        complement = 1.0 - w[:, None] * (np.dot(T * T, self.shrink) + self.constant_leverage)
        complement = np.maximum(complement, MIN_COMPLEMENT)
        for name, mean, b in zip(self.outcomes, self.centre[p:], self.coefficients, strict=True):
            yield ((batch.columns[name] - mean)[:, None] - np.dot(T, b)) / complement

    def _weights(self, batch: Batch) -> Vector:
        return np.ones(batch.rows) if self.weight is None else batch.columns[self.weight]


def leave_one_out_errors(
    rows: Rows, sums: Sums, alphas: Vector, outcomes: tuple[str, ...], *, intercept: bool
) -> Vector:
    """Mean squared leave-one-out errors for each outcome and penalty, (k, a).

    rows : can be read again. sums : of these rows. alphas : (a,) penalties above 0. outcomes : their names.
    """
    if suits(rows, intercept=intercept):
        errors = errors_of_wide_rows(rows, alphas, outcomes, intercept=intercept)
        weight = rows.vectors.get(weight_name(rows.columns), np.ones(rows.rows))
        return np.asarray(np.tensordot(weight, errors**2, 1) / sums.weight)
    task = _pass_of(rows, sums, alphas, outcomes, intercept=intercept)
    return np.asarray(local(rows.rows).fold(rows, task).values / sums.weight)


def leave_one_out_errors_of_rows(
    rows: Rows, sums: Sums, alphas: Vector, outcomes: tuple[str, ...], *, intercept: bool
) -> NDArray[np.float64]:
    """The leave-one-out error of every row, (n, k, a); arguments as in `leave_one_out_errors`."""
    if suits(rows, intercept=intercept):
        return errors_of_wide_rows(rows, alphas, outcomes, intercept=intercept)
    task = _pass_of(rows, sums, alphas, outcomes, intercept=intercept)
    batches = (batch for unit in rows.units for batch in unit.batches(()))
    return np.concatenate([np.stack(list(task.errors(batch)), axis=1) for batch in batches])


def _pass_of(rows: Rows, sums: Sums, alphas: Vector, outcomes: tuple[str, ...], *, intercept: bool) -> LeaveOneOutPass:
    """The pass over these rows for these penalties."""
    systems = [system_of(sums, j, intercept=intercept) for j in range(sums.outcomes)]
    with one_thread():
        # The products of the columns are the same for all outcomes.
        values, vectors = _spectrum(systems[0].S)
    shrink = 1.0 / (np.maximum(values, 0.0)[:, None] + alphas)
    coefficients = np.array([(vectors.T @ s.c)[:, None] * shrink for s in systems])
    centre = sums.shift + sums.dense[0, 1:] / sums.weight if intercept else np.zeros(len(sums.shift))
    weight_column = weight_name(rows.columns)
    weight = weight_column if weight_column in rows.vectors else None
    return LeaveOneOutPass(
        centre, vectors, shrink, coefficients, outcomes, weight, 1.0 / sums.weight if intercept else 0.0
    )


def _spectrum(S: Matrix) -> tuple[Vector, Matrix]:
    """Eigenvalues (r,) and eigenvectors (p, r) of a positive semidefinite S (p, p); columns of zeros are left out."""
    squares = S.diagonal()
    used = np.flatnonzero(squares > 0.0)
    nonzero, sizes = S[np.ix_(used, used)], squares[used]
    if not len(used):
        return np.zeros(0), np.zeros((len(S), 0))
    # Both solvers are right for columns of similar size; the usual one is several times quicker.
    badly_scaled = sizes.max(initial=0.0) > MAX_SQUARE_RATIO * sizes.min(initial=np.inf)
    values, nonzero_vectors = (_jacobi_spectrum(nonzero) if badly_scaled else None) or eigh(nonzero)
    vectors = np.zeros((len(S), len(used)))
    vectors[used] = nonzero_vectors
    return values, vectors


def _jacobi_spectrum(S: Matrix) -> tuple[Vector, Matrix] | None:
    """Eigenvalues and eigenvectors of S by one-sided Jacobi rotations of its Cholesky factor.

    Each eigenvalue has a relative error that depends on the condition of the correlation matrix, not of S. The usual
    solver errs in every eigenvalue by the rounding of the largest, which is too much where columns differ in size.
    Returns None where S has no Cholesky factor, or the rotations do not converge.

    References
    ----------
    Demmel, J. and Veselic, K. (1992). Jacobi's method is more accurate than QR. SIAM Journal on Matrix Analysis and
    Applications 13, 1204-1245.
    """
    try:
        upper = cholesky(S)
    except np.linalg.LinAlgError:
        return None
    # dgejsv returns singular values times work[1] / work[0], so that none overflows.
    singular_values, _, vectors, work, _, info = dgejsv(upper, joba=0, jobu=3, jobv=0)
    return None if info else (np.square(singular_values * (work[0] / work[1])), vectors)
