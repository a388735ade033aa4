"""Sums of an estimator as a design with moments, which give the statistics of a fit and passes in higher precision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.fit.leastsquares.escalate import escalate, escalation_of
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import first_solution
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.job import Job, PassRunner
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

MAX_TERMS = 8  # terms of a formula that are shown; "... 92 more" stands for the others


def design_for(
    terms: tuple[tuple[Node, ...], ...],
    columns: tuple[str, ...],
    outcome: str,
    vectors: tuple[str, ...],
    intercept: bool,
) -> Design:
    """Design of given terms; no formula is parsed.

    Parameters
    ----------
    terms : tuple of tuples of Node
        The factors of each term.
    columns : tuple of str
        Names of the columns of X.
    outcome : str
        Name of the outcome.
    vectors : tuple of str
        Names of further columns that a batch has, such as weights.
    intercept : bool
        Whether the model has an intercept.
    """
    expanded = Expanded(Name(outcome), terms, intercept, ())
    return design_of(expanded, formula_text(expanded), schema_of((*columns, outcome, *vectors)))


def formula_text(expanded: Expanded) -> str:
    """The formula as text, with at most `MAX_TERMS` terms."""
    written = [":".join(map(label, term)) for term in expanded.terms[:MAX_TERMS]]
    ellipsis = [f"... {len(expanded.terms) - MAX_TERMS} more"] if len(expanded.terms) > MAX_TERMS else []
    right = [*([] if expanded.intercept else ["0"]), *written, *ellipsis] or ["1"]
    return f"{label(expanded.outcome)} ~ {' + '.join(right)}"


def linear_design(sums: Sums, names: tuple[str, ...], outcome: str, *, intercept: bool) -> Design:
    """Design with every column as a term and one outcome, about the shifts of the sums."""
    design = design_for(tuple((Name(name),) for name in names), names, outcome, (), intercept)
    return with_shifts(design, sums)


def with_shifts(design: Design, sums: Sums) -> Design:
    """The design with coordinates about the shifts of the sums."""
    return replace(design, coordinates=coordinates(sums, (*design.terms.variables, *design.outcome)))


def moments_of(sums: Sums, design: Design) -> Moments:
    """The sums of one outcome as moments of a design."""
    return Moments(
        layout(design.terms.blocks, tuple(design.outcome)),
        design.coordinates,
        # Degrees of freedom count rows, so frequencies have to be integers.
        round(effective_rows(sums)),
        0.0 if sums.integer_weights else sums.log_weight,
        sums.dense,
        {},
        {},
    )


def design_and_moments(
    sums: Sums, names: tuple[str, ...], outcome: str, *, intercept: bool
) -> tuple[Design, Accumulated]:
    """Design and moments of one outcome, as a pass over its rows gives them; no row was dropped."""
    design = linear_design(sums, names, outcome, intercept=intercept)
    return design, Accumulated(moments_of(sums, design), DroppedRows())


def solved_fit(
    sums: Sums, names: tuple[str, ...], outcome: str, alpha: float | None, digits: float, *, intercept: bool
) -> Solved:
    """Solution with its statistics from the sums alone, of minimum norm where columns are dependent.

    alpha : ridge penalty, None for least squares.
    """
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
    """Solution for one outcome with the requested digits, by further passes over the rows where the sums certify fewer.

    Parameters
    ----------
    sums : Sums
        Sums with this outcome alone.
    rows : Rows
        The rows, which can be read again.
    outcome : str
        Name of the outcome.
    alpha : float or None
        Ridge penalty.
    digits : float
        Requested decimal digits.
    intercept : bool
        Whether the model has an intercept.
    jobs : int or None
        Threads, as `n_jobs` in `local`.

    Warns
    -----
    AccuracyWarning
        Where the digits cannot be certified.
    """
    design, accumulated = design_and_moments(sums, rows.columns, outcome, intercept=intercept)
    options = Options(alpha=alpha, digits=digits)
    system, first = first_solution(design, accumulated, options)
    job = Job(with_weights(design, rows, sums), options, PassRunner(rows, local(rows.rows, jobs)))
    return escalate(first, job, accumulated, system, escalation_of(job))


def with_weights(design: Design, rows: Rows, sums: Sums) -> Design:
    """The design with the weights of the rows: frequencies where all are integers, else analytic weights."""
    name = weight_name(rows.columns)
    if name not in rows.vectors:
        return design
    return replace(design, count=name) if sums.integer_weights else replace(design, weight=name)
