"""A linear fit from a source with the covariance that is asked for, and what it will read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from gramian.batch import Source
from gramian.engines.progress import Progress, watched
from gramian.fit.clusters import ClusterMoments
from gramian.fit.engine import Engine
from gramian.fit.options import Options
from gramian.fit.passes import Accumulate, Accumulated
from gramian.fit.plan import Plan, plan_linear
from gramian.fit.prepare import design_for
from gramian.fit.resident import resident
from gramian.fit.robust import Reading, check_once, check_recipe, check_terms, from_moments, keeping, with_robust
from gramian.fit.run import run_linear
from gramian.fit.solved import Solved
from gramian.inference.recipes import Recipe, Setup
from gramian.linalg.moments import Moments
from gramian.typing import M, Monoid, Pass

A = TypeVar("A", bound=Monoid)
B = TypeVar("B", bound=Monoid)


def run_robust(
    formula: str, source: Source, options: Options, recipe: Recipe | None, engine: Engine, progress: Progress | None
) -> Solved:
    """Fit a linear model: one pass, and one more for a robust covariance.

    Of data that can be read once only, keyed moments are kept in the one pass.
    """
    if recipe is not None:
        check_recipe(recipe, source.schema, options.alpha)
        design = design_for(formula, source.schema, options, absorbing=True)
        absorbed = design.terms.absorbed
        check_terms(recipe, absorbed)
        if not source.rereadable:
            check_once(recipe, exact=options.exact, absorbed=absorbed)
        elif not options.exact:
            source = resident(source, (*design.columns, *recipe.clusters))
        if absorbed:
            return _beside_absorbed(formula, source, options, recipe, engine, progress)
    keeper = Keeper(engine, recipe, options.drop) if recipe is not None and not source.rereadable else None
    with watched(progress, source.rows, source.size):
        solved = run_linear(formula, source, options, keeper or engine, progress)
    if recipe is None:
        return solved
    if keeper is not None and keeper.kept is not None:
        return replace(solved, robust=from_moments(solved, keeper.kept, recipe, Setup(solved.rows, solved.leverage)))
    return with_robust(solved, None, solved.rss, recipe, Reading(source, engine, progress, options.drop))


def _beside_absorbed(
    formula: str, source: Source, options: Options, recipe: Recipe, engine: Engine, progress: Progress | None
) -> Solved:
    """The sums over levels that the first pass makes are what the second one needs."""
    watcher = Remembering(engine)
    with watched(progress, source.rows, source.size):
        solved = run_linear(formula, source, options, watcher, progress)
    reading = Reading(source, engine, progress, options.drop)
    return with_robust(solved, None, solved.rss, recipe, reading, watcher.moments)


@dataclass(slots=True)
class Remembering:
    """An engine that remembers the moments which its pass has accumulated."""

    engine: Engine
    moments: Moments | None = field(default=None)

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """One pass."""
        done = self.engine.fold(source, task, progress=progress)
        if isinstance(done, Accumulated):
            self.moments = done.moments
        return done


@dataclass(slots=True)
class Keeper:
    """An engine that keeps the moments of clusters beside whatever its pass accumulates."""

    engine: Engine
    recipe: Recipe | None
    drop: bool
    kept: ClusterMoments | None = field(default=None)

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """One pass."""
        if not isinstance(task, Accumulate) or self.recipe is None:
            return self.engine.fold(source, task, progress=progress)
        done: Any = self.engine.fold(source, Both(task, keeping(task.design, self.recipe, drop=self.drop)), progress)
        self.kept = done.second
        first: M = done.first
        return first


@dataclass(frozen=True, slots=True)
class Pair(Generic[A, B]):
    """Two partial results that add each for itself."""

    first: A
    second: B

    def __add__(self, other: Pair[A, B], /) -> Pair[A, B]:
        return Pair(self.first + other.first, self.second + other.second)


@dataclass(frozen=True, slots=True)
class Both(Generic[A, B]):
    """Two passes in one trip."""

    first: Pass[A]
    second: Pass[B]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.first.columns, *self.second.columns)))

    @property
    def empty(self) -> Pair[A, B]:
        """No rows."""
        return Pair(self.first.empty, self.second.empty)

    def lift(self, batches: Iterable[Any], /) -> Pair[A, B]:
        """One unit, whose batches are held until both have seen them."""
        held = list(batches)
        return Pair(self.first.lift(held), self.second.lift(held))


def plan_robust(formula: str, source: Source, options: Options, recipe: Recipe | None, threads: int) -> Plan:
    """The plan of a linear fit with its covariance; reads no rows."""
    plan = plan_linear(formula, source, options, threads)
    if recipe is None:
        return plan
    check_recipe(recipe, source.schema, options.alpha)
    absorbed = design_for(formula, source.schema, options, absorbing=True).terms.absorbed
    check_terms(recipe, absorbed)
    columns = tuple(dict.fromkeys((*plan.columns, *recipe.clusters)))
    sums = f"; in memory {SUMS[recipe.kind == 'CR3' or not source.rereadable]}" if recipe.clusters else ""
    if not source.rereadable:
        check_once(recipe, exact=options.exact, absorbed=absorbed)
        why = f"{recipe.name}: the data can be read once only, so the pass keeps products by cluster{sums}"
        return replace(plan, columns=columns, notes=(*plan.notes, why))
    why = f"{recipe.name}: one more pass for {'sums by cluster' if recipe.clusters else 'squares'} of the scores{sums}"
    if absorbed:
        why += f", and the effects of the levels of {' and '.join(absorbed)} on every column, which it subtracts"
    return replace(
        plan, columns=columns, passes=plan.passes + 1, expected=f"{plan.expected}; {MORE}", notes=(*plan.notes[1:], why)
    )


SUMS = ("a number for each cluster and column", "a number for each cluster and pair of columns")
MORE = "then 1 for the covariance"
