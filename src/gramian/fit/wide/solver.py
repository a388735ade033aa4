"""Linear models by whichever solver fits: products of columns, or a wide solver where the columns are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gramian.fit.passes.options import Options
from gramian.fit.passes.runner import PassRunner
from gramian.fit.wide.options import choose
from gramian.formula.grammar import Formula
from gramian.inference.vcov_spec import VcovSpec

if TYPE_CHECKING:
    from gramian.fit.passes.plan import Plan
    from gramian.fit.wide.solution import WideSolved


def fit_wide(formula: Formula, options: Options, runner: PassRunner, *, iid: bool) -> WideSolved | None:
    """A fit by a wide solver; None where products of columns are the better choice."""
    choice = choose(formula, runner.source, options, iid=iid)
    if choice.solver == "gram":
        return None
    from gramian.fit.wide.fit import fit_by

    return fit_by(choice, formula, options, runner)


def plan_any_solver(formula: Formula, options: Options, runner: PassRunner, vcov: VcovSpec | None) -> Plan:
    """Choose a solver and plan the fit; reads no rows."""
    from gramian.fit.linear.plan import plan_linear
    from gramian.fit.passes.job import job_of
    from gramian.fit.wide.plan import plan_wide, with_choice

    choice = choose(formula, runner.source, options, iid=vcov is None)
    if choice.solver == "gram":
        job = job_of(formula, options, runner, absorbing=not options.exact)
        return with_choice(plan_linear(job, vcov), choice)
    return plan_wide(formula, options, runner, choice)
