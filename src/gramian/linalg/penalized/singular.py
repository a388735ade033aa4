"""Ridge regression from the rows by singular values, for penalties too small for products of columns.

Products square the condition number: a penalty below their rounding is lost, and with fewer rows than columns nothing
else makes the system regular. Singular values of the columns themselves keep twice as many digits, and directions that
no row reaches get no coefficient, whatever the penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class SingularRidge:
    """The minimum of |y - A b|^2 + alpha |b|^2.

    Attributes
    ----------
    b : (q,)
        Coefficients.
    error : float
        Bound of the length of their error, infinite where nothing is certain.
    covariance : (q, q)
        V A'A V with V = (A'A + alpha I)^-1.
    covariance_error : float
        Relative error of its diagonal.
    rss, rss_error : float
        |y - A b|^2, and a bound of its error.
    leverage : float
        Trace of the hat matrix.
    condition : float
        Condition number of the penalised problem.
    """

    b: Vector
    error: float
    covariance: Matrix
    covariance_error: float
    rss: float
    rss_error: float
    leverage: float
    condition: float


def singular_ridge(A: Matrix, y: Vector, alpha: float, rank: int, size: float) -> SingularRidge:
    """Ridge regression from the singular values of A.

    Parameters
    ----------
    A : (n, q)
        Columns, weighted, about their means.
    y : (n,)
        The outcome, weighted, about its mean.
    alpha : float
        Penalty above zero.
    rank : int
        Largest rank that A can have: with a constant, one less than its rows.
    size : float
        Length of what A was computed from, to which its rounding errors are relative.

    Notes
    -----
    To first order a perturbation E of A, |E| <= eta, changes b by V (E'r - A'E b) with r = y - A b. On the span of the
    rows |V| is at most 1 / m^2 and |V A'| at most 1 / m, with m^2 the smallest squared singular value plus alpha;
    beyond it |V E'r| is at most eta |r| / alpha, where r / alpha are the dual coefficients.
    """
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    rank = min(rank, *A.shape)
    U, s, Vt = U[:, :rank], s[:rank], Vt[:rank]
    along, squares = U.T @ y, s * s + alpha
    dual = along / squares
    b = Vt.T @ (s * dual)
    r = y - A @ b
    least = float(squares.min(initial=np.inf)) if rank else alpha
    smallest = float(np.sqrt(least))
    eta = 4.0 * (np.sqrt(A.shape[0]) + np.sqrt(A.shape[1]) + 4.0) * EPS * size
    b_length, r_length, y_length = (float(np.linalg.norm(v)) for v in (b, r, y))
    # with as many directions as columns there is nothing beyond them
    beyond = float(np.linalg.norm(dual)) if rank < A.shape[1] else 0.0
    error = eta * (b_length / smallest + r_length / smallest**2 + beyond)
    error += 8.0 * EPS * y_length * float((s / squares).max(initial=0.0))
    residual_error = 2.0 * (eta * b_length + 16.0 * EPS * (y_length + float(s.max(initial=0.0)) * b_length))
    half = Vt.T * (s / squares)
    return SingularRidge(
        b,
        error if eta < 0.1 * smallest else np.inf,
        half @ half.T,
        8.0 * eta / smallest,
        r_length**2,
        residual_error * (2.0 * r_length + residual_error),
        float((s * s / squares).sum()),
        float(np.sqrt((s.max(initial=0.0) ** 2 + alpha) / least)),
    )
