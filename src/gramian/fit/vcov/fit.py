"""Robust covariances of a fit: what is refused before a row is read, the pass at the solution, and `with_vcov`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gramian.data.source import source_of
from gramian.engines.choice import Engine, engine_of
from gramian.errors import DataError, OptionError, SchemaError
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.certificate import check_digits
from gramian.fit.vcov.information import observed_information, observed_sums
from gramian.fit.vcov.job import AbsorbedSums, CovarianceJob
from gramian.fit.vcov.scores import FittedModel
from gramian.fit.vcov.spatial.meat import check_coordinates
from gramian.fit.vcov.within import demeaned
from gramian.fit.vcov.working_moments import WorkingMoments
from gramian.formula.design import Design
from gramian.formula.dropped_rows import SEPARATED_BY
from gramian.formula.known_levels import NULL, with_unseen
from gramian.inference.covariance import Covariance, robust_covariance
from gramian.inference.estimators import IID, ModelBased
from gramian.inference.vcov_spec import OBSERVED, VcovSpec
from gramian.linalg.absorb.partial_out import Absorption
from gramian.linalg.moments import Moments
from gramian.schema import Kind, Schema

LOSS_TOLERANCE = 1e-6  # relative difference of a loss that rounding, and a last step that was not made, may cause
PERFECT = 1e-9  # of the total sum of squares: a loss below it is rounding


def check_vcov(
    vcov: VcovSpec, schema: Schema, *, absorbed: Sequence[str] = (), penalized: bool = False, is_glm: bool = False
) -> None:
    """Refuse a covariance that the model or the columns do not have.

    Raises
    ------
    OptionError
        For a model that has no such covariance.
    SchemaError
        Where a column of clusters is missing or cannot name clusters.
    """
    vcov.check_model(absorbed, penalized=penalized, is_glm=is_glm)
    if vcov.cutoff is not None:
        check_coordinates(vcov, schema)
    for column in vcov.clusters:
        if schema[column].kind is Kind.OTHER:
            raise SchemaError(f"column '{column}' has the type {schema[column].type}, which cannot name clusters")


def check_single_read(vcov: VcovSpec, *, exact: bool = False, absorbed: tuple[str, ...] = ()) -> None:
    """Raise DataError for a covariance that needs a second pass over data that can be read once only."""
    if absorbed:
        raise DataError(
            f"these data can be read once only, and {vcov.name} beside absorbed factors needs a second pass, with "
            f"the effects of the levels of {' and '.join(absorbed)}; give files, a frame or a list of batches"
        )
    if exact or not vcov.clusters or vcov.estimator.from_rows_alone:
        raise DataError(
            f"these data can be read once only, and {vcov.name} needs a second pass, at the coefficients; give "
            "files, a frame or a list of batches" + ("" if exact else ", or clusters, whose sums one pass can keep")
        )


def named(vcov: Any, design: Design, data: object) -> tuple[Any, object]:
    """The option `vcov=` with the columns that a fit or the data say where it names none, and the rows.

    Raises OptionError where they say none.
    """
    if vcov == IID or isinstance(vcov, VcovSpec):
        return vcov, data
    from gramian.fit.vcov.names import Names, completed_vcov

    rows = data if data is None else source_of(data)

    def names() -> Names:
        schema = None if rows is None else source_of(rows).schema
        absorbed = design.terms.absorbed
        return Names(absorbed, absorbed) if schema is None else Names(schema.names, absorbed, schema.panel)

    return completed_vcov(vcov, names), rows


def with_vcov(
    fitted_model: FittedModel, loss: float, vcov: VcovSpec | None, data: object, engine: Engine | str | None
) -> Solved:
    """The fit with another covariance; None, the model-based one, reads no rows.

    Parameters
    ----------
    fitted_model : FittedModel
        The fit.
    loss : float
        Its residual sum of squares, or deviance.
    vcov : VcovSpec or None
        The estimator.
    data : object
        The rows of the fit.
    engine : Engine or str, optional
        What reads them.

    Raises
    ------
    OptionError
        Without data.
    DataError
        Where the rows are not those of the fit.
    NumericalError
        Where the covariance is not defined.
    """
    if vcov is None:
        return replace(fitted_model.solved, robust=None)
    if data is None:
        raise OptionError(
            f"{vcov.name} needs the rows of the fit: pass the data, as in fit.with_vcov({vcov.argument}, data)"
        )
    for cause in fitted_model.solved.dropped_rows.causes:
        if cause.startswith(SEPARATED_BY):
            raise OptionError(
                f"rows that {cause.removeprefix(SEPARATED_BY)} separates were left out of this fit, and it does not "
                f"know which: fit again with vcov={vcov.argument}"
            )
    rows = source_of(data)
    if fitted_model.model is not None and fitted_model.solved.absorbed is not None:
        rows = with_unseen(rows, fitted_model.design, NULL)  # levels without a finite effect were left out of the fit
    return with_robust(fitted_model, loss, vcov, PassRunner(rows, engine_of(engine, data)))


def with_robust(
    fitted_model: FittedModel,
    loss: float,
    vcov: VcovSpec,
    runner: PassRunner,
    moments: Moments | None = None,
    absorption: Absorption | None = None,
) -> Solved:
    """A fit with a robust covariance, in one pass over its rows.

    Parameters
    ----------
    fitted_model : FittedModel
        The fit.
    loss : float
        Its residual sum of squares, or deviance.
    vcov : VcovSpec
        The estimator.
    runner : PassRunner
        The rows of the fit, and what reads them.
    moments : Moments, optional
        Those of the fit; used beside absorbed factors only, where one more pass makes them if they are not given.
    absorption : Absorption, optional
        The elimination of absorbed factors from these moments, where the fit has made it.

    Raises
    ------
    OptionError, SchemaError
        As `check_vcov`.
    DataError
        Where the rows are not those of the fit, or a cluster is null.
    NumericalError
        Where the covariance is not defined.

    Warns
    -----
    AccuracyWarning
        Where standard errors have fewer certified digits than wanted.
    """
    solved, schema, passes = fitted_model.solved, runner.source.schema, runner.passes
    check_vcov(
        vcov,
        schema,
        absorbed=solved.design.terms.absorbed,
        penalized=solved.alpha is not None,
        is_glm=fitted_model.model is not None,
    )
    check_theta(vcov, estimated=fitted_model.estimated_theta is not None)
    if solved.absorbed is not None and _needs_observed(fitted_model, vcov):
        check_information(vcov, solved.design.terms.absorbed, differs=True)
    fitted_model = fitted_model.for_schema(schema)
    if vcov.information != OBSERVED:
        fitted_model = replace(fitted_model, estimated_theta=None)  # taken as known, as in R
    job = CovarianceJob(fitted_model, vcov, runner)
    if solved.absorbed is not None:
        moments = moments or repeated_moments(fitted_model, runner)
        job = replace(job, absorbed=AbsorbedSums(moments, demeaned(solved, moments, absorption)))
    if _needs_observed(fitted_model, vcov):
        sums = observed_sums(fitted_model, runner)
        check_same(solved, loss, sums.rows, sums.loss)
        job = replace(job, information=observed_information(fitted_model, sums))
    robust = _evaluated(job, loss)
    with_vcov = replace(solved, robust=robust, passes=solved.passes + runner.passes - passes)
    check_digits(with_vcov, "columns that nearly depend on each other cost the rest: centre or leave out some")
    return with_vcov


def _needs_observed(fitted_model: FittedModel, vcov: VcovSpec) -> bool:
    """Whether the observed information is asked for, and is another than the expected one."""
    model, theta = fitted_model.model, fitted_model.estimated_theta
    return vcov.information == OBSERVED and model is not None and (theta is not None or not model.is_canonical)


def check_information(vcov: VcovSpec, absorbed: Sequence[str], *, differs: bool) -> None:
    """Raise OptionError for the observed information beside absorbed factors, where it is not the expected one."""
    if vcov.information == OBSERVED and absorbed and differs:
        raise OptionError(
            f"the observed information beside absorbed factors ({' and '.join(absorbed)}) is not computed: use "
            "information='expected', a canonical link, or write the factors as terms"
        )


def check_theta(vcov: VcovSpec, *, estimated: bool) -> None:
    """Raise OptionError for leverages beside an estimated theta that takes part: they are of the coefficients alone."""
    if estimated and vcov.information == OBSERVED and vcov.estimator.uses_leverage:
        raise OptionError(
            f"{vcov.name} of a negative binomial with an estimated theta is not defined, for leverages are of the "
            "coefficients alone: use HC1, give theta=, or information='expected', for which theta is taken as known"
        )


def _evaluated(job: CovarianceJob, loss: float) -> RobustCovariance:
    """The covariance of a job. Raises DataError where its rows are not those of the fit."""
    if isinstance(job.vcov.estimator, ModelBased):
        return job.sandwich().model_based()
    evaluated = job.evaluate()
    check_same(job.fitted_model.solved, loss, evaluated.rows, evaluated.loss)
    return evaluated.robust


def repeated_moments(fitted_model: FittedModel, runner: PassRunner) -> Moments:
    """The moments of a fit that did not keep them, from one more pass. Raises DataError for rows with other levels."""
    linear = Accumulate(fitted_model.design, fitted_model.drop)
    moments = runner.fold(linear if fitted_model.model is None else WorkingMoments(fitted_model)).moments
    for factor in fitted_model.design.terms.absorbed:
        if moments.levels[factor] != (fitted_model.design.levels or {})[factor]:
            raise DataError(f"these are not the rows of the fit: '{factor}' has other levels here")
    return moments


def check_same(solved: Solved, loss: float, rows: int, actual_loss: float) -> None:
    """Raise DataError where the rows of a pass cannot be those of the fit, by their number or their loss."""
    if rows != solved.rows:
        raise DataError(f"these are not the rows of the fit: it has {solved.rows:,}, and here {rows:,} are complete")
    # the loss of a fit without residuals is rounding error, which is compared with the total instead
    noise = PERFECT * (solved.tss if math.isfinite(solved.tss) else max(1.0, solved.weight))
    if not abs(actual_loss - loss) <= LOSS_TOLERANCE * abs(loss) + noise:
        raise DataError(
            f"these are not the rows of the fit: its deviance is {loss:.8g}, and here it would be {actual_loss:.8g}"
        )


def covariance(robust: RobustCovariance) -> Covariance:
    """A robust covariance as tests and intervals use it."""
    return robust_covariance(
        robust.vcov,
        robust.covariance,
        robust.df,
        robust.factor,
        robust.groups,
        robust.negative,
        robust.coefficient_df,
        robust.joint,
    )
