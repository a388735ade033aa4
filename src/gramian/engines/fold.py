"""What is the same in every engine, so that the bits of a sum do not depend on threads or machines.

Runs of a unit are accumulated, partial results are added by a fixed tree, and BLAS uses one thread meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from itertools import islice
from threading import Lock
from typing import Any, Generic

from threadpoolctl import ThreadpoolController

from gramian.batch import Batch, Unit
from gramian.engines.progress import Progress
from gramian.typing import M, Pass

# rows and values accumulated together; constants, so that the bits do not depend on the number of threads
RUN_ROWS, RUN_VALUES = 131_072, 2**23
LONG_RUN_ROWS = 524_288  # the same for a pass with `long_runs`: sums over many levels cost more to add than to make
ROWS_PER_COLUMN = 2  # a run has at least so many times as many rows as columns: its sums are as large as columns^2


class Tree(Generic[M]):
    """Adds partial results in the order of their units: adjacent pairs, level by level.

    A binary counter: at most log2(units) + 1 partial results are in memory, and the bits of the sum depend on the units
    alone, not on threads or machines. Pairwise summation also has the smaller error bound, O(log n) in place of O(n)
    (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapter 4).

    Attributes
    ----------
    parts : list of tuple of int and M
        (level, sum of 2^level units), in the order of the units; a tree may begin with those of another.
    reuses : bool
        Whether nothing else refers to the partial results that are pushed, so that their memory may take a sum.
    """

    def __init__(self, parts: Iterable[tuple[int, M]] = (), *, reuses: bool = False) -> None:
        self.parts: list[tuple[int, M]] = list(parts)
        self.reuses = reuses

    @property
    def count(self) -> int:
        """Number of units that have been added."""
        return sum(1 << level for level, _ in self.parts)

    def push(self, partial: M) -> None:
        """Add the partial result of the next unit. It is atomic: where it is interrupted, the tree is as before."""
        parts, level = list(self.parts), 0
        while parts and parts[-1][0] == level:
            earlier = parts.pop()[1]
            partial, level = sum_in_place(earlier, partial) if self.reuses else earlier + partial, level + 1
        # one assignment at the end, after additions that may fail or be interrupted
        self.parts = [*parts, (level, partial)]

    def total(self, empty: M) -> M:
        """The sum of all partial results; `empty` where there are none."""
        return self.sum() if self.parts else empty

    def sum(self) -> M:
        """The sum of all partial results, of which there must be at least one."""
        partial = self.parts[-1][1]
        for _, earlier in reversed(self.parts[:-1]):
            partial = earlier + partial
        return partial


def sum_in_place(earlier: M, partial: M) -> M:
    """The sum of two partial results, in the memory of the second one where its type allows it by `added_to`."""
    added_to = getattr(partial, "added_to", None)
    result: M = earlier + partial if added_to is None else added_to(earlier)
    return result


def tree_sum(partials: Iterable[M]) -> M:
    """The sum of partial results, at least one, by the fixed tree."""
    tree: Tree[M] = Tree()
    for partial in partials:
        tree.push(partial)
    return tree.sum()


def accumulate_unit(task: Pass[M], unit: Unit, watch: Progress | None = None) -> M:
    """The partial result of one unit. watch : what is informed of the rows that were read."""
    tree: Tree[M] = Tree(reuses=True)
    for run in runs_of(watched_batches(unit, task, watch), run_rows(task)):
        tree.push(task.accumulate(run))
    return tree.sum() if tree.parts else task.empty  # `empty` may be large: it is made only where it is needed


def run_rows(task: Pass[Any]) -> int:
    """Rows that a pass accumulates together: more where its sums are over many levels, as it says by `long_runs`."""
    return LONG_RUN_ROWS if getattr(task, "long_runs", False) else RUN_ROWS


def runs_of(batches: Iterable[Batch], length: int = RUN_ROWS) -> Iterator[Iterator[Batch]]:
    """Batches in runs of at least `length` rows, or `RUN_VALUES` values. The cuts depend on the unit alone.

    Each run must be used up before the next one is asked for.
    """
    rest = iter(batches)
    for first in rest:
        yield _run(first, rest, length)


def _run(first: Batch, rest: Iterator[Batch], length: int) -> Iterator[Batch]:
    """One run: batches until there are enough rows."""
    yield first
    rows, width = first.rows, first.width
    while rows < min(length, max(RUN_VALUES // max(width, 1), ROWS_PER_COLUMN * width)):
        batch = next(rest, None)
        if batch is None:
            return
        yield batch
        rows += batch.rows


def watched_batches(unit: Unit, task: Pass[M], watch: Progress | None, *, parallel: bool = False) -> Iterator[Batch]:
    """The batches of a unit with the columns of a pass; each is reported when the next one is asked for."""
    batches = unit.batches(task.columns, parallel=parallel)
    return batches if watch is None else _reported(batches, unit, watch)


def _reported(batches: Iterator[Batch], unit: Unit, watch: Progress) -> Iterator[Batch]:
    """The batches of a unit, each reported when the next one is asked for."""
    total = unit.rows or 0
    for batch in batches:
        yield batch
        watch.advance(batch.rows, unit.size * batch.rows // total if total else 0)
    if not total:
        watch.advance(0, unit.size)


def remaining(units: Iterable[Unit], count: int, watch: Progress) -> Iterable[Unit]:
    """The units after the first `count`, which are reported as read."""
    if not count:
        return units
    for unit in islice(units, count) if isinstance(units, Sequence) else ():
        watch.advance(unit.rows or 0, unit.size)
    return units[count:] if isinstance(units, Sequence) else islice(units, count, None)


@cache
def _controller() -> Any:
    """Controller of the BLAS libraries that are loaded; found once."""
    import scipy.linalg  # noqa: F401  loads a BLAS of its own, which can be limited only after it is loaded

    return ThreadpoolController()


class _Shared:
    """A limit on BLAS for the process, held while any thread needs it.

    BLAS has one setting for the process, and contexts of several threads overlap: so users are counted, the first sets
    the limit and the last removes it.
    """

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0
        self.limited: AbstractContextManager[Any] | None = None

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """A context in which BLAS uses one thread; the last thread to leave it restores the number of threads."""
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.limited = _controller().limit(limits=1, user_api="blas")
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """Count one user less, and remove the limit after the last."""
        with self.lock:
            self.users -= 1
            if not self.users and self.limited is not None:
                self.limited.__exit__(None, None, None)
                self.limited = None


one_thread = _Shared().one_thread  # the limit of this process

THREADED_WIDTH = 2000  # columns from which on a solve is quicker on several threads


@contextmanager
def threads_for(width: int) -> Iterator[None]:
    """A context for a solve of so many columns: one thread below `THREADED_WIDTH`."""
    with one_thread() if width < THREADED_WIDTH else nullcontext():
        yield
