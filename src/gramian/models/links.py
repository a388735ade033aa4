"""Links: eta = g(mu), its inverse and the derivatives of the inverse, right in both tails.

After McCullagh and Nelder (1989), Generalized Linear Models, 2nd ed., sections 2.2 and 4.3. Near the ends of a range
mu and 1 - mu round to 0 or 1 long before their logarithms and relative slopes lose a digit; so a link also gives
those, as functions of eta.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log, pi, sqrt
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy import special

from gramian.errors import OptionError, did_you_mean, listing
from gramian.typing import Vector

Map: TypeAlias = Callable[[Vector], Vector]

quiet = np.errstate(all="ignore")  # overflow to infinity is an answer here: the family rejects it


NONE: Vector = np.empty(0)


class Mean(NamedTuple):
    """A mean and what a family needs beside it: on the line mu, above zero also log mu and rate = mu' / mu.

    Between zero and one, moreover, rest = 1 - mu, its logarithm and rest_rate = mu' / (1 - mu).
    """

    mu: Vector
    log: Vector = NONE
    rate: Vector = NONE
    rest: Vector = NONE
    log_rest: Vector = NONE
    rest_rate: Vector = NONE


@dataclass(frozen=True, slots=True)
class Link:
    """eta = g(mu), as functions of arrays; out of range they give infinity or nan, and never warn.

    link : eta of mu. inverse : mu of eta. derivative : mu' = d mu / d eta, of eta.
    bend : mu'' / mu', of eta, which stays finite where both underflow.

    >>> LINKS["logit"].inverse(np.array([-800.0, 0.0])).tolist()
    [0.0, 0.5]
    >>> LINKS["logit"].at(np.array([-800.0, 0.0]), "proportion").log.tolist()
    [-800.0, -0.6931471805599453]
    """

    name: str
    link: Map
    inverse: Map
    derivative: Map
    curvature_ratio: Map
    above_zero: Callable[[Vector], Mean] | None = None
    between: Callable[[Vector], Mean] | None = None

    def __reduce__(self) -> tuple[Callable[[str], Link], tuple[str]]:
        return link_named, (self.name,)

    @quiet
    def second(self, eta: Vector) -> Vector:
        """The curvature mu'' = d2 mu / d eta2, of eta."""
        return self.derivative(eta) * self.curvature_ratio(eta)

    @quiet
    def at(self, eta: Vector, domain: str) -> Mean:
        """The mean at eta for a family whose means lie on the "line", are "positive" or a "proportion"."""
        return {"line": self._line, "positive": self._positive, "proportion": self._proportion}[domain](eta)

    def _line(self, eta: Vector) -> Mean:
        return Mean(self.inverse(eta))

    def _positive(self, eta: Vector) -> Mean:
        if self.above_zero is not None:
            return self.above_zero(eta)
        mu = self.inverse(eta)
        return Mean(mu, np.log(mu), self.derivative(eta) / mu)

    def _proportion(self, eta: Vector) -> Mean:
        if self.between is not None:
            return self.between(eta)
        mu, slope = self.inverse(eta), self.derivative(eta)
        return Mean(mu, np.log(mu), slope / mu, 1.0 - mu, np.log1p(-mu), slope / (1.0 - mu))


def link_named(name: str) -> Link:
    """The link of that name; an `OptionError` names the nearest one."""
    if name not in LINKS:
        hint = did_you_mean(name, LINKS) or ";"
        raise OptionError(f"no link '{name}'{hint} ({len(LINKS)} links: {listing(LINKS)})")
    return LINKS[name]


def _log_proportion(eta: Vector) -> Mean:
    mu, rest = np.exp(eta), -np.expm1(eta)
    log_rest = np.where(eta < -log(2.0), np.log1p(-mu), np.log(rest))
    return Mean(mu, eta, np.ones_like(eta), rest, log_rest, mu / rest)


def _logit_slope(eta: Vector) -> Vector:
    e = np.exp(-np.abs(eta))
    slope: Vector = e / np.square(1.0 + e)
    return slope


def _logit_proportion(eta: Vector) -> Mean:
    """e^min(eta, 0) / (1 + e^-|eta|) and its mirror image: nothing cancels, nothing overflows."""
    low, high = np.minimum(eta, 0.0), np.minimum(-eta, 0.0)
    mu, rest = np.exp(low), np.exp(high)
    both, log_both = mu + rest, np.log1p(mu * rest)
    mu /= both
    rest /= both
    low -= log_both
    high -= log_both
    return Mean(mu, low, rest, rest, high, mu)


def _bell(a: Vector) -> Vector:
    """exp(-a^2 / 2); the square is cut in two so that its rounding is not magnified."""
    head = np.rint(np.clip(a, -64.0, 64.0) * 16.0) / 16.0
    bell: Vector = np.exp(-0.5 * head * head) * np.exp(-0.5 * (a - head) * (a + head))
    return bell


def _probit_proportion(eta: Vector) -> Mean:
    a = np.abs(eta)
    scaled: Vector = special.erfcx(a / sqrt(2.0))  # the tail without its factor exp(-a^2 / 2)
    bell = _bell(a)
    log_tail = np.log(0.5 * scaled) - 0.5 * a * a
    return _symmetric(eta, 0.5 * scaled * bell, log_tail, sqrt(2 / pi) / scaled, bell / sqrt(2 * pi))


def _cauchit(mu: Vector) -> Vector:
    end = mu - np.rint(mu)  # exact; the tangent has period pi
    return np.where(np.abs(end) > 0.25, np.tan(pi * (mu - 0.5)), -1.0 / np.tan(pi * end))


def _cauchit_slope(eta: Vector) -> Vector:
    return 1.0 / (pi * (1.0 + eta * eta))


def _cauchit_proportion(eta: Vector) -> Mean:
    tail, slope = np.arctan2(1.0, np.abs(eta)) / pi, _cauchit_slope(eta)
    return _symmetric(eta, tail, np.log(tail), slope / tail, slope)


def _symmetric(eta: Vector, tail: Vector, log_tail: Vector, rate: Vector, slope: Vector) -> Mean:
    """Both sides of a symmetric distribution from its smaller tail, the tail's rate and the slope."""
    larger, below = 1.0 - tail, eta < 0.0
    log_larger, larger_rate = np.log1p(-tail), slope / larger
    return Mean(
        np.where(below, tail, larger),
        np.where(below, log_tail, log_larger),
        np.where(below, rate, larger_rate),
        np.where(below, larger, tail),
        np.where(below, log_larger, log_tail),
        np.where(below, larger_rate, rate),
    )


def _hazard(eta: Vector) -> Vector:
    """exp(eta), kept finite: 1 - mu = exp(-exp(eta)) is zero long before 1e304."""
    return np.exp(np.minimum(eta, 700.0))


def _cloglog_proportion(eta: Vector) -> Mean:
    t = _hazard(eta)
    rest = np.exp(-t)
    rate = np.where(t > 0.0, t / np.expm1(t), 1.0)
    log_mu = np.where(t < log(2.0), eta - t - np.log(rate), np.log1p(-rest))
    return Mean(-np.expm1(-t), log_mu, rate, rest, -t, t)


IDENTITY = Link("identity", lambda mu: mu, lambda eta: eta, np.ones_like, np.zeros_like)
LOG = Link(
    "log",
    quiet(lambda mu: np.log(mu)),
    quiet(lambda eta: np.exp(eta)),
    quiet(lambda eta: np.exp(eta)),
    np.ones_like,
    lambda eta: Mean(np.exp(eta), eta, np.ones_like(eta)),
    _log_proportion,
)
LOGIT = Link(
    "logit",
    quiet(lambda mu: special.logit(mu)),
    quiet(lambda eta: special.expit(eta)),
    quiet(_logit_slope),
    quiet(lambda eta: -np.tanh(0.5 * eta)),
    between=_logit_proportion,
)
PROBIT = Link(
    "probit",
    quiet(lambda mu: special.ndtri(mu)),
    quiet(lambda eta: special.ndtr(eta)),
    quiet(lambda eta: _bell(np.abs(eta)) / sqrt(2 * pi)),
    lambda eta: -eta,
    between=_probit_proportion,
)
CLOGLOG = Link(
    "cloglog",
    quiet(lambda mu: np.log(-np.log1p(-mu))),
    quiet(lambda eta: -np.expm1(-_hazard(eta))),
    quiet(lambda eta: np.exp(eta - _hazard(eta))),
    quiet(lambda eta: 1.0 - _hazard(eta)),
    between=_cloglog_proportion,
)
CAUCHIT = Link(
    "cauchit",
    quiet(_cauchit),
    lambda eta: np.arctan2(1.0, -eta) / pi,
    quiet(_cauchit_slope),
    quiet(lambda eta: -2.0 * eta / (1.0 + eta * eta)),
    between=_cauchit_proportion,
)
INVERSE = Link(
    "inverse",
    quiet(lambda mu: 1.0 / mu),
    quiet(lambda eta: 1.0 / eta),
    quiet(lambda eta: -1.0 / (eta * eta)),
    quiet(lambda eta: -2.0 / eta),
)
INVERSE_SQUARED = Link(
    "inverse_squared",
    quiet(lambda mu: 1.0 / (mu * mu)),
    quiet(lambda eta: 1.0 / np.sqrt(eta)),
    quiet(lambda eta: -0.5 / (eta * np.sqrt(eta))),
    quiet(lambda eta: -1.5 / eta),
)
SQRT = Link(  # a square root is not negative: mu is nan where eta is
    "sqrt",
    quiet(lambda mu: np.sqrt(mu)),
    quiet(lambda eta: np.where(eta < 0.0, np.nan, eta * eta)),
    lambda eta: 2.0 * eta,
    quiet(lambda eta: 1.0 / eta),
)

LINKS: Mapping[str, Link] = MappingProxyType(
    {link.name: link for link in (IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, CAUCHIT, INVERSE, INVERSE_SQUARED, SQRT)}
)
