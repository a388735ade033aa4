"""A linear fit: one pass, further passes if too few digits are certified, and one for a robust covariance."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gramian.engines.fold import one_thread
from gramian.errors import RoundedBasisError
from gramian.fit.leastsquares.escalate import Escalation, check_solution, escalate, escalation_of
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import first_solution
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.combined import CombinedPass
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width
from gramian.fit.vcov.certificate import check_digits
from gramian.fit.vcov.cluster_moments import ClusterMoments
from gramian.fit.vcov.fit import check_single_read, check_vcov, with_robust
from gramian.fit.vcov.job import cluster_moments_pass, from_moments
from gramian.fit.vcov.sandwich import Sandwich
from gramian.fit.vcov.scores import FittedModel
from gramian.inference.small_sample import ModelFacts
from gramian.inference.vcov_spec import VcovSpec
from gramian.kernels.threads import at_most
from gramian.linalg.absorb.partial_out import Absorption

if TYPE_CHECKING:
    from gramian.fit.passes.accumulate_exact import ExactAccumulated


@dataclass(frozen=True, slots=True)
class LinearRun:
    """A linear fit with the sums of its first pass, which a Gram stores.

    Attributes
    ----------
    solved : Solved
        The fit.
    sums : Accumulated or ExactAccumulated
        Products of the stored columns, and the rows that were dropped.
    clusters : ClusterMoments or None
        Products by cluster, only if the source can be read once and the covariance is by cluster.
    absorption : Absorption or None
        The elimination of absorbed factors, until a robust covariance has used it.
    """

    solved: Solved
    sums: Accumulated | ExactAccumulated
    clusters: ClusterMoments | None = None
    absorption: Absorption | None = None


@dataclass(frozen=True, slots=True)
class LinearSteps:
    """The steps of a linear fit, decided before any row is read.

    Attributes
    ----------
    knots : bool
        Whether a pass for the knots of splines comes first.
    escalation : Escalation
        What may follow the first pass if it certifies too few digits.
    vcov : VcovSpec or None
        The robust covariance, None for iid errors.
    cluster_vcov : VcovSpec or None
        Covariance whose products by cluster the first pass sums, because the source can be read only once.
    cached_columns : tuple of str
        Columns that may be cached in memory between the passes.
    """

    knots: bool
    escalation: Escalation
    vcov: VcovSpec | None = None
    cluster_vcov: VcovSpec | None = None
    cached_columns: tuple[str, ...] = ()


def linear_steps(job: Job, vcov: VcovSpec | None) -> LinearSteps:
    """The steps of a fit, from its design, options and source.

    Raises OptionError, SchemaError or DataError if the covariance is not defined for the model or the source.
    """
    steps = LinearSteps(job.needs_knots, escalation_of(job), vcov)
    if vcov is None:
        return steps
    absorbed, source = job.design.terms.absorbed, job.source
    check_vcov(vcov, source.schema, absorbed=absorbed, penalized=job.options.alpha is not None)
    if not source.rereadable:
        # residuals need a second pass, but products by cluster give the scores of any coefficients in the first
        check_single_read(vcov, exact=job.options.exact, absorbed=absorbed)
        return replace(steps, cluster_vcov=vcov)
    # an exact pass may read the numbers as text, which a cache of parsed columns does not hold
    columns = () if job.options.exact else (*job.design.columns, *vcov.clusters)
    return replace(steps, cached_columns=columns)


def fit_linear(job: Job, vcov: VcovSpec | None) -> LinearRun:
    """Fit a linear model: X'Wy and X'WX from one pass, solved by Cholesky, refined while digits are missing.

    Warns with AccuracyWarning if fewer digits are certified than requested.

    Parameters
    ----------
    job : Job
        Design, options and rows; `prepare` has not been called.
    vcov : VcovSpec or None
        A robust covariance, None for iid errors.

    Raises
    ------
    OptionError, SchemaError, DataError
        Before any row is read, if the covariance is not defined for the model or the source.
    """
    steps = linear_steps(job, vcov)
    if steps.cached_columns:
        job.runner.cache_rows(steps.cached_columns)
    job.prepare(summed=not job.options.exact and steps.cluster_vcov is None)
    run = _exact(job) if job.options.exact else _from_moments_or_exact(job, steps)
    if vcov is None:
        return run
    solved = run.solved
    # products by cluster of the first pass give the covariance at once, without the rows
    if run.clusters is not None:
        robust = from_moments(Sandwich(solved, vcov, ModelFacts(solved.rows, solved.leverage)), run.clusters)
        solved = replace(solved, robust=robust)
        check_digits(solved, "the data can be read once only: hand over something that can be read again")
        return replace(run, solved=solved)
    # scores within absorbed levels need the sums of every level, which only the first pass has
    moments = run.sums.moments if isinstance(run.sums, Accumulated) and solved.absorbed is not None else None
    fitted_model = FittedModel(solved, None, job.options.drop)
    solved = with_robust(fitted_model, solved.rss, vcov, job.runner, moments, run.absorption)
    return replace(run, solved=solved, absorption=None)


def _exact(job: Job) -> LinearRun:
    """The fit from exact sums."""
    from gramian.fit.leastsquares.exact import accumulate_exactly, exact_solved  # most fits do without exact sums

    sums = accumulate_exactly(job)
    with one_thread():
        solved = exact_solved(job.design, sums, job.options)
    check_solution(solved)
    return LinearRun(solved, sums)


def _from_moments_or_exact(job: Job, steps: LinearSteps) -> LinearRun:
    """The fit from float64 sums; from exact ones where only these tell which polynomials of a variable there are."""
    try:
        return _from_moments(job, steps)
    except RoundedBasisError:
        if not job.source.rereadable or job.design.terms.absorbed:
            raise
        return _exact(job)


def _from_moments(job: Job, steps: LinearSteps) -> LinearRun:
    """The fit from float64 sums."""
    sums, clusters = _first_pass(job, steps.cluster_vcov)
    sizes = {name: len(sums.moments.levels[name]) for name in job.design.terms.coefficient_factors}
    # only now are the levels known; the products of all columns are formed after this
    checked_width(job.design.terms, sizes)
    # what absorbed factors take is shared between threads
    with at_most(job.runner.threads) if job.design.terms.absorbed else nullcontext():
        system, first = first_solution(job.design, sums, job.options, job.passes)
    # scores are of rows within the same levels: what was eliminated is not eliminated again
    absorption = None if steps.vcov is None or system.partialled_out is None else system.partialled_out.absorption
    return LinearRun(escalate(first, job, sums, system, steps.escalation), sums, clusters, absorption)


def _first_pass(job: Job, cluster_vcov: VcovSpec | None) -> tuple[Accumulated, ClusterMoments | None]:
    """Sums of the first pass, and products by cluster if `cluster_vcov` asks for them."""
    task = Accumulate(job.design, job.options.drop)
    if cluster_vcov is None:
        return job.fold(task), None
    both = job.fold(CombinedPass(task, cluster_moments_pass(job.design, cluster_vcov, drop=job.options.drop)))
    return both.first, both.second
