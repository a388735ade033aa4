"""Both stages solved from the sums of a pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.fold import threads_for
from gramian.errors import NumericalError
from gramian.fit.iv.basis import basis_of
from gramian.fit.iv.designs import IvDesigns
from gramian.fit.iv.identified import check_identified, excluded_names
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.solution import FULLER, LIML, IvSolved
from gramian.fit.iv.system import IvSystem, iv_system, model_map
from gramian.fit.iv.vcov import (
    Inputs,
)
from gramian.fit.leastsquares.accuracy import FAST, REFINED, Accuracy, BoundedSolution, one_pass_errors
from gramian.fit.leastsquares.centred_rows import CentredMoments
from gramian.fit.leastsquares.escalate import check_solution
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import assemble, solve_linear, solve_system
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.options import Options
from gramian.fit.passes.part_of_sums import part_of_sums
from gramian.formula.design import Design
from gramian.inference.instruments import kappa_of_liml
from gramian.linalg.moments import Moments
from gramian.linalg.solve import Solution
from gramian.linalg.two_stage import second_stage
from gramian.typing import Codes, Matrix, Vector


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
    accuracy : Accuracy or None
        Certified digits of the solution by two-stage least squares.
    proved : bool
        Whether it is proved that instruments that are left out depend on others.
    """

    solved: IvSolved
    system: IvSystem
    inputs: Inputs
    two_stage: Solution
    first_moments: tuple[Moments, ...]
    accuracy: Accuracy | None = None
    proved: bool = True


def solve_iv(
    designs: IvDesigns,
    joint: Design,
    sums: Accumulated,
    options: Options,
    iv_options: IvOptions,
    passes: int = 1,
    centred_rows: CentredMoments | None = None,
) -> IvRun:
    """The fit from the sums of a pass. joint : the design of the pass, with coordinates. Raises as `fit_iv`.

    centred_rows : as of `iv_system`.
    """
    sizes = {name: len(sums.moments.levels[name]) for name in joint.terms.coefficient_factors}
    with threads_for(checked_width(joint.terms, sizes)):
        system = iv_system(designs, joint, sums, options, centred_rows)
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
        precision = FAST if centred_rows is None else REFINED
        two_stage, structural, accuracy = _structural(system, options, passes, kappa, precision)
        proved = system.stage.independent.all() or _proves_dependence(system, joint, sums, designs, options)
        if not proved:
            structural = replace(structural, accuracy=_without_digits(structural.accuracy))
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
    return IvRun(solved, system, inputs, two_stage, tuple(own.moments for _, own in parts), accuracy, bool(proved))


def _instrument_count(system: IvSystem) -> int:
    """Number of independent instruments, the constant and absorbed levels included."""
    within = system.system.partialled_out
    absorbed = 0 if within is None else within.absorption.rank
    constant = within is None and system.parametrization.constant is not None
    return len(system.stage.L) + int(constant) + absorbed


def constant_of(system: IvSystem) -> int | None:
    """The constant of the structural model, where it was centred out."""
    return None if system.system.partialled_out is not None else system.system.parametrization.constant


def _structural(
    system: IvSystem, options: Options, passes: int, kappa: float, precision: str
) -> tuple[Solution, Solved, Accuracy | None]:
    """The solution by two-stage least squares, the model of the k-class, and the digits of the former."""

    def assembled(solution: Solution, gradient: Vector) -> Solved:
        bounded = BoundedSolution(solution, one_pass_errors(solution, gradient), passes, precision)
        return assemble(system.design, system.sums, options, system.system, bounded)

    two_stage, gradient = second_stage(system.stage, system.places, constant_of(system))
    solved = assembled(two_stage, gradient)
    if kappa == 1.0:
        return two_stage, solved, solved.accuracy
    # k is an eigenvalue, whose rounding errors have no bound here
    own = assembled(*second_stage(system.stage, system.places, constant_of(system), kappa))
    return two_stage, replace(own, accuracy=None), solved.accuracy


def _proves_dependence(
    system: IvSystem, joint: Design, sums: Accumulated, designs: IvDesigns, options: Options
) -> bool:
    """Whether the sums prove that the instruments that are left out depend on others."""
    design, own = part_of_sums(joint, sums, designs.instruments)
    solution = solve_system(system.instruments)
    bounded = BoundedSolution(solution, one_pass_errors(solution), 1)
    reduced = assemble(design, own, options, system.instruments, bounded)
    dropped = int((~system.stage.independent).sum())
    return reduced.accuracy is not None and not reduced.accuracy.doubtful and len(reduced.aliased) >= dropped


def _without_digits(accuracy: Accuracy | None) -> Accuracy | None:
    """The same without a certified digit."""
    if accuracy is None:
        return None
    none = np.where(np.isnan(accuracy.digits), np.nan, 0.0)
    return replace(accuracy, digits=none, std_error_digits=none, rss_digits=0.0, reached=False)


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
