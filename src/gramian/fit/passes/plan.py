"""Plan: what a fit will read, how often, with how much memory, by which solver, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gramian.batch import Input
from gramian.fit.passes.job import Job
from gramian.fit.passes.limits import check_width, format_bytes, width_limit
from gramian.formula.design import Design
from gramian.linalg.blocks import ROWS_PER_BLOCK

FIXED = 80_000_000  # bytes of the interpreter and the libraries
BATCH = 65_536  # rows of a batch that a file's unit yields


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
                f"about {format_bytes(self.memory)}, {format_bytes(FIXED)} of it for Python, "
                "whatever the number of rows",
            ),
            ("solver", self.solver),
        ]
        return lines + [("because" if i == 0 else "", note) for i, note in enumerate(self.notes)]


def plan_pass(job: Job, solver: str, notes: tuple[str, ...]) -> Plan:
    """The plan of one pass with a design. Raises DataError where the model is too wide."""
    design, source, threads = job.design, job.source, job.runner.threads
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


def _stored(dense: int, factors: tuple[str, ...]) -> str:
    tables = f"; sums over the levels of {', '.join(factors)}" if factors else ""
    return f"{dense} x {dense} products of the numeric columns, the constant and the outcome{tables}"


def _inputs(inputs: tuple[Input, ...]) -> str:
    if len(inputs) == 1:
        return inputs[0].name
    return f"{len(inputs):,} files, {inputs[0].name} ... {inputs[-1].name}" if inputs else "no files"
