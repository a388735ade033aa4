"""Plan of fits by group and model: the steps that are run, in words and with reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gramian.fit.groups.estimation import Estimation, least_squares
from gramian.fit.groups.fit import GroupedSteps, grouped_steps
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.keys import ByColumns
from gramian.fit.passes.memory import format_bytes
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.formula.grammar import Formula
from gramian.inference.vcov_spec import VcovSpec


def plan_grouped(
    formula: Formula,
    options: Options,
    runner: PassRunner,
    by: ByColumns | None,
    vcov: VcovSpec | None = None,
    estimation: Estimation | None = None,
    *,
    full: bool = False,
) -> Plan:
    """The plan of the fits of all groups and models; reads no rows.

    Raises the errors that the fits would raise before the pass.
    """
    estimation = estimation or least_squares(options)
    steps = grouped_steps(formula, options, runner, by, vcov, estimation, full=full)
    first = max(steps.passes, key=lambda one: len(one.job.design.layout.rows))
    solver, reasons = estimation.describe(first.job, first.escalation)
    plan = plan_pass(first.job, solver, (*reasons, *_notes(steps, by, full=full)))
    read = [column for one in steps.passes for column in one.job.design.columns]
    columns = tuple(
        dict.fromkeys([*read, *(() if by is None else by.columns), *(() if vcov is None else vcov.clusters)])
    )
    count = len(steps.passes)
    expected = plan.expected if count == 1 else f"{count}, one for each set of absorbed factors"
    expected += "; a second where groups lie far from each other" if steps.recentres else ""
    expected += "; then one for the covariance of every fit" if vcov is not None else ""
    return replace(plan, formula=formula.text, columns=columns, expected=expected, passes=count)


def _notes(steps: GroupedSteps, by: ByColumns | None, *, full: bool) -> Iterator[str]:
    """Notes of the plan about several models, and about groups."""
    models = sum(len(one.shared.models) for one in steps.passes)
    if models > 1:
        yield (
            f"{models:,} models share the sums of a pass; each has the rows that have all of its columns, for which "
            "sums are kept for every pattern of missing values"
        )
    if len(steps.passes) > 1:
        sets = ", ".join(" + ".join(one.job.design.terms.absorbed_texts) or "none" for one in steps.passes)
        yield f"sums over the levels of absorbed factors are made in a pass for each set of them: {sets}"
    if by is not None:
        size = format_bytes(8 * len(steps.passes[0].job.design.layout.rows) ** 2)
        yield f"the sums are stored separately for every value of {', '.join(by.names)}: {size} of products for each"
    if steps.recentres:
        yield "groups share a shift; a group whose mean is far from it needs its own, which the first pass shows"
    if full:
        yield "the sums of all groups together are those of the full sample"
    if steps.vcov is not None:
        yield f"{steps.vcov.name}: one more pass for every fit, at its coefficients"
