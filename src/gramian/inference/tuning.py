"""Criteria to choose a penalty from the fitted rows alone: less is better.

Each is infinite where no residual degree of freedom is left.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gramian.inference import likelihood
from gramian.typing import Vector

Criterion = Callable[[Vector, Vector, float, float], Vector]


def aic(rss: Vector, df: Vector, rows: float, log_weight: float) -> Vector:
    """Akaike's criterion of Gaussian fits, (n,); sigma counts as one more parameter.

    rss : (n,) residual sums of squares. df : (n,) effective degrees of freedom. rows : number of rows. log_weight : sum
    of log weights.
    """
    return _each(rss, df, rows, lambda square, used: likelihood.aic(_loglik(square, rows, log_weight), used))


def bic(rss: Vector, df: Vector, rows: float, log_weight: float) -> Vector:
    """Schwarz's criterion of Gaussian fits, (n,); parameters as in `aic`."""
    return _each(rss, df, rows, lambda square, used: likelihood.bic(_loglik(square, rows, log_weight), used, rows))


def gcv(rss: Vector, df: Vector, rows: float, log_weight: float) -> Vector:
    """Generalised cross-validation, rows * rss / (rows - df)^2, (n,); parameters as in `aic`.

    P. Craven and G. Wahba, Smoothing noisy data with spline functions, Numerische Mathematik 31 (1979), 377-403.
    """
    return _each(rss, df, rows, lambda square, used: rows * square / (rows - used) ** 2)


CRITERIA: dict[str, Criterion] = {"aic": aic, "bic": bic, "gcv": gcv}


def _loglik(rss: float, rows: float, log_weight: float) -> float:
    """Maximum of the Gaussian log likelihood."""
    return likelihood.log_likelihood(rss, rows, log_weight)


def _each(rss: Vector, df: Vector, rows: float, criterion: Callable[[float, float], float]) -> Vector:
    """A criterion at each fit, infinite where no residual degree of freedom is left."""
    pairs = zip(rss.tolist(), df.tolist(), strict=True)
    return np.array([criterion(square, used) if used < rows else np.inf for square, used in pairs])
