"""What the pass of a Gram keeps beside the sums of all rows: those of folds, of groups, of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gramian.batch import Source
from gramian.engines.progress import Progress
from gramian.errors import DataError, NumericalError, OptionError
from gramian.fit.apart import apart_of
from gramian.fit.clusters import ClusterMoments
from gramian.fit.engine import Engine
from gramian.fit.gathered import Gathered
from gramian.fit.gram import gathered
from gramian.fit.gram_robust import check_not_absorbed
from gramian.fit.keyed import run_keyed
from gramian.fit.keys import Folds, Split, by_of
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate
from gramian.fit.prepare import design_for, prepare
from gramian.fit.robust import check_recipe, keeping
from gramian.fit.run_robust import Both
from gramian.fit.several import no_rows
from gramian.fit.stored_clusters import checked
from gramian.inference.recipes import Recipe, recipe
from gramian.typing import M, Pass


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept. split : folds or groups, or none. clusters : names their columns, none for no clusters."""

    split: Split | None = None
    clusters: Recipe | None = None


def keep_of(
    folds: int | None,
    by: str | Sequence[str] | None,
    cluster: str | Sequence[str] | None,
    *,
    exact: bool,
    lasting: bool,
) -> Keep | None:
    """What the options of `gram` ask for; None for nothing. Raises OptionError for those that do not go together."""
    if folds is None and by is None and cluster is None:
        return None
    if lasting:
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
    split: Split | None = None
    if folds is not None or by is not None:
        split = by_of(by) if by is not None else Folds(folds)  # type: ignore[arg-type]  # Folds refuses None
    return Keep(split, None if cluster is None else recipe({"cluster": cluster}))


def run_kept(
    formula: str, source: Source, options: Options, engine: Engine, keep: Keep, progress: Progress | None
) -> Gathered:
    """One pass over a source.

    Raises what a pass raises; DataError for a null cluster, more folds than rows, or more groups or clusters than fit
    into memory, OptionError beside absorbed factors.
    """
    if keep.clusters is not None:
        check_recipe(keep.clusters, source.schema, None)
    check_not_absorbed(design_for(formula, source.schema, options, absorbing=True, several=True).terms.absorbed)
    beside = Beside(engine, keep.clusters, options.drop)
    if keep.split is None:
        design, source = prepare(formula, source, options, several=True)
        out = gathered(design, source, beside.fold(source, Accumulate(design, options.drop), progress=progress))
    else:
        run = run_keyed(formula, source, options, beside, keep.split, progress)
        if not len(run.keyed):
            raise NumericalError(no_rows(formula, run.keyed.tally))
        kept = apart_of(run.keyed)
        out = replace(gathered(run.design, run.source, kept.total), apart=kept)
    if keep.clusters is None or beside.kept is None:
        return out
    if beside.kept.rows != out.moments.rows:
        raise DataError(f"clusters were kept of {beside.kept.rows:,} rows, and sums of {out.moments.rows:,}")
    return replace(out, clusters=checked(keep.clusters.clusters, beside.kept))


@dataclass(slots=True)
class Beside:
    """An engine that keeps the products of clusters beside whatever its pass accumulates."""

    engine: Engine
    recipe: Recipe | None
    drop: bool
    kept: ClusterMoments | None = field(default=None)

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """One pass."""
        if self.recipe is None:
            return self.engine.fold(source, task, progress=progress)
        both: Any = task
        done = self.engine.fold(source, Both(both, keeping(both.design, self.recipe, drop=self.drop)), progress)
        self.kept = done.second
        first: M = done.first
        return first
