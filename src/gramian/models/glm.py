"""Generalized linear models: from outcomes and the linear predictor eta = X b to weighted linear rows.

Fisher scoring after P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed., Chapman and Hall 1989, section
2.5; theta of the negative binomial after W. N. Venables and B. D. Ripley, Modern Applied Statistics with S, 4th ed.,
Springer 2002, section 7.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from gramian.models.deviances import TINY
from gramian.models.families import Family
from gramian.models.links import Link, Mean
from gramian.typing import Vector

BLOCK = 8192  # rows at a time, so that temporaries stay in the cache
FLOOR = 1e-100  # smallest w / |s|, so that r = s / w and its square stay finite
# variance function -> canonical link
CANONICAL = {"constant": "identity", "mu(1-mu)": "logit", "mu": "log", "mu^2": "inverse", "mu^3": "inverse_squared"}


class WorkingRows(NamedTuple):
    """Weighted linear rows A d ~ r of one scoring step: the normal equations are A'WA d = A's, with s = w r.

    Attributes
    ----------
    r : Vector
        (n,) working residuals (y - mu) / mu', zero where w is.
    w : Vector
        (n,) working weights, >= 0, raised to 1e-100 |s| where they underflow below it, so that r is finite.
    s : Vector
        (n,) score contributions, prior weight times (y - mu) mu' / V. Computed without a division by w: use w for A'WA
        and s for A's.
    loss : float
        Weighted deviance; infinite where a mean is out of the family's range, and then those rows are zero.

    Notes
    -----
    With expected weights, s'r is Pearson's chi-square.
    """

    r: Vector
    w: Vector
    s: Vector
    loss: float


@dataclass(frozen=True, slots=True)
class GLM:
    """Outcomes y with mean mu = g^-1(eta) and variance proportional to V(mu) / weight.

    Attributes
    ----------
    family : Family
        Variance and deviance.
    link : Link
        g and its inverse.

    Examples
    --------
    >>> from gramian.models.families import family_named
    >>> from gramian.models.links import link_named
    >>> model = GLM(family_named("binomial"), link_named("logit"))
    >>> model.linearize(np.array([1.0]), np.array([-800.0])).loss
    1600.0
    """

    family: Family
    link: Link

    @property
    def is_canonical(self) -> bool:
        """Whether the link is the family's canonical one, with which expected and observed information agree."""
        return CANONICAL.get(self.family.variance_function.name) == self.link.name

    def observed_information(self, y: Vector, eta: Vector, weight: Vector | None = None) -> Vector:
        """Minus the second derivative of the log-likelihood in eta of each row, (n,), which may be negative.

        Parameters are those of `linearize`; not finite where a mean is out of range.
        """
        domain = self.family.variance_function.domain
        with np.errstate(all="ignore"):
            information = OBSERVED[domain](self, y, eta, self.link.at(eta, domain))
        return information if weight is None else information * weight

    def mean(self, eta: Vector) -> Vector:
        """Means (n,) of linear predictors."""
        return self.link.inverse(eta)

    def start(self, y: Vector, weight: Vector | None = None) -> Vector:
        """Linear predictor at R's starting value of mu, (n,)."""
        return self.link.link(self.family.start(y, 1.0 if weight is None else weight))

    def linearize(self, y: Vector, eta: Vector, weight: Vector | None = None, *, observed: bool = False) -> WorkingRows:
        """Working rows at the linear predictor.

        Parameters
        ----------
        y : Vector
            (n,) outcomes.
        eta : Vector
            (n,) linear predictor, offset included.
        weight : Vector, optional
            (n,) prior weights, >= 0. Rows of weight 0 have no influence, and are not checked for the range of the mean.
        observed : bool
            Take weights from the observed information where that is positive, in place of the expected information; for
            canonical links both agree.
        """
        # filled block by block in place: no temporaries of n rows
        r, w, s = np.empty(y.size), np.empty(y.size), np.empty(y.size)
        deviances = []
        with np.errstate(all="ignore"):
            for start in range(0, y.size, BLOCK):
                rows = slice(start, start + BLOCK)
                prior = None if weight is None else weight[rows]
                deviances.append(_fill_block(self, y[rows], eta[rows], prior, w[rows], s[rows], observed))
                _divide(s[rows], w[rows], r[rows])
        return WorkingRows(r, w, s, math.fsum(deviances))


def _fill_block(
    model: GLM, y: Vector, eta: Vector, prior: Vector | None, w: Vector, s: Vector, observed: bool
) -> float:
    """Write the working rows of one block into w and s, and return its deviance.

    Parameters
    ----------
    model : GLM
        Family and link.
    y, eta : Vector
        (k,) outcomes and linear predictor of the block.
    prior : Vector or None
        (k,) prior weights; None for ones.
    w, s : Vector
        (k,) where working weights and score contributions are written: slices of the arrays of all rows.
    observed : bool
        Whether weights come from the observed information.
    """
    variance_function = model.family.variance_function
    mean = model.link.at(eta, variance_function.domain)
    score, information = EXPECTED[variance_function.domain](model, y, eta, mean)
    if observed:
        observed_information = OBSERVED[variance_function.domain](model, y, eta, mean)
        np.copyto(
            information, observed_information, where=(observed_information > 0.0) & np.isfinite(observed_information)
        )
    scale = 1.0 if prior is None else prior
    np.multiply(score, scale, out=s)
    np.multiply(information, scale, out=w)
    row_deviance = variance_function.deviance(y, mean)
    row_deviance *= scale
    loss = float(np.add.reduce(row_deviance))
    parts = (s, w, mean.log, mean.log_rest)  # a mean that is out of range has no finite logarithm
    # one sum instead of a mask for each vector: a row that is not finite makes the sum so
    if math.isfinite(loss + sum(float(np.add.reduce(part)) for part in parts)):
        return loss
    return _zero_undefined(row_deviance, parts, prior)


def _zero_undefined(row_deviance: Vector, parts: tuple[Vector, ...], prior: Vector | None) -> float:
    """Set rows that are not finite to zero.

    Returns infinity where one of them has weight, else the deviance of the other rows.
    """
    bad = ~np.isfinite(row_deviance)
    for part in parts:
        if part.size:
            bad |= ~np.isfinite(part)
    for part in parts[:2]:
        part[bad] = 0.0
    if bad.any() and (prior is None or (prior[bad] > 0.0).any()):
        return math.inf
    return float(np.sum(row_deviance[~bad]))


def _divide(s: Vector, w: Vector, r: Vector) -> None:
    """Write s / w into r, after raising w where it has underflowed."""
    np.abs(s, out=r)
    r *= FLOOR
    np.maximum(w, r, out=w)
    np.maximum(w, TINY, out=r)
    np.divide(s, r, out=r)


def _line(model: GLM, y: Vector, eta: Vector, mean: Mean) -> tuple[Vector, Vector]:
    """Score and expected information of each row, for means on the real line (V = 1): (y - mu) mu' and mu'^2."""
    slope = model.link.derivative(eta)
    return (y - mean.mu) * slope, slope * slope


def _positive(model: GLM, y: Vector, eta: Vector, mean: Mean) -> tuple[Vector, Vector]:
    """Score and expected information of each row for positive means.

    They are computed from rate = mu' / mu and V / mu, which do not underflow.
    """
    relative = model.family.variance_function.relative(mean.mu)
    return (y - mean.mu) * mean.rate / relative, mean.mu / relative * mean.rate * mean.rate


def _proportion(model: GLM, y: Vector, eta: Vector, mean: Mean) -> tuple[Vector, Vector]:
    """Score and expected information of each row for proportions.

    y - mu = y (1 - mu) - (1 - y) mu: neither product cancels where mu is near 0 or 1.
    """
    return y * mean.rate - (1.0 - y) * mean.rest_rate, mean.rate * mean.rest_rate


def _observed_line(model: GLM, y: Vector, eta: Vector, mean: Mean) -> Vector:
    """Observed information of each row for means on the real line: mu'^2 - (y - mu) mu''."""
    slope = model.link.derivative(eta)
    return slope * (slope - (y - mean.mu) * model.link.curvature_ratio(eta))


def _observed_positive(model: GLM, y: Vector, eta: Vector, mean: Mean) -> Vector:
    """Observed information of each row for positive means.

    mu' k - (y - mu) k', where k = mu' / V and k' = k (mu'' / mu' - mu' V' / V).
    """
    variance_function, mu, rate = model.family.variance_function, mean.mu, mean.rate
    relative = variance_function.relative(mu)
    curvature = model.link.curvature_ratio(eta) - rate * (variance_function.derivative(mu) / relative)
    return (mu * rate - (y - mu) * curvature) * rate / relative


def _observed_proportion(model: GLM, y: Vector, eta: Vector, mean: Mean) -> Vector:
    """Observed information of each row for proportions."""
    curvature_ratio = model.link.curvature_ratio(eta)
    success = y * mean.rate * (mean.rate - curvature_ratio)
    return success + (1.0 - y) * mean.rest_rate * (mean.rest_rate + curvature_ratio)


# by the domain of the mean: each has its own formula without cancellation
EXPECTED = {"line": _line, "positive": _positive, "proportion": _proportion}
OBSERVED = {"line": _observed_line, "positive": _observed_positive, "proportion": _observed_proportion}


def start_theta(y: Vector, mu: Vector, w: Vector) -> tuple[float, float]:
    """Two sums over rows, sum w and sum w (y / mu - 1)^2, whose ratio is the first theta of Newton's iteration."""
    return float(np.sum(w)), float(np.sum(w * np.square(y / mu - 1.0)))


def score_theta(y: Vector, mu: Vector, w: Vector, theta: float) -> tuple[float, float]:
    """First derivative of the negative binomial log likelihood in theta and minus the second one, as sums over rows.

    Newton's step is theta + score / information.

    y, mu, w : (n,) outcomes, means and prior weights.
    """
    total, u = theta + y, (y - mu) / (theta + mu)
    information = _trigamma_gap(np.array(theta)) - _trigamma_gap(total) - u * u / total
    return float(np.sum(w * theta_scores(y, mu, theta))), float(np.sum(w * information))


def theta_scores(y: Vector, mu: Vector, theta: float) -> Vector:
    """First derivatives of the negative binomial log likelihood of rows in theta, (n,). y, mu : (n,).

    Written so that the difference survives a large theta: h(theta) - h(theta + y) + log(1 + u) - u with
    u = (y - mu) / (theta + mu), h(x) = log x - digamma(x).
    """
    u = (y - mu) / (theta + mu)
    return np.asarray(_digamma_gap(np.array(theta)) - _digamma_gap(theta + y) + np.log1p(u) - u)


def _digamma_gap(x: Vector) -> Vector:
    """log x - digamma(x), by its asymptotic series from 16 on, where the direct formula cancels."""
    z = 1.0 / np.square(np.maximum(x, 16.0))
    series = np.sqrt(z) / 2 + z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))
    return np.where(x < 16.0, np.log(x) - special.psi(x), series)


def _trigamma_gap(x: Vector) -> Vector:
    """trigamma(x) - 1 / x, by its asymptotic series from 16 on, where the direct formula cancels."""
    v = 1.0 / np.maximum(x, 16.0)
    z = v * v
    series = z / 2 + z * v * (1 / 6 - z * (1 / 30 - z * (1 / 42 - z * (1 / 30 - z * 5 / 66))))
    return np.where(x < 16.0, special.zeta(2.0, x) - 1.0 / x, series)
