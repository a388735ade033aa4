"""Plan of fits by group and outcome: the steps that are run, in words and with reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gramian.fit.groups.fit import grouped_steps
from gramian.fit.linear.plan import describe_solver, plan_notes
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.keys import ByColumns
from gramian.fit.passes.memory import format_bytes
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.formula.design import Design
from gramian.formula.grammar import Formula


def plan_grouped(formula: Formula, options: Options, runner: PassRunner, by: ByColumns | None) -> Plan:
    """The plan of the fits of all groups and outcomes; reads no rows.

    Raises the errors that the fits would raise before the pass.
    """
    steps = grouped_steps(formula, options, runner, by)
    job = steps.job
    notes = (*plan_notes(job, steps.escalation), *_notes(job.design, by))
    plan = plan_pass(job, describe_solver(options), notes)
    second_pass = "; a second where groups lie far from each other" if steps.recentres else ""
    columns = tuple(dict.fromkeys((*plan.columns, *(() if by is None else by.columns))))
    return replace(plan, columns=columns, expected=plan.expected + second_pass)


def _notes(design: Design, by: ByColumns | None) -> Iterator[str]:
    """Notes of the plan about several outcomes, and about groups."""
    if len(design.outcome) > 1:
        names = ", ".join(name.removeprefix("~") for name in design.outcome)
        yield f"the outcomes {names} share the pass; a row enters where all of them are present"
    if by is not None:
        size = format_bytes(8 * len(design.layout.rows) ** 2)
        yield f"the sums are stored separately for every value of {', '.join(by.names)}: {size} of products for each"
        yield "groups share a shift; a group whose mean is far from it needs its own, which the first pass shows"
