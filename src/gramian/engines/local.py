"""Threads on this machine: one unit a thread, sums by the fixed tree, BLAS on one thread each."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from gramian.batch import Source, Unit
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress, Silent
from gramian.engines.runs import accumulate_unit, remaining, runs_of, watched_batches
from gramian.engines.tree import Tree
from gramian.errors import OptionError
from gramian.typing import M, Pass


@dataclass(frozen=True, slots=True)
class Local:
    """Run passes on threads of this process; by default one thread a core.

    The result has the same bits for any number of threads: units, and the order in which they are added, do not
    depend on it.
    """

    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise OptionError(f"threads must be at least 1, found {self.threads}")

    @property
    def workers(self) -> int:
        """How many threads there will be."""
        return self.threads or cores()

    def fold(
        self, source: Source, task: Pass[M], /, progress: Progress | None = None, tree: Tree[M] | None = None
    ) -> M:
        """Lift every run of rows of every unit, and add the partials by the fixed tree.

        tree : where they are added; the units that it has already are not read.
        """
        watch, sums = progress or Silent(), Tree[M]() if tree is None else tree
        with one_thread():
            for partial in self._partials(remaining(source.units, sums.count, watch), task, watch):
                sums.push(partial)
        return sums.sum() if sums.parts else task.empty  # a zero is not made for nothing

    def _partials(self, units: Iterable[Unit], task: Pass[M], watch: Progress) -> Iterator[M]:
        if self.workers == 1:
            yield from (accumulate_unit(task, unit, watch) for unit in units)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="gramian")
        try:
            if isinstance(units, Sequence) and len(units) < self.workers:
                yield from (self._on_all_threads(pool, task, unit, watch) for unit in units)
            else:
                yield from self._ordered(pool, (partial(accumulate_unit, task, unit, watch) for unit in units))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _on_all_threads(self, pool: ThreadPoolExecutor, task: Pass[M], unit: Unit, watch: Progress) -> M:
        """One unit on several threads: this one decodes, the others lift its runs."""
        runs = runs_of(watched_batches(unit, task, watch, parallel=True))
        tree: Tree[M] = Tree()
        for result in self._ordered(pool, (partial(task.accumulate, list(run)) for run in runs)):
            tree.push(result)
        return tree.total(task.empty)

    def _ordered(self, pool: ThreadPoolExecutor, calls: Iterable[Callable[[], M]]) -> Iterator[M]:
        """Results in the order of the calls, a bounded number of which are under way."""
        pending: deque[Future[M]] = deque()
        remaining_calls = iter(calls)
        try:
            for call in islice(remaining_calls, self.workers + 1):
                pending.append(pool.submit(call))
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(call) for call in islice(remaining_calls, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
