"""Adjustments of p-values and intervals for several comparisons at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from gramian.inference import normal
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Family:
    """The comparisons that are made together.

    Attributes
    ----------
    count : int
        Number of comparisons.
    means : int
        Number of means that are compared pairwise.
    df : float
        Degrees of freedom; infinite for the normal distribution.
    """

    count: int
    means: int
    df: float


@dataclass(frozen=True, slots=True)
class Adjustment:
    """How p-values (m,) and the half-width of intervals, in standard errors, are adjusted.

    Attributes
    ----------
    name : str
        As the user asks for it.
    probabilities : Callable
        Adjusted p-values, of statistics (m,) and the family.
    critical : Callable
        Half-width of the intervals, of level and family.

    References
    ----------
    J. C. Hsu, Multiple Comparisons: Theory and Methods, Chapman & Hall 1996.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """

    name: str
    probabilities: Callable[[Vector, Family], Vector]
    critical: Callable[[float, Family], float]


def sidak(p: Vector, count: int) -> Vector:
    """1 - (1 - p)^count, without the cancellation for small p."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(count * np.log1p(-p)))


def bonferroni(p: Vector, count: int) -> Vector:
    """Count times p, at most 1."""
    return np.asarray(np.minimum(count * p, 1.0))


def holm(p: Vector, count: int) -> Vector:
    """Step-down Bonferroni: the i-th smallest of p-values times count - i + 1, made rising."""
    order = np.argsort(p)
    out = np.empty_like(p)
    out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(count, 0, -1)), 1.0)
    return out


def unchanged(p: Vector, count: int) -> Vector:
    """The p-values of single tests."""
    return p


def _single(t: Vector, family: Family) -> Vector:
    """P-values of single tests."""
    return normal.probability(t, family.df)


def _tukey(t: Vector, family: Family) -> Vector:
    """P-values from the studentized range of the means: those of all pairs at once."""
    from scipy.stats import studentized_range  # slow to import, and few ask for it

    p = np.asarray(studentized_range.sf(math.sqrt(2.0) * np.abs(t), family.means, family.df))
    # its integral is right to about 1e-12, where far out in the tail the bound of Bonferroni is nearer
    return np.asarray(np.fmin(p, _bonferroni(t, family)))


def _tukey_critical(level: float, family: Family) -> float:
    """Quantile of the studentized range over the square root of two."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(level, family.means, family.df)) / math.sqrt(2.0)


def _sidak(t: Vector, family: Family) -> Vector:
    """1 - (1 - p)^m, without the cancellation for small p."""
    return sidak(_single(t, family), family.count)


def _sidak_critical(level: float, family: Family) -> float:
    """Half-width at the level whose m-th power is the one of all intervals."""
    return normal.critical(level ** (1.0 / family.count), family.df)


def _bonferroni(t: Vector, family: Family) -> Vector:
    """M p, at most 1."""
    return bonferroni(_single(t, family), family.count)


def _bonferroni_critical(level: float, family: Family) -> float:
    """Half-width with an m-th part of the error."""
    return normal.critical(1.0 - (1.0 - level) / family.count, family.df)


def _holm(t: Vector, family: Family) -> Vector:
    """Step-down Bonferroni."""
    return holm(_single(t, family), family.count)


def _single_critical(level: float, family: Family) -> float:
    """Half-width of a single interval."""
    return normal.critical(level, family.df)


NONE = Adjustment("none", _single, _single_critical)
ADJUSTMENTS = MappingProxyType(
    {
        "tukey": Adjustment("tukey", _tukey, _tukey_critical),
        "sidak": Adjustment("sidak", _sidak, _sidak_critical),
        "holm": Adjustment("holm", _holm, _bonferroni_critical),  # no intervals belong to Holm's tests
        "bonferroni": Adjustment("bonferroni", _bonferroni, _bonferroni_critical),
        "none": NONE,
    }
)
# those of p-values whose tests may be of different distributions
OF_PROBABILITIES = MappingProxyType({"holm": holm, "bonferroni": bonferroni, "sidak": sidak, "none": unchanged})


def step_down(t: Vector, draws: Matrix, tie: float) -> Vector:
    """P-values (m,) of m statistics, adjusted by the largest of the draws (m, d) of the hypotheses not rejected yet.

    Draws at least as far out count, up to rounding `tie`, and one more in numerator and denominator.

    References
    ----------
    J. P. Romano, M. Wolf, Efficient computation of adjusted p-values for resampling-based stepdown multiple testing,
    Statistics and Probability Letters 113 (2016).
    """
    order = np.argsort(-np.abs(t), kind="stable")
    largest = np.maximum.accumulate(np.abs(draws)[order[::-1]], axis=0)[::-1]
    beyond = largest >= np.abs(t)[order, None] * (1.0 - tie)
    out = np.empty(len(t))
    out[order] = np.maximum.accumulate((beyond.sum(axis=1) + 1) / (draws.shape[1] + 1))
    return out


def largest_critical(draws: Matrix, level: float) -> float:
    """Half-width, in standard errors, of intervals that hold together: a quantile of the largest of draws (m, d)."""
    return float(np.quantile(np.abs(draws).max(axis=0), level, method="inverted_cdf"))
