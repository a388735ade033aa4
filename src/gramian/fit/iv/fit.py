"""A fit with instruments: one pass over all columns, then both stages from its sums; one more for robust errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gramian.errors import AccuracyWarning, NumericalError, OptionError
from gramian.fit.iv.designs import IvDesigns
from gramian.fit.iv.digits import solved_with_digits
from gramian.fit.iv.identified import shortfall_of
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.solution import GMM, IvSolved
from gramian.fit.iv.solve import IvRun, constant_of
from gramian.fit.iv.vcov import (
    SolutionMoments,
    check_iv_vcov,
    coefficient_covariance,
    robust_moments,
    solution_moments,
)
from gramian.fit.leastsquares.accuracy import BoundedSolution, one_pass_errors
from gramian.fit.leastsquares.escalate import reached
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import assemble
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import Job
from gramian.fit.passes.options import Options
from gramian.fit.vcov.fit import check_single_read, with_robust
from gramian.fit.vcov.scores import FittedModel
from gramian.formula.design import Design
from gramian.inference.instruments import hansen_statistic
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.solve import Solution
from gramian.linalg.two_stage import weighted_stage
from gramian.typing import Matrix


def fit_iv(job: Job, designs: IvDesigns, options: IvOptions, vcov: VcovSpec | None = None) -> IvSolved:
    """Fit a model with instruments.

    Warns with AccuracyWarning if fewer digits are certified than requested.

    Parameters
    ----------
    job : Job
        The joint design, options and rows; `prepare` has not been called.
    designs : IvDesigns
        The models.
    options : IvOptions
        The estimator.
    vcov : VcovSpec or None
        A robust covariance, None for iid errors.

    Raises
    ------
    NotIdentifiedError
        Where the instruments do not determine the coefficients.
    OptionError, SchemaError, DataError
        Before any row is read, if the covariance is not defined for the model or the source.
    """
    check_request(job, options, vcov)
    if vcov is not None:
        job.runner.cache_rows((*job.design.columns, *vcov.clusters))
    job.prepare()
    sums = job.fold(Accumulate(job.design, job.options.drop))
    run = solved_with_digits(designs, job, sums, options)
    structural = run.solved.structural
    if structural.accuracy is not None and not reached(structural):
        warnings.warn(AccuracyWarning(shortfall_of(run.solved, job.source)), stacklevel=4)
    return run.solved if vcov is None else with_rows(run, job, vcov)


def check_request(job: Job, options: IvOptions, vcov: VcovSpec | None) -> None:
    """Raise OptionError, SchemaError or DataError for what cannot be done, before any row is read."""
    if options.estimator == GMM and vcov is None:
        raise OptionError(
            "two-step GMM with iid errors is two-stage least squares; name its weights, as in vcov='HC1' or "
            "vcov={'cluster': 'firm'}"
        )
    if vcov is None:
        return
    check_iv_vcov(vcov, job.source.schema, job.design.terms.absorbed, options.estimator)
    if not job.source.rereadable:
        check_single_read(replace(vcov, clusters=()), exact=True, absorbed=job.design.terms.absorbed)


def with_rows(run: IvRun, job: Job, vcov: VcovSpec) -> IvSolved:
    """The fit with robust covariances, from passes at the solution. job : with what reads the rows."""
    drop, runner = job.options.drop, job.runner
    moments = {id(f): m for f, m in zip(run.solved.first, run.first_moments, strict=True)}

    def at_solution(structural: Solved) -> SolutionMoments:
        return solution_moments(run.inputs, structural, vcov, runner, drop=drop)

    def first_stage(first: Solved, design: Design) -> Solved:
        return with_robust(FittedModel(first, None, drop), first.rss, vcov, runner, moments[id(first)])

    solved = with_covariances(run, vcov, job.options, at_solution, first_stage)
    return replace(solved, structural=replace(solved.structural, passes=job.passes))


def with_covariances(
    run: IvRun,
    vcov: VcovSpec,
    options: Options,
    at_solution: Callable[[Solved], SolutionMoments],
    first_stage: Callable[[Solved, Design], Solved],
) -> IvSolved:
    """The fit with robust covariances, and by GMM with the weights that they give.

    Parameters
    ----------
    run : IvRun
        The fit.
    vcov : VcovSpec
        The covariance.
    options : Options
        How to fit.
    at_solution : callable
        The sums at a solution.
    first_stage : callable
        A first stage, and its design, with its covariance.
    """
    solved = run.solved
    sums = at_solution(solved.structural)
    robust = robust_moments(run.inputs, solved.structural, vcov, sums)
    structural, weight, system = solved.structural, None, run.system
    covariance = sums.weights(vcov, structural)
    hansen = hansen_statistic(solved.reduced, covariance[-len(solved.reduced) :, -len(solved.reduced) :])
    if solved.estimator == GMM:
        weight = _weights(covariance, vcov)
        moved = weighted_stage(system.stage, run.two_stage, system.places, constant_of(system), weight)
        structural = _assembled(run, moved, options)
        sums = at_solution(structural)
    own = coefficient_covariance(run.inputs, structural, vcov, sums, weight)
    structural = replace(structural, robust=own)
    first = tuple(first_stage(f, f.design) for f in solved.first)
    return replace(solved, structural=structural, robust=robust, hansen=hansen, first=first)


def _weights(covariance: Matrix, vcov: VcovSpec) -> Matrix:
    """The inverse of the covariance of the moments, of a size near one. Raises NumericalError where there is none."""
    scale = 1.0 / np.sqrt(np.where(covariance.diagonal() > 0, covariance.diagonal(), 1.0))
    scaled = covariance * scale[:, None] * scale
    if np.linalg.eigvalsh(scaled)[0] <= len(scaled) * np.finfo(float).eps:
        raise NumericalError(
            f"the weights of GMM by {vcov.name} are not defined: the covariance of {len(scaled)} moments is singular, "
            "for there are too few clusters, or several columns of them; use 2sls, or leave instruments out"
        )
    inverse = np.linalg.inv(scaled) * scale[:, None] * scale
    return np.asarray(inverse * covariance.trace() / len(covariance))


def _assembled(run: IvRun, solution: Solution, options: Options) -> Solved:
    """The model with another solution, whose digits are not certified."""
    system, before = run.system, run.two_stage
    bounded = BoundedSolution(
        replace(solution, bounds=before.bounds), one_pass_errors(before, 0.0), run.solved.structural.passes
    )
    solved = assemble(system.design, system.sums, options, system.system, bounded)
    return replace(solved, accuracy=None, solution=solution)
