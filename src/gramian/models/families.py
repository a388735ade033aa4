"""Families: a variance function, and with it the score, the weight and the deviance of an observation.

After McCullagh and Nelder (1989), Generalized Linear Models, 2nd ed., chapters 2 and 9; deviances and saturated
likelihoods without cancellation after Loader (2000), Fast and Accurate Computation of Binomial Probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from scipy import special

from gramian.errors import OptionError, did_you_mean, listing
from gramian.models.links import IDENTITY, Link, Positive, quiet
from gramian.typing import Mask, Vector

TINY = float(np.finfo(np.float64).tiny)
Function: TypeAlias = Callable[[Vector], Vector]


class Terms(NamedTuple):
    """One row each, at prior weight 1: score (y - mu) mu' / V, expected information mu'^2 / V, unit deviance."""

    score: Vector
    weight: Vector
    deviance: Vector


class Law(Protocol):
    """A variance function V(mu) and what follows from it; a mean out of range has an infinite deviance."""

    def variance(self, mu: Vector) -> Vector: ...
    def variance_derivative(self, mu: Vector) -> Vector: ...
    def valid(self, mu: Vector) -> Mask: ...
    def terms(self, y: Vector, link: Link, eta: Vector) -> Terms: ...
    def observed(self, y: Vector, link: Link, eta: Vector) -> Vector: ...


@dataclass(frozen=True, slots=True)
class Constant:
    """V = 1."""

    def variance(self, mu: Vector) -> Vector:
        return np.ones_like(mu)

    def variance_derivative(self, mu: Vector) -> Vector:
        return np.zeros_like(mu)

    def valid(self, mu: Vector) -> Mask:
        return np.isfinite(mu)

    def terms(self, y: Vector, link: Link, eta: Vector) -> Terms:
        d, slope = y - link.inverse(eta), link.derivative(eta)
        return Terms(d * slope, slope * slope, d * d)

    def observed(self, y: Vector, link: Link, eta: Vector) -> Vector:
        slope = link.derivative(eta)
        return slope * (slope - (y - link.inverse(eta)) * link.bend(eta))


@dataclass(frozen=True, slots=True)
class AboveZero:
    """V = mu relative(mu) for a mean above zero; `elasticity` is d log V / d log mu."""

    relative: Function
    elasticity: Function
    deviance: Callable[[Vector, Positive], Vector]

    def variance(self, mu: Vector) -> Vector:
        return mu * self.relative(mu)

    def variance_derivative(self, mu: Vector) -> Vector:
        return self.elasticity(mu) * self.relative(mu)

    def valid(self, mu: Vector) -> Mask:
        return (mu > 0.0) & np.isfinite(mu)

    def terms(self, y: Vector, link: Link, eta: Vector) -> Terms:
        mean = link.positive(eta)
        scaled = mean.rate / self.relative(mean.mu)
        deviance = self.deviance(y, mean)
        deviance[~np.isfinite(mean.log)] = np.inf
        return Terms((y - mean.mu) * scaled, mean.mu * scaled * mean.rate, deviance)

    def observed(self, y: Vector, link: Link, eta: Vector) -> Vector:
        mu, _, rate = link.positive(eta)
        tilt = link.bend(eta) - rate * self.elasticity(mu)
        return (mu * rate - (y - mu) * tilt) * rate / self.relative(mu)


@dataclass(frozen=True, slots=True)
class BetweenZeroAndOne:
    """V = mu (1 - mu)."""

    def variance(self, mu: Vector) -> Vector:
        return mu * (1.0 - mu)

    def variance_derivative(self, mu: Vector) -> Vector:
        return 1.0 - 2.0 * mu

    def valid(self, mu: Vector) -> Mask:
        return (mu > 0.0) & (mu < 1.0)

    def terms(self, y: Vector, link: Link, eta: Vector) -> Terms:
        mu, rest, log, log_rest, rate, rest_rate = link.proportion(eta)
        z = 1.0 - y
        deviance = -2.0 * (y * log + z * log_rest)
        if np.any(y * z):  # a proportion, not only zeros and ones
            d = y - mu
            deviance = 2.0 * (excess(y, mu, d, log) + excess(z, rest, -d, log_rest))
            deviance[~np.isfinite(log + log_rest)] = np.inf
        return Terms(y * rate - z * rest_rate, rate * rest_rate, deviance)

    def observed(self, y: Vector, link: Link, eta: Vector) -> Vector:
        mean, bend = link.proportion(eta), link.bend(eta)
        success = y * mean.rate * (mean.rate - bend)
        return success + (1.0 - y) * mean.rest_rate * (mean.rest_rate + bend)


def excess(y: Vector | float, mu: Vector, d: Vector, log_mu: Vector) -> Vector:
    """y log(y / mu) - (y - mu), half a Poisson deviance: not negative, and right where y is near mu.

    d : y - mu. log_mu : log mu, used where y / mu overflows. For |v| < 0.1, v = d / (y + mu), it is
    v d + 2 y (v^3 / 3 + v^5 / 5 + ...); what follows the eight terms is below half an ulp.
    """
    v = d / (y + mu + TINY)
    ratio = y / mu
    far = y * np.log(np.fmax(ratio, TINY)) - d
    huge = ~(ratio < 1e300)
    if huge.any():
        np.copyto(far, y * (np.log(np.fmax(y, TINY)) - log_mu) - d, where=huge)
    near = np.abs(v) < 0.1
    if near.any():
        v2 = v * v
        series = np.full_like(v, 1.0 / 17.0)
        for k in range(15, 1, -2):
            series *= v2
            series += 1.0 / k
        np.copyto(far, v * (d + 2.0 * y * v2 * series), where=near)
    return far


def _poisson_deviance(y: Vector, mean: Positive) -> Vector:
    return 2.0 * excess(y, mean.mu, y - mean.mu, mean.log)


def _gamma_deviance(y: Vector, mean: Positive) -> Vector:
    """2 (t - log(1 + t)), t = (y - mu) / mu."""
    return 2.0 * excess(1.0, y / mean.mu, (mean.mu - y) / mean.mu, np.log(y) - mean.log)


def _inverse_gaussian_deviance(y: Vector, mean: Positive) -> Vector:
    deviance: Vector = np.square((y - mean.mu) / mean.mu) / y
    return deviance


def _negative_binomial_deviance(theta: float, y: Vector, mean: Positive) -> Vector:
    """Two Poisson deviances from one mean: y log(y/mu) - (y + theta) log((y + theta) / (mu + theta))."""
    ratio = (y + theta) / (mean.mu + theta)
    d = (y - mean.mu) * (theta / (mean.mu + theta))
    zeros = excess(theta, theta * ratio, -d, np.log(theta * ratio))
    return 2.0 * (excess(y, mean.mu * ratio, d, mean.log + np.log(ratio)) + zeros)


def _overdispersion(theta: float, mu: Vector) -> Vector:
    return 1.0 + mu / theta


def _negative_binomial_elasticity(theta: float, mu: Vector) -> Vector:
    return (theta + 2.0 * mu) / (theta + mu)


def _power(p: int, deviance: Callable[[Vector, Positive], Vector]) -> AboveZero:
    """V = mu^p."""
    return AboveZero(partial(np.power, x2=p - 1), partial(np.full_like, fill_value=float(p)), deviance)
