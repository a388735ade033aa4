"""Families of distributions: variance, deviance and likelihood of an outcome given its mean.

P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed., Chapman and Hall 1989, chapters 2 and 9. Deviances
and saturated likelihoods are computed without cancellation, after C. Loader, Fast and Accurate Computation of Binomial
Probabilities, 2000.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from scipy import special

from gramian.errors import OptionError, did_you_mean, listing
from gramian.models.deviances import (
    binomial_deviance,
    gamma_deviance,
    inverse_gaussian_deviance,
    negative_binomial_deviance,
    poisson_deviance,
)
from gramian.models.links import IDENTITY, Mean, quiet
from gramian.typing import Mask, Vector

Function: TypeAlias = Callable[[Vector], Vector]
Count: TypeAlias = Vector | float  # how many rows each row stands for
BOUNDS = {"line": (-math.inf, math.inf), "positive": (0.0, math.inf), "proportion": (0.0, 1.0)}
SEPARABLE_ENDS = {"proportion": 1.0, "positive": math.inf}  # domain of the mean -> upper end of the outcome's range


@dataclass(frozen=True, slots=True)
class VarianceFunction:
    """A variance function V(mu).

    Attributes
    ----------
    name : str
        As R's quasi() spells it.
    domain : str
        Domain of the mean, a key of `BOUNDS`.
    variance, derivative : Function
        V and dV/dmu.
    deviance : Callable
        Unit deviances (n,) of outcomes and means.
    relative : Function
        V / mu, which does not underflow with mu; used only where the domain is "positive".
    """

    name: str
    domain: str
    variance: Function
    derivative: Function
    deviance: Callable[[Vector, Mean], Vector]
    relative: Function = np.ones_like


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes that a family allows.

    Attributes
    ----------
    range : str
        The allowed outcomes, in words.
    allowed : Callable
        Mask of the allowed outcomes.
    start : Callable
        R's starting value of mu, from y and prior weights (mustart).
    """

    range: str
    allowed: Callable[[Vector], Mask]
    start: Callable[[Vector, Vector | float], Vector]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """log L = base(y, w) + size(w) scale(dispersion) - deviance / (2 dispersion), with sums over the rows.

    Attributes
    ----------
    base : Callable
        Saturated log likelihood, as far as it does not depend on the dispersion; of outcomes, weights, and how many
        rows each row stands for.
    size : Callable
        Number of rows or sum of weights, the factor of `scale`; of weights and of how many rows each stands for.
    scale : Callable
        Term that depends on the dispersion alone.
    """

    base: Callable[[Vector, Vector, Count], float]
    size: Callable[[Vector, Count], float] = lambda w, n: 0.0
    scale: Callable[[float], float] = lambda dispersion: 0.0

    def terms(self, y: Vector, weight: Vector | None = None, count: Vector | None = None) -> tuple[float, float]:
        """Base and size of rows y (n,), each with a weight and standing for a number of rows, or one if None."""
        w, n = np.ones(len(y)) if weight is None else weight, 1.0 if count is None else count
        return self.base(y, w, n), self.size(w, n)


@dataclass(frozen=True, slots=True)
class Family:
    """A distribution of the outcome; or only its variance function, then `likelihood` is None (quasi-likelihood).

    Attributes
    ----------
    name : str
        As `gramian.glm` takes it.
    variance_function : VarianceFunction
        Variance, deviance and domain of the mean.
    outcomes : Outcomes
        Which outcomes are allowed.
    default_link : str
        Name of the link that is used where none is given.
    known_dispersion : float or None
        1 where theory fixes the dispersion, else None.
    likelihood : Likelihood or None
        Its log likelihood.
    theta : float or None
        Of the negative binomial, V = mu + mu^2 / theta.

    Examples
    --------
    >>> family_named("poisson").unit_deviance(np.array([0.0, 2.0]), np.array([1.0, 2.0])).tolist()
    [2.0, 0.0]
    """

    name: str
    variance_function: VarianceFunction
    outcomes: Outcomes
    default_link: str
    known_dispersion: float | None = None
    likelihood: Likelihood | None = None
    theta: float | None = None

    def __reduce__(self) -> tuple[Callable[..., Family], tuple[str, float | None, str | None]]:
        # its functions are lambdas, which cannot be pickled: it is rebuilt by name
        return family_named, (self.name, self.theta, self.chosen_variance)

    @property
    def chosen_variance(self) -> str | None:
        """The name of the variance function where it was chosen, as that of a quasi family is."""
        return self.variance_function.name if self.name == "quasi" else None

    @property
    def separable_end(self) -> float | None:
        """The upper end of the outcome's range, where outcomes at both ends may be separated; None where none may."""
        zero_allowed = bool(self.outcomes.allowed(np.zeros(1)).all())
        return SEPARABLE_ENDS.get(self.variance_function.domain) if zero_allowed else None

    @property
    def range(self) -> str:
        """The allowed outcomes, in words."""
        return self.outcomes.range

    def variance(self, mu: Vector) -> Vector:
        """V(mu), (n,)."""
        return self.variance_function.variance(mu)

    def variance_derivative(self, mu: Vector) -> Vector:
        """dV/dmu, (n,)."""
        return self.variance_function.derivative(mu)

    def start(self, y: Vector, weight: Vector | float = 1.0) -> Vector:
        """R's starting value of mu, (n,)."""
        return self.outcomes.start(y, weight)

    def valid(self, mu: Vector) -> Mask:
        """Mask of the means that the family can have."""
        lower, upper = BOUNDS[self.variance_function.domain]
        return (mu > lower) & (mu < upper)

    def check(self, y: Vector) -> Mask:
        """Mask of the outcomes that are not allowed; `range` says what is."""
        return ~(self.outcomes.allowed(y) & np.isfinite(y))

    @quiet
    def unit_deviance(self, y: Vector, mu: Vector) -> Vector:
        """Unit deviances, (n,): twice the log likelihood ratio of mean y against mean mu.

        Infinite where mu is out of range.
        """
        return np.where(
            self.valid(mu), self.variance_function.deviance(y, IDENTITY.at(mu, self.variance_function.domain)), np.inf
        )

    def loglik(self, y: Vector, mu: Vector, weight: Vector, dispersion: float = 1.0) -> float:
        """Log likelihood of the rows with positive weight, as R's logLik; NaN for a quasi family.

        Parameters
        ----------
        y, mu : Vector
            (n,) outcomes and means.
        weight : Vector
            (n,) prior weights; of the binomial family numbers of trials, with y the share of successes.
        dispersion : float
            The dispersion; at 0 the likelihood is infinite.

        Notes
        -----
        At its maximum the dispersion is deviance / size, with size the number of rows for the gaussian family and the
        sum of weights for the gamma and inverse Gaussian families. Where numbers of trials or successes are not
        integers, R rounds them; here the factorials are gamma functions.
        """
        if self.likelihood is None:
            return math.nan
        if dispersion <= 0.0:
            return math.inf
        y, mu, w = y[weight > 0.0], mu[weight > 0.0], weight[weight > 0.0]
        base, size = self.likelihood.terms(y, w)
        fixed = base + size * self.likelihood.scale(dispersion)
        return fixed - float(np.sum(w * self.unit_deviance(y, mu))) / (2.0 * dispersion)


def family_named(name: str, theta: float | None = None, variance: str | None = None) -> Family:
    """The family of this name.

    Parameters
    ----------
    name : str
        One of the names that an error lists.
    theta : float, optional
        Needed by "negative_binomial", and by no other.
    variance : str, optional
        Variance function of "quasi".

    Raises
    ------
    OptionError
        No such family, or options that do not go with it.
    """
    if name not in (names := (*FAMILIES, "negative_binomial")):
        if name in LINK_FAMILIES:
            raise OptionError(f"'{name}' is a link; write family='{LINK_FAMILIES[name]}', link='{name}'")
        raise OptionError(f"no family '{name}'{did_you_mean(name, names)} ({listing(names)})")
    if (theta is not None) != (name == "negative_binomial"):
        raise OptionError("theta goes with the family 'negative_binomial', which needs it: a number above 0")
    if variance is not None and name != "quasi":
        raise OptionError(f"the family '{name}' has its own variance; only 'quasi' takes one")
    if theta is not None:
        return negative_binomial(theta)
    return FAMILIES[name] if variance is None else quasi(variance)


def negative_binomial(theta: float) -> Family:
    """The negative binomial family with fixed theta: counts with V = mu + mu^2 / theta."""
    if not 0.0 < theta < math.inf:
        raise OptionError(f"theta of the negative binomial must be a number above 0, not {theta}")
    variance_function = VarianceFunction(
        "mu + mu^2/theta",
        "positive",
        lambda mu: mu * (1.0 + mu / theta),
        lambda mu: 1.0 + 2.0 * mu / theta,
        partial(negative_binomial_deviance, theta),
        lambda mu: 1.0 + mu / theta,
    )
    outcomes = Outcomes(COUNT.range, COUNT.allowed, lambda y, w: np.where(y == 0.0, 1 / 6, y))
    likelihood = Likelihood(partial(_negative_binomial_base, theta))
    return Family("negative_binomial", variance_function, outcomes, "log", 1.0, likelihood, theta)


def quasi(variance: str) -> Family:
    """A quasi family with variance "constant", "mu", "mu^2", "mu^3" or "mu(1-mu)". Raises OptionError for any other."""
    if variance not in VARIANCE_FUNCTIONS:
        raise OptionError(
            f"no variance '{variance}'{did_you_mean(variance, VARIANCE_FUNCTIONS) or ';'} "
            f"({listing(VARIANCE_FUNCTIONS)})"
        )
    return Family("quasi", VARIANCE_FUNCTIONS[variance], QUASI[variance], "identity")


def _log_peak(y: Vector) -> Vector:
    """Log of the largest probability of a Poisson distribution with mean y: y log y - y - log gamma(y + 1).

    By Stirling's series from 16 on, where the terms of the direct formula cancel.
    """
    x = np.maximum(y, 16.0)
    x2 = x * x
    tail = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / x2) / x2) / x2) / x2) / x
    direct: Vector = special.xlogy(y, y) - y - special.gammaln(y + 1.0)
    return np.where(y < 16.0, direct, -0.5 * np.log(2 * np.pi * x) - tail)


def _binomial_base(y: Vector, w: Vector, n: Count) -> float:
    """Saturated binomial log likelihood, with w trials and shares y."""
    successes = w * y
    return float(np.sum(n * (_log_peak(successes) + _log_peak(w - successes) - _log_peak(w))))


def _negative_binomial_base(theta: float, y: Vector, w: Vector, n: Count) -> float:
    """Saturated negative binomial log likelihood."""
    rows = _log_peak(y) + (float(_log_peak(np.array(theta))) - _log_peak(y + theta)) - np.log1p(y / theta)
    return float(np.sum(n * w * rows))


def _gamma_scale(dispersion: float) -> float:
    """Term of the gamma log likelihood that depends on the dispersion alone."""
    return float(_log_peak(np.array(1.0 / dispersion))) - math.log(dispersion)


def _normal_scale(dispersion: float) -> float:
    """-log(2 pi dispersion) / 2, the term of a normal log likelihood for each row."""
    return -0.5 * math.log(2 * math.pi * dispersion)


def _continuous(factor: float, scale: Callable[[float], float]) -> Likelihood:
    """Likelihood of a positive continuous outcome, with base factor * sum w log y."""
    return Likelihood(
        lambda y, w, n: factor * float(np.sum(n * w * np.log(y))), lambda w, n: float(np.sum(n * w)), scale
    )


# a family that each link often goes with, for messages
LINK_FAMILIES = {
    **dict.fromkeys(("logit", "probit", "cloglog", "cauchit"), "binomial"),
    **dict.fromkeys(("log", "sqrt"), "poisson"),
    "identity": "gaussian",
    "inverse": "gamma",
    "inverse_squared": "inverse_gaussian",
}
REAL = Outcomes("a finite number", np.isfinite, lambda y, w: y)
SHARE = Outcomes("between 0 and 1", lambda y: (y >= 0.0) & (y <= 1.0), lambda y, w: (w * y + 0.5) / (w + 1.0))
COUNT = Outcomes("0 or above", lambda y: y >= 0.0, lambda y, w: y + 0.1)
AMOUNT = Outcomes("above 0", lambda y: y > 0.0, lambda y, w: y)
NORMAL = Likelihood(
    lambda y, w, n: 0.5 * float(np.sum(n * np.log(w))),
    lambda w, n: float(np.sum(np.broadcast_to(n, w.shape))),
    _normal_scale,
)

LINE = VarianceFunction("constant", "line", np.ones_like, np.zeros_like, lambda y, mean: np.square(y - mean.mu))
MU = VarianceFunction("mu", "positive", lambda mu: mu, np.ones_like, poisson_deviance)
MU_2 = VarianceFunction("mu^2", "positive", np.square, lambda mu: 2.0 * mu, gamma_deviance, lambda mu: mu)
MU_3 = VarianceFunction(
    "mu^3", "positive", lambda mu: mu**3, lambda mu: 3.0 * mu**2, inverse_gaussian_deviance, np.square
)
SHARES = VarianceFunction(
    "mu(1-mu)", "proportion", lambda mu: mu * (1.0 - mu), lambda mu: 1.0 - 2.0 * mu, binomial_deviance
)
VARIANCE_FUNCTIONS = {variance_function.name: variance_function for variance_function in (LINE, MU, MU_2, MU_3, SHARES)}
QUASI = {
    "constant": REAL,
    "mu": Outcomes(COUNT.range, COUNT.allowed, lambda y, w: np.where(y == 0.0, 0.1, y)),
    "mu^2": AMOUNT,
    "mu^3": AMOUNT,
    "mu(1-mu)": Outcomes(SHARE.range, SHARE.allowed, lambda y, w: np.clip(y, 0.001, 0.999)),
}
_FAMILIES = (
    Family("gaussian", LINE, REAL, "identity", None, NORMAL),
    Family("binomial", SHARES, SHARE, "logit", 1.0, Likelihood(_binomial_base)),
    Family("poisson", MU, COUNT, "log", 1.0, Likelihood(lambda y, w, n: float(np.sum(n * w * _log_peak(y))))),
    Family("gamma", MU_2, AMOUNT, "inverse", None, _continuous(-1.0, _gamma_scale)),
    Family("inverse_gaussian", MU_3, AMOUNT, "inverse_squared", None, _continuous(-1.5, _normal_scale)),
    Family("quasibinomial", SHARES, SHARE, "logit"),
    Family("quasipoisson", MU, COUNT, "log"),
    quasi("constant"),
)
FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _FAMILIES})
