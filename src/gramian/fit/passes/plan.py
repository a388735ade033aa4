"""Plan of a fit before it runs: columns, passes, memory and solver, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gramian.batch import Input
from gramian.fit.passes.job import Job
from gramian.fit.passes.memory import checked_width, format_bytes
from gramian.formula.design import Design
from gramian.linalg.blocks import ROWS_PER_BLOCK

FIXED = 80_000_000  # bytes that the interpreter and the libraries take
BATCH = 65_536  # rows of a batch of a file


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fit will do: the result of `gm.plan`. `print(plan)` describes it in words.

    Attributes
    ----------
    formula : str
        The formula as it was given.
    inputs : tuple of Input
        The files, or the data frame.
    rows : int or None
        Rows of the source, None where that is not known before they are read.
    size : int or None
        Bytes of the source, None where unknown.
    units : int or None
        Units of the source, each read by one thread; None where unknown.
    columns : tuple of str
        Columns that are read.
    available : int
        Number of columns of the source.
    passes : int
        Expected number of passes over the rows.
    threads : int
        Units that are read at the same time.
    stored : int
        Number q of dense stored columns, whose q x q products are summed.
    factors : tuple of str
        Factors over whose levels columns are summed.
    memory : int
        Estimate of the largest memory in use, in bytes.
    solver : str
        The solver, in words.
    notes : tuple of str
        Reasons for the choices.
    expected : str
        Number of passes, in words, with what they depend on.
    holds : str or None
        What is stored in memory, in words, where that is not products and sums over levels.
    where : str or None
        The condition on rows.

    Examples
    --------
    >>> import gramian as gm
    >>> plan = gm.plan("y ~ x", {"x": [0.0, 1.0, 2.0], "y": [1.0, 3.0, 4.0]})
    >>> plan.passes, plan.columns, plan.stored
    (2, ('x', 'y'), 3)
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
    where: str | None = None

    def __str__(self) -> str:
        return "\n".join(f"{name:<9}{text}" for name, text in self._lines())

    def _repr_html_(self) -> str:
        from gramian.results.html import in_page, table_html  # rich takes a while to import

        return in_page([table_html(("plan", ""), self._lines())])

    def _lines(self) -> list[tuple[str, str]]:
        """Lines of the description: heading and text."""
        rows = "unknown number of" if self.rows is None else f"{self.rows:,}"
        units = "" if self.units is None else f" in {self.units:,} unit{'s'[: self.units != 1]}"
        size = "" if self.size is None else f", {format_bytes(self.size)}"
        more = f" ... {len(self.columns) - 8} more" if len(self.columns) > 8 else ""
        lines = [
            ("formula", self.formula),
            ("data", f"{_inputs(self.inputs)}: {rows} rows{size}{units}"),
            ("columns", f"{len(self.columns)} of {self.available}: {', '.join(self.columns[:8])}{more}"),
            *([] if self.where is None else [("rows", f"where {self.where}; units that hold none are not read")]),
            ("passes", self.expected),
            ("stored", self.holds or _stored(self.stored, self.factors)),
            ("threads", f"{self.threads}, one unit each; the result does not depend on their number"),
            (
                "memory",
                f"about {format_bytes(self.memory)}, {format_bytes(FIXED)} of it for Python, "
                "whatever the number of rows",
            ),
            ("solver", self.solver),
        ]
        return lines + [("because" if i == 0 else "", note) for i, note in enumerate(self.notes)]


def plan_pass(job: Job, solver: str, notes: tuple[str, ...]) -> Plan:
    """The plan of a fit that sums products in one pass. Raises DataError if the model is too wide for memory.

    job : not yet prepared; no row is read. solver, notes : in words, for the plan.
    """
    design, source, threads = job.design, job.source, job.runner.threads
    # the number of levels is not known before rows are read: only numeric columns can be too many yet
    checked_width(design.terms, dict.fromkeys(design.terms.factors, 1))
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
    """Estimate of the largest memory in use, in bytes. dense : number of dense stored columns."""
    reading = 4 * BATCH * max(len(design.columns), 1) * 8  # batch, decoder's pages, evaluated values
    # each thread has a batch, a block of rows, and its partial sums (3 copies while they add); 6 more matrices to solve
    return threads * (reading + ROWS_PER_BLOCK * dense * 8 + 3 * dense * dense * 8) + 6 * dense * dense * 8 + FIXED


def _stored(dense: int, factors: tuple[str, ...]) -> str:
    """What is stored in memory, in words. dense : number of dense stored columns."""
    tables = f"; sums over the levels of {', '.join(factors)}" if factors else ""
    return f"{dense} x {dense} products of the numeric columns, the constant and the outcome{tables}"


def _inputs(inputs: tuple[Input, ...]) -> str:
    """The name of the only input, or the number of files with the first and the last."""
    if len(inputs) == 1:
        return inputs[0].name
    return f"{len(inputs):,} files, {inputs[0].name} ... {inputs[-1].name}" if inputs else "no files"
