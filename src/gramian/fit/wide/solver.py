"""Linear models by whichever solver fits: products of columns, or a wide solver where the columns are too many."""

from __future__ import annotations

from gramian.fit.linear.plan import plan_linear
from gramian.fit.passes.job import job_of
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan
from gramian.fit.passes.runner import PassRunner
from gramian.fit.wide.fit import fit_by
from gramian.fit.wide.options import choose
from gramian.fit.wide.plan import plan_wide, with_choice
from gramian.fit.wide.solution import WideSolved
from gramian.formula.grammar import Formula
from gramian.inference.recipes import VcovSpec


def fit_wide(formula: Formula, options: Options, runner: PassRunner, *, iid: bool) -> WideSolved | None:
    """A fit by a wide solver; None where products of columns are the better choice."""
    choice = choose(formula, runner.source, options, iid=iid)
    return None if choice.solver == "gram" else fit_by(choice, formula, options, runner)


def plan_any_solver(formula: Formula, options: Options, runner: PassRunner, vcov: VcovSpec | None) -> Plan:
    """Choose a solver and plan the fit; reads no rows."""
    choice = choose(formula, runner.source, options, iid=vcov is None)
    if choice.solver == "gram":
        job = job_of(formula, options, runner, absorbing=not options.exact)
        return with_choice(plan_linear(job, vcov), choice)
    return plan_wide(formula, options, runner, choice)
