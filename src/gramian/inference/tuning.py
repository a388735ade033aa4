"""Criteria by which a penalty is chosen without other rows: small is good, infinite where no freedom is left."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gramian.inference import likelihood
from gramian.typing import Vector

Criterion = Callable[[Vector, Vector, float, float], Vector]


def aic(rss: Vector, df: Vector, rows: float, log_weight: float) -> Vector:
    """Akaike's criterion of Gaussian fits; rss : (n,), df : (n,) degrees of freedom, sigma not counted."""
    return _each(rss, df, rows, lambda square, used: likelihood.aic(_loglik(square, rows, log_weight), used))


def bic(rss: Vector, df: Vector, rows: float, log_weight: float) -> Vector:
    """Schwarz's criterion."""
    return _each(rss, df, rows, lambda square, used: likelihood.bic(_loglik(square, rows, log_weight), used, rows))


def gcv(rss: Vector, df: Vector, rows: float, log_weight: float) -> Vector:
    """Generalised cross-validation, rows * rss / (rows - df)^2 (Craven and Wahba 1979)."""
    return _each(rss, df, rows, lambda square, used: rows * square / (rows - used) ** 2)


CRITERIA: dict[str, Criterion] = {"aic": aic, "bic": bic, "gcv": gcv}


def _loglik(rss: float, rows: float, log_weight: float) -> float:
    return likelihood.log_likelihood(rss, rows, log_weight)


def _each(rss: Vector, df: Vector, rows: float, criterion: Callable[[float, float], float]) -> Vector:
    pairs = zip(rss.tolist(), df.tolist(), strict=True)
    return np.array([criterion(square, used) if used < rows else np.inf for square, used in pairs])
