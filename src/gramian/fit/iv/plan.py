"""Plan of a fit with instruments: the steps that are run, in words and with reasons."""

from __future__ import annotations

from dataclasses import replace

from gramian.fit.iv.designs import iv_designs
from gramian.fit.iv.fit import check_request
from gramian.fit.iv.options import IvOptions
from gramian.fit.iv.solution import FULLER, GMM, LIML, TWO_STAGE
from gramian.fit.linear.plan import FIRST_ROWS, KNOTS_PASS
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.formula.grammar import Formula
from gramian.inference.vcov_spec import VcovSpec

SOLVERS = {
    TWO_STAGE: "two-stage least squares: Cholesky of the instruments' products, then of those of projected regressors",
    LIML: "LIML: as two-stage least squares, with the smallest eigenvalue of a few products as k",
    FULLER: "Fuller: as LIML, with a smaller k",
    GMM: "two-step GMM: two-stage least squares, then weights from its residuals",
}


def plan_iv(formula: Formula, options: Options, runner: PassRunner, vcov: VcovSpec | None, own: IvOptions) -> Plan:
    """The plan of a fit; reads no rows. Raises the errors that the fit would raise before its first pass."""
    designs = iv_designs(formula, runner.source.schema, options)
    job = Job(designs.joint, options, runner)
    check_request(job, own, vcov)
    plan = plan_pass(job, SOLVERS[own.estimator], plan_notes(job))
    passes, expected = 1, f"1, {FIRST_ROWS}"
    if job.needs_knots:
        passes, expected = passes + 1, f"{KNOTS_PASS}; {expected}"
    if vcov is None:
        return replace(plan, passes=passes, expected=expected)
    first = len(designs.first_stages())
    at_solution = 2 if own.estimator == GMM else 1
    columns = tuple(dict.fromkeys((*plan.columns, *vcov.clusters)))
    expected += (
        f"; then {at_solution} at the solution for {vcov.name} and the tests, and {first} for the same of first stages"
    )
    return replace(plan, columns=columns, passes=passes + at_solution + first, expected=expected)


def plan_notes(job: Job) -> tuple[str, ...]:
    """Reasons of a plan."""
    notes = [
        "both stages need sums of products of exogenous and endogenous columns, instruments and outcome only, and "
        "these add: one pass is enough",
        f"digits: {job.options.digits:g} certified are wanted; where one pass leaves fewer, two-stage least squares "
        "and first stages take further ones, with residuals in twofold precision; beside absorbed factors one more, of "
        "rows less the effects of levels; else it is said",
    ]
    if job.design.terms.absorbed:
        notes.append(
            f"{' and '.join(job.design.terms.absorbed_texts)}: sums over the levels are stored and partialled out of "
            "all columns, instruments too"
        )
    incomplete = "left out and counted" if job.options.drop else "an error"
    notes.append(f"rows with a missing or infinite value, in instruments too, are {incomplete}")
    return tuple(notes)
