"""Where the sums by cluster of a bootstrap come from: the rows of the fit, or a Gram that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gramian.engines.choice import Engine, engine_of
from gramian.fit.bootstrap.cluster_sums import (
    OrderedSums,
    check_model,
    cluster_spec,
    moments_from_rows,
    ordered_sums,
)
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.fit import check_same
from gramian.inference.vcov_spec import VcovSpec
from gramian.results.fitted_rows import FittedRows, rows_or_fitted


@runtime_checkable
class HasClusters(Protocol):
    """A Gram: sums by cluster for any model of its columns."""

    @property
    def cluster(self) -> tuple[str, ...]:
        """The columns that make its clusters."""

    def cluster_moments(self, solved: Solved, vcov: VcovSpec) -> ClusterMoments:
        """The products by cluster of the columns of a model."""


@dataclass(frozen=True, slots=True)
class BootstrapSums:
    """Sums by cluster.

    Attributes
    ----------
    spec : VcovSpec
        CR1 by their column.
    ordered : OrderedSums
        Those of the columns that the fit solved for, in the order of the clusters.
    """

    spec: VcovSpec
    ordered: OrderedSums


def sums_of(
    solved: Solved, fitted_rows: FittedRows, data: object, cluster: str | None, engine: Engine | str | None
) -> BootstrapSums:
    """The sums of a fit from a Gram, or in one pass over its rows.

    Raises
    ------
    OptionError
        Without a column of clusters, under a penalty, and for absorbed factors that are not nested in clusters.
    DataError
        For other rows than those of the fit, or rows without a cluster.
    NumericalError
        For one cluster.
    """
    loss = solved.rss
    if isinstance(data, HasClusters):
        spec = cluster_spec(solved, cluster or (data.cluster[0] if len(data.cluster) == 1 else None))
        check_model(solved)
        moments = data.cluster_moments(solved, spec)
        check_same(solved, loss, moments.rows, loss)
        return BootstrapSums(spec, ordered_sums(solved, spec, moments, outcome_is_residual=False))
    spec = cluster_spec(solved, cluster)
    source = rows_or_fitted(data, fitted_rows)
    if solved.absorbed is not None:
        from gramian.fit.bootstrap.absorbed import absorbed_sums  # few fits have absorbed factors

        return BootstrapSums(spec, absorbed_sums(solved, spec, PassRunner(source, engine_of(engine, source))))
    moments = moments_from_rows(solved, spec, source, engine)
    check_same(solved, loss, moments.rows, moments.loss)
    return BootstrapSums(spec, ordered_sums(solved, spec, moments, outcome_is_residual=True))
