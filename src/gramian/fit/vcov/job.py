"""One robust covariance to compute: the fit, the estimator and the rows; one method for each family of estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gramian.errors import NumericalError, OptionError
from gramian.fit.leastsquares.solution import RobustCovariance
from gramian.fit.leastsquares.system import products_in, squares_in
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.memory import memory_limit
from gramian.fit.vcov.bias_reduced import ClusterProducts
from gramian.fit.vcov.careful import MAX_COLUMNS, CarefulJob
from gramian.fit.vcov.certificate import certified_digits, check_representable, stated, suffices
from gramian.fit.vcov.cluster_moments import ClusterMoments, scores_by_cluster, solved_by_cluster
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.cluster_scores import ClusterPass
from gramian.fit.vcov.hc import DemeanedMeat, DemeanedMeatPass, MeatPass
from gramian.fit.vcov.information import Information, LogAlpha
from gramian.fit.vcov.parameters import parameter_count
from gramian.fit.vcov.sandwich import Sandwich, check_groups, check_null_clusters
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.serial import andrews_bandwidth, bartlett, chosen_lags, last_lag, start_lags
from gramian.fit.vcov.serial_rows import LagProducts, SerialPass
from gramian.fit.vcov.sum_errors import (
    SumErrors,
    certifiable,
    errors_by_cluster,
    errors_by_row,
    errors_of_jackknife,
    errors_of_products,
)
from gramian.fit.vcov.within import Demeaned, with_leverages
from gramian.formula.design import Design
from gramian.inference.estimators import BiasReduced, Clustered, Estimator, Jackknife, Rowwise, Serial, Spatial
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import ANDREWS, VcovSpec
from gramian.linalg.moments import Moments
from gramian.linalg.products import gram_matrix
from gramian.typing import Matrix

WITHOUT_SQUARES = (
    "{} with weights needs products with their squares, and the sums by cluster have those with the weights alone: "
    "give the rows, as files or a frame that can be read again, or use CR1 or CR3"
)
MEMORY_SHARE = 4  # of the memory limit, for the sums of all threads


class AbsorbedSums(NamedTuple):
    """What a covariance needs of absorbed factors: the moments of the fit, and the effects of levels on columns."""

    moments: Moments
    demeaned: Demeaned


class Evaluated(NamedTuple):
    """A robust covariance, and the rows and the loss that its pass has seen, to compare with those of the fit."""

    robust: RobustCovariance
    rows: int
    loss: float


@dataclass(frozen=True, slots=True)
class CovarianceJob:
    """A robust covariance to compute in one pass at the solution.

    Attributes
    ----------
    fitted_model : FittedModel
        The fit.
    vcov : VcovSpec
        The estimator.
    runner : PassRunner
        The rows of the fit, and what reads them.
    absorbed : AbsorbedSums or None
        None without absorbed factors.
    information : Information or None
        The observed information; None for the expected one.
    """

    fitted_model: FittedModel
    vcov: VcovSpec
    runner: PassRunner
    absorbed: AbsorbedSums | None = None
    information: Information | None = None

    def evaluate(self) -> Evaluated:
        """Read the rows once, and again with more care where too few digits of the standard errors are certified.

        Raises
        ------
        DataError
            For a null cluster, or clusters whose sums do not fit into memory.
        NumericalError
            Where the covariance is not defined.
        """
        evaluated = self._evaluate()
        check_representable(self.fitted_model.solved, evaluated.robust)
        return evaluated._replace(robust=stated(evaluated.robust))

    def _evaluate(self) -> Evaluated:
        """With the digits of the standard errors as they are before negative eigenvalues are set to zero."""
        solved = self.fitted_model.solved
        by_sums = None if solved.solution.root is not None else _EVALUATE[type(self.vcov.estimator)](self)
        if by_sums is not None and (not self._can_be_careful or suffices(solved, by_sums.robust)):
            return by_sums
        careful = self._carefully() if self._can_be_careful else None
        return careful or by_sums or _EVALUATE[type(self.vcov.estimator)](self)

    @property
    def _can_be_careful(self) -> bool:
        """Whether the covariance can be computed in an orthonormal basis of the columns."""
        solved, estimator = self.fitted_model.solved, self.vcov.estimator
        if estimator.dependent or isinstance(estimator, BiasReduced):
            return False
        narrow = len(solved.names) <= MAX_COLUMNS and self.fitted_model.width <= 4 * MAX_COLUMNS
        return narrow and self.fitted_model.model is None and self.absorbed is None and solved.alpha is None

    def _carefully(self) -> Evaluated | None:
        """The covariance in an orthonormal basis; None where there is none in float64."""
        fitted_model = replace(self.fitted_model, careful=True)
        evaluated = CarefulJob(self.sandwich(), fitted_model, self.runner, cluster_memory()).evaluate()
        if evaluated is None:
            return None
        robust, sums = evaluated
        self._check_leverage(sums.full_leverage)
        return Evaluated(robust, sums.rows, sums.loss)

    @property
    def _is_certifiable(self) -> bool:
        """Whether the digits of standard errors can be bounded."""
        return self.fitted_model.model is None and certifiable(self.fitted_model.solved)

    def _certified(self, robust: RobustCovariance, errors: SumErrors) -> RobustCovariance:
        """The covariance with the certified digits of its standard errors."""
        return replace(robust, std_error_digits=certified_digits(self.fitted_model.solved, robust, errors))

    def sandwich(self, nested: tuple[str, ...] = ()) -> Sandwich:
        """From sums to the covariance. nested : absorbed factors that are nested in clusters."""
        solved, model = self.fitted_model.solved, self.fitted_model.model
        columns = solved.leverage
        if self.absorbed is not None:
            columns = parameter_count(solved, self.absorbed.moments, self.vcov.small_sample, nested)
        known_dispersion = model is not None and bool(model.family.known_dispersion)
        facts = ModelFacts(solved.rows, columns, model is not None, known_dispersion)
        return Sandwich(solved, self.vcov, facts, None if self.information is None else self.information.inverse)

    @property
    def _log_alpha(self) -> LogAlpha | None:
        """What an estimated theta adds to scores; None where none takes part."""
        return None if self.information is None else self.information.log_alpha

    def _by_row(self) -> Evaluated:
        if self.absorbed:
            own = self.absorbed.demeaned
            if self.vcov.estimator.uses_leverage:
                own = with_leverages(own, self.absorbed.moments, self.vcov.kind)
            demeaned, meat = self._demeaned_meat(own)
            self._check_leverage(demeaned.full_leverage)
            return Evaluated(self.sandwich().by_row(meat), demeaned.rows, demeaned.loss)
        sums = self.runner.fold(MeatPass(self.fitted_model, self.vcov.kind))
        parametrization = self.fitted_model.solved.parametrization
        self._check_leverage(sums.full_leverage)
        stored = gram_matrix(sums.moments, parametrization.groups)
        meat = products_in(stored, parametrization).hi[:-1, :-1]
        robust = self.sandwich().by_row(meat if self._log_alpha is None else self._log_alpha.meat(meat))
        estimator = self.vcov.estimator
        if self._is_certifiable and isinstance(estimator, Rowwise):
            squares = squares_in(stored, parametrization)[:-1]
            errors = errors_by_row(self.fitted_model.solved, squares, sums.smallest_complement, estimator.power)
            robust = self._certified(robust, errors)
        return Evaluated(robust, sums.rows, sums.loss)

    def _demeaned_meat(self, demeaned: Demeaned) -> tuple[DemeanedMeat, Matrix]:
        """As `_meat`, beside absorbed factors."""
        sums = self.runner.fold(DemeanedMeatPass(self.fitted_model, demeaned, self.vcov.kind))
        K = self.fitted_model.subspace
        return sums, sums.products if K is None else np.asarray(K.T @ sums.products @ K)

    def _check_leverage(self, full_leverage: int) -> None:
        """Raise NumericalError where rows have leverage 1: 1 - h is zero, and so is the residual."""
        if full_leverage:
            absorbed = self.fitted_model.solved.absorbed
            alone = absorbed is not None and any(absorbed.singletons.values())
            columns = (
                "the rows that are alone in their level" if alone else "the columns that are not zero in one row only"
            )
            raise NumericalError(
                f"rows with leverage 1: {full_leverage:,}; the fit goes through them whatever their outcome, so "
                f"{self.vcov.kind} is not defined; use HC1, or leave {columns} out"
            )

    def _by_cluster(self) -> Evaluated:
        demeaned, estimator = None if self.absorbed is None else self.absorbed.demeaned, self.vcov.estimator
        task = ClusterPass(self.fitted_model, self.vcov.clusters, cluster_memory(), demeaned, estimator.group)
        sums = self.runner.fold(task)
        check_null_clusters(self.vcov, sums.null_clusters)
        K = self.fitted_model.subspace
        own = sums.sums if self._log_alpha is None else sums.sums[:, :-1]
        scores = own if K is None else np.dot(own, K)
        if self._log_alpha is not None:
            scores = self._log_alpha.scores(scores, sums.sums[:, -1])
        if estimator.dependent:  # levels count, whatever times, panels or places they are nested in
            robust = self.sandwich().by_dependence(sums.clusters, scores, sums.counts)
            return Evaluated(robust, sums.rows, sums.loss)
        nested = () if sums.nesting is None else sums.nesting.nested(range(len(self.vcov.clusters)))
        sandwich = self.sandwich(nested)
        robust = sandwich.by_cluster(sums.clusters, scores)
        if self._is_certifiable:
            errors = errors_by_cluster(sandwich, sums.clusters, scores, sums.counts, sums.largest_score)
            robust = self._certified(robust, errors)
        return Evaluated(robust, sums.rows, sums.loss)

    def _serially(self) -> Evaluated:
        """By the columns of times, or in the order of the rows."""
        if self.vcov.clusters:
            return self._by_cluster()
        if self._log_alpha is not None:
            raise OptionError("NW beside an estimated theta needs a column of times: {'hac': 4, 'time': 't'}")
        sandwich, rows = self.sandwich(), self.fitted_model.solved.rows
        if self.vcov.lags is not None:
            return self._in_order(sandwich, self._lag_products(self.vcov.lags), self.vcov)
        tried = max(start_lags(rows), 1)
        sums, slopes = self._lag_products(tried), sandwich.slopes
        vcov = self._with_bandwidth(sums, slopes) if self.vcov.choice == ANDREWS else self._with_lags(sums, slopes)
        return self._in_order(sandwich, sums if last_lag(vcov) <= tried else self._lag_products(last_lag(vcov)), vcov)

    def _with_lags(self, sums: LagProducts, slopes: Matrix) -> VcovSpec:
        """The covariance with lags by Newey and West. slopes : (k, p) columns whose scores are added."""
        rows, column = self.fitted_model.solved.rows, slopes.sum(axis=0)
        products = sums.products[: start_lags(rows) + 1]
        return replace(self.vcov, lags=chosen_lags([float(column @ self._solved(P) @ column) for P in products], rows))

    def _with_bandwidth(self, sums: LagProducts, slopes: Matrix) -> VcovSpec:
        """The covariance with a bandwidth by Andrews. slopes : (k, p) columns, each with a series of scores."""
        K = self.fitted_model.subspace
        ends = np.array([sums.head[0], sums.tail[-1]])
        ends = (ends if K is None else ends @ K) @ slopes.T
        products = np.array([np.einsum("kp,pr,kr->k", slopes, self._solved(P), slopes) for P in sums.products[:2]])
        return replace(self.vcov, bandwidth=andrews_bandwidth(products, ends, sums.rows))

    def _lag_products(self, lags: int) -> LagProducts:
        """The products of so many lags, from one pass."""
        dense = None if self.absorbed is None else self.absorbed.demeaned
        return self.runner.fold(SerialPass(self.fitted_model, lags, dense))

    def _solved(self, products: Matrix) -> Matrix:
        """Products of the columns that were solved for from those of stored columns."""
        K = self.fitted_model.subspace
        return products if K is None else np.asarray(K.T @ products @ K)

    def _in_order(self, sandwich: Sandwich, sums: LagProducts, vcov: VcovSpec) -> Evaluated:
        """The covariance from products of lags."""
        meat = self._solved(sums.products[0])
        for lag, weight in bartlett(vcov, last_lag(vcov)):
            own = self._solved(sums.products[lag])
            meat = meat + weight * (own + own.T)
        return Evaluated(sandwich.by_lags(meat, vcov, sums.rows), sums.rows, sums.loss)

    def _by_products(self) -> Evaluated:
        if self.absorbed is not None:
            one = len(self.absorbed.demeaned.weight) == 1 and isinstance(self.vcov.estimator, Jackknife)
            return (self._without_each_cluster if one else self._by_nested)(self.absorbed.demeaned)
        design, drop = self.fitted_model.design, self.fitted_model.drop
        twice = isinstance(self.vcov.estimator, BiasReduced) and design.weight is not None
        task = ClusterMomentsPass(
            design, self.vcov.clusters, cluster_memory(), fitted_model=self.fitted_model, drop=drop, twice=twice
        )
        sums = self.runner.fold(task)
        return Evaluated(from_moments(self.sandwich(), sums, outcome_is_residual=True), sums.rows, sums.loss)

    def _by_nested(self, demeaned: Demeaned) -> Evaluated:
        """CR2, and CR3 beside several absorbed factors, which are nested in clusters."""
        from gramian.fit.vcov.absorbed.nested import nested_sums  # few ask for it

        sums = nested_sums(self.fitted_model, demeaned, self.vcov, self.runner, cluster_memory())
        check_null_clusters(self.vcov, sums.moments.null_clusters)
        check_groups(sums.moments.clusters, self.vcov)
        sandwich = self.sandwich(tuple(demeaned.weight))
        if isinstance(self.vcov.estimator, BiasReduced):
            robust = sandwich.by_adjustment(ClusterProducts(sums.products, sums.scores))
        else:
            robust, _ = sandwich.by_jackknife(sums.products, sums.scores)
        return Evaluated(robust, sums.moments.rows, sums.moments.loss)

    def _without_each_cluster(self, demeaned: Demeaned) -> Evaluated:
        """CR3 beside an absorbed factor."""
        from gramian.fit.vcov.absorbed.jackknife import left_out  # few ask for it

        if demeaned.functions:
            raise OptionError(f"{self.vcov.kind} does not go with slopes of absorbed levels; use CR1")
        (cluster,) = self.vcov.clusters
        sums = left_out(self.fitted_model, demeaned, cluster, self.runner, cluster_memory())
        check_null_clusters(self.vcov, sums.moments.null_clusters)
        check_groups(sums.moments.clusters, self.vcov)
        robust, _ = self.sandwich().by_jackknife(sums.products, sums.scores, sums.total)
        return Evaluated(robust, sums.moments.rows, sums.moments.loss)


_EVALUATE: Mapping[type[Estimator], Callable[[CovarianceJob], Evaluated]] = {
    Rowwise: CovarianceJob._by_row,
    Clustered: CovarianceJob._by_cluster,
    BiasReduced: CovarianceJob._by_products,
    Jackknife: CovarianceJob._by_products,
    Serial: CovarianceJob._serially,
    Spatial: CovarianceJob._by_cluster,
}


def from_moments(
    sandwich: Sandwich, cluster_moments: ClusterMoments, *, outcome_is_residual: bool = False
) -> RobustCovariance:
    """A covariance by cluster from the products of every cluster, without the data.

    outcome_is_residual : whether the outcome in the products is the residual at the solution.

    Raises
    ------
    DataError
        For a null cluster.
    NumericalError
        Where the covariance is not defined, or a column that it needs was not stored.
    """
    solved, vcov = sandwich.solved, sandwich.vcov
    check_null_clusters(vcov, cluster_moments.null_clusters)
    if not vcov.estimator.dependent:
        check_groups(cluster_moments.clusters, vcov)
    weighted = isinstance(vcov.estimator, BiasReduced) and solved.design.weight is not None
    if weighted and not outcome_is_residual:
        raise OptionError(WITHOUT_SQUARES.format(vcov.name))
    products, cross = solved_by_cluster(
        cluster_moments,
        solved.parametrization,
        solved.levels.names,
        outcome_is_residual=outcome_is_residual,
        twice=weighted,
    )
    scores = cross
    if not outcome_is_residual:
        scores = scores_by_cluster(products, cross, solved.solution.coefficients, solved.parametrization.scale)
    clusters, lowest = cluster_moments.clusters, 1.0
    if vcov.estimator.dependent:
        return sandwich.by_dependence(clusters, scores, cluster_moments.counts)
    if isinstance(vcov.estimator, BiasReduced):
        return sandwich.by_adjustment(ClusterProducts(products, scores, weighted))
    if vcov.estimator.pairwise:
        robust, lowest = sandwich.by_jackknife(products, scores)
    else:
        robust = sandwich.by_cluster(clusters, scores)
    if sandwich.facts.is_glm or not certifiable(solved):
        return robust
    errors = errors_of_products(sandwich, clusters, scores, outcome_is_residual=outcome_is_residual)
    if vcov.estimator.pairwise:
        errors = errors_of_jackknife(errors, solved, products, robust.solved_covariance, lowest)
    return stated(replace(robust, std_error_digits=certified_digits(solved, robust, errors)))


def cluster_moments_pass(design: Design, vcov: VcovSpec, *, drop: bool) -> ClusterMomentsPass:
    """The pass that sums the products of every cluster, beside the first pass of a fit."""
    return ClusterMomentsPass(design, vcov.clusters, cluster_memory(), drop=drop)


def cluster_memory() -> int:
    """Bytes that the sums of all clusters may need in each thread."""
    return memory_limit() // MEMORY_SHARE
