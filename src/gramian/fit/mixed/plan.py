"""Plan of a mixed model: the steps that are run, in words and with reasons."""

from __future__ import annotations

from dataclasses import replace

from gramian.fit.linear.plan import FIRST_ROWS, KNOTS_PASS
from gramian.fit.mixed.designs import mixed_designs
from gramian.fit.mixed.options import check_options
from gramian.fit.panel.plan import group_memory
from gramian.fit.passes.job import Job, PassRunner
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.formula.grammar import Formula

SOLVER = "Newton's method on the profiled deviance of the relative covariance factor, with exact derivatives"


def plan_mixed(formula: Formula, options: Options, runner: PassRunner) -> Plan:
    """The plan of a fit; reads no rows. Raises the errors that the fit would raise before its first pass."""
    check_options(options)
    designs = mixed_designs(formula, runner.source.schema, options)
    job, group = Job(designs.joint, options, runner), ":".join(designs.by)
    own = len({m for d in designs.random for m in d.terms.coefficient_blocks.get((), ())})
    incomplete = "left out and counted" if options.drop else "an error"
    notes = (
        f"one pass leaves, for every value of '{group}', the products of the random effects' columns with all others; "
        "rows in any order",
        "the search needs these products only, no rows",
        f"rows with a missing or infinite value, in '{group}' too, are {incomplete}",
        "digits are not certified",
        group_memory(own, len(job.design.layout.rows), designs.joint.terms.factors),
    )
    plan = plan_pass(job, SOLVER, notes)
    passes, expected = 1, f"1, {FIRST_ROWS}"
    if job.needs_knots:
        passes, expected = 2, f"{KNOTS_PASS}; {expected}"
    columns = tuple(dict.fromkeys((*plan.columns, *designs.by)))
    return replace(plan, columns=columns, passes=passes, expected=expected)
