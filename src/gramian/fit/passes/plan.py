"""Plan: what a fit will read, how often, with how much memory, by which solver, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gramian.batch import Input, Source
from gramian.fit.leastsquares.escalate import MAX_SMALL_VALUES, affordable, exact_can_help
from gramian.fit.passes.knots import open_splines
from gramian.fit.passes.limits import check_width, width_limit
from gramian.fit.passes.options import Options
from gramian.fit.passes.prepare import design_for
from gramian.formula.design import Design
from gramian.linalg.blocks import ROWS_PER_BLOCK

RESIDUAL_PASS = "if one pass falls short, a pass for the residual in double-double"
FIXED = 80_000_000  # bytes of the interpreter and the libraries
BATCH = 65_536  # rows of a batch that a file's unit yields


KNOTS_PASS = "a light one over what splines are of, for their knots"
NO_ESCALATION = "1, after a look at the first rows for shift and scale; none more beside absorbed factors"


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen; `print(plan)` says it in words.

    rows, size : of the source, None when unknown. columns : those that are read, available : how many there are.
    memory : bytes, roughly, at the peak. notes : reasons. expected : how many passes there will be, in words.
    holds : what is kept of the rows, in words, when it is not products and sums over levels.
    """

    formula: str
    inputs: tuple[Input, ...]
    rows: int | None
    size: int | None
    units: int | None
    columns: tuple[str, ...]
    available: int
    passes: int
    threads: int
    stored: int
    factors: tuple[str, ...]
    memory: int
    solver: str
    notes: tuple[str, ...]
    expected: str = "1, after a look at the first rows for shift and scale"
    holds: str | None = None

    def __str__(self) -> str:
        return "\n".join(f"{name:<9}{text}" for name, text in self._lines())

    def _lines(self) -> list[tuple[str, str]]:
        rows = "unknown number of" if self.rows is None else f"{self.rows:,}"
        units = "" if self.units is None else f" in {self.units:,} unit{'s'[: self.units != 1]}"
        size = "" if self.size is None else f", {format_bytes(self.size)}"
        more = f" ... {len(self.columns) - 8} more" if len(self.columns) > 8 else ""
        lines = [
            ("formula", self.formula),
            ("data", f"{_inputs(self.inputs)}: {rows} rows{size}{units}"),
            ("columns", f"{len(self.columns)} of {self.available}: {', '.join(self.columns[:8])}{more}"),
            ("passes", self.expected),
            ("stored", self.holds or _stored(self.stored, self.factors)),
            ("threads", f"{self.threads}, one unit each; the result does not depend on their number"),
            (
                "memory",
                f"about {format_bytes(self.memory)}, {format_bytes(FIXED)} of it for Python, whatever the number of rows",
            ),
            ("solver", self.solver),
        ]
        return lines + [("because" if i == 0 else "", note) for i, note in enumerate(self.notes)]


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


def plan_pass(design: Design, source: Source, threads: int, solver: str, notes: tuple[str, ...]) -> Plan:
    """The plan of one pass with a design. Raises DataError where the model is too wide."""
    check_width(design.terms, dict.fromkeys(design.terms.factors, 1), width_limit())
    units = len(source.units) if isinstance(source.units, Sequence) else None
    dense = len(design.layout.rows)
    return Plan(
        formula=design.formula,
        inputs=source.inputs,
        rows=source.rows,
        size=source.size,
        units=units,
        columns=design.columns,
        available=source.schema.count,
        passes=1,
        threads=threads,
        stored=dense,
        factors=tuple(design.terms.factors),
        memory=_memory(design, dense, threads),
        solver=solver,
        notes=notes,
    )


def _memory(design: Design, dense: int, threads: int) -> int:
    reading = 4 * BATCH * max(len(design.columns), 1) * 8  # a batch, its decoder's pages, and what it was evaluated to
    return threads * (reading + ROWS_PER_BLOCK * dense * 8 + 3 * dense * dense * 8) + 6 * dense * dense * 8 + FIXED


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


def _stored(dense: int, factors: tuple[str, ...]) -> str:
    tables = f"; sums over the levels of {', '.join(factors)}" if factors else ""
    return f"{dense} x {dense} products of the numeric columns, the constant and the outcome{tables}"


def _inputs(inputs: tuple[Input, ...]) -> str:
    if len(inputs) == 1:
        return inputs[0].name
    return f"{len(inputs):,} files, {inputs[0].name} ... {inputs[-1].name}" if inputs else "no files"


def format_bytes(size: int) -> str:
    """Bytes for people."""
    amount, units = float(size), ("bytes", "kB", "MB", "GB", "TB")
    for unit in units:
        if amount < 1000 or unit == units[-1]:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError
