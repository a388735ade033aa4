"""Engine that has the sums of least squares made by the database of a table; other passes are another engine's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gramian.batch import Source
from gramian.data.sql.connection import database_errors
from gramian.data.sql.source import SqlSource, Table
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress
from gramian.errors import DataError, OptionError
from gramian.fit.database.queries import Queries
from gramian.fit.database.sums import sums_of
from gramian.fit.database.survey import survey_of, survey_of_complete
from gramian.fit.database.values import NotSqlError, values_of
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.formula.design import Design
from gramian.typing import M, Pass

MAX_EXPONENT = 1000  # a scale beyond 2^1000 is no float64
READS = "pushdown=False reads the rows instead"


@dataclass(slots=True, eq=False)
class InDatabase:
    """Runs the pass of least squares as queries.

    Attributes
    ----------
    engine : Engine
        What runs all other passes.
    task : Accumulate or None
        The pass whose sums the database has made.
    sums : Accumulated or None
        These sums.
    """

    engine: Engine
    task: Accumulate | None = None
    sums: Accumulated | None = None

    @property
    def workers(self) -> int:
        """Units that are read at the same time."""
        workers: int = getattr(self.engine, "workers", 1)
        return workers

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """The sums of the database where the pass is the one that was prepared; else those of the engine."""
        wanted: object = task
        if self.sums is not None and wanted == self.task and isinstance(source, SqlSource):
            made: Any = self.sums
            return made  # type: ignore[no-any-return]  # the result of the pass that was prepared
        return self.engine.fold(source, task, progress=progress)

    def prepared(self, design: Design, source: Source, *, drop: bool) -> Design | None:
        """The design with shifts at the means, its sums made; None where rows are read.

        Raises OptionError where `pushdown=True` asks for what cannot be, and DataError where the database refuses.
        """
        if not isinstance(source, SqlSource) or why_rows(design, source) is not None:
            return None
        table = source.table
        assert table is not None
        queries = _queries(design, table)
        try:
            with database_errors(table.where), table.connection.snapshot():
                survey = survey_of_complete(queries)
                queries = replace(queries, complete=survey is not None)
                survey = survey or survey_of(queries, drop=drop)
                table.count.check(survey.total, table.where)
                coordinates = survey.coordinates(design.multiplied)
                if any(abs(c.exponent) > MAX_EXPONENT for c in coordinates.values()):
                    return None
                design = replace(design, coordinates=coordinates, matrix=None)
                self.task, self.sums = Accumulate(design, drop), sums_of(queries, design, survey)
        except DataError as error:
            if not error.message.startswith("the database refuses"):
                raise
            raise DataError(f"{error.message}; {READS}", error.where) from error.__cause__
        return design

    def makes_sums(self, design: Design, source: Source) -> bool:
        """Whether the database makes the sums of a design."""
        return isinstance(source, SqlSource) and why_rows(design, source) is None

    def notes(self, design: Design, source: Source) -> tuple[str, ...]:
        """What a plan says: where the sums are made, and why."""
        if not isinstance(source, SqlSource):
            return ("rows travel from the database: a condition on them is applied here; write it into the query",)
        assert source.table is not None
        dialect = source.table.connection.dialect
        title = dialect.title
        if (why := why_rows(design, source)) is not None:
            return (f"{title} hands over rows: {why}",)
        by = f" by cells of {', '.join(design.terms.factors)}" if design.terms.factors else ""
        bound = "carries the rounding errors along" if dialect.compensated else "n u bounds"
        return (
            f"{title} makes the sums in two queries: rows by cause, means and ranges; then products about means{by}",
            f"the order of its additions is unknown: {bound}, and rows travel only if that leaves too few "
            "digits, or for a robust covariance",
        )


def _queries(design: Design, table: Table) -> Queries:
    """The queries of a design. Raises NotSqlError where they cannot say what it needs."""
    dialect = table.connection.dialect
    return Queries(table, values_of(design, table, dialect), dialect)


def why_rows(design: Design, source: SqlSource) -> str | None:
    """Why rows are read in the place of sums; None where the database makes sums.

    Raises OptionError where `pushdown=True` asks for sums that cannot be.
    """
    table = source.table
    assert table is not None
    if source.pushdown is False:
        return "pushdown=False asks for it"
    try:
        _queries(design, table)
    except NotSqlError as error:
        if source.pushdown:
            raise OptionError(f"pushdown=True cannot be: {error}; leave it out, and rows are read") from error
        return str(error)
    if source.pushdown is None and table.connection.in_process:
        return _quicker(table)
    return None


def _quicker(table: Table) -> str:
    """Why a database of this process hands over rows."""
    return f"{table.connection.dialect.title} is in this process, where rows arrive sooner than their products are made"
