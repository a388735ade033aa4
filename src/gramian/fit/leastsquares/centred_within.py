"""A fit beside absorbed factors with more digits: from a second pass over rows without the effects of levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gramian.errors import DataError
from gramian.fit.leastsquares.absorbed import PartialledOut, products_within
from gramian.fit.leastsquares.accuracy import REFINED, BoundedSolution, one_pass_errors
from gramian.fit.leastsquares.centred_rows import ROUNDINGS, CentredMoments, CentredPass, centred_moments
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, assemble, solve_system, squares_in
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.job import Job
from gramian.formula.coordinates import Parametrization
from gramian.linalg.absorb.partial_out import Absorption
from gramian.linalg.certificate import EPS
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT
from gramian.linalg.products import ColumnGroup
from gramian.typing import Codes, Vector

DUST = 64 * EPS  # of the length of a column: what it varies within levels below this is the rounding of its own values


def centred_again(
    job: Job, moments: Moments, groups: Sequence[ColumnGroup], absorption: Absorption, order: Sequence[str]
) -> CentredMoments:
    """One more pass over the rows of a job.

    moments, absorption, order : of the first pass. groups : the stored columns. Raises DataError for other rows.
    """
    slopes = job.design.terms.slopes
    monomials = {f: slopes[f].monomials if f in slopes else (CONSTANT,) for f in order}
    effects = {f: np.ascontiguousarray(own) for f, own in absorption.column_effects().items()}
    design = replace(job.design, levels=dict(moments.levels))
    task = CentredPass(design, tuple(groups), effects, monomials, job.options.drop)
    sums = job.fold(task)
    if sums.rows != moments.rows:
        raise DataError(f"the data have changed: {moments.rows:,} rows entered the first pass, {sums.rows:,} the next")
    return centred_moments(sums, task, moments, order, slopes)


def partialled_out_again(
    centred: CentredMoments, at: Codes, parametrization: Parametrization, squares: Vector, rounding_error: float
) -> PartialledOut:
    """The normal equations of a model from the second pass.

    at : (q,) its stored columns among those of the pass. squares : (p + 1,) of the solved columns in the first pass.
    """
    own = squares_in(centred.squares(at), parametrization)
    dust = DUST * DUST * squares
    within = products_within(
        centred.absorption(at, rounding_error), centred.order, parametrization, own, rounding_error, dust
    )
    return replace(within, centres={f: effects[:, :, at] for f, effects in centred.effects.items()})


def with_centred(system: System, centred: CentredMoments, at: Codes) -> System:
    """Normal equations within levels from the second pass. at : (q,) their stored columns among those of the pass."""
    rounding_error = system.rounding_error + ROUNDINGS * EPS
    again = partialled_out_again(centred, at, system.parametrization, system.squares, rounding_error)
    return replace(system, partialled_out=again, rounding_error=rounding_error)


def with_centred_rows(first: Solved, job: Job, accumulated: Accumulated, system: System) -> Solved:
    """The fit from a second pass."""
    assert system.partialled_out is not None
    within, groups = system.partialled_out, system.parametrization.groups
    centred = centred_again(job, accumulated.moments, groups, within.absorption, within.order)
    system = with_centred(system, centred, np.arange(sum(len(g.positions) for g in groups)))
    solution = solve_system(system)
    gradient = 0.0 if system.penalty is None else system.penalty @ solution.coefficients
    bounded = BoundedSolution(solution, one_pass_errors(solution, gradient), first.passes + 1, REFINED)
    return assemble(job.design, accumulated, job.options, system, bounded)
