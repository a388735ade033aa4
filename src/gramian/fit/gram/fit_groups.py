"""What the pass of a Gram keeps beside the sums of all rows: those of folds, of groups, of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress
from gramian.errors import DataError, NumericalError, OptionError
from gramian.fit.gram.clusters import checked
from gramian.fit.gram.fit import gram_data_of
from gramian.fit.gram.group_sums import group_sums_of
from gramian.fit.gram.sums import GramData
from gramian.fit.gram.vcov import check_not_absorbed
from gramian.fit.groups.fit import no_rows_message
from gramian.fit.linear.fit import CombinedPass
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.accumulate_keyed import run_keyed
from gramian.fit.passes.keys import Folds, Grouping, by_columns
from gramian.fit.passes.options import Options
from gramian.fit.passes.prepare import design_for, prepare
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.fit import check_vcov, cluster_moments_pass
from gramian.inference.recipes import VcovSpec, vcov_spec
from gramian.typing import M, Pass


@dataclass(frozen=True, slots=True)
class ExtraSums:
    """What is kept. split : folds or groups, or none. clusters : names their columns, none for no clusters."""

    grouping: Grouping | None = None
    clusters: VcovSpec | None = None


def extra_sums_of(
    folds: int | None,
    by: str | Sequence[str] | None,
    cluster: str | Sequence[str] | None,
    *,
    exact: bool,
    checkpoint: bool,
) -> ExtraSums | None:
    """What the options of `gram` ask for; None for nothing. Raises OptionError for those that do not go together."""
    if folds is None and by is None and cluster is None:
        return None
    if checkpoint:
        raise OptionError("checkpoint does not go with folds, by or cluster: their sums are kept when the pass is over")
    if exact:
        raise OptionError("exact sums are kept of all rows together: leave out exact, or folds, by and cluster")
    if by is not None and folds is not None:
        raise OptionError(
            "by does not go with folds: cross_validate leaves out one group after the other where groups are kept; "
            "take one of the two, or make two Grams"
        )
    if by is not None and cluster is not None:
        raise OptionError("by does not go with cluster, which is kept of all rows together; make two Grams")
    grouping: Grouping | None = None
    if folds is not None or by is not None:
        grouping = by_columns(by) if by is not None else Folds(folds)  # type: ignore[arg-type]  # Folds refuses None
    return ExtraSums(grouping, None if cluster is None else vcov_spec({"cluster": cluster}))


def run_gram_with(
    formula: str, source: Source, options: Options, engine: Engine, extra: ExtraSums, progress: Progress | None
) -> GramData:
    """One pass over a source.

    Raises what a pass raises; DataError for a null cluster, more folds than rows, or more groups or clusters than fit
    into memory, OptionError beside absorbed factors.
    """
    if extra.clusters is not None:
        check_vcov(extra.clusters, source.schema, None)
    check_not_absorbed(
        design_for(formula, source.schema, options, absorbing=True, multiple_outcomes=True).terms.absorbed
    )
    engine_with_clusters = EngineWithClusters(engine, extra.clusters, options.drop)
    if extra.grouping is None:
        design, source = prepare(formula, source, options, multiple_outcomes=True)
        gram_data = gram_data_of(
            design, source, engine_with_clusters.fold(source, Accumulate(design, options.drop), progress=progress)
        )
    else:
        run = run_keyed(formula, source, options, engine_with_clusters, extra.grouping, progress)
        if not len(run.keyed):
            raise NumericalError(no_rows_message(formula, run.keyed.dropped_rows))
        group_sums = group_sums_of(run.keyed)
        gram_data = replace(gram_data_of(run.design, run.source, group_sums.total), group_sums=group_sums)
    if extra.clusters is None or engine_with_clusters.cluster_moments is None:
        return gram_data
    if engine_with_clusters.cluster_moments.rows != gram_data.moments.rows:
        raise DataError(
            f"clusters were kept of {engine_with_clusters.cluster_moments.rows:,} rows, "
            f"and sums of {gram_data.moments.rows:,}"
        )
    return replace(gram_data, clusters=checked(extra.clusters.clusters, engine_with_clusters.cluster_moments))


@dataclass(slots=True)
class EngineWithClusters:
    """An engine that keeps the products of clusters beside whatever its pass accumulates."""

    engine: Engine
    vcov: VcovSpec | None
    drop: bool
    cluster_moments: ClusterMoments | None = field(default=None)

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """One pass."""
        if self.vcov is None:
            return self.engine.fold(source, task, progress=progress)
        untyped_task: Any = task
        accumulated = self.engine.fold(
            source,
            CombinedPass(untyped_task, cluster_moments_pass(untyped_task.design, self.vcov, drop=self.drop)),
            progress,
        )
        self.cluster_moments = accumulated.second
        first: M = accumulated.first
        return first
