"""Threads on this machine: one unit a thread, sums by the fixed tree, BLAS on one thread each."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from gramian.batch import Batch, Source, Unit
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress, Silent
from gramian.engines.tree import Tree
from gramian.errors import OptionError
from gramian.typing import M, Pass

RUN = 131_072  # rows that are lifted together: units are cut so whatever the number of threads


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

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """Lift every run of rows of every unit, and add the partials by the fixed tree."""
        watch = progress or Silent()
        tree: Tree[M] = Tree()
        with one_thread():
            for partial in self._partials(source.units, task, watch):
                tree.push(partial)
        return tree.total(task.empty)

    def _partials(self, units: Iterable[Unit], task: Pass[M], watch: Progress) -> Iterator[M]:
        if self.workers == 1:
            yield from (_lift(task, unit, watch) for unit in units)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="gramian")
        try:
            if isinstance(units, Sequence) and len(units) < self.workers:
                yield from (self._spread(pool, task, unit, watch) for unit in units)
            else:
                yield from self._ordered(pool, (partial(_lift, task, unit, watch) for unit in units))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _spread(self, pool: ThreadPoolExecutor, task: Pass[M], unit: Unit, watch: Progress) -> M:
        """One unit on several threads: this one decodes, the others lift its runs."""
        runs = runs_of(_watched(unit, task.columns, watch, parallel=True))
        tree: Tree[M] = Tree()
        for done in self._ordered(pool, (partial(task.lift, list(run)) for run in runs)):
            tree.push(done)
        return tree.total(task.empty)

    def _ordered(self, pool: ThreadPoolExecutor, calls: Iterable[Callable[[], M]]) -> Iterator[M]:
        """Results in the order of the calls, a bounded number of which are under way."""
        waiting: deque[Future[M]] = deque()
        rest = iter(calls)
        try:
            for call in islice(rest, self.workers + 1):
                waiting.append(pool.submit(call))
            while waiting:
                done = waiting.popleft().result()
                waiting.extend(pool.submit(call) for call in islice(rest, 1))
                yield done
        finally:
            for future in waiting:
                future.cancel()


def runs_of(batches: Iterable[Batch]) -> Iterator[Iterator[Batch]]:
    """Batches in runs of at least RUN rows, each to be used up before the next; the cuts depend on the unit alone."""
    rest = iter(batches)
    for first in rest:
        yield _run(first, rest)


def _run(first: Batch, rest: Iterator[Batch]) -> Iterator[Batch]:
    yield first
    rows = first.rows
    while rows < RUN:
        batch = next(rest, None)
        if batch is None:
            return
        yield batch
        rows += batch.rows


def _lift(task: Pass[M], unit: Unit, watch: Progress) -> M:
    tree: Tree[M] = Tree()
    for run in runs_of(_watched(unit, task.columns, watch)):
        tree.push(task.lift(run))
    return tree.total(task.empty)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _watched(unit: Unit, columns: Sequence[str], watch: Progress, *, parallel: bool = False) -> Iterator[Batch]:
    seen, total = 0, unit.rows or 0
    for batch in unit.batches(columns, parallel=parallel):
        yield batch
        seen += batch.rows
        watch.advance(batch.rows, unit.size * batch.rows // total if total else 0)
    if not total:
        watch.advance(0, unit.size)
