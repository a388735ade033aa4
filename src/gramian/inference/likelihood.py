"""Maximum of the Gaussian log likelihood and its criteria, counted as R counts them."""

from __future__ import annotations

import math


def log_likelihood(rss: float, rows: float, log_weight: float = 0.0) -> float:
    """(sum log w - n (log 2 pi + 1 - log n + log rss)) / 2, as R's logLik.lm; infinite for a perfect fit.

    rss : weighted residual sum of squares. rows : n, rows of positive weight. log_weight : sum of log w over them.
    """
    if rss <= 0.0:
        return math.inf
    # log n and log rss apart: their quotient may leave float64's range
    return 0.5 * (log_weight - rows * (math.log(2 * math.pi) + 1 - math.log(rows) + math.log(rss)))


def aic(loglik: float, columns: float) -> float:
    """Akaike's criterion; sigma counts as one more parameter."""
    return -2 * loglik + 2 * (columns + 1)


def bic(loglik: float, columns: float, rows: float) -> float:
    """Schwarz's criterion; sigma counts as one more parameter."""
    return -2 * loglik + math.log(rows) * (columns + 1)
