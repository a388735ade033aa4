"""Plan of a fit to a panel: the steps that are run, in words and with reasons."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from gramian.fit.linear.plan import FIRST_ROWS, KNOTS_PASS
from gramian.fit.panel.options import PanelOptions
from gramian.fit.panel.solution import BETWEEN, MUNDLAK, RANDOM
from gramian.fit.passes.job import Job
from gramian.fit.passes.plan import Plan, plan_pass

SOLVERS = {
    BETWEEN: "least squares of group means, from sums by group",
    RANDOM: "random effects: variances by Swamy and Arora's moments, then generalised least squares",
    MUNDLAK: "random effects with group means, whose products come from the sums by group",
}


def group_memory(columns: int, all_columns: int, factors: Container[str]) -> str:
    """What the sums by group need. columns : those whose products with all are kept by group."""
    levels = ", and as many for every level of a factor that the group has" if factors else ""
    return f"in memory {columns} x {all_columns} products a group, {8 * columns * all_columns:,} bytes{levels}"


def plan_panel(job: Job, options: PanelOptions) -> Plan:
    """The plan of a fit; reads no rows."""
    job.source.schema[options.panel]
    q, incomplete = len(job.design.layout.rows), "left out and counted" if job.options.drop else "an error"
    notes = (
        f"one pass leaves the products of the columns within every value of '{options.panel}'; rows in any order",
        f"rows with a missing or infinite value, in '{options.panel}' too, are {incomplete}",
        "digits are not certified",
        group_memory(q, q, job.design.terms.factors),
    )
    plan = plan_pass(job, SOLVERS[options.estimator], notes)
    passes, expected = 1, f"1, {FIRST_ROWS}"
    if job.needs_knots:
        passes, expected = 2, f"{KNOTS_PASS}; {expected}"
    columns = tuple(dict.fromkeys((*plan.columns, options.panel)))
    return replace(plan, columns=columns, passes=passes, expected=expected)
