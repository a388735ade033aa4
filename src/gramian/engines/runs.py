"""Accumulates one unit, the same in every engine: runs of its rows are accumulated and added by the fixed tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from gramian.batch import Batch, Unit
from gramian.engines.progress import Progress
from gramian.engines.tree import Tree
from gramian.typing import M, Pass

# rows and values accumulated together; constants, so that the bits do not depend on the number of threads
RUN_ROWS, RUN_VALUES = 131_072, 2**23
ROWS_PER_COLUMN = 2  # a run has at least so many times as many rows as columns: its sums are as large as columns^2


def accumulate_unit(task: Pass[M], unit: Unit, watch: Progress | None = None) -> M:
    """The partial result of one unit. watch : what is informed of the rows that were read."""
    tree: Tree[M] = Tree()
    for run in runs_of(watched_batches(unit, task, watch)):
        tree.push(task.accumulate(run))
    return tree.sum() if tree.parts else task.empty  # `empty` may be large: it is made only where it is needed


def runs_of(batches: Iterable[Batch]) -> Iterator[Iterator[Batch]]:
    """Batches in runs of at least `RUN_ROWS` rows, or `RUN_VALUES` values. The cuts depend on the unit alone.

    Each run must be used up before the next one is asked for.
    """
    rest = iter(batches)
    for first in rest:
        yield _run(first, rest)


def _run(first: Batch, rest: Iterator[Batch]) -> Iterator[Batch]:
    """One run: batches until there are enough rows."""
    yield first
    rows, width = first.rows, first.width
    while rows < min(RUN_ROWS, max(RUN_VALUES // max(width, 1), ROWS_PER_COLUMN * width)):
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
