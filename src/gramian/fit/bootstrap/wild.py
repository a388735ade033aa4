"""The wild cluster bootstrap of a linear fit: the pass that sums products by cluster, and the draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from gramian.batch import Source
from gramian.column import raw
from gramian.engines.choice import Engine, engine_of
from gramian.errors import NumericalError, OptionError, one_of
from gramian.fit.bootstrap.result import BootstrapTest
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.cluster_moments import ClusterMoments, scores_by_cluster, solved_by_cluster
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.job import cluster_memory
from gramian.fit.vcov.sandwich import check_groups, check_null_clusters
from gramian.fit.vcov.scores import FittedModel
from gramian.inference.draws.sign_weights import drawn
from gramian.inference.draws.wild import ALTERNATIVES, ClusterSums, Draws, draws_of
from gramian.inference.hypothesis import hypotheses
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec, vcov_spec
from gramian.linalg import maps
from gramian.typing import Codes, Matrix, Vector


@dataclass(frozen=True, slots=True)
class WildOptions:
    """How a bootstrap is made.

    Attributes
    ----------
    draws : int
        Number of draws.
    weights : str
        Distribution of the weights.
    seed : int or None
        Of the random numbers.
    restricted : bool
        Whether residuals are those under the hypothesis.
    alternative : str
        Side on which a statistic is further out.
    level : float
        Of the interval.
    """

    draws: int = 9999
    weights: str = "rademacher"
    seed: int | None = None
    restricted: bool = True
    alternative: str = "two-sided"
    level: float = 0.95

    def __post_init__(self) -> None:
        one_of("alternative", self.alternative, ALTERNATIVES)
        if not 0.0 < self.level < 1.0:
            raise OptionError(f"level must lie between 0 and 1, found {self.level!r}")


def cluster_spec(solved: Solved, cluster: str | None) -> VcovSpec:
    """CR1 by the column, or by that of the fit's own covariance.

    Raises OptionError without one column, or for a model whose products by cluster are not had.
    """
    own = () if solved.robust is None else solved.robust.vcov.clusters
    if cluster is None and len(own) != 1:
        named = "has none" if not own else f"has {len(own)}"
        raise OptionError(
            f"a bootstrap or jackknife by cluster needs one column of clusters, and this fit {named}: give "
            "cluster='firm'"
        )
    check_model(solved)
    own_or_given = cluster if cluster is not None else own[0]
    spec = vcov_spec({"cluster": own_or_given}, None if solved.robust is None else solved.robust.vcov.like)
    assert spec is not None
    return spec


def check_model(solved: Solved) -> None:
    """Raise OptionError for a model whose draws are not had from products of its columns."""
    if solved.absorbed is not None:
        names = " and ".join(solved.design.terms.absorbed)
        raise OptionError(
            f"a bootstrap needs the products of the columns in parts of the rows, which do not hold absorbed levels of "
            f"{names}: write a factor of few levels as a term, as in + factor({solved.design.terms.absorbed[0]})"
        )
    if solved.alpha is not None:
        raise OptionError("the penalised coefficients of a ridge regression have no bootstrap: fit without a penalty")


def moments_from_rows(solved: Solved, spec: VcovSpec, source: Source, engine: Engine | str | None) -> ClusterMoments:
    """Products by cluster with the residuals in place of the outcome, in one pass over the rows of the fit."""
    fitted_model = FittedModel(solved).for_schema(source.schema)
    task = ClusterMomentsPass(
        fitted_model.design, spec.clusters, cluster_memory(), fitted_model=fitted_model, drop=fitted_model.drop
    )
    return PassRunner(source, engine_of(engine, source)).fold(task)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A hypothesis about one fit, and what its draws are made of.

    Attributes
    ----------
    sums : ClusterSums
        Of the clusters in the order of their values.
    clusters : Arrow array
        These values.
    estimate, right : float
        The combination of coefficients, and what it is under the hypothesis.
    root : float
        Root of the small-sample factor. t and t* have the same, so no p-value of one fit depends on it.
    """

    sums: ClusterSums
    clusters: Any
    estimate: float
    right: float
    root: float

    @property
    def x(self) -> float:
        """How far the estimate is from the hypothesis, in the scale of the draws."""
        return (self.estimate - self.right) / self.sums.scale

    def statistics(self, draws: Draws) -> tuple[float, Vector]:
        """t, and those of the draws."""
        return self.x / draws.width / self.root, draws.t(self.x) / self.root


def prepared(
    solved: Solved, spec: VcovSpec, moments: ClusterMoments, hypothesis: str, *, outcome_is_residual: bool
) -> Prepared:
    """What the draws of a hypothesis need, from products by cluster.

    Raises
    ------
    OptionError
        For more than one equation.
    NumericalError
        Where one cluster has all rows, or the hypothesis has no standard error.
    """
    own = ordered_sums(solved, spec, moments, outcome_is_residual=outcome_is_residual)
    row, right = one_equation(solved, hypothesis)
    sums = _sums(own.products, own.scores, solved_row(solved, row), solved.solution.inverse)
    if not (sums.scale > 0.0 and sums.std_error > 0.0):
        raise NumericalError(f"{hypothesis}: it has no standard error by cluster, so nothing can be tested")
    root = math.sqrt(cr1_factor(solved, spec, len(own.scores)))
    return Prepared(sums, own.values, float(row @ np.nan_to_num(solved.coefficients)), right, root)


@dataclass(frozen=True, slots=True)
class OrderedSums:
    """Sums by cluster of the columns that were solved for, in the order of the clusters' values.

    Attributes
    ----------
    values : Arrow array
        (c,) these values.
    counts : Vector
        (c,) rows.
    products : Matrix
        (c, p, p).
    scores : Matrix
        (c, p) at the estimate.
    """

    values: Any
    counts: Vector
    products: Matrix
    scores: Matrix


def ordered_sums(solved: Solved, spec: VcovSpec, moments: ClusterMoments, *, outcome_is_residual: bool) -> OrderedSums:
    """The sums by cluster. Raises DataError for rows without a cluster, NumericalError for one cluster."""
    check_null_clusters(spec, moments.null_clusters)
    check_groups(moments.clusters, spec)
    products, cross = solved_by_cluster(
        moments, solved.parametrization, solved.levels.names, outcome_is_residual=outcome_is_residual
    )
    if not outcome_is_residual:
        cross = scores_by_cluster(products, cross, solved.solution.coefficients, solved.parametrization.scale)
    order = by_value(moments.clusters)
    values = moments.clusters.names[0].take(moments.clusters.cells[order, 0])
    return OrderedSums(values, moments.counts[order], products[order], cross[order])


def cr1_factor(solved: Solved, spec: VcovSpec, clusters: int) -> float:
    """The small-sample factor of the fit."""
    return spec.factor(ModelFacts(solved.rows, solved.leverage), clusters, clusters)


def equations(solved: Solved, hypothesis: str) -> tuple[Matrix, Vector]:
    """The factors of the coefficients and the right sides of equations. Raises OptionError for unknown coefficients."""
    is_not = {n: solved.aliased.get(n, "") for n, i in zip(solved.names, solved.identified, strict=True) if not i}
    return hypotheses(hypothesis, solved.names, is_not)


def one_equation(solved: Solved, hypothesis: str) -> tuple[Vector, float]:
    """The factors of the coefficients (p,) and the right side of a hypothesis. Raises OptionError for several."""
    R, (right, *more) = equations(solved, hypothesis)
    if more:
        raise OptionError(f"this tests one equation at a time, found {len(R)}: call it for each")
    return R[0], float(right)


def wild_test(
    solved: Solved,
    spec: VcovSpec,
    moments: ClusterMoments,
    hypothesis: str,
    options: WildOptions,
    *,
    outcome_is_residual: bool,
) -> BootstrapTest:
    """Test a hypothesis from products by cluster; raises as `prepared`."""
    own = prepared(solved, spec, moments, hypothesis, outcome_is_residual=outcome_is_residual)
    count, scale = len(own.clusters), own.sums.scale
    draws = draws_of(
        own.sums, drawn(options.weights, count, options.draws, options.seed), restricted=options.restricted
    )
    low, high = draws.interval(1.0 - options.level)
    statistic, statistics = own.statistics(draws)
    return BootstrapTest(
        hypothesis, own.estimate, statistic, draws.p_value(own.x, options.alternative),
        own.estimate - high * scale, own.estimate - low * scale, options.level, len(statistics), count,
        options.weights, options.restricted, statistics,
    )  # fmt: skip


def _sums(products: Matrix, scores: Matrix, row: Vector, inverse: Matrix) -> ClusterSums:
    """What the draws need of products (c, p, p) and scores (c, p)."""
    h = inverse @ row
    return ClusterSums(scores, products @ h, h, inverse, float(row @ h))


def solved_row(solved: Solved, row: Vector) -> Vector:
    """A linear function of the model's coefficients, (p,), as one of the columns that were solved for."""
    null = solved.solution.null
    T = solved.parametrization.model_map
    if null.shape[1]:  # columns that the solve left out may not be those that the model leaves out
        null = null if T is None else maps.multiply(T, null)
        at = np.array([solved.names.index(name) for name in solved.aliased], np.int64)
        row = row.copy()
        row[at] -= (null @ np.linalg.inv(null[at])).T @ row
    return row if T is None else np.asarray(maps.multiply(T, np.eye(len(T))).T @ row)


def by_value(clusters: Clusters) -> Codes:
    """Positions of the clusters in the order of their values, which does not depend on the order of the rows."""
    (names,), code = clusters.names, clusters.cells[:, 0]
    rank = np.empty(len(names), np.int64)
    rank[raw(pc.sort_indices(names)).astype(np.int64)] = np.arange(len(names))
    return np.argsort(rank[code], kind="stable")
