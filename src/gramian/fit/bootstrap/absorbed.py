"""Sums by cluster beside absorbed factors that are nested in clusters.

All rows of a level are in one cluster, so a draw that takes a cluster, leaves it out or changes the signs of its
residuals leaves the means within levels as they are: the demeaned columns are those of every draw.
"""

from __future__ import annotations

import numpy as np

from gramian.errors import OptionError
from gramian.fit.bootstrap.cluster_sums import OrderedSums, in_order
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.combined import CombinedPass
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.cluster_scores import ClusterPass
from gramian.fit.vcov.fit import check_same, repeated_moments
from gramian.fit.vcov.job import cluster_memory
from gramian.fit.vcov.parameters import parameter_count
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.within import demeaned
from gramian.inference.vcov_spec import VcovSpec


def absorbed_sums(solved: Solved, spec: VcovSpec, runner: PassRunner) -> OrderedSums:
    """The sums of the demeaned columns, in two passes over the rows.

    Raises OptionError where a factor is not nested in the clusters, DataError for other rows than those of the fit.
    """
    fitted_model, limit = FittedModel(solved).for_schema(runner.source.schema), cluster_memory()
    moments = repeated_moments(fitted_model, runner)
    dense = demeaned(solved, moments)
    products = ClusterMomentsPass(
        fitted_model.design, spec.clusters, limit, fitted_model=fitted_model, drop=fitted_model.drop, dense=dense
    )
    sums = runner.fold(CombinedPass(products, ClusterPass(fitted_model, spec.clusters, limit, dense)))
    by_cluster, scores = sums.first, sums.second
    check_same(solved, solved.rss, by_cluster.rows, by_cluster.loss)
    nested = () if scores.nesting is None else scores.nesting.nested([0])
    other = [name for name in solved.design.terms.absorbed if name not in nested]
    if other:
        (cluster,) = spec.clusters
        raise OptionError(
            f"absorbed levels of {' and '.join(other)} have rows in several clusters by {cluster}, so that every draw "
            f"would have other means within them: write a factor of few levels as a term, as in + factor({other[0]})"
        )
    q = dense.width
    K = np.eye(q) if fitted_model.subspace is None else fitted_model.subspace
    P = by_cluster.products
    columns = parameter_count(solved, moments, spec.small_sample, nested)
    return in_order(spec, by_cluster, K.T @ P[:, :q, :q] @ K, P[:, :q, q] @ K, columns)
