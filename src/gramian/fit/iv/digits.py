"""More digits of a fit with instruments, by further passes over the rows, where one pass did not give them."""

from __future__ import annotations

from dataclasses import replace

from gramian.errors import NumericalError
from gramian.fit.iv.designs import IvDesigns
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.refine import can_refine, refined
from gramian.fit.iv.solution import TWO_STAGE
from gramian.fit.iv.solve import IvRun, solve_iv
from gramian.fit.iv.system import joint_groups
from gramian.fit.leastsquares.absorbed import largest_first
from gramian.fit.leastsquares.centred_rows import CentredMoments
from gramian.fit.leastsquares.centred_within import centred_again
from gramian.fit.leastsquares.escalate import escalation_of, is_small, lacks_digits, more_digits, reached
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import error_of_sums, first_solution
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.job import Job
from gramian.fit.passes.part_of_sums import part_of_sums
from gramian.formula.design import Design
from gramian.linalg.absorb.partial_out import absorb


def solved_with_digits(designs: IvDesigns, job: Job, sums: Accumulated, options: IvOptions) -> IvRun:
    """The fit from the sums of a pass, and from further passes where these leave too few digits.

    Raises as `solve_iv`.
    """
    try:
        run = solve_iv(designs, job.design, sums, job.options, options, job.passes)
    except NumericalError:
        if not (job.source.rereadable and job.design.terms.absorbed):
            raise
        # sums of one pass cannot tell a column that levels explain from one that varies little within them
        return solve_iv(designs, job.design, sums, job.options, options, job.passes, _centred(designs, job, sums))
    return with_digits(run, designs, job, sums, options)


def with_digits(run: IvRun, designs: IvDesigns, job: Job, sums: Accumulated, options: IvOptions) -> IvRun:
    """The fit with the digits requested, where further passes give them: of the model, and of each first stage."""
    if not job.source.rereadable:
        return run
    before, absorbed = job.passes, bool(job.design.terms.absorbed)
    first = run.solved.structural.passes
    if absorbed and lacks_centred_rows(run):
        run = solve_iv(designs, job.design, sums, job.options, options, first, _centred(designs, job, sums))
    elif run.solved.estimator == TWO_STAGE and not reached(run.solved.structural) and can_refine(run):
        structural = refined(run.system, run.solved.structural, job, sums.moments)
        run = replace(run, solved=replace(run.solved, structural=structural))
    pairs = zip(run.solved.first, designs.first_stages().values(), strict=True)
    stages = tuple(_own_digits(stage, design, job, sums) if lacks_digits(stage) else stage for stage, design in pairs)
    structural = replace(run.solved.structural, passes=first + job.passes - before)
    return replace(run, solved=replace(run.solved, structural=structural, first=stages))


def lacks_centred_rows(run: IvRun) -> bool:
    """Whether a pass over rows without the effects of absorbed levels may give more digits, as of least squares."""
    structural, solved = run.solved.structural, run.solved
    two_stage = replace(structural, accuracy=run.accuracy)
    return lacks_digits(two_stage) or (bool(solved.unused) and is_small(structural))


def _centred(designs: IvDesigns, job: Job, sums: Accumulated) -> CentredMoments:
    """The sums of that pass, of the columns of both stages."""
    moments, terms = sums.moments, job.design.terms
    groups = joint_groups(designs, job.design, sums, job.options)
    order = largest_first(moments, terms.absorbed, terms.slopes)
    absorption = absorb(
        moments, groups, order, error_of_sums(moments, sum(len(g.positions) for g in groups)), terms.slopes
    )
    return centred_again(job, moments, groups, absorption, order)


def _own_digits(stage: Solved, design: Design, job: Job, sums: Accumulated) -> Solved:
    """A first stage with more digits, as a fit of its own. design : without coordinates."""
    design, own = part_of_sums(job.design, sums, design)
    before = job.passes
    system, first = first_solution(design, own, job.options, stage.passes)
    stage_job = Job(design, job.options, job.runner)
    steps = replace(escalation_of(stage_job), exact_helps=False)  # both stages are solved from float64 sums
    best = more_digits(first, stage_job, own, system, steps)
    return replace(best, passes=stage.passes + job.passes - before)
