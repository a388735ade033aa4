"""A fit with instruments: one pass over all columns, then both stages from its sums."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from gramian.engines.fold import threads_for
from gramian.errors import AccuracyWarning, NotIdentifiedError, OptionError, listing
from gramian.fit.iv.designs import IvDesigns, part_of_sums
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.solution import TWO_STAGE, IvSolved
from gramian.fit.iv.system import IvSystem, iv_system, model_map
from gramian.fit.leastsquares.accuracy import BoundedSolution, one_pass_errors
from gramian.fit.leastsquares.escalate import check_solution, reached, shortfall
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import assemble, solve_linear
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg.two_stage import second_stage, unexplained
from gramian.typing import Codes


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
    """
    if vcov is not None or options.estimator != TWO_STAGE:
        raise OptionError("instruments go with iid errors and two-stage least squares so far")
    job.prepare()
    sums = job.fold(Accumulate(job.design, job.options.drop))
    solved = solve_iv(designs, job.design, sums, job.options, options, job.passes)
    if solved.structural.accuracy is not None and not reached(solved.structural):
        warnings.warn(AccuracyWarning(shortfall(solved.structural, job.source)), stacklevel=4)
    return solved


def solve_iv(
    designs: IvDesigns, joint: Design, sums: Accumulated, options: Options, iv_options: IvOptions, passes: int = 1
) -> IvSolved:
    """The fit from the sums of a pass. joint : the design of the pass, with coordinates. Raises as `fit_iv`."""
    sizes = {name: len(sums.moments.levels[name]) for name in joint.terms.coefficient_factors}
    with threads_for(checked_width(joint.terms, sizes)):
        system = iv_system(designs, joint, sums, options)
        endogenous = _columns_of(system, designs.endogenous)
        _check_identified(system, designs, endogenous)
        structural = _structural(system, options, passes)
        first = tuple(
            solve_linear(*part_of_sums(joint, sums, design), options, passes)
            for design in designs.first_stages().values()
        )
    check_solution(structural)
    return _with_facts(system, designs, endogenous, structural, first)


def _structural(system: IvSystem, options: Options, passes: int) -> Solved:
    """The model, by two-stage least squares."""
    constant = None if system.system.partialled_out is not None else system.system.parametrization.constant
    solution, gradient = second_stage(system.stage, system.places, constant)
    bounded = BoundedSolution(solution, one_pass_errors(solution, gradient), passes)
    return assemble(system.design, system.sums, options, system.system, bounded)


def _columns_of(system: IvSystem, keys: frozenset[frozenset[str]]) -> Codes:
    """Columns of the structural model that belong to terms with these keys."""
    terms = system.design.terms.terms
    columns = system.system.columns
    return np.array([j for j, c in enumerate(columns) if terms[c.term].key in keys], np.int64)


def _check_identified(system: IvSystem, designs: IvDesigns, endogenous: Codes) -> None:
    """Raise NotIdentifiedError where instruments are too few, or do not explain the endogenous columns."""
    names, stage = system.system.names, system.stage
    lacking = unexplained(stage)
    if not lacking.any():
        return
    excluded = int(stage.independent[stage.exogenous :].sum())
    named = [names[j] for j in endogenous]
    why = _dependent(system)
    if excluded < len(endogenous):
        columns = f"{len(endogenous)} endogenous column{'s'[: len(endogenous) != 1]} ({listing(named)})"
        raise NotIdentifiedError(
            f"{columns} and {excluded} excluded instrument{'s'[: excluded != 1]} that other instruments do not explain"
            f"{why}: name at least as many"
        )
    culprits = [names[system.places[j]] for j in np.flatnonzero(lacking)]
    raise NotIdentifiedError(
        f"the instruments do not determine the coefficient of {listing(culprits)}: what they explain of it is zero, or "
        f"explained by the other columns{why}; name other instruments"
    )


def _dependent(system: IvSystem) -> str:
    """Names of excluded instruments that depend on other instruments, for messages."""
    names = _excluded_names(system, used=False)
    return f" ({listing(names)} depend{'s' if len(names) == 1 else ''} on other instruments)" if names else ""


def _excluded_names(system: IvSystem, *, used: bool) -> list[str]:
    """Names of the excluded instruments that are used, or are left out because they depend on others."""
    stage, names = system.stage, system.instruments.names
    return [
        names[system.order[j]] for j in range(stage.exogenous, len(system.order)) if bool(stage.independent[j]) is used
    ]


def _with_facts(
    system: IvSystem, designs: IvDesigns, endogenous: Codes, structural: Solved, first: Sequence[Solved]
) -> IvSolved:
    """The fit with what its tests need, in units of the columns and the outcome."""
    stage = system.stage
    within, reduced = stage.reduced()
    # from the scaled columns to the model's own
    K = model_map(system.system.parametrization, len(system.system.columns))[np.ix_(system.places, endogenous)]
    scaled = K / stage.centred.scale[stage.regressors][:, None]
    size = system.system.parametrization.scale / stage.centred.y_scale
    back = np.zeros((len(system.places) + 1, len(endogenous) + 1))
    back[:-1, :-1], back[-1, -1] = scaled, size
    absorbed = 0 if structural.absorbed is None else structural.absorbed.rank
    constant = system.instruments.parametrization.constant is not None and not absorbed
    return IvSolved(
        structural,
        TWO_STAGE,
        1.0,
        tuple(structural.names[j] for j in endogenous),
        tuple(_excluded_names(system, used=True)),
        dict.fromkeys(_excluded_names(system, used=False), ""),
        back.T @ within @ back,
        reduced @ back,
        stage.included + int(constant) + absorbed,
        tuple(first),
    )
