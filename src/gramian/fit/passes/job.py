"""Job: one fit under way, its design from formula and first rows, and the runner of its passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from gramian.batch import Rereadable, SinglePass, Source, Unit
from gramian.data.in_memory import longer_units
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress, watched
from gramian.fit.passes.accumulate import coordinates_by_column, coordinates_from_first_rows
from gramian.fit.passes.memory import cached_source
from gramian.fit.passes.options import Options
from gramian.formula.design import Design, design_of
from gramian.formula.expand import expand
from gramian.formula.grammar import Formula, parse
from gramian.schema import Schema
from gramian.typing import M, Pass


@dataclass(slots=True, eq=False)
class PassRunner:
    """Runs the passes of one fit, and counts them.

    Attributes
    ----------
    source : Source
        The rows.
    engine : Engine
        What reads them, unit by unit.
    progress : Progress or None
        Display that follows every pass.
    passes : int
        Number of passes so far.
    columns : tuple of str
        Columns that the last pass read.
    """

    source: Source
    engine: Engine
    progress: Progress | None = None
    passes: int = 0
    columns: tuple[str, ...] = ()

    @property
    def threads(self) -> int:
        """Units that the engine reads at the same time."""
        workers: int = getattr(self.engine, "workers", 1)
        return workers

    def fold(self, task: Pass[M], source: Source | None = None) -> M:
        """Run one pass over the rows: the sum of the partial results of all units.

        Parameters
        ----------
        task : Pass
            Turns the batches of a unit into a partial result.
        source : Source, optional
            The same rows in another form, such as decimals as text.
        """
        self.passes, self.columns = self.passes + 1, task.columns
        rows = source or self.source
        if getattr(task, "long_runs", False) and isinstance(rows, Rereadable):
            rows = replace(rows, units=longer_units(rows.units))
        with self._shown():
            return self.engine.fold(rows, task, progress=self.progress)

    @contextmanager
    def watched_pass(self) -> Iterator[None]:
        """Count, and show to the progress display, a pass over rows in memory that the body of `with` runs."""
        self.passes += 1
        with self._shown():
            yield
            if self.progress is not None:
                self.progress.advance(self.source.rows or 0, self.source.size or 0)

    def _shown(self) -> AbstractContextManager[None]:
        """A context that shows a pass to the progress display, if there is one."""
        if self.progress is None:
            return nullcontext()
        return watched(self.progress, self.source.rows, self.source.size)

    def over(self, source: Source) -> PassRunner:
        """The same engine over other rows, with a count of its own."""
        return PassRunner(source, self.engine, self.progress)

    def by(self, engine: Engine) -> PassRunner:
        """Another engine over the same rows, with a count of its own."""
        return PassRunner(self.source, engine, self.progress)

    def cache_rows(self, columns: Sequence[str]) -> None:
        """Cache the rows of small files in memory during the first pass. columns : those of all passes."""
        self.source = cached_source(self.source, columns)


@dataclass(slots=True, eq=False)
class Job:
    """The state of one fit before it is solved: `prepare` completes its design, `fold` runs its passes.

    Attributes
    ----------
    design : Design
        The formula's terms on these columns; after `prepare` with the shift and scale of every variable.
    options : Options
        How to fit.
    runner : PassRunner
        The source of the rows, and the engine that reads it.
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
        """Number of passes over the rows so far."""
        return self.runner.passes

    @property
    def needs_knots(self) -> bool:
        """Whether a pass for the knots of splines, or the periods of sunab(), has to come first."""
        return bool(self.design.open_splines) or self.design.terms.open_cohorts

    def prepare(self, *, summed: bool = False, by_column: bool = False) -> None:
        """Choose the knots of splines, in a pass over their columns, and shifts and scales, from the first rows.

        The units of a source that can be read only once are put back before the rest, so that no row is lost. An engine
        with a method `prepared` may choose them by itself.

        summed : whether the pass that follows is that of least squares, over all rows together. by_column : whether
        each column has those of its own values, for models that do not need all columns.
        """
        prepared = getattr(self.runner.engine, "prepared", None) if summed else None
        if prepared is not None:
            design = prepared(self.design, self.source, drop=self.options.drop)
            if design is not None:
                self.design = design
                return
        # the look at the first rows is no pass: it reads at most a few batches
        self.runner.passes += self.needs_knots
        self.design, self.runner.source = with_coordinates(self.design, self.source, by_column=by_column)

    def fold(self, task: Pass[M], source: Source | None = None) -> M:
        """Run one pass and return its sums. source : the same rows in another form, such as decimals as text."""
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
    """Make a job from a formula and the schema of its source; no row is read.

    Parameters
    ----------
    formula : Formula
        The parsed formula.
    options : Options
        How to fit.
    runner : PassRunner
        The source of the rows, and the engine that reads it.
    absorbing : bool
        Whether the model allows absorbed factors, behind `|` in the formula.
    excluded : sequence of str
        Columns that `.` does not stand for.
    multiple_outcomes : bool
        Whether the outcome may be `c(y1, y2)`.

    Raises
    ------
    FormulaError, SchemaError
        If the formula does not fit the columns.
    """
    schema = runner.source.schema
    design = design_of_formula(
        formula, schema, options, absorbing=absorbing, excluded=excluded, multiple_outcomes=multiple_outcomes
    )
    return Job(design, options, runner)


def design_of_formula(
    formula: Formula,
    schema: Schema,
    options: Options,
    *,
    absorbing: bool = False,
    excluded: Sequence[str] = (),
    multiple_outcomes: bool = False,
) -> Design:
    """The design of a parsed formula, without coordinates and before any row is read; parameters as in `job_of`."""
    expanded = expand(formula, schema.names, schema.matrices, excluded, absorbing=absorbing)
    return design_of(
        expanded, formula.text, schema, options.weights, options.counts, multiple_outcomes=multiple_outcomes
    )


def design_for(formula: str, schema: Schema, options: Options, **rules: Any) -> Design:
    """The design of a formula given as text, without coordinates; rules : keywords of `design_of_formula`."""
    return design_of_formula(parse(formula), schema, options, **rules)


def prepare(formula: str, source: Source, options: Options, **rules: Any) -> tuple[Design, Source]:
    """The design of a formula given as text, with coordinates, and the source to read from its beginning."""
    return with_coordinates(design_for(formula, source.schema, options, **rules), source)


def with_coordinates(design: Design, source: Source, *, by_column: bool = False) -> tuple[Design, Source]:
    """The design with knots and coordinates, and the source to read from its beginning.

    Coordinates (shift and scale of every variable) come from the first batch with complete rows, or with `by_column`
    from the first batches with values of each. The source returned is another object if the given one can be read only
    once.
    """
    coordinates = coordinates_by_column if by_column else coordinates_from_first_rows
    if design.open_splines:
        from gramian.fit.passes.knots import settle_knots  # most formulas have no splines

        design = settle_knots(design, source)
    if design.terms.open_cohorts:
        from gramian.fit.passes.cohorts import settle_cohorts  # nor events

        design = settle_cohorts(design, source)
    if source.rereadable:
        # a source may have a quicker way to few rows than to begin with all of them
        units = chain(getattr(source, "first_units", ()), source.units)
        batches = (batch for unit in units for batch in unit.batches(design.columns, parallel=True))
        return coordinates(design, batches), source
    # a unit can be read again, the sequence of units cannot: put those that were started back, in their order
    rest = iter(source.units)
    read_units: list[Unit] = []
    batches = (batch for unit in _recorded(rest, read_units) for batch in unit.batches(design.columns))
    complete = coordinates(design, batches)
    all_units = chain(read_units, rest)
    return complete, SinglePass(source.schema, all_units, source.inputs, source.rows, source.size)


def _recorded(units: Iterable[Unit], read_units: list[Unit]) -> Iterable[Unit]:
    """Yield units, and append each to a list."""
    for unit in units:
        read_units.append(unit)
        yield unit
