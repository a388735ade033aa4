"""Link functions eta = g(mu), their inverses and derivatives, accurate in both tails.

P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed., Chapman and Hall 1989, sections 2.2 and 4.3. Near the
ends of a range mu and 1 - mu round to 0 or 1 long before their logarithms and relative derivatives lose a digit; so a
link also gives those, as functions of eta.
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

quiet = np.errstate(all="ignore")  # overflow to infinity is a valid result here: the family rejects such means


NONE: Vector = np.empty(0)


class Mean(NamedTuple):
    """A mean and the quantities that a family computes from.

    Attributes
    ----------
    mu : Vector
        (n,) means.
    log : Vector
        log mu, for positive means and proportions.
    rate : Vector
        mu' / mu, for positive means and proportions.
    rest : Vector
        1 - mu, for proportions.
    log_rest : Vector
        log(1 - mu), for proportions.
    rest_rate : Vector
        mu' / (1 - mu), for proportions.
    """

    mu: Vector
    log: Vector = NONE
    rate: Vector = NONE
    rest: Vector = NONE
    log_rest: Vector = NONE
    rest_rate: Vector = NONE


@dataclass(frozen=True, slots=True)
class Link:
    """A link eta = g(mu), as functions of arrays; out of range they give infinity or NaN, without a warning.

    Attributes
    ----------
    name : str
        As `gramian.glm` takes it.
    link : Map
        eta of mu.
    inverse : Map
        mu of eta.
    derivative : Map
        mu' = dmu/deta, of eta.
    curvature_ratio : Map
        mu'' / mu', of eta, which stays finite where both underflow.
    above_zero, between : Callable or None
        Accurate `Mean` of eta for positive means and for proportions; None where the general formulas are accurate.

    Examples
    --------
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
        # its functions are lambdas, which cannot be pickled: it is looked up by name
        return link_named, (self.name,)

    @quiet
    def second(self, eta: Vector) -> Vector:
        """mu'' = d2mu/deta2, of eta."""
        return self.derivative(eta) * self.curvature_ratio(eta)

    @quiet
    def at(self, eta: Vector, domain: str) -> Mean:
        """The mean at eta for a family whose means lie on the "line", are "positive" or a "proportion"."""
        return {"line": self._line, "positive": self._positive, "proportion": self._proportion}[domain](eta)

    def _line(self, eta: Vector) -> Mean:
        """The mean without further quantities."""
        return Mean(self.inverse(eta))

    def _positive(self, eta: Vector) -> Mean:
        """The mean with its logarithm and rate."""
        if self.above_zero is not None:
            return self.above_zero(eta)
        mu = self.inverse(eta)
        return Mean(mu, np.log(mu), self.derivative(eta) / mu)

    def _proportion(self, eta: Vector) -> Mean:
        """The mean with the quantities of a proportion."""
        if self.between is not None:
            return self.between(eta)
        mu, slope = self.inverse(eta), self.derivative(eta)
        return Mean(mu, np.log(mu), slope / mu, 1.0 - mu, np.log1p(-mu), slope / (1.0 - mu))


def link_named(name: str) -> Link:
    """The link of this name. Raises OptionError, which suggests a similar name, for any other."""
    if name not in LINKS:
        hint = did_you_mean(name, LINKS) or ";"
        raise OptionError(f"no link '{name}'{hint} ({len(LINKS)} links: {listing(LINKS)})")
    return LINKS[name]


def _log_proportion(eta: Vector) -> Mean:
    """Proportions under the log link (eta < 0)."""
    mu, rest = np.exp(eta), -np.expm1(eta)
    # log1p(-mu) is accurate for small mu, log(-expm1(eta)) for mu near 1
    log_rest = np.where(eta < -log(2.0), np.log1p(-mu), np.log(rest))
    return Mean(mu, eta, np.ones_like(eta), rest, log_rest, mu / rest)


def _logit_slope(eta: Vector) -> Vector:
    """mu' = e / (1 + e)^2 with e = exp(-|eta|), which does not overflow."""
    e = np.exp(-np.abs(eta))
    slope: Vector = e / np.square(1.0 + e)
    return slope


def _logit_proportion(eta: Vector) -> Mean:
    """Proportions under the logit link: e^min(eta, 0) / (1 + e^-|eta|) and its mirror image.

    Nothing cancels and nothing overflows.
    """
    low, high = np.minimum(eta, 0.0), np.minimum(-eta, 0.0)
    mu, rest = np.exp(low), np.exp(high)
    both, log_both = mu + rest, np.log1p(mu * rest)
    mu /= both
    rest /= both
    low -= log_both
    high -= log_both
    return Mean(mu, low, rest, rest, high, mu)


def _bell(a: Vector) -> Vector:
    """exp(-a^2 / 2), with a split so that the rounding error of the square is not magnified."""
    # head has few bits, so that its square is exact; a^2 = head^2 + (a - head) (a + head)
    head = np.rint(np.clip(a, -64.0, 64.0) * 16.0) / 16.0
    bell: Vector = np.exp(-0.5 * head * head) * np.exp(-0.5 * (a - head) * (a + head))
    return bell


def _probit_proportion(eta: Vector) -> Mean:
    """Proportions under the probit link, from the scaled complementary error function."""
    a = np.abs(eta)
    scaled: Vector = special.erfcx(a / sqrt(2.0))  # the tail without its factor exp(-a^2 / 2)
    bell = _bell(a)
    log_tail = np.log(0.5 * scaled) - 0.5 * a * a
    return _symmetric(eta, 0.5 * scaled * bell, log_tail, sqrt(2 / pi) / scaled, bell / sqrt(2 * pi))


def _cauchit(mu: Vector) -> Vector:
    """tan(pi (mu - 1/2)), accurate near 0 and 1."""
    end = mu - np.rint(mu)  # exact; the tangent has period pi
    return np.where(np.abs(end) > 0.25, np.tan(pi * (mu - 0.5)), -1.0 / np.tan(pi * end))


def _cauchit_slope(eta: Vector) -> Vector:
    """Density of the Cauchy distribution."""
    return 1.0 / (pi * (1.0 + eta * eta))


def _cauchit_proportion(eta: Vector) -> Mean:
    """Proportions under the cauchit link."""
    tail, slope = np.arctan2(1.0, np.abs(eta)) / pi, _cauchit_slope(eta)
    return _symmetric(eta, tail, np.log(tail), slope / tail, slope)


def _symmetric(eta: Vector, tail: Vector, log_tail: Vector, rate: Vector, slope: Vector) -> Mean:
    """Both sides of a symmetric distribution, from its smaller tail.

    tail, log_tail : the smaller of mu and 1 - mu and its logarithm. rate : mu' / tail. slope : mu'.
    """
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
    """exp(eta), bounded to stay finite: 1 - mu = exp(-exp(eta)) is 0 long before 1e304."""
    return np.exp(np.minimum(eta, 700.0))


def _cloglog_proportion(eta: Vector) -> Mean:
    """Proportions under the complementary log-log link, from t = exp(eta)."""
    t = _hazard(eta)
    rest = np.exp(-t)
    rate = np.where(t > 0.0, t / np.expm1(t), 1.0)
    # for small t, mu = expm1(t) exp(-t) is a product without cancellation; else log1p of the small rest
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
    quiet(lambda eta: -np.tanh(0.5 * eta)),  # 1 - 2 mu, without its cancellation near 0
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
    lambda eta: np.arctan2(1.0, -eta) / pi,  # 1/2 + arctan(eta) / pi would cancel for eta << 0
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
SQRT = Link(  # eta is a square root: where it is negative mu is NaN
    "sqrt",
    quiet(lambda mu: np.sqrt(mu)),
    quiet(lambda eta: np.where(eta < 0.0, np.nan, eta * eta)),
    lambda eta: 2.0 * eta,
    quiet(lambda eta: 1.0 / eta),
)

LINKS: Mapping[str, Link] = MappingProxyType(
    {link.name: link for link in (IDENTITY, LOG, LOGIT, PROBIT, CLOGLOG, CAUCHIT, INVERSE, INVERSE_SQUARED, SQRT)}
)
