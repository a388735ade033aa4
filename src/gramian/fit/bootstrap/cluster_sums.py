"""Sums by cluster of the columns of a fit: the pass that takes them, and their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from gramian.batch import Source
from gramian.column import raw
from gramian.engines.choice import Engine, engine_of
from gramian.errors import OptionError
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.cluster_moments import ClusterMoments, scores_by_cluster, solved_by_cluster
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.clusters import Clusters
from gramian.fit.vcov.job import cluster_memory
from gramian.fit.vcov.sandwich import check_groups, check_null_clusters
from gramian.fit.vcov.scores import FittedModel
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec, vcov_spec
from gramian.typing import Codes, Matrix, Vector


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
    check_unpenalized(solved)
    own_or_given = cluster if cluster is not None else own[0]
    spec = vcov_spec({"cluster": own_or_given}, None if solved.robust is None else solved.robust.vcov.like)
    assert spec is not None
    return spec


def check_model(solved: Solved) -> None:
    """Raise OptionError for a model whose draws are not had from products of its columns."""
    if solved.absorbed is not None:
        names = " and ".join(solved.design.terms.absorbed)
        raise OptionError(
            f"these draws need the products of the columns in parts of the rows, which do not hold absorbed levels of "
            f"{names}: write a factor of few levels as a term, as in + factor({solved.design.terms.absorbed[0]})"
        )
    check_unpenalized(solved)


def check_unpenalized(solved: Solved) -> None:
    """Raise OptionError for a fit with a penalty."""
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
    columns : float
        Number of coefficients for small-sample factors, absorbed levels among them as these count them.
    """

    values: Any
    counts: Vector
    products: Matrix
    scores: Matrix
    columns: float


def ordered_sums(solved: Solved, spec: VcovSpec, moments: ClusterMoments, *, outcome_is_residual: bool) -> OrderedSums:
    """The sums by cluster. Raises DataError for rows without a cluster, NumericalError for one cluster."""
    products, cross = solved_by_cluster(
        moments, solved.parametrization, solved.levels.names, outcome_is_residual=outcome_is_residual
    )
    if not outcome_is_residual:
        cross = scores_by_cluster(products, cross, solved.solution.coefficients, solved.parametrization.scale)
    return in_order(spec, moments, products, cross, solved.leverage)


def in_order(spec: VcovSpec, moments: ClusterMoments, products: Matrix, scores: Matrix, columns: float) -> OrderedSums:
    """Products (c, p, p) and scores (c, p) by cluster in the order of the clusters; raises as `ordered_sums`."""
    check_null_clusters(spec, moments.null_clusters)
    check_groups(moments.clusters, spec)
    order = by_value(moments.clusters)
    values = moments.clusters.names[0].take(moments.clusters.cells[order, 0])
    return OrderedSums(values, moments.counts[order], products[order], scores[order], columns)


def cr1_factor(solved: Solved, spec: VcovSpec, own: OrderedSums) -> float:
    """The small-sample factor of the fit."""
    count = len(own.scores)
    return spec.factor(ModelFacts(solved.rows, own.columns), count, count)


def by_value(clusters: Clusters) -> Codes:
    """Positions of the clusters in the order of their values, which does not depend on the order of the rows."""
    (names,), code = clusters.names, clusters.cells[:, 0]
    rank = np.empty(len(names), np.int64)
    rank[raw(pc.sort_indices(names)).astype(np.int64)] = np.arange(len(names))
    return np.argsort(rank[code], kind="stable")
