"""Linear fits by whatever solver fits the data."""

from __future__ import annotations

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress
from gramian.fit.linear.fit import plan_with_vcov
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan
from gramian.fit.wide.fit import run_wide
from gramian.fit.wide.options import choose
from gramian.fit.wide.plan import plan_wide, with_choice
from gramian.fit.wide.result import WideFit
from gramian.inference.recipes import VcovSpec


def fit_wide(
    formula: str, source: Source, options: Options, vcov: VcovSpec | None, engine: Engine, progress: Progress | None
) -> WideFit | None:
    """A fit of many columns; None where summing products of columns is the better choice."""
    choice = choose(formula, source, options, iid=vcov is None)
    if choice.solver == "gram":
        return None
    return WideFit(run_wide(formula, source, options, choice, engine, progress))


def plan_with(formula: str, source: Source, options: Options, vcov: VcovSpec | None, threads: int) -> Plan:
    """Choose a solver and plan; reads no rows."""
    choice = choose(formula, source, options, iid=vcov is None)
    if choice.solver == "gram":
        return with_choice(plan_with_vcov(formula, source, options, vcov, threads), choice)
    return plan_wide(formula, source, options, choice, threads)
