"""How many digits the predictions of columns have that depend on each other, or so nearly that products cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.linalg.certificate import EPS, digits

ENTRY = 4.0 * EPS  # relative error of the entries of a column that was computed from others


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is known of the eigenvalues of the scaled columns' products.

    least : what none is below, 0 where nothing is known. cutoff : those below it cannot be told from zero. greatest :
    one of the larger ones.
    """

    least: float
    cutoff: float = 0.0
    greatest: float = 1.0


def prediction_digits(
    bounds: Bounds, gradient: float, residual: float, entries: float, rounding: float, size: float
) -> float:
    """Digits of the norm of all predictions about their mean.

    Along an eigenvector of eigenvalue s, predictions are wrong by (its share of the gradient) / sqrt(s). Along those of
    eigenvalues like zero, columns count as dependent where the gradient is no more than errors of their entries could
    make it, the backward error that LSMR stops at (Fong and Saunders 2011); where it is more, predictions may lack all
    of the residuals. gradient, residual : norms, in scaled coordinates. entries : relative error of the columns, in
    units of rounding. rounding : norm of what predictions lose when they are added up. size : what their error is
    relative to.
    """
    dependent = gradient <= ENTRY * entries * float(np.sqrt(bounds.greatest)) * residual
    error = gradient / float(np.sqrt(bounds.cutoff)) + rounding + (0.0 if dependent else residual)
    return float(digits(np.array([error]), np.array([size]))[0])
