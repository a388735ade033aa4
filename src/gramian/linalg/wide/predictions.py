"""Digits of predictions where columns depend on each other, or so nearly that products cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS, digits

ENTRY = 4.0 * EPS  # relative error of the entries of a column that was computed from others


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the eigenvalues of the scaled products.

    Attributes
    ----------
    least : float
        Lower bound of all eigenvalues, 0 where none is known.
    cutoff : float
        Eigenvalues below it cannot be told from zero.
    greatest : float
        Estimate of the largest eigenvalue.
    """

    least: float
    cutoff: float = 0.0
    greatest: float = 1.0


def prediction_digits(
    bounds: Bounds, gradient: float, residual: float, entries: float, rounding: float, size: float
) -> float:
    """Digits of the norm of all predictions about their mean.

    Parameters
    ----------
    bounds : Bounds
        Bounds of the eigenvalues.
    gradient, residual : float
        Norms of the gradient and of the residuals, in scaled coordinates.
    entries : float
        Relative error of the columns' entries, in units of rounding.
    rounding : float
        Norm of the rounding errors of predictions when they are summed.
    size : float
        Norm that the error is relative to.

    Notes
    -----
    Along an eigenvector with eigenvalue s, the error of predictions is its share of the gradient / sqrt(s). Along those
    with an eigenvalue like zero, columns count as dependent where the gradient is no larger than errors of their
    entries could make it; where it is larger, predictions may lack all of the residuals.

    References
    ----------
    The backward error that LSMR stops at: D. C.-L. Fong and M. Saunders, LSMR: an iterative algorithm for sparse
    least-squares problems, SIAM Journal on Scientific Computing 33 (2011), 2950-2971.
    """
    dependent = gradient <= ENTRY * entries * float(np.sqrt(bounds.greatest)) * residual
    error = gradient / float(np.sqrt(bounds.cutoff)) + rounding + (0.0 if dependent else residual)
    return float(digits(np.array([error]), np.array([size]))[0])
