"""Robust covariances of a fit: one more pass at its answer, or keyed moments that the same pass has kept."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gramian.errors import DataError, NumericalError, OptionError, SchemaError
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.leastsquares.system import solved_products
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.limits import memory_limit
from gramian.fit.passes.runner import PassRunner
from gramian.fit.vcov.cluster_moments import ClusterMoments, ClusterMomentsPass, scores_by_cluster, solved_by_cluster
from gramian.fit.vcov.cluster_scores import ClusterPass
from gramian.fit.vcov.hc import DemeanedMeatPass, MeatPass
from gramian.fit.vcov.sandwich import (
    check_groups,
    from_jackknife,
    from_meat,
    from_scores,
    jackknife_changes,
    parameter_count,
)
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.within import demeaned
from gramian.formula.design import Design
from gramian.inference.recipes import ModelFacts, VcovSpec
from gramian.linalg.moments import Moments
from gramian.models.glm import GLM
from gramian.schema import Kind, Schema
from gramian.typing import Matrix

MEMORY_SHARE = 4  # of the memory limit, for the sums of all threads
LOSS_TOLERANCE = 1e-6  # relative difference of a loss that rounding, and a last step that was not made, may cause
PERFECT = 1e-9  # of the total sum of squares: a loss below it is rounding


def check_vcov(vcov: VcovSpec, schema: Schema, alpha: float | None, *, general: bool = False) -> None:
    """Raises OptionError for a penalised fit, SchemaError where a column is not there or cannot name clusters."""
    if alpha is not None:
        raise OptionError(f"vcov='{vcov.name}' has no meaning for a penalised fit; leave vcov or the penalty out")
    if general and vcov.kind in ("HC2", "HC3") and not vcov.small_sample.leverages:
        raise OptionError(f"{vcov.like} has no {vcov.kind} of a generalized linear model; leave like out")
    for column in vcov.clusters:
        if schema[column].kind is Kind.OTHER:
            raise SchemaError(f"column '{column}' has the type {schema[column].type}, which cannot name clusters")


def check_terms(vcov: VcovSpec, absorbed: tuple[str, ...]) -> None:
    """Raise OptionError for a recipe that absorbed factors do not allow."""
    names = " and ".join(absorbed)
    if absorbed and vcov.kind == "CR3":
        raise OptionError(
            f"CR3 leaves one cluster out at a time, which the sums within the levels of {names} do not allow; use CR1, "
            f"or write it as a term, as in + factor({absorbed[0]})"
        )
    if len(absorbed) > 1 and vcov.kind in ("HC2", "HC3"):
        raise OptionError(
            f"{vcov.kind} needs leverages, which are not known within the levels of several factors, {names}; "
            f"use HC1, or write the smaller ones as terms, as in + factor({absorbed[-1]})"
        )


def with_robust(
    solved: Solved,
    model: GLM | None,
    loss: float,
    vcov: VcovSpec,
    runner: PassRunner,
    *,
    drop: bool = True,
    moments: Moments | None = None,
) -> Solved:
    """A fit with another covariance, in one pass over its own rows. loss : its sum of squares, or deviance.

    moments : those of the fit, where they are still there; beside absorbed factors one more pass makes them again.
    Raises DataError where the rows are not those of the fit, or a cluster is null; NumericalError where the covariance
    is not defined.
    """
    check_vcov(vcov, runner.source.schema, solved.alpha, general=model is not None)
    check_terms(vcov, solved.design.terms.absorbed)
    fitted_model = FittedModel(solved, model, drop).for_schema(runner.source.schema)
    facts = ModelFacts(solved.rows, solved.leverage, model is not None, bool(model and model.family.known_dispersion))
    if solved.absorbed is not None:
        fit_moments = moments or _repeated_moments(fitted_model, runner)
        robust, rows, actual_loss = _with_absorbed(fitted_model, vcov, facts, runner, fit_moments)
        passes = 1 if moments else 2
    else:
        evaluate, passes = _by_cluster if vcov.clusters else _by_row, 1
        robust, rows, actual_loss = evaluate(fitted_model, vcov, facts, runner)
    _check_same(solved, loss, rows, actual_loss)
    return replace(solved, robust=robust, passes=solved.passes + passes)


def _repeated_moments(fitted_model: FittedModel, runner: PassRunner) -> Moments:
    """The sums of the first pass, of a fit that has not kept them."""
    moments = runner.fold(Accumulate(fitted_model.design, fitted_model.drop)).moments
    for factor in fitted_model.design.terms.absorbed:
        if moments.levels[factor] != (fitted_model.design.levels or {})[factor]:
            raise DataError(f"these are not the rows of the fit: '{factor}' has other levels here")
    return moments


def _with_absorbed(
    fitted_model: FittedModel, vcov: VcovSpec, facts: ModelFacts, runner: PassRunner, moments: Moments
) -> tuple[RobustCovariance, int, float]:
    """Beside absorbed factors: the scores of columns from which the levels' effects are subtracted."""
    level_effects = demeaned(fitted_model.solved, moments)
    if not vcov.clusters:
        facts = replace(facts, columns=parameter_count(fitted_model.solved, moments, vcov, ()))
        meat = runner.fold(DemeanedMeatPass(fitted_model, level_effects, vcov.kind, fitted_model.drop))
        _check_leverage(vcov, meat.full_leverage, fitted_model.solved.absorbed)
        return (
            from_meat(fitted_model.solved, _solved_meat(fitted_model, meat.products), vcov, facts),
            meat.rows,
            meat.loss,
        )
    cluster_sums = runner.fold(ClusterPass(fitted_model, vcov.clusters, _limit(), fitted_model.drop, level_effects))
    check_null_clusters(vcov, cluster_sums.null_clusters)
    nested = cluster_sums.nesting.nested(range(len(vcov.clusters)))
    facts = replace(facts, columns=parameter_count(fitted_model.solved, moments, vcov, nested))
    return (
        from_scores(fitted_model.solved, cluster_sums.clusters, _scores(fitted_model, cluster_sums.sums), vcov, facts),
        cluster_sums.rows,
        cluster_sums.loss,
    )


def _scores(fitted_model: FittedModel, sums: Matrix) -> Matrix:
    """Told of the columns that were solved for."""
    return sums if fitted_model.subspace is None else np.dot(sums, fitted_model.subspace)


def _solved_meat(fitted_model: FittedModel, meat: Matrix) -> Matrix:
    K = fitted_model.subspace
    return meat if K is None else np.asarray(K.T @ meat @ K)


def _check_leverage(vcov: VcovSpec, full_leverage: int, absorbed: Absorbed | None = None) -> None:
    """Raise NumericalError where rows have leverage 1."""
    if full_leverage:
        alone = absorbed is not None and any(absorbed.singletons.values())
        columns = "the rows that are alone in their level" if alone else "the columns that are not zero in one row only"
        raise NumericalError(
            f"rows with leverage 1: {full_leverage:,}; the fit goes through them whatever their outcome, so "
            f"{vcov.kind} is not defined; use HC1, or leave {columns} out"
        )


def _by_row(
    fitted_model: FittedModel, vcov: VcovSpec, facts: ModelFacts, runner: PassRunner
) -> tuple[RobustCovariance, int, float]:
    meat_sums = runner.fold(MeatPass(fitted_model, vcov.kind, fitted_model.drop))
    _check_leverage(vcov, meat_sums.full_leverage)
    meat = solved_products(meat_sums.moments, fitted_model.solved.parametrization).hi[:-1, :-1]
    return from_meat(fitted_model.solved, meat, vcov, facts), meat_sums.rows, meat_sums.loss


def _by_cluster(
    fitted_model: FittedModel, vcov: VcovSpec, facts: ModelFacts, runner: PassRunner
) -> tuple[RobustCovariance, int, float]:
    if vcov.kind == "CR3":
        cluster_moments = runner.fold(
            ClusterMomentsPass(
                fitted_model.design, vcov.clusters, _limit(), fitted_model=fitted_model, drop=fitted_model.drop
            )
        )
        return (
            from_moments(fitted_model.solved, cluster_moments, vcov, facts, outcome_is_residual=True),
            cluster_moments.rows,
            cluster_moments.loss,
        )
    cluster_sums = runner.fold(ClusterPass(fitted_model, vcov.clusters, _limit(), fitted_model.drop))
    check_null_clusters(vcov, cluster_sums.null_clusters)
    return (
        from_scores(fitted_model.solved, cluster_sums.clusters, _scores(fitted_model, cluster_sums.sums), vcov, facts),
        cluster_sums.rows,
        cluster_sums.loss,
    )


def from_moments(
    solved: Solved,
    cluster_moments: ClusterMoments,
    vcov: VcovSpec,
    facts: ModelFacts,
    *,
    outcome_is_residual: bool = False,
) -> RobustCovariance:
    """CR0, CR1 or CR3 of a fit from keyed moments, without the data.

    judged : the outcome in the moments is the residual at the answer already.
    """
    check_null_clusters(vcov, cluster_moments.null_clusters)
    check_groups(cluster_moments.clusters, vcov)
    products, cross = solved_by_cluster(
        cluster_moments, solved.parametrization, solved.levels.names, outcome_is_residual=outcome_is_residual
    )
    if outcome_is_residual:
        scores: Matrix = cross
    else:
        scores = scores_by_cluster(products, cross, solved.solution.coefficients, solved.parametrization.scale)
    if vcov.kind == "CR3":
        return from_jackknife(solved, jackknife_changes(products, scores, solved.solution.independent), vcov, facts)
    return from_scores(solved, cluster_moments.clusters, scores, vcov, facts)


def cluster_moments_pass(design: Design, vcov: VcovSpec, *, drop: bool) -> ClusterMomentsPass:
    """The pass that keeps keyed moments for later."""
    return ClusterMomentsPass(design, vcov.clusters, _limit(), drop=drop)


def check_single_read(vcov: VcovSpec, *, exact: bool = False, absorbed: tuple[str, ...] = ()) -> None:
    """Raise DataError for a recipe that data which can be read once only do not allow."""
    if absorbed:
        raise DataError(
            f"these data can be read once only, and {vcov.name} beside absorbed factors needs a second pass, with "
            f"the effects of the levels of {' and '.join(absorbed)}; give files, a frame or a list of batches"
        )
    if exact or not vcov.clusters:
        raise DataError(
            f"these data can be read once only, and {vcov.name} needs a second pass, at the coefficients; give "
            "files, a frame or a list of batches" + ("" if exact else ", or clusters, whose sums one pass can keep")
        )


def check_null_clusters(vcov: VcovSpec, null_clusters: int) -> None:
    """Raise DataError where clusters are null: the coefficients rest on rows that the covariance would leave out."""
    if null_clusters:
        raise DataError(
            f"{' or '.join(repr(c) for c in vcov.clusters)} is null in {null_clusters:,} of the rows that the fit "
            "uses, so they are in no cluster; leave these rows out of the data, or give them a value"
        )


def _limit() -> int:
    return memory_limit() // MEMORY_SHARE


def _check_same(solved: Solved, loss: float, rows: int, actual_loss: float) -> None:
    if rows != solved.rows:
        raise DataError(f"these are not the rows of the fit: it has {solved.rows:,}, and here {rows:,} are complete")
    noise = PERFECT * (solved.tss if math.isfinite(solved.tss) else max(1.0, solved.weight))
    if not abs(actual_loss - loss) <= LOSS_TOLERANCE * abs(loss) + noise:
        raise DataError(
            f"these are not the rows of the fit: its deviance is {loss:.8g}, and here it would be {actual_loss:.8g}"
        )
