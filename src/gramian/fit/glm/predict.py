"""Predictions of a generalized linear fit: intervals for the linear predictor, mapped to the scale of the outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from gramian.batch import Source
from gramian.errors import OptionError, one_of
from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.identified import prediction_covariance
from gramian.fit.leastsquares.predict import IntervalScale, collect_predictions, error_table, predict_batches
from gramian.inference import normal
from gramian.models.families import BOUNDS
from gramian.models.glm import GLM
from gramian.typing import Matrix, Vector

SCALES = ("response", "link")
INTERVALS = ("confidence",)
LEVEL = 0.95  # of intervals that standard errors are made of; any would do


def predict(
    solved: GlmSolved, source: Source, scale: str = "response", interval: str | None = None, level: float = 0.95
) -> Vector | pa.Table:
    """Predictions for all rows of a source.

    Parameters
    ----------
    solved : GlmSolved
        The fit.
    source : Source
        Rows with the predictors.
    scale : str
        "response" for means, "link" for the linear predictor.
    interval : str or None
        "confidence", or None for no interval.
    level : float
        Level of the intervals.

    Returns
    -------
    ndarray, (n,), or pyarrow.Table
        NaN where a predictor is missing; with an interval a table with the columns fit, low and high, and nulls.
    """
    return collect_predictions(predictions(solved, source, scale, interval, level), interval is not None)


def predict_with_errors(solved: GlmSolved, source: Source, scale: str, df: float) -> pa.Table:
    """Predictions with standard errors, those of means by the delta method: the columns fit and std_error.

    df : degrees of freedom of the covariance; other parameters as of `predict`.
    """
    one_of("scale", scale, SCALES)
    parts = list(predictions(solved, source, "link", "confidence", LEVEL))
    if scale == "response":
        parts = [_on_response(solved.model, eta) for eta in parts]
    return error_table(iter(parts), normal.critical(LEVEL, df))


def _on_response(model: GLM, eta: Matrix) -> Matrix:
    """Means, and intervals around them that are wide as their errors are to first order: (3, n)."""
    mu = means(model, eta[:1])[0]
    with np.errstate(all="ignore"):
        half_width = np.abs(model.link.derivative(eta[0])) * (eta[2] - eta[1]) / 2.0
    return np.stack([mu, mu - half_width, mu + half_width])


def predictions(
    solved: GlmSolved, source: Source, scale: str = "response", interval: str | None = None, level: float = 0.95
) -> Iterator[Matrix]:
    """Predictions batch by batch: (1, n), or (3, n) with the ends of the intervals. Parameters as in `predict`.

    Raises
    ------
    OptionError
        For an unknown scale or interval.
    DataError
        For a level of a factor that the fit has not seen.
    ColumnError
        Where a predictor is not in the data.
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
    """Covariance in the solved columns, and the half-width of an interval in standard errors."""
    linear, known_dispersion = solved.linear, solved.model.family.known_dispersion is not None
    if linear.robust is not None:
        return IntervalScale(
            prediction_covariance(linear, linear.robust.solved_covariance), normal.critical(level, linear.robust.df)
        )
    df_residual = linear.rows - linear.leverage
    # a robust covariance, above, has the dispersion in it; here the inverse is that at dispersion 1
    critical_value = normal.critical(level, math.inf if known_dispersion else df_residual)
    dispersion = 1.0 if known_dispersion else linear.rss / df_residual if df_residual > 0 else math.nan
    return IntervalScale(prediction_covariance(linear, linear.solution.inverse), critical_value * math.sqrt(dispersion))


def means(model: GLM, eta: Matrix) -> Matrix:
    """Means of linear predictors, with the ends of the intervals in order; NaN where no mean is in the family's range.

    eta : (1, n), or (3, n) with low and high. Returns the same shape. Ends are cut at the ends of the family's range.
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
    """Ends of the intervals, (2, n), in order.

    Where the link has no mean at an end (a pole or a root), it is the end of the family's range on that side.
    """
    low, high = BOUNDS[model.family.variance_function.domain]
    # these links fall: the higher eta, the lower the mean, so the ends change places
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
