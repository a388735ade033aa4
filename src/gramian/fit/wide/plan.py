"""The plan of a wide fit: the steps that are run, in words, what they hold in memory, and why this solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import FIXED, Plan
from gramian.fit.wide.fit import wide_steps
from gramian.fit.wide.solution import DUAL
from gramian.fit.wide.solver import STEPS, SolverChoice, shape_of
from gramian.fit.wide.work import size_of_rows
from gramian.formula.grammar import Formula


def plan_wide(formula: Formula, options: Options, runner: PassRunner, choice: SolverChoice) -> Plan:
    """The plan of a wide fit; reads no rows. Raises what the fit would raise before its first pass."""
    source = runner.source
    steps, shape = wide_steps(choice, formula, options, source), shape_of(formula, source)
    design, in_memory = steps.reading.design, steps.in_memory
    size = int(size_of_rows(source, steps.reading)) if source.rows is not None and in_memory else 0
    m, p = shape.rows or 0, design.width
    # vectors of the iteration (about 12 over columns, 3 over rows) and for the dual solver three matrices rows x rows
    memory = FIXED + size + 8 * (12 * p + 3 * m) + (24 * m * m if steps.dual else 0)
    return Plan(
        formula=formula.text,
        inputs=source.inputs,
        rows=source.rows,
        size=source.size,
        units=len(source.units) if isinstance(source.units, Sequence) else None,
        columns=design.columns,
        available=source.schema.count,
        passes=1 if in_memory else STEPS,
        threads=runner.threads,
        stored=p,
        factors=(),
        memory=memory,
        solver=_solver(options, choice),
        notes=(*choice.reasons, *_notes(options, choice)),
        expected="1: the rows are kept in memory" if in_memory else f"about {STEPS}, one for each step",
        holds=f"vectors of {p:,} columns{' and the rows' if in_memory else ''}"
        + (f", {m:,} x {m:,} products of rows" if steps.dual else ""),
    )


def _solver(options: Options, choice: SolverChoice) -> str:
    """The method in one line."""
    penalty = f", ridge penalty alpha = {options.alpha:g}" if options.alpha else ""
    if choice.solver == DUAL:
        return (
            f"dual: Cholesky of rows x rows{penalty}" if options.alpha else "dual: the shortest solution, rows x rows"
        )
    return f"conjugate gradient on the normal equations, columns scaled to length one{penalty}"


def _notes(options: Options, choice: SolverChoice) -> tuple[str, ...]:
    """Notes of the plan, one sentence each."""
    errors = "standard errors need the inverse of the products of all columns, and are not computed"
    digits_note = f"digits: {options.digits:g} are wanted; how many there are is estimated, not certified"
    return (digits_note,) if choice.solver == DUAL and options.alpha else (digits_note, errors)


def with_choice(plan: Plan, choice: SolverChoice) -> Plan:
    """A plan by products of columns, with the reasons for that solver."""
    return replace(plan, notes=(*choice.reasons, *plan.notes)) if choice.reasons else plan
