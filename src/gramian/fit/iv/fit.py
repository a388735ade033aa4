"""A fit with instruments: one pass over all columns, then both stages from its sums; one more for robust errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.fold import threads_for
from gramian.errors import AccuracyWarning, NumericalError, OptionError
from gramian.fit.iv.basis import basis_of
from gramian.fit.iv.designs import IvDesigns
from gramian.fit.iv.identified import check_identified, excluded_names, shortfall_of
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.solution import FULLER, GMM, LIML, TWO_STAGE, IvSolved
from gramian.fit.iv.system import IvSystem, iv_system, model_map
from gramian.fit.iv.vcov import (
    Inputs,
    SolutionMoments,
    check_iv_vcov,
    coefficient_covariance,
    robust_moments,
    solution_moments,
)
from gramian.fit.leastsquares.accuracy import BoundedSolution, one_pass_errors
from gramian.fit.leastsquares.escalate import check_solution, reached
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import assemble, solve_linear
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.fit.passes.part_of_sums import part_of_sums
from gramian.fit.vcov.fit import check_single_read, with_robust
from gramian.fit.vcov.scores import FittedModel
from gramian.formula.design import Design
from gramian.inference.instruments import hansen_statistic, kappa_of_liml
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.moments import Moments
from gramian.linalg.solve import Solution
from gramian.linalg.two_stage import second_stage, weighted_stage
from gramian.typing import Codes, Matrix


@dataclass(frozen=True, slots=True)
class IvRun:
    """A fit from its first pass, and what a pass at the solution needs.

    Attributes
    ----------
    solved : IvSolved
        The fit, with iid errors.
    system : IvSystem
        Both stages.
    inputs : Inputs
        Of a pass at the solution.
    two_stage : Solution
        The solution by two-stage least squares, in the columns that were solved for.
    first_moments : tuple of Moments
        Those of the first stages.
    """

    solved: IvSolved
    system: IvSystem
    inputs: Inputs
    two_stage: Solution
    first_moments: tuple[Moments, ...]


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
    run = with_digits(solve_iv(designs, job.design, sums, job.options, options, job.passes), job, sums)
    structural = run.solved.structural
    if structural.accuracy is not None and not reached(structural):
        warnings.warn(AccuracyWarning(shortfall_of(run.solved, job.source)), stacklevel=4)
    return run.solved if vcov is None else with_rows(run, job, vcov)


def with_digits(run: IvRun, job: Job, sums: Accumulated) -> IvRun:
    """The fit with the digits requested, by further passes over the rows, where one did not give them."""
    structural = run.solved.structural
    few = structural.accuracy is not None and not reached(structural)
    if not few or not job.source.rereadable or run.solved.estimator != TWO_STAGE:
        return run
    from gramian.fit.iv.refine import can_refine, refined  # most fits have the digits after one pass

    if not can_refine(run.system, structural.solution):
        return run
    more = refined(run.system, structural, job, sums.moments)
    return replace(run, solved=replace(run.solved, structural=more))


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


def solve_iv(
    designs: IvDesigns, joint: Design, sums: Accumulated, options: Options, iv_options: IvOptions, passes: int = 1
) -> IvRun:
    """The fit from the sums of a pass. joint : the design of the pass, with coordinates. Raises as `fit_iv`."""
    sizes = {name: len(sums.moments.levels[name]) for name in joint.terms.coefficient_factors}
    with threads_for(checked_width(joint.terms, sizes)):
        system = iv_system(designs, joint, sums, options)
        endogenous = _columns_of(system, designs.endogenous)
        check_identified(system, endogenous)
        back = _to_own_units(system, endogenous)
        within, reduced = (back.T @ system.stage.reduced()[0] @ back, system.stage.reduced()[1] @ back)
        kappa = 1.0
        if iv_options.estimator in (LIML, FULLER):
            kappa = kappa_of_liml(within, reduced)
        if iv_options.estimator == FULLER:
            spare = sums.moments.rows - _instrument_count(system)
            if spare <= 0:
                raise NumericalError("Fuller's estimator needs more rows than instruments")
            kappa -= iv_options.fuller / spare
        two_stage, structural = _structural(system, options, passes, kappa)
        if not system.stage.independent.all():
            structural = _with_doubt(structural, system, part_of_sums(joint, sums, designs.instruments), options)
        parts = [part_of_sums(joint, sums, design) for design in designs.first_stages().values()]
        first = tuple(solve_linear(design, own, options, passes) for design, own in parts)
    check_solution(structural)
    solved = IvSolved(
        structural,
        iv_options.estimator,
        kappa,
        tuple(structural.names[j] for j in endogenous),
        tuple(excluded_names(system, used=True)),
        tuple(excluded_names(system, used=False)),
        within,
        reduced,
        _instrument_count(system) - len(reduced),
        first,
        fuller=iv_options.fuller,
    )
    basis = basis_of(system, endogenous, back)
    inputs = Inputs(joint, sums.moments, basis, within, reduced)
    return IvRun(solved, system, inputs, two_stage, tuple(own.moments for _, own in parts))


def _instrument_count(system: IvSystem) -> int:
    """Number of independent instruments, the constant and absorbed levels included."""
    within = system.system.partialled_out
    absorbed = 0 if within is None else within.absorption.rank
    constant = within is None and system.parametrization.constant is not None
    return len(system.stage.L) + int(constant) + absorbed


def _constant(system: IvSystem) -> int | None:
    """The constant of the structural model, where it was centred out."""
    return None if system.system.partialled_out is not None else system.system.parametrization.constant


def _structural(system: IvSystem, options: Options, passes: int, kappa: float) -> tuple[Solution, Solved]:
    """The solution by two-stage least squares, and the model of the k-class."""
    two_stage, gradient = second_stage(system.stage, system.places, _constant(system))
    solution = two_stage
    if kappa != 1.0:
        solution, gradient = second_stage(system.stage, system.places, _constant(system), kappa)
    bounded = BoundedSolution(solution, one_pass_errors(solution, gradient), passes)
    solved = assemble(system.design, system.sums, options, system.system, bounded)
    # k is an eigenvalue, whose rounding errors have no bound here
    return two_stage, solved if kappa == 1.0 else replace(solved, accuracy=None)


def _with_doubt(
    structural: Solved, system: IvSystem, instruments: tuple[Design, Accumulated], options: Options
) -> Solved:
    """Without certified digits, if the sums do not prove that the instruments that are left out depend on others.

    instruments : the design of the outcome on all instruments, and its sums.
    """
    reduced, dropped = solve_linear(*instruments, options), int((~system.stage.independent).sum())
    proved = reduced.accuracy is not None and not reduced.accuracy.doubtful and len(reduced.aliased) >= dropped
    if proved or structural.accuracy is None:
        return structural
    accuracy = structural.accuracy
    none = np.where(np.isnan(accuracy.digits), np.nan, 0.0)
    uncertain = replace(accuracy, digits=none, std_error_digits=none, rss_digits=0.0, reached=False)
    return replace(structural, accuracy=uncertain)


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
        moved = weighted_stage(system.stage, run.two_stage, system.places, _constant(system), weight)
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


def _columns_of(system: IvSystem, keys: frozenset[frozenset[str]]) -> Codes:
    """Columns of the structural model that belong to terms with these keys."""
    terms = system.design.terms.terms
    columns = system.system.columns
    return np.array([j for j, c in enumerate(columns) if terms[c.term].key in keys], np.int64)


def _to_own_units(system: IvSystem, endogenous: Codes) -> Matrix:
    """The map from centred and scaled columns to endogenous columns and outcome, but for exogenous columns."""
    stage = system.stage
    K = model_map(system.system.parametrization, len(system.system.columns))[np.ix_(system.places, endogenous)]
    back = np.zeros((len(system.places) + 1, len(endogenous) + 1))
    back[:-1, :-1] = K / stage.centred.scale[stage.regressors][:, None]
    back[-1, -1] = system.system.parametrization.scale / stage.centred.y_scale
    return back
