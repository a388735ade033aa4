"""Passes over the rows of one fit: the source, the engine that reads it, and who watches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress, watched
from gramian.fit.passes.row_cache import cached_source
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
        Who is told of every pass.
    passes : int
        Trips over the rows so far.
    columns : tuple of str
        Columns that the last pass has read.
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
        """One trip over the rows: the sum of the partial results of all units.

        Parameters
        ----------
        task : Pass
            What is summed.
        source : Source, optional
            The same rows in another form, such as decimals as text.
        """
        self.passes, self.columns = self.passes + 1, task.columns
        with watched(self.progress, self.source.rows, self.source.size):
            return self.engine.fold(source or self.source, task, progress=self.progress)

    @contextmanager
    def watched_pass(self) -> Iterator[None]:
        """Count, and tell of, a pass over rows that are in memory."""
        self.passes += 1
        with watched(self.progress, self.source.rows, self.source.size):
            yield
            if self.progress is not None:
                self.progress.advance(self.source.rows or 0, self.source.size or 0)

    def over(self, source: Source) -> PassRunner:
        """The same engine over other rows, with a count of its own."""
        return PassRunner(source, self.engine, self.progress)

    def by(self, engine: Engine) -> PassRunner:
        """Another engine over the same rows."""
        return PassRunner(self.source, engine, self.progress)

    def cache_rows(self, columns: Sequence[str]) -> None:
        """Keep the rows of few-row files in memory after the first pass; columns : those of all passes."""
        self.source = cached_source(self.source, columns)
