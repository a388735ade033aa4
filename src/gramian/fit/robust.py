"""Robust covariances of a fit: one more pass at its answer, or keyed moments that the same pass has kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gramian.batch import Kind, Schema, Source
from gramian.engines.progress import Progress, watched
from gramian.errors import DataError, NumericalError, OptionError, SchemaError
from gramian.fit.cluster_scores import ClusterPass
from gramian.fit.clusters import ClusterMoments, ClusterMomentsPass, scores_by_cluster, solved_by_cluster
from gramian.fit.engine import Engine
from gramian.fit.limits import memory_limit
from gramian.fit.linear import solved_products
from gramian.fit.meat import MeatPass
from gramian.fit.sandwich import check_groups, from_jackknife, from_meat, from_scores, without_each
from gramian.fit.scores import Answer
from gramian.fit.solved import Robust, Solved
from gramian.formula.design import Design
from gramian.inference.recipes import Recipe, Setup
from gramian.models.glm import GLM
from gramian.typing import M, Matrix, Pass

SHARE = 4  # of the memory limit, for the sums of all threads
SAME = 1e-6  # relative difference of a loss that rounding, and a last step that was not made, may cause
PERFECT = 1e-9  # of the total sum of squares: a loss below it is rounding


@dataclass(frozen=True, slots=True)
class Reading:
    """How a pass is made."""

    source: Source
    engine: Engine
    progress: Progress | None = None
    drop: bool = True

    def fold(self, task: Pass[M]) -> M:
        """One pass."""
        with watched(self.progress, self.source.rows, self.source.size):
            return self.engine.fold(self.source, task, progress=self.progress)


def check_recipe(recipe: Recipe, schema: Schema, alpha: float | None, *, general: bool = False) -> None:
    """Raises OptionError for a penalised fit, SchemaError where a column is not there or cannot name clusters."""
    if alpha is not None:
        raise OptionError(f"vcov='{recipe.name}' has no meaning for a penalised fit; leave vcov or the penalty out")
    if general and recipe.kind in ("HC2", "HC3") and not recipe.convention.leverages:
        raise OptionError(f"{recipe.like} has no {recipe.kind} of a generalized linear model; leave like out")
    for column in recipe.clusters:
        if schema[column].kind is Kind.OTHER:
            raise SchemaError(f"column '{column}' has the type {schema[column].type}, which cannot name clusters")


def check_terms(absorbed: tuple[str, ...]) -> None:
    """Raise OptionError beside absorbed factors, whose levels are no columns that scores could be formed of."""
    if absorbed:
        names = " and ".join(absorbed)
        raise OptionError(
            f"robust and clustered covariances need the scores within the levels of {names}, which are not kept; "
            f'use vcov="iid", or write it as a term, as in + factor({absorbed[0]})'
        )


def with_robust(solved: Solved, model: GLM | None, loss: float, recipe: Recipe, reading: Reading) -> Solved:
    """A fit with another covariance, in one pass over its own rows. loss : its sum of squares, or deviance.

    Raises DataError where the rows are not those of the fit, or a cluster is null; NumericalError where the covariance
    is not defined.
    """
    check_recipe(recipe, reading.source.schema, solved.alpha, general=model is not None)
    check_terms(solved.design.terms.absorbed)
    answer = Answer(solved, model).readable(reading.source.schema)
    setup = Setup(solved.rows, solved.leverage, model is not None, bool(model and model.family.known_dispersion))
    seen = _by_cluster if recipe.clusters else _by_row
    robust, rows, found = seen(answer, recipe, setup, reading)
    _check_same(solved, loss, rows, found)
    return replace(solved, robust=robust, passes=solved.passes + 1)


def _by_row(answer: Answer, recipe: Recipe, setup: Setup, reading: Reading) -> tuple[Robust, int, float]:
    done = reading.fold(MeatPass(answer, recipe.kind, reading.drop))
    if done.full:
        raise NumericalError(
            f"rows with leverage 1: {done.full:,}; the fit goes through them whatever their outcome, so "
            f"{recipe.kind} is not defined; use HC1, or leave the columns out that are not zero in one row only"
        )
    meat = solved_products(done.moments, answer.solved.frame).hi[:-1, :-1]
    return from_meat(answer.solved, meat, recipe, setup), done.rows, done.loss


def _by_cluster(answer: Answer, recipe: Recipe, setup: Setup, reading: Reading) -> tuple[Robust, int, float]:
    if recipe.kind == "CR3":
        kept = reading.fold(
            ClusterMomentsPass(answer.design, recipe.clusters, _limit(), answer=answer, drop=reading.drop)
        )
        return from_moments(answer.solved, kept, recipe, setup, judged=True), kept.rows, kept.loss
    done = reading.fold(ClusterPass(answer, recipe.clusters, _limit(), reading.drop))
    check_absent(recipe, done.absent)
    scores = done.sums if answer.subspace is None else done.sums @ answer.subspace
    return from_scores(answer.solved, done.clusters, scores, recipe, setup), done.rows, done.loss


def from_moments(solved: Solved, kept: ClusterMoments, recipe: Recipe, setup: Setup, *, judged: bool = False) -> Robust:
    """CR0, CR1 or CR3 of a fit from keyed moments, without the data.

    judged : the outcome in the moments is the residual at the answer already.
    """
    check_absent(recipe, kept.absent)
    check_groups(kept.clusters, recipe)
    products, cross = solved_by_cluster(kept, solved.frame, solved.levels.names, judged=judged)
    if judged:
        scores: Matrix = cross
    else:
        scores = scores_by_cluster(products, cross, solved.solution.coefficients, solved.frame.scale)
    if recipe.kind == "CR3":
        return from_jackknife(solved, without_each(products, scores, solved.solution.kept), recipe, setup)
    return from_scores(solved, kept.clusters, scores, recipe, setup)


def keeping(design: Design, recipe: Recipe, *, drop: bool) -> ClusterMomentsPass:
    """The pass that keeps keyed moments for later."""
    return ClusterMomentsPass(design, recipe.clusters, _limit(), drop=drop)


def check_once(recipe: Recipe, *, exact: bool = False) -> None:
    """Raise DataError for a recipe that data which can be read once only do not allow."""
    if exact or not recipe.clusters:
        raise DataError(
            f"these data can be read once only, and {recipe.name} needs a second pass, at the coefficients; give "
            "files, a frame or a list of batches" + ("" if exact else ", or clusters, whose sums one pass can keep")
        )


def check_absent(recipe: Recipe, absent: int) -> None:
    """Raise DataError where clusters are null: the coefficients rest on rows that the covariance would leave out."""
    if absent:
        raise DataError(
            f"{' or '.join(repr(c) for c in recipe.clusters)} is null in {absent:,} of the rows that the fit uses, so "
            "they are in no cluster; leave these rows out of the data, or give them a value"
        )


def _limit() -> int:
    return memory_limit() // SHARE


def _check_same(solved: Solved, loss: float, rows: int, found: float) -> None:
    if rows != solved.rows:
        raise DataError(f"these are not the rows of the fit: it has {solved.rows:,}, and here {rows:,} are complete")
    noise = PERFECT * (solved.tss if math.isfinite(solved.tss) else max(1.0, solved.weight))
    if not abs(found - loss) <= SAME * abs(loss) + noise:
        raise DataError(
            f"these are not the rows of the fit: its deviance is {loss:.8g}, and here it would be {found:.8g}"
        )
