"""Robust covariance estimators: a table with one row for each kind.

Each is the sandwich `(X'WX)^-1 M (X'WX)^-1` times a small-sample factor (`inference.small_sample`), where M is a sum of
products of the rows' scores s_i (by row) or of the clusters' sums of scores S_g (by cluster). A jackknife takes the
place of the sandwich by sums of d_g d_g', where d_g is the change of the coefficients without cluster g. CR2 adjusts
the residuals of each cluster, so that the covariance is unbiased where errors have equal variances.
To add a kind is to add a row to `ESTIMATORS`: parsing, help, plans, passes and saved fits follow from it.

Several columns of clusters: by inclusion and exclusion over their combinations. CR3 of a glm is one Newton step without
the cluster.

References
----------
J. G. MacKinnon and H. White, Some heteroskedasticity-consistent covariance matrix estimators with improved finite
sample properties, Journal of Econometrics 29 (1985), 305-325 (HC0 to HC3).
R. M. Bell and D. F. McCaffrey, Bias reduction in standard errors for linear regression with multi-stage samples, Survey
Methodology 28 (2002), 169-181 (CR2, CR3).
J. E. Pustejovsky and E. Tipton, Small-sample methods for cluster-robust variance estimation and hypothesis testing in
fixed effects models, Journal of Business and Economic Statistics 36 (2018), 672-683 (CR2).
A. C. Cameron, J. B. Gelbach and D. L. Miller, Robust inference with multiway clustering, Journal of Business and
Economic Statistics 29 (2011), 238-249 (several columns).
F. Cribari-Neto, Asymptotic inference under heteroskedasticity of unknown form, Computational Statistics and Data
Analysis 45 (2004), 215-233 (HC4).
W. K. Newey and K. D. West, A simple, positive semi-definite, heteroskedasticity and autocorrelation consistent
covariance matrix, Econometrica 55 (1987), 703-708; Automatic lag selection in covariance matrix estimation, Review of
Economic Studies 61 (1994), 631-653 (NW).
D. W. K. Andrews, Heteroskedasticity and autocorrelation consistent covariance matrix estimation, Econometrica 59
(1991), 817-858 (the bandwidth "andrews").
J. C. Driscoll and A. C. Kraay, Consistent covariance matrix estimation with spatially dependent panel data, Review of
Economics and Statistics 80 (1998), 549-560 (DK).
T. G. Conley, GMM estimation with cross sectional dependence, Journal of Econometrics 92 (1999), 1-45 (Conley).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

from gramian.errors import OptionError
from gramian.inference.small_sample import ModelFacts, SmallSample, conventions

if TYPE_CHECKING:  # the command line shows this table in its help, without numpy
    from gramian.typing import Vector

MAX_POWER = 2  # of 1 - h in the covariances that every package has
Factor: TypeAlias = Callable[[SmallSample, ModelFacts, int], float]  # conventions, facts, number of clusters


@dataclass(frozen=True, slots=True)
class Estimator:
    """A kind of robust covariance.

    Attributes
    ----------
    name : str
        As users write it.
    formula : str
        The terms of the meat M, or of the jackknife.
    factor : callable
        Its small-sample factor.
    max_columns : int
        The largest number of columns of clusters; 0 where it has none.
    sums : str
        What its pass sums of the scores, for plans.
    pairwise : bool
        Whether it needs the products of all columns for each cluster, not only the sums of their scores.
    from_rows_alone : bool
        Whether it needs the rows again, although it has columns of clusters.
    dependent : bool
        Whether the sums of its columns depend on each other, as those of times or places do and those of clusters do
        not.
    group : str
        What rows with the same values of its columns are in, for messages.
    """

    name: str
    formula: str
    factor: Factor = SmallSample.no_factor
    max_columns: ClassVar[int] = 0
    sums: ClassVar[str] = "sums by cluster"
    pairwise: ClassVar[bool] = False
    from_rows_alone: ClassVar[bool] = False
    dependent: ClassVar[bool] = False
    group: ClassVar[str] = "cluster"

    @property
    def uses_leverage(self) -> bool:
        """Whether it needs the leverage of each row."""
        return False

    @property
    def counts_clusters(self) -> bool:
        """Whether its degrees of freedom are those of clusters."""
        return self.max_columns > 0

    def check_columns(self, columns: int) -> None:
        """Raise OptionError for more columns of clusters than it takes."""

    def check_like(self, like: str | None, *, is_glm: bool) -> None:
        """Raise OptionError where the package does not have it."""

    def check_absorbed(self, absorbed: Sequence[str]) -> None:
        """Raise OptionError where it does not go with these absorbed factors."""

    def check_model(self, like: str | None, absorbed: Sequence[str], *, is_glm: bool) -> None:
        """Raise OptionError where the package does not have it, or the model cannot."""
        self.check_like(like, is_glm=is_glm)
        self.check_absorbed(absorbed)


@dataclass(frozen=True, slots=True)
class Rowwise(Estimator):
    """Heteroskedasticity-robust: M = sum of s_i s_i' / discount(1 - h_i), with leverages h_i.

    Attributes
    ----------
    discount : callable or None
        Of 1 - h (n,) and the mean leverage, what the squared scores are divided by; None for 1, without leverages.
    power : int
        The highest power of 1 - h that it is.
    """

    discount: Callable[[Vector, float], Vector] | None = None
    power: int = 0
    sums: ClassVar[str] = "squares"

    @property
    def uses_leverage(self) -> bool:
        """Whether it needs the leverage of each row."""
        return self.discount is not None

    def check_like(self, like: str | None, *, is_glm: bool) -> None:
        """Raise OptionError where the package has no such discount, or none of a glm."""
        if self.power > MAX_POWER and not conventions(like).capped_leverages:
            raise OptionError(f"{like} has no {self.name}; leave like out, or use HC3")
        if is_glm and self.uses_leverage and not conventions(like).glm_leverages:
            raise OptionError(f"{like} has no {self.name} of a generalized linear model; leave like out")


def _itself(complement: Vector, mean: float) -> Vector:
    """1 - h."""
    return complement


def _square(complement: Vector, mean: float) -> Vector:
    """(1 - h)^2."""
    return complement * complement


def _capped_power(complement: Vector, mean: float) -> Vector:
    """(1 - h)^d, d the leverage in units of the mean one, at most 4."""
    power = (1.0 - complement) / mean if mean > 0.0 else 0.0 * complement
    return cast("Vector", complement ** power.clip(0.0, 4.0))


@dataclass(frozen=True, slots=True)
class ModelBased(Estimator):
    """Of the model itself: the inverse of the information times the dispersion."""

    sums: ClassVar[str] = "second derivatives"


@dataclass(frozen=True, slots=True)
class Clustered(Estimator):
    """Cluster-robust: M = sum of S_g S_g'."""

    max_columns: ClassVar[int] = 4  # inclusion and exclusion over k columns has 2^k - 1 parts


@dataclass(frozen=True, slots=True)
class Jackknife(Estimator):
    """Sum of d_g d_g', d_g the coefficients without cluster g minus those with all rows."""

    max_columns: ClassVar[int] = 1
    pairwise: ClassVar[bool] = True

    def check_columns(self, columns: int) -> None:
        """Raise OptionError for several columns."""
        if columns > 1:
            raise OptionError(
                f"{self.name} leaves one cluster out at a time, so it takes one column; use {DEFAULT_CR} for several"
            )

    def check_like(self, like: str | None, *, is_glm: bool) -> None:
        """Raise OptionError where the package has no jackknife."""
        if not conventions(like).jackknife:
            raise OptionError(f"{like} has no {self.name}; leave like out, or use {DEFAULT_CR}")


@dataclass(frozen=True, slots=True)
class BiasReduced(Estimator):
    """M = sum of U_g U_g', U_g the scores with residuals that are adjusted for their covariance by the fit."""

    max_columns: ClassVar[int] = 1
    pairwise: ClassVar[bool] = True

    def check_columns(self, columns: int) -> None:
        """Raise OptionError for several columns."""
        if columns > 1:
            raise OptionError(
                f"{self.name} adjusts the residuals of each cluster by one column, so it takes one column; use "
                f"{DEFAULT_CR} for several"
            )

    def check_like(self, like: str | None, *, is_glm: bool) -> None:
        """Raise OptionError for a generalized linear model, and where the package does not have it."""
        if is_glm:
            raise OptionError(
                f"{self.name} is made for linear models; for a generalized linear model use {DEFAULT_CR} or CR3"
            )
        if not conventions(like).bias_reduced:
            raise OptionError(f"{like} has no {self.name}; leave like out, or use {DEFAULT_CR}")


@dataclass(frozen=True, slots=True)
class Serial(Estimator):
    """Of scores that depend on earlier ones: M = sum over lags l to L of (1 - l / (L + 1)) (S_t S_(t-l)' + transposed).

    Attributes
    ----------
    sums_by_time : bool
        Whether S_t is the sum of all scores at a time; else that of the one row at a time, of each panel.
    """

    sums_by_time: bool = False
    max_columns: ClassVar[int] = 2  # panel and time
    sums: ClassVar[str] = "sums by time"
    from_rows_alone: ClassVar[bool] = True
    dependent: ClassVar[bool] = True

    @property
    def counts_clusters(self) -> bool:
        """Whether its degrees of freedom are those of times."""
        return self.sums_by_time

    def check_like(self, like: str | None, *, is_glm: bool) -> None:
        """Every package has its factor."""


@dataclass(frozen=True, slots=True)
class Spatial(Estimator):
    """Of scores that depend on those of places nearby: M = sum over pairs of places within a cutoff of K S_i S_j'."""

    max_columns: ClassVar[int] = 2  # latitude and longitude
    sums: ClassVar[str] = "sums by place"
    group: ClassVar[str] = "place"
    from_rows_alone: ClassVar[bool] = True
    dependent: ClassVar[bool] = True

    @property
    def counts_clusters(self) -> bool:
        """Places are no clusters."""
        return False

    def check_like(self, like: str | None, *, is_glm: bool) -> None:
        """Raise OptionError where the package does not have it."""
        if conventions(like).spatial is None:
            raise OptionError(f"{like} has no {self.name}; leave like out, or use 'fixest' or 'R' (conleyreg)")


IID = "iid"
ESTIMATORS: Mapping[str, Estimator] = {
    estimator.name: estimator
    for estimator in (
        ModelBased(IID, "phi"),
        Rowwise("HC0", "s s'"),
        Rowwise("HC1", "s s' n / (n - q)", SmallSample.hc1_factor),
        Rowwise("HC2", "s s' / (1 - h)", discount=_itself, power=1),
        Rowwise("HC3", "s s' / (1 - h)^2", discount=_square, power=2),
        Rowwise("HC4", "s s' / (1 - h)^min(4, h n / q)", discount=_capped_power, power=4),
        Clustered("CR0", "S S'"),
        Clustered("CR1", "S S' G / (G - 1) (n - 1) / (n - q)", SmallSample.cr1_factor),
        BiasReduced("CR2", "U U', U with adjusted residuals"),
        Jackknife("CR3", "d d' (G - 1) / G", SmallSample.jackknife_factor),
        Serial("NW", "s_t s_(t-l)' (1 - l / (L + 1)) n / (n - q)", SmallSample.serial_factor),
        Serial("DK", "S_t S_(t-l)' (1 - l / (L + 1)) n / (n - q)", SmallSample.serial_factor, sums_by_time=True),
        Spatial("Conley", "S_i S_j' K(distance / cutoff) n / (n - q)", SmallSample.spatial_factor),
    )
}
DEFAULT_CR = "CR1"
HC = tuple(name for name, estimator in ESTIMATORS.items() if isinstance(estimator, Rowwise))
BY_CLUSTER = (Clustered, BiasReduced, Jackknife)
CR = tuple(name for name, estimator in ESTIMATORS.items() if isinstance(estimator, BY_CLUSTER))
SERIAL = NEWEY_WEST, DRISCOLL_KRAAY = "NW", "DK"
CONLEY = "Conley"
DEPENDENT = (*SERIAL, CONLEY)
