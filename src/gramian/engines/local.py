"""Threads on this machine: one unit a thread, sums by the fixed tree, BLAS on one thread each."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from threadpoolctl import threadpool_limits

from gramian.batch import Batch, Source, Unit
from gramian.engines.progress import Progress, Silent
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

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """Lift every unit and add the partials."""
        watch = progress or Silent()
        tree: Tree[M] = Tree()
        with threadpool_limits(limits=1, user_api="blas"):
            for partial in self._partials(source.units, task, watch):
                tree.push(partial)
        return tree.total(task.empty)

    def _partials(self, units: Iterable[Unit], task: Pass[M], watch: Progress) -> Iterator[M]:
        few = isinstance(units, Sequence) and len(units) < self.workers
        if self.workers == 1 or (isinstance(units, Sequence) and len(units) < 2):
            for unit in units:
                yield _lift(task, unit, few and self.workers > 1, watch)
            return
        with ThreadPoolExecutor(self.workers, thread_name_prefix="gramian") as pool:
            waiting: deque[Future[M]] = deque()
            rest = iter(units)
            try:
                for unit in islice(rest, self.workers + 1):
                    waiting.append(pool.submit(_lift, task, unit, few, watch))
                while waiting:
                    done = waiting.popleft().result()
                    waiting.extend(pool.submit(_lift, task, unit, few, watch) for unit in islice(rest, 1))
                    yield done
            finally:
                for future in waiting:
                    future.cancel()
                pool.shutdown(wait=True, cancel_futures=True)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lift(task: Pass[M], unit: Unit, parallel: bool, watch: Progress) -> M:
    return task.lift(_watched(unit, task.columns, parallel, watch))


def _watched(unit: Unit, columns: Sequence[str], parallel: bool, watch: Progress) -> Iterator[Batch]:
    seen, total = 0, unit.rows or 0
    for batch in unit.batches(columns, parallel=parallel):
        yield batch
        seen += batch.rows
        watch.advance(batch.rows, unit.size * batch.rows // total if total else 0)
    if not total:
        watch.advance(0, unit.size)
