"""Runner of the passes of one fit: the source, the engine that reads it, and the progress display."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
        with self._shown():
            return self.engine.fold(source or self.source, task, progress=self.progress)

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
