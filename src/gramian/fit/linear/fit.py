"""A linear fit from a source with the covariance that is asked for, and what it will read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress, watched
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.fit_iid import run_linear
from gramian.fit.linear.plan import plan_linear
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan
from gramian.fit.passes.prepare import design_for
from gramian.fit.passes.row_cache import cached_source
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.fit import (
    PassRunner,
    check_single_read,
    check_terms,
    check_vcov,
    cluster_moments_pass,
    from_moments,
    with_robust,
)
from gramian.inference.recipes import ModelFacts, VcovSpec
from gramian.linalg.moments import Moments
from gramian.typing import M, Monoid, Pass

A = TypeVar("A", bound=Monoid)
B = TypeVar("B", bound=Monoid)


def run_with_vcov(
    formula: str, source: Source, options: Options, vcov: VcovSpec | None, engine: Engine, progress: Progress | None
) -> Solved:
    """Fit a linear model: one pass, and one more for a robust covariance.

    Of data that can be read once only, keyed moments are kept in the one pass.
    """
    if vcov is not None:
        check_vcov(vcov, source.schema, options.alpha)
        design = design_for(formula, source.schema, options, absorbing=True)
        absorbed = design.terms.absorbed
        check_terms(vcov, absorbed)
        if not source.rereadable:
            check_single_read(vcov, exact=options.exact, absorbed=absorbed)
        elif not options.exact:
            source = cached_source(source, (*design.columns, *vcov.clusters))
        if absorbed:
            return _run_with_absorbed(formula, source, options, vcov, engine, progress)
    combined_engine = (
        EngineWithClusterMoments(engine, vcov, options.drop) if vcov is not None and not source.rereadable else None
    )
    with watched(progress, source.rows, source.size):
        solved = run_linear(formula, source, options, combined_engine or engine, progress)
    if vcov is None:
        return solved
    if combined_engine is not None and combined_engine.cluster_moments is not None:
        return replace(
            solved,
            robust=from_moments(
                solved, combined_engine.cluster_moments, vcov, ModelFacts(solved.rows, solved.leverage)
            ),
        )
    return with_robust(solved, None, solved.rss, vcov, PassRunner(source, engine, progress, options.drop))


def _run_with_absorbed(
    formula: str, source: Source, options: Options, vcov: VcovSpec, engine: Engine, progress: Progress | None
) -> Solved:
    """The sums over levels that the first pass makes are what the second one needs."""
    recorder = MomentsRecordingEngine(engine)
    with watched(progress, source.rows, source.size):
        solved = run_linear(formula, source, options, recorder, progress)
    runner = PassRunner(source, engine, progress, options.drop)
    return with_robust(solved, None, solved.rss, vcov, runner, recorder.moments)


@dataclass(slots=True)
class MomentsRecordingEngine:
    """An engine that remembers the moments which its pass has accumulated."""

    engine: Engine
    moments: Moments | None = field(default=None)

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """One pass."""
        accumulated = self.engine.fold(source, task, progress=progress)
        if isinstance(accumulated, Accumulated):
            self.moments = accumulated.moments
        return accumulated


@dataclass(slots=True)
class EngineWithClusterMoments:
    """An engine that keeps the moments of clusters beside whatever its pass accumulates."""

    engine: Engine
    vcov: VcovSpec | None
    drop: bool
    cluster_moments: ClusterMoments | None = field(default=None)

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """One pass."""
        if not isinstance(task, Accumulate) or self.vcov is None:
            return self.engine.fold(source, task, progress=progress)
        combined: Any = self.engine.fold(
            source, CombinedPass(task, cluster_moments_pass(task.design, self.vcov, drop=self.drop)), progress
        )
        self.cluster_moments = combined.second
        first: M = combined.first
        return first


@dataclass(frozen=True, slots=True)
class CombinedSums(Generic[A, B]):
    """Two partial results that add each for itself."""

    first: A
    second: B

    def __add__(self, other: CombinedSums[A, B], /) -> CombinedSums[A, B]:
        return CombinedSums(self.first + other.first, self.second + other.second)


@dataclass(frozen=True, slots=True)
class CombinedPass(Generic[A, B]):
    """Two passes in one trip."""

    first: Pass[A]
    second: Pass[B]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.first.columns, *self.second.columns)))

    @property
    def empty(self) -> CombinedSums[A, B]:
        """No rows."""
        return CombinedSums(self.first.empty, self.second.empty)

    def accumulate(self, batches: Iterable[Any], /) -> CombinedSums[A, B]:
        """One unit, whose batches are held until both have seen them."""
        buffered = list(batches)
        return CombinedSums(self.first.accumulate(buffered), self.second.accumulate(buffered))


def plan_with_vcov(formula: str, source: Source, options: Options, vcov: VcovSpec | None, threads: int) -> Plan:
    """The plan of a linear fit with its covariance; reads no rows."""
    plan = plan_linear(formula, source, options, threads)
    if vcov is None:
        return plan
    check_vcov(vcov, source.schema, options.alpha)
    absorbed = design_for(formula, source.schema, options, absorbing=True).terms.absorbed
    check_terms(vcov, absorbed)
    columns = tuple(dict.fromkeys((*plan.columns, *vcov.clusters)))
    sums = f"; in memory {SUMS[vcov.kind == 'CR3' or not source.rereadable]}" if vcov.clusters else ""
    if not source.rereadable:
        check_single_read(vcov, exact=options.exact, absorbed=absorbed)
        note = f"{vcov.name}: the data can be read once only, so the pass keeps products by cluster{sums}"
        return replace(plan, columns=columns, notes=(*plan.notes, note))
    note = f"{vcov.name}: one more pass for {'sums by cluster' if vcov.clusters else 'squares'} of the scores{sums}"
    if absorbed:
        note += f", and the effects of the levels of {' and '.join(absorbed)} on every column, which it subtracts"
    return replace(
        plan,
        columns=columns,
        passes=plan.passes + 1,
        expected=f"{plan.expected}; {MORE}",
        notes=(*plan.notes[1:], note),
    )


SUMS = ("a number for each cluster and column", "a number for each cluster and pair of columns")
MORE = "then 1 for the covariance"
