"""Predictions of a generalized linear fit: intervals on the scale of the link, mapped to that of the outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from gramian.batch import Source
from gramian.errors import OptionError, one_of
from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.identified import prediction_covariance
from gramian.fit.leastsquares.predict import IntervalScale, collect_predictions, predict_batches
from gramian.inference import normal
from gramian.models.families import BOUNDS
from gramian.models.glm import GLM
from gramian.typing import Matrix, Vector

SCALES = ("response", "link")
INTERVALS = ("confidence",)


def predict(
    solved: GlmSolved, source: Source, scale: str = "response", interval: str | None = None, level: float = 0.95
) -> Vector | pa.Table:
    """One value per row, NaN where a predictor is missing; with an interval a table `fit, low, high` with nulls."""
    return collect_predictions(predictions(solved, source, scale, interval, level), interval is not None)


def predictions(
    solved: GlmSolved, source: Source, scale: str = "response", interval: str | None = None, level: float = 0.95
) -> Iterator[Matrix]:
    """Predictions batch by batch: (1, n), or (3, n) with low and high.

    Raises DataError for a level that the fit has not seen, ColumnError for a predictor that is not there.
    """
    one_of("scale", scale, SCALES)
    if interval == "prediction":
        raise OptionError("a generalized linear fit has confidence intervals for its means, no prediction intervals")
    if interval is not None:
        one_of("interval", interval, INTERVALS)
    interval_scale = _interval_scale(solved, level) if interval else None
    for values in predict_batches(solved.linear, source, interval_scale):
        yield means(solved.model, values) if scale == "response" else values


def _interval_scale(solved: GlmSolved, level: float) -> IntervalScale:
    """The covariance in the columns that were solved for, and how many standard errors an interval reaches."""
    linear, known_dispersion = solved.linear, solved.model.family.known_dispersion is not None
    if linear.robust is not None:
        return IntervalScale(
            prediction_covariance(linear, linear.robust.solved_covariance), normal.critical(level, linear.robust.df)
        )
    df_residual = linear.rows - linear.leverage
    critical_value = normal.critical(level, math.inf if known_dispersion else df_residual)
    dispersion = 1.0 if known_dispersion else linear.rss / df_residual if df_residual > 0 else math.nan
    return IntervalScale(prediction_covariance(linear, linear.solution.inverse), critical_value * math.sqrt(dispersion))


def means(model: GLM, eta: Matrix) -> Matrix:
    """The means of eta (1 or 3, n), low below high; NaN where eta gives no mean that the family can have.

    The ends of an interval stop at the ends of the family's range.
    """
    with np.errstate(all="ignore"):
        mu = np.stack([model.link.inverse(row) for row in eta])
        low, high = BOUNDS[model.family.variance_function.domain]
        inside = (mu[0] >= low) & (mu[0] <= high)
    mu[0] = np.where(inside, mu[0], np.nan)
    if len(mu) == 3:
        mu[1:] = _ends(model, eta, mu)
    return mu


def _ends(model: GLM, eta: Matrix, mu: Matrix) -> Matrix:
    """Ordered ends; where the link has no mean there (a pole, a root), the end of the range on that side."""
    low, high = BOUNDS[model.family.variance_function.domain]
    falls = model.link.name in ("inverse", "inverse_squared")
    ends = mu[:0:-1].copy() if falls else mu[1:].copy()
    if low == 0.0:
        beyond = eta[1] <= 0.0
        if falls:
            ends[1] = np.where(beyond, np.inf, ends[1])
        elif model.link.name == "sqrt":
            ends[0] = np.where(beyond, 0.0, ends[0])
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(mu[0]), np.nan, np.clip(ends, low, high))
