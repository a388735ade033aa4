"""One fit under way: its design and options, and what runs its passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gramian.batch import Source
from gramian.fit.passes.options import Options
from gramian.fit.passes.prepare import design_of_formula, open_splines, with_coordinates
from gramian.fit.passes.runner import PassRunner
from gramian.formula.design import Design
from gramian.formula.grammar import Formula
from gramian.typing import M, Pass


@dataclass(slots=True, eq=False)
class Job:
    """One fit under way. Made once; `prepare` completes its design, `fold` runs its passes.

    Attributes
    ----------
    design : Design
        What the formula asks of these columns; after `prepare` with the shift and scale of every variable.
    options : Options
        How to fit.
    runner : PassRunner
        The rows, and what reads them.
    """

    design: Design
    options: Options
    runner: PassRunner

    @property
    def source(self) -> Source:
        """The rows."""
        return self.runner.source

    @property
    def passes(self) -> int:
        """Trips over the rows so far."""
        return self.runner.passes

    @property
    def needs_knots(self) -> bool:
        """Whether a pass for the knots of splines comes first."""
        return bool(open_splines(self.design))

    def prepare(self) -> None:
        """Choose knots, shifts and scales: from a light pass for splines, and from the first rows.

        A source that is read once keeps the units that were looked at, so that no row is lost.
        """
        self.runner.passes += self.needs_knots
        self.design, self.runner.source = with_coordinates(self.design, self.source)

    def fold(self, task: Pass[M], source: Source | None = None) -> M:
        """One trip over the rows; source : the same rows in another form, such as decimals as text."""
        return self.runner.fold(task, source)


def job_of(
    formula: Formula,
    options: Options,
    runner: PassRunner,
    *,
    absorbing: bool = False,
    excluded: Sequence[str] = (),
    multiple_outcomes: bool = False,
) -> Job:
    """A job whose design is made of what is known before any row is read.

    Parameters
    ----------
    formula : Formula
        As it was parsed.
    options : Options
        How to fit.
    runner : PassRunner
        The rows, and what reads them.
    absorbing : bool
        Whether factors may stand behind `|`.
    excluded : sequence of str
        Columns that `.` does not stand for.
    multiple_outcomes : bool
        Whether the outcome may be `c(y1, y2)`.

    Raises
    ------
    FormulaError, SchemaError
        Where the formula does not fit the columns.
    """
    schema = runner.source.schema
    design = design_of_formula(
        formula, schema, options, absorbing=absorbing, excluded=excluded, multiple_outcomes=multiple_outcomes
    )
    return Job(design, options, runner)
