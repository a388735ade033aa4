"""CR2 and CR3 beside absorbed factors that are nested in clusters: every level has its rows in one cluster.

Then the rows of a cluster, less the means of their levels, do not change when another cluster is left out, and are
orthogonal to the indicators of the levels, whose part of the hat matrix is a block of each cluster. What adjusts the
residuals of a cluster, and how they depend on those of others, are those of a regression on demeaned columns alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.errors import OptionError
from gramian.fit.passes.combined import CombinedPass
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.cluster_moments_pass import ClusterMomentsPass
from gramian.fit.vcov.cluster_scores import ClusterPass, ClusterScores
from gramian.fit.vcov.dense import DenseRows
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.within import Demeaned
from gramian.inference.estimators import BiasReduced
from gramian.inference.vcov_spec import VcovSpec
from gramian.typing import Matrix


@dataclass(frozen=True, slots=True)
class NestedSums:
    """Sums by cluster of demeaned rows.

    Attributes
    ----------
    products : Matrix
        (G, p, p) of the columns that were solved for.
    scores : Matrix
        (G, p) with the residuals.
    moments : ClusterMoments
        The clusters, and the rows and the loss of the pass.
    """

    products: Matrix
    scores: Matrix
    moments: ClusterMoments


def nested_sums(
    fitted_model: FittedModel, demeaned: Demeaned, vcov: VcovSpec, runner: PassRunner, limit: int
) -> NestedSums:
    """The sums, from one pass over the rows.

    limit : bytes that the sums of a thread may need. Raises OptionError where a factor is not nested in the clusters,
    and for CR2 with weights.
    """
    moments = products_of_nested(fitted_model, demeaned, demeaned, vcov, runner, limit)
    q = demeaned.width
    K = np.eye(q) if fitted_model.subspace is None else fitted_model.subspace
    P = moments.products
    return NestedSums(K.T @ P[:, :q, :q] @ K, P[:, :q, q] @ K, moments)


def products_of_nested(
    fitted_model: FittedModel,
    rows: DenseRows,
    demeaned: Demeaned,
    vcov: VcovSpec,
    runner: PassRunner,
    limit: int,
) -> ClusterMoments:
    """Products by cluster of rows, the residual last; parameters and errors as of `nested_sums`."""
    _check_weights(fitted_model, vcov)
    task = ClusterMomentsPass(
        fitted_model.design, vcov.clusters, limit, fitted_model=fitted_model, drop=fitted_model.drop, dense=rows
    )
    sums = runner.fold(CombinedPass(task, ClusterPass(fitted_model, vcov.clusters, limit, demeaned)))
    _check_nested(sums.second, fitted_model, vcov)
    return sums.first


def _check_weights(fitted_model: FittedModel, vcov: VcovSpec) -> None:
    """Raise OptionError for CR2 with weights."""
    design = fitted_model.design
    if design.weight is not None and isinstance(vcov.estimator, BiasReduced):
        names = design.terms.absorbed
        raise OptionError(
            f"{vcov.kind} with weights does not go with absorbed factors ({' and '.join(names)}): equal variances are "
            "not those of the weighted means within levels; use CR1 or CR3, or write the factor as a term, as in "
            f"+ factor({names[-1]})"
        )


def _check_nested(scores: ClusterScores, fitted_model: FittedModel, vcov: VcovSpec) -> None:
    """Raise OptionError for factors whose levels have rows in several clusters."""
    nested = () if scores.nesting is None else scores.nesting.nested([0])
    other = [name for name in fitted_model.design.terms.absorbed if name not in nested]
    if not other:
        return
    (cluster,) = vcov.clusters
    raise OptionError(
        f"{vcov.kind} beside these absorbed factors needs the rows of each level in one cluster, and levels of "
        f"{' and '.join(other)} have rows in several clusters by {cluster}: write a factor of few levels as a term, as "
        f"in + factor({other[-1]}), or use CR1"
    )
