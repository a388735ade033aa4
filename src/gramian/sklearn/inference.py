"""Sums told as a fit: the design and the moments they stand for, and the ladder where one pass has too few digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.fit.leastsquares.escalate import escalate
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import first_solution
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.options import Options
from gramian.formula.design import Design, design_of
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.expand import Expanded
from gramian.formula.syntax import Name, Node, label
from gramian.linalg.columns import layout
from gramian.linalg.moments import Moments
from gramian.sklearn.normal_equations import effective_rows
from gramian.sklearn.rows import Rows, schema_of, weight_name
from gramian.sklearn.sums import Sums, coordinates
from gramian.sklearn.threads import local

MAX_TERMS = 8  # terms of a formula that are written out


def design_for(
    terms: tuple[tuple[Node, ...], ...],
    columns: tuple[str, ...],
    outcome: str,
    vectors: tuple[str, ...],
    intercept: bool,
) -> Design:
    """A design of terms that are known already, none of which is read from a text."""
    expanded = Expanded(Name(outcome), terms, intercept, ())
    return design_of(expanded, formula_text(expanded), schema_of((*columns, outcome, *vectors)))


def formula_text(expanded: Expanded) -> str:
    """The formula as it would be written, the first terms of many."""
    written = [":".join(map(label, term)) for term in expanded.terms[:MAX_TERMS]]
    ellipsis = [f"... {len(expanded.terms) - MAX_TERMS} more"] if len(expanded.terms) > MAX_TERMS else []
    right = [*([] if expanded.intercept else ["0"]), *written, *ellipsis] or ["1"]
    return f"{label(expanded.outcome)} ~ {' + '.join(right)}"


def linear_design(sums: Sums, names: tuple[str, ...], outcome: str, *, intercept: bool) -> Design:
    """The design of sums with one outcome, its coordinates those of the sums."""
    design = design_for(tuple((Name(name),) for name in names), names, outcome, (), intercept)
    return with_shifts(design, sums)


def with_shifts(design: Design, sums: Sums) -> Design:
    """The design with the shifts of the sums for coordinates."""
    return replace(design, coordinates=coordinates(sums, (*design.terms.variables, *design.outcome)))


def moments_of(sums: Sums, design: Design) -> Moments:
    """The sums as moments of a design."""
    return Moments(
        layout(design.terms.blocks(), tuple(design.outcome)),
        design.coordinates,
        round(effective_rows(sums)),
        0.0 if sums.integer_weights else sums.log_weight,
        sums.dense,
        {},
        {},
    )


def design_and_moments(
    sums: Sums, names: tuple[str, ...], outcome: str, *, intercept: bool
) -> tuple[Design, Accumulated]:
    """A design, and its moments as a pass would have left them."""
    design = linear_design(sums, names, outcome, intercept=intercept)
    return design, Accumulated(moments_of(sums, design), DroppedRows())


def solved_fit(
    sums: Sums, names: tuple[str, ...], outcome: str, alpha: float | None, digits: float, *, intercept: bool
) -> Solved:
    """What the sums alone say, everything that is told of it included; dependent columns share."""
    design, accumulated = design_and_moments(sums, names, outcome, intercept=intercept)
    return first_solution(design, accumulated, Options(alpha=alpha, digits=digits, collinear="min-norm"))[1]


def escalated_fit(
    sums: Sums,
    rows: Rows,
    outcome: str,
    alpha: float | None,
    digits: float,
    *,
    intercept: bool,
    jobs: Any = None,
) -> Solved:
    """The fit to one outcome with the digits that are wanted, at the cost of further passes over the rows.

    Warns with AccuracyWarning where they cannot be had.
    """
    design, accumulated = design_and_moments(sums, rows.columns, outcome, intercept=intercept)
    options = Options(alpha=alpha, digits=digits)
    system, first = first_solution(design, accumulated, options)
    return escalate(
        first, with_weights(design, rows, sums), accumulated, options, system, rows, local(rows.rows, jobs), None
    )


def with_weights(design: Design, rows: Rows, sums: Sums) -> Design:
    """The design with the weights of the rows: counts where all are whole numbers."""
    name = weight_name(rows.columns)
    if name not in rows.vectors:
        return design
    return replace(design, count=name) if sums.integer_weights else replace(design, weight=name)
