"""Robust covariances of a fit: one more pass at its answer, or keyed moments that the same pass has kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Source
from gramian.engines.progress import Progress, watched
from gramian.errors import DataError, NumericalError, OptionError, SchemaError
from gramian.fit.absorbed import Absorbed
from gramian.fit.cluster_scores import ClusterPass
from gramian.fit.clusters import ClusterMoments, ClusterMomentsPass, scores_by_cluster, solved_by_cluster
from gramian.fit.demeaned import demeaned
from gramian.fit.demeaned_meat import DemeanedMeatPass
from gramian.fit.engine import Engine
from gramian.fit.limits import memory_limit
from gramian.fit.linear import solved_products
from gramian.fit.meat import MeatPass
from gramian.fit.parameters import parameters
from gramian.fit.passes import Accumulate
from gramian.fit.sandwich import check_groups, from_jackknife, from_meat, from_scores, without_each
from gramian.fit.scores import Answer
from gramian.fit.solved import Robust, Solved
from gramian.formula.design import Design
from gramian.inference.recipes import Recipe, Setup
from gramian.linalg.moments import Moments
from gramian.models.glm import GLM
from gramian.schema import Kind, Schema
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


def check_terms(recipe: Recipe, absorbed: tuple[str, ...]) -> None:
    """Raise OptionError for a recipe that absorbed factors do not allow."""
    names = " and ".join(absorbed)
    if absorbed and recipe.kind == "CR3":
        raise OptionError(
            f"CR3 leaves one cluster out at a time, which the sums within the levels of {names} do not allow; use CR1, "
            f"or write it as a term, as in + factor({absorbed[0]})"
        )
    if len(absorbed) > 1 and recipe.kind in ("HC2", "HC3"):
        raise OptionError(
            f"{recipe.kind} needs leverages, which are not known within the levels of several factors, {names}; "
            f"use HC1, or write the smaller ones as terms, as in + factor({absorbed[-1]})"
        )


def with_robust(
    solved: Solved, model: GLM | None, loss: float, recipe: Recipe, reading: Reading, moments: Moments | None = None
) -> Solved:
    """A fit with another covariance, in one pass over its own rows. loss : its sum of squares, or deviance.

    moments : those of the fit, where they are still there; beside absorbed factors one more pass makes them again.
    Raises DataError where the rows are not those of the fit, or a cluster is null; NumericalError where the covariance
    is not defined.
    """
    check_recipe(recipe, reading.source.schema, solved.alpha, general=model is not None)
    check_terms(recipe, solved.design.terms.absorbed)
    answer = Answer(solved, model).readable(reading.source.schema)
    setup = Setup(solved.rows, solved.leverage, model is not None, bool(model and model.family.known_dispersion))
    if solved.absorbed is not None:
        known = moments or _again(answer, reading)
        robust, rows, found = _within(answer, recipe, setup, reading, known)
        passes = 1 if moments else 2
    else:
        seen, passes = _by_cluster if recipe.clusters else _by_row, 1
        robust, rows, found = seen(answer, recipe, setup, reading)
    _check_same(solved, loss, rows, found)
    return replace(solved, robust=robust, passes=solved.passes + passes)


def _again(answer: Answer, reading: Reading) -> Moments:
    """The sums of the first pass, of a fit that has not kept them."""
    moments = reading.fold(Accumulate(answer.design, reading.drop)).moments
    for factor in answer.design.terms.absorbed:
        if moments.levels[factor] != (answer.design.levels or {})[factor]:
            raise DataError(f"these are not the rows of the fit: '{factor}' has other levels here")
    return moments


def _within(
    answer: Answer, recipe: Recipe, setup: Setup, reading: Reading, moments: Moments
) -> tuple[Robust, int, float]:
    """Beside absorbed factors: the scores of columns from which the levels' effects are subtracted."""
    less = demeaned(answer.solved, moments)
    if not recipe.clusters:
        setup = replace(setup, columns=parameters(answer.solved, moments, recipe, ()))
        meat = reading.fold(DemeanedMeatPass(answer, less, recipe.kind, reading.drop))
        _check_full(recipe, meat.full, answer.solved.absorbed)
        return from_meat(answer.solved, _solved_meat(answer, meat.products), recipe, setup), meat.rows, meat.loss
    done = reading.fold(ClusterPass(answer, recipe.clusters, _limit(), reading.drop, less))
    check_absent(recipe, done.absent)
    nested = done.nesting.nested(range(len(recipe.clusters)))
    setup = replace(setup, columns=parameters(answer.solved, moments, recipe, nested))
    return from_scores(answer.solved, done.clusters, _scores(answer, done.sums), recipe, setup), done.rows, done.loss


def _scores(answer: Answer, sums: Matrix) -> Matrix:
    """Told of the columns that were solved for."""
    return sums if answer.subspace is None else np.dot(sums, answer.subspace)


def _solved_meat(answer: Answer, meat: Matrix) -> Matrix:
    K = answer.subspace
    return meat if K is None else np.asarray(K.T @ meat @ K)


def _check_full(recipe: Recipe, full: int, absorbed: Absorbed | None = None) -> None:
    """Raise NumericalError where rows have leverage 1."""
    if full:
        alone = absorbed is not None and any(absorbed.singletons.values())
        columns = "the rows that are alone in their level" if alone else "the columns that are not zero in one row only"
        raise NumericalError(
            f"rows with leverage 1: {full:,}; the fit goes through them whatever their outcome, so "
            f"{recipe.kind} is not defined; use HC1, or leave {columns} out"
        )


def _by_row(answer: Answer, recipe: Recipe, setup: Setup, reading: Reading) -> tuple[Robust, int, float]:
    done = reading.fold(MeatPass(answer, recipe.kind, reading.drop))
    _check_full(recipe, done.full)
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
    return from_scores(answer.solved, done.clusters, _scores(answer, done.sums), recipe, setup), done.rows, done.loss


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


def check_once(recipe: Recipe, *, exact: bool = False, absorbed: tuple[str, ...] = ()) -> None:
    """Raise DataError for a recipe that data which can be read once only do not allow."""
    if absorbed:
        raise DataError(
            f"these data can be read once only, and {recipe.name} beside absorbed factors needs a second pass, with "
            f"the effects of the levels of {' and '.join(absorbed)}; give files, a frame or a list of batches"
        )
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
