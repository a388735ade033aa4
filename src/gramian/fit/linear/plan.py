"""The plan of a linear fit: what it reads, how often, and why."""

from __future__ import annotations

from dataclasses import replace

from gramian.batch import Source
from gramian.fit.leastsquares.escalate import MAX_SMALL_VALUES, affordable, exact_can_help
from gramian.fit.passes.options import Options
from gramian.fit.passes.plan import Plan, plan_pass
from gramian.fit.passes.prepare import design_for, open_splines
from gramian.formula.design import Design

RESIDUAL_PASS = "if one pass falls short, a pass for the residual in double-double"


KNOTS_PASS = "a light one over what splines are of, for their knots"


NO_ESCALATION = "1, after a look at the first rows for shift and scale; none more beside absorbed factors"


def plan_linear(formula: str, source: Source, options: Options, threads: int) -> Plan:
    """The plan of a linear fit; reads no rows. Raises what the fit would raise before its pass."""
    design = design_for(formula, source.schema, options, absorbing=not options.exact)
    plan = plan_pass(design, source, threads, describe_solver(options), plan_notes(design, source, options))
    passes, expected = (
        (1, NO_ESCALATION) if design.terms.absorbed else expected_passes(source, options, len(design.layout.rows))
    )
    if open_splines(design):
        passes, expected = passes + 1, f"{KNOTS_PASS}; {expected}"
    return replace(plan, passes=passes, expected=expected)


def expected_passes(source: Source, options: Options, columns: int) -> tuple[int, str]:
    """How many passes there will be at least, and in words what makes them more."""
    look = "after a look at the first rows for shift and scale"
    if options.exact:
        return 1, f"1, sums without rounding, {look}"
    if not source.rereadable:
        return 1, f"1, {look}; fewer than {options.digits:g} digits cannot be made more: the data are read once"
    small = None if source.rows is None else source.rows * columns <= MAX_SMALL_VALUES
    if small:
        return 2, f"2, {look}: the sums, then a careful residual, which costs little up to {MAX_SMALL_VALUES:,} values"
    again = f"1 more up to {MAX_SMALL_VALUES:,} values, or " if small is None else ""
    return 1, f"1, {look}; {again}more only where fewer than {options.digits:g} digits are certified"


def describe_solver(options: Options) -> str:
    """How the normal equations are solved."""
    if options.exact:
        return "exact sums of products on integers; coefficients correctly rounded, ranks decided exactly"
    if options.alpha is not None:
        return f"Cholesky of the centred products + alpha, ridge penalty alpha = {options.alpha:g} on the slopes"
    dependent = {
        "drop": "dependent columns are left out and explained",
        "min-norm": "minimum-norm solution (pseudo-inverse) if columns are dependent",
        "raise": "dependent columns are an error",
    }
    return f"Cholesky of the centred products with unit diagonal; {dependent[options.collinear]}"


def plan_notes(design: Design, source: Source, options: Options) -> tuple[str, ...]:
    """Why it is read so often, and what happens to rows and columns."""
    notes = ["ordinary least squares needs the sums of products only, and these add: one pass is enough"]
    if not options.exact:
        columns = len(design.layout.rows) - len(design.outcome)
        notes.append(f"digits: {options.digits:g} certified are wanted; {_steps(source, options, columns)}")
    if design.terms.factors:
        notes.append(
            "levels of factors are discovered while reading; all are stored, a reference level is chosen after"
        )
    if design.terms.absorbed:
        notes.append(
            f"{' and '.join(design.terms.absorbed)}: sums over the levels are kept and swept out of all columns, in "
            "memory of levels x columns"
        )
    if design.matrix is not None:
        notes.append(f"the array '{design.matrix[0]}' is used in place, without a copy, unless it needs a shift")
    if not source.rereadable:
        notes.append("the data can be read once only, which this fit does")
    if options.weights or options.counts:
        notes.append("weights multiply a block's rows in its buffer; the data are not copied")
    incomplete = "left out and counted" if options.drop else "an error"
    notes.append(f"rows with a missing or infinite value are {incomplete}")
    return tuple(notes)


def _steps(source: Source, options: Options, columns: int) -> str:
    """What is done for more digits."""
    if not exact_can_help(options):
        return RESIDUAL_PASS
    if affordable(source.rows, columns):
        return f"{RESIDUAL_PASS}, then exact sums"
    return f"{RESIDUAL_PASS}; exact sums of so many rows and columns are taken with exact=True only"
