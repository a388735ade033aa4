"""Engine on threads of this process: one unit for each thread, sums by the fixed tree, BLAS on one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

from gramian.batch import Source, Unit
from gramian.engines.fold import Tree, accumulate_unit, one_thread, remaining, run_rows, runs_of, watched_batches
from gramian.engines.progress import Progress, Silent
from gramian.errors import OptionError
from gramian.kernels.threads import CORES, at_most
from gramian.typing import M, Pass


@dataclass(frozen=True, slots=True)
class Local:
    """Run passes on threads of this process.

    Parameters
    ----------
    threads : int, optional
        Number of threads; None is one for each core that the process may use.

    Raises
    ------
    OptionError
        Fewer than one thread.

    Notes
    -----
    The result has the same bits for any number of threads: neither the units nor the order in which they are added
    depend on it.

    Examples
    --------
    >>> import gramian as gm
    >>> fit = gm.ols("y ~ x", {"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]}, engine=gm.Local(threads=2))
    >>> fit.rows
    3
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise OptionError(f"threads must be at least 1, found {self.threads}")

    @property
    def workers(self) -> int:
        """Number of threads."""
        return self.threads or CORES

    def fold(
        self, source: Source, task: Pass[M], /, progress: Progress | None = None, tree: Tree[M] | None = None
    ) -> M:
        """Accumulate every unit and add the partial results by the fixed tree.

        tree : tree to which they are added; units that it already has are not read (a fit that is resumed).
        """
        sums = Tree[M](reuses=True) if tree is None else tree
        units = source.units if tree is None else remaining(source.units, tree.count, progress or Silent())
        # partial results stay in this process; those of a tree are saved
        within = getattr(task, "within_process", None) if tree is None else None
        if within is None:
            return self._sum(units, task, progress, sums)
        total = self._sum(units, within, progress, sums)
        with at_most(self.workers):
            completed: M = within.completed(total)
        return completed

    def _sum(self, units: Iterable[Unit], task: Pass[M], watch: Progress | None, sums: Tree[M]) -> M:
        """The partial results of units, added to those that a tree has."""
        with one_thread():
            for partial in self._partials(units, task, watch):
                sums.push(partial)
        return sums.sum() if sums.parts else task.empty  # `empty` may be large: it is made only where it is needed

    def _partials(self, units: Iterable[Unit], task: Pass[M], watch: Progress | None) -> Iterator[M]:
        """The partial results of units, in order."""
        if self.workers == 1:
            yield from (accumulate_unit(task, unit, watch) for unit in units)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="gramian")
        try:
            # fewer units than threads: parallelism inside a unit keeps all threads busy, and gives the same bits
            if isinstance(units, Sequence) and len(units) < self.workers:
                yield from (self._on_all_threads(pool, task, unit, watch) for unit in units)
            else:
                yield from self._ordered(pool, (partial(accumulate_unit, task, unit, watch) for unit in units))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _on_all_threads(self, pool: ThreadPoolExecutor, task: Pass[M], unit: Unit, watch: Progress | None) -> M:
        """The partial result of one unit on several threads: this one decodes, the others accumulate its runs."""
        batches = watched_batches(unit, task, watch, parallel=True)
        runs = (list(run) for run in runs_of(batches, run_rows(task)))
        first = next(runs, [])
        calls = (partial(task.accumulate, run) for run in chain([first], runs))
        tree: Tree[M] = Tree(reuses=True)
        # to start a thread for the only run would take longer than a small fit
        alone = sum(batch.rows for batch in first) == unit.rows
        for result in (call() for call in calls) if alone else self._ordered(pool, calls):
            tree.push(result)
        return tree.sum()

    def _ordered(self, pool: ThreadPoolExecutor, calls: Iterable[Callable[[], M]]) -> Iterator[M]:
        """Results in the order of the calls, with a bounded number of calls submitted."""
        pending: deque[Future[M]] = deque()
        remaining_calls = iter(calls)
        try:
            # one more than threads, so that a thread that finishes has the next call at hand; more would only hold
            # memory
            for call in islice(remaining_calls, self.workers + 1):
                pending.append(pool.submit(call))
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(call) for call in islice(remaining_calls, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()
