"""Where the sums by cluster of a bootstrap come from: the rows of the fit, or a Gram that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gramian.data.source import source_of
from gramian.engines.choice import Engine
from gramian.fit.bootstrap.cluster_sums import OrderedSums, cluster_spec, moments_from_rows, ordered_sums
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.fit import check_same
from gramian.inference.vcov_spec import VcovSpec
from gramian.results.fitted_rows import FittedRows


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
    moments : ClusterMoments
        The products.
    residual : bool
        Whether residuals stand in place of the outcome.
    """

    spec: VcovSpec
    moments: ClusterMoments
    residual: bool

    def ordered(self, solved: Solved) -> OrderedSums:
        """Those of the columns that a fit solved for, in the order of the clusters; raises as `ordered_sums`."""
        return ordered_sums(solved, self.spec, self.moments, outcome_is_residual=self.residual)


def sums_of(
    solved: Solved, fitted_rows: FittedRows, data: object, cluster: str | None, engine: Engine | str | None
) -> BootstrapSums:
    """The sums of a fit from a Gram, or in one pass over its rows. Raises DataError where these are others."""
    loss = solved.rss
    if isinstance(data, HasClusters):
        spec = cluster_spec(solved, cluster or (data.cluster[0] if len(data.cluster) == 1 else None))
        moments = data.cluster_moments(solved, spec)
        check_same(solved, loss, moments.rows, loss)
        return BootstrapSums(spec, moments, residual=False)
    spec = cluster_spec(solved, cluster)
    source = fitted_rows.read_again() if data is None else source_of(data)
    moments = moments_from_rows(solved, spec, source, engine)
    check_same(solved, loss, moments.rows, moments.loss)
    return BootstrapSums(spec, moments, residual=True)
