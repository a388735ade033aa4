"""Rows of files that stay in memory between the passes of a fit, where they are few: only the first one decodes them.

The rows are cut as the files' own units cut them, so that a fit has the same bits with or without this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from gramian.batch import Batch, Source, Unit
from gramian.data.batching import Rereadable
from gramian.data.unit_wrapper import UnitWrapper
from gramian.fit.passes.limits import memory_limit

MAX_CACHE_BYTES = 2**28  # bytes, and no more than TENTH of what is free: beyond it memory does not grow with the rows
FREE_SHARE = 5  # memory_limit() is half of what is free
VALUE_BYTES = 8  # bytes of a value, as far as that is known before it is read


def cached_source(source: Source, columns: Sequence[str]) -> Source:
    """The same rows for several passes over these columns; the source itself where they are many, or no files."""
    if not source.rereadable or all(entry.changed is None for entry in source.inputs):
        return source
    columns = tuple(dict.fromkeys(columns))
    limit = min(MAX_CACHE_BYTES, memory_limit() // FREE_SHARE)
    expected = source.size if source.rows is None else VALUE_BYTES * source.rows * len(columns)
    if expected is None or expected > limit:
        return source
    memory_budget = MemoryBudget(limit)
    units = tuple(_cached_unit(unit, columns, memory_budget) for unit in source.units)
    return Rereadable(source.schema, units, source.inputs, source.rows, source.size)


class MemoryBudget:
    """Bytes that are left for all units of a source."""

    def __init__(self, left: int) -> None:
        self.free, self.lock = left, Lock()

    def take(self, size: int) -> bool:
        """Whether there is room for so many more, which are then taken."""
        with self.lock:
            fits = size <= self.free
            self.free -= size if fits else 0
        return fits

    def give(self, size: int) -> None:
        """There is room for so many again."""
        with self.lock:
            self.free += size


@dataclass(slots=True, eq=False)
class CachedUnit(UnitWrapper):
    """A unit that is read once: it reads the columns of all passes, and keeps them while there is room."""

    unit: Any
    columns: tuple[str, ...]
    memory_budget: MemoryBudget
    cached: list[Batch] | None = field(default=None, init=False)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, with these columns and maybe more."""
        if not set(columns) <= set(self.columns):
            return self.unit.batches(columns, parallel=parallel)  # type: ignore[no-any-return]
        return self._read(parallel=parallel) if self.cached is None else iter(self.cached)

    def _read(self, *, parallel: bool) -> Iterator[Batch]:
        cached: list[Batch] = []
        complete, rows = False, 0
        try:
            for batch in self.unit.batches(self.columns, parallel=parallel):
                if self.memory_budget.take(_bytes(batch)):
                    cached.append(batch)
                rows += batch.rows
                yield batch
            complete = rows == sum(batch.rows for batch in cached)
        finally:
            self._store(cached, complete=complete)

    def _store(self, read: list[Batch], *, complete: bool) -> None:
        """Remember a unit that was read to its end, all of it or nothing."""
        if complete:
            self.cached = read
        else:
            self.memory_budget.give(sum(map(_bytes, read)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _identity, (self.unit,)  # another process reads it for itself


@dataclass(slots=True, eq=False)
class PortableCachedUnit(CachedUnit):
    """The same, of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> Any:
        """What they read it by."""
        return self.unit.portable(columns)


def _cached_unit(unit: Unit, columns: tuple[str, ...], memory_budget: MemoryBudget) -> Unit:
    kind = PortableCachedUnit if hasattr(unit, "portable") else CachedUnit
    return kind(unit, columns, memory_budget)


def _bytes(batch: Batch) -> int:
    return sum(values.nbytes for values in (*batch.columns.values(), *batch.matrices.values()))


def _identity(unit: Any) -> Any:
    return unit
