"""The pass of a Gram that also stores sums by fold or group, or products by cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gramian.errors import DataError, NumericalError, OptionError
from gramian.fit.gram.clusters import checked
from gramian.fit.gram.fit import gram_data_of
from gramian.fit.gram.group_sums import group_sums_of
from gramian.fit.gram.sums import GramData
from gramian.fit.gram.vcov import check_not_absorbed
from gramian.fit.groups.fit import no_rows_message
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.accumulate_keyed import check_folds, keyed_job, keyed_pass
from gramian.fit.passes.combined import CombinedPass
from gramian.fit.passes.job import Job, PassRunner, job_of
from gramian.fit.passes.keys import Folds, Grouping, by_columns
from gramian.fit.passes.options import Options
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.fit import check_vcov
from gramian.fit.vcov.job import cluster_moments_pass
from gramian.formula.grammar import Formula
from gramian.inference.vcov_spec import VcovSpec, vcov_spec
from gramian.typing import M, Pass


@dataclass(frozen=True, slots=True)
class ExtraSums:
    """Sums that a Gram stores in addition to those of all rows.

    Attributes
    ----------
    grouping : Folds or ByColumns or None
        Folds or groups.
    clusters : VcovSpec or None
        Covariance by cluster that names the columns of clusters.
    """

    grouping: Grouping | None = None
    clusters: VcovSpec | None = None


def extra_sums_of(
    folds: int | None,
    by: str | Sequence[str] | None,
    cluster: str | Sequence[str] | None,
    *,
    exact: bool,
    checkpoint: bool,
) -> ExtraSums:
    """The additional sums that the options of `gram` ask for, at least one of `folds`, `by` and `cluster`.

    Parameters
    ----------
    folds : int or None
        Number of folds.
    by : str or sequence of str, optional
        Columns of groups.
    cluster : str or sequence of str, optional
        Columns of clusters.
    exact : bool
        Whether exact sums are requested.
    checkpoint : bool
        Whether the pass writes a checkpoint.

    Raises
    ------
    OptionError
        For options that exclude each other.
    """
    if checkpoint:
        raise OptionError(
            "checkpoint does not go with folds, by or cluster: their sums are complete only after the pass"
        )
    if exact:
        raise OptionError("exact sums are stored for all rows together: leave out exact, or folds, by and cluster")
    if by is not None and folds is not None:
        raise OptionError(
            "by does not go with folds: cross_validate leaves out one group after the other where groups are stored; "
            "take one of the two, or make two Grams"
        )
    if by is not None and cluster is not None:
        raise OptionError("by does not go with cluster, which is stored for all rows together; make two Grams")
    grouping: Grouping | None = None
    if folds is not None or by is not None:
        grouping = by_columns(by) if by is not None else Folds(folds)  # type: ignore[arg-type]  # Folds refuses None
    return ExtraSums(grouping, None if cluster is None else vcov_spec({"cluster": cluster}))


def fit_gram_with(formula: Formula, options: Options, runner: PassRunner, extra: ExtraSums) -> GramData:
    """Run the pass of a Gram with additional sums by fold, group or cluster; other parameters as of `fit_gram`.

    Raises
    ------
    DataError
        For a null cluster, more folds than rows, or more groups or clusters than fit into memory.
    OptionError
        With absorbed factors.
    NumericalError
        If no group has a complete row.
    """
    # before the first row is read: an unknown column should not cost a pass
    if extra.clusters is not None:
        check_vcov(extra.clusters, runner.source.schema)
    if extra.grouping is None:
        job = job_of(formula.together, options, runner, absorbing=True, multiple_outcomes=True)
    else:
        job = keyed_job(formula.together, options, runner, extra.grouping, absorbing=True)
    # absorbing was allowed above only for this error, which says more than that of the formula
    check_not_absorbed(job.design.terms.absorbed)
    job.prepare()
    if extra.grouping is None:
        sums, clusters = _fold(job, Accumulate(job.design, options.drop), extra.clusters)
        gram_data = gram_data_of(job.design, job.source, sums)
    else:
        keyed, clusters = _fold(job, keyed_pass(job, extra.grouping), extra.clusters)
        check_folds(keyed)
        if not len(keyed):
            raise NumericalError(no_rows_message(formula.text, keyed.dropped_rows))
        group_sums = group_sums_of(keyed)
        gram_data = replace(gram_data_of(job.design, job.source, group_sums.total), group_sums=group_sums)
    if extra.clusters is None or clusters is None:
        return gram_data
    # the two passes drop incomplete rows each for itself: covariances would be wrong if they disagreed
    if clusters.rows != gram_data.moments.rows:
        raise DataError(f"products by cluster are of {clusters.rows:,} rows, and sums of {gram_data.moments.rows:,}")
    return replace(gram_data, clusters=checked(extra.clusters.clusters, clusters))


def _fold(job: Job, task: Pass[M], clusters: VcovSpec | None) -> tuple[M, ClusterMoments | None]:
    """The sums of a pass, and products by cluster from the same pass if they are requested."""
    if clusters is None:
        return job.fold(task), None
    both = job.fold(CombinedPass(task, cluster_moments_pass(job.design, clusters, drop=job.options.drop)))
    return both.first, both.second
