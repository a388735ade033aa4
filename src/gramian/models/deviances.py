"""Unit deviances of families of distributions, without cancellation where an outcome is near its mean.

C. Loader, Fast and Accurate Computation of Binomial Probabilities, 2000.
"""

from __future__ import annotations

import numpy as np

from gramian.models.links import Mean
from gramian.typing import Vector

TINY = float(np.finfo(np.float64).tiny)  # keeps logarithms and quotients finite at zero


def half_poisson_deviance(y: Vector | float, mu: Vector, d: Vector, log_mu: Vector) -> Vector:
    """y log(y / mu) - (y - mu), half a unit Poisson deviance: not negative, and accurate where y is near mu.

    Parameters
    ----------
    y : Vector or float
        (n,) outcomes, >= 0.
    mu : Vector
        (n,) means, > 0.
    d : Vector
        (n,) y - mu, which the caller may know more accurately.
    log_mu : Vector
        (n,) log mu, used where y / mu overflows.

    Notes
    -----
    For |v| < 0.1, v = d / (y + mu), it is a series in v, whose ninth term is below half an ulp: the direct formula
    would cancel there (Loader's bd0).
    """
    v, half = y + mu, y / mu
    # y + mu may be 0
    v += TINY
    np.divide(d, v, out=v)
    # also NaN, where mu underflows to 0
    huge = ~(half < 1e300)
    np.log(np.fmax(half, TINY, out=half), out=half)
    half *= y
    half -= d
    if huge.any():
        np.copyto(half, y * (np.log(np.fmax(y, TINY)) - log_mu) - d, where=huge)
    is_near = np.abs(v) < 0.1
    if is_near.any():
        np.copyto(half, _near_series(y, d, v), where=is_near)
    return half


def _near_series(y: Vector | float, d: Vector, v: Vector) -> Vector:
    """v d + 2 y (v^3 / 3 + ... + v^17 / 17), by Horner's rule."""
    square = v * v
    series = square * (1.0 / 17.0)
    for k in range(15, 1, -2):
        series += 1.0 / k
        series *= square
    series *= y
    series *= 2.0
    series += d
    series *= v
    return series


def binomial_deviance(y: Vector, mean: Mean) -> Vector:
    """Unit deviances of shares y: two Poisson deviances, of successes and failures."""
    z = 1.0 - y
    if not np.any(y * z):  # only zeros and ones
        return -2.0 * (y * mean.log + z * mean.log_rest)
    d = y - mean.mu
    return 2.0 * (
        half_poisson_deviance(y, mean.mu, d, mean.log) + half_poisson_deviance(z, mean.rest, -d, mean.log_rest)
    )


def gamma_deviance(y: Vector, mean: Mean) -> Vector:
    """2 (t - log(1 + t)), t = (y - mu) / mu."""
    # t - log(1 + t) is half the Poisson deviance of 1 at mean y / mu
    return 2.0 * half_poisson_deviance(1.0, y / mean.mu, (mean.mu - y) / mean.mu, np.log(y) - mean.log)


def poisson_deviance(y: Vector, mean: Mean) -> Vector:
    """Unit deviances of counts."""
    return 2.0 * half_poisson_deviance(y, mean.mu, y - mean.mu, mean.log)


def inverse_gaussian_deviance(y: Vector, mean: Mean) -> Vector:
    """(y - mu)^2 / (mu^2 y)."""
    deviance: Vector = np.square((y - mean.mu) / mean.mu) / y
    return deviance


def negative_binomial_deviance(theta: float, y: Vector, mean: Mean) -> Vector:
    """2 (y log(y / mu) - (y + theta) log((y + theta) / (mu + theta))) as the sum of two Poisson deviances."""
    ratio = (y + theta) / (mean.mu + theta)
    d = (y - mean.mu) * (theta / (mean.mu + theta))
    zeros = half_poisson_deviance(theta, theta * ratio, -d, np.log(theta * ratio))
    return 2.0 * (half_poisson_deviance(y, mean.mu * ratio, d, mean.log + np.log(ratio)) + zeros)
