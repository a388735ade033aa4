"""Cache of the rows of small files, for fits with several passes: only the first pass decodes them.

Units and batches are those of the files, so that a fit has the same bits with or without the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from gramian.batch import Batch, Source, Unit
from gramian.data.batching import Rereadable
from gramian.fit.passes.limits import memory_limit

MAX_CACHE_BYTES = 2**28  # and at most a tenth of the free memory: larger data are read anew in every pass
FREE_SHARE = 5  # a fifth of memory_limit(), which is half of the free memory
VALUE_BYTES = 8  # bytes of a value, an estimate before it is read


def cached_source(source: Source, columns: Sequence[str]) -> Source:
    """The same rows, cached by the first pass over these columns.

    Returns the source itself if its rows are too many, are in memory already, or can be read only once.
    """
    # only files have a time of change: decoding them again is what the cache saves
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
    """Bytes that the cached units of a source may still take, shared by the threads that read them."""

    def __init__(self, left: int) -> None:
        self.free, self.lock = left, Lock()

    def take(self, size: int) -> bool:
        """Reserve bytes; return False, with nothing reserved, if fewer are left."""
        with self.lock:
            fits = size <= self.free
            self.free -= size if fits else 0
        return fits

    def give(self, size: int) -> None:
        """Return reserved bytes."""
        with self.lock:
            self.free += size


@dataclass(slots=True, eq=False)
class CachedUnit:
    """A unit whose first pass caches its batches, if all of them fit into the memory budget.

    Attributes
    ----------
    unit : Unit
        The unit of the file.
    name : str
        Its name.
    rows : int or None
        Number of its rows.
    size : int
        Its bytes.
    columns : tuple of str
        Columns of all passes, read and cached together.
    memory_budget : MemoryBudget
        Shared with the other units.
    cached : list of Batch or None
        The batches, None until all of them have been read.
    """

    unit: Any
    name: str
    rows: int | None
    size: int
    columns: tuple[str, ...]
    memory_budget: MemoryBudget
    cached: list[Batch] | None = field(default=None, init=False)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, with these columns or more."""
        if not set(columns) <= set(self.columns):
            return self.unit.batches(columns, parallel=parallel)  # type: ignore[no-any-return]
        return self._read(parallel=parallel) if self.cached is None else iter(self.cached)

    def _read(self, *, parallel: bool) -> Iterator[Batch]:
        """Yield the batches of the file, and cache them."""
        cached: list[Batch] = []
        complete, rows = False, 0
        try:
            for batch in self.unit.batches(self.columns, parallel=parallel):
                if self.memory_budget.take(_bytes(batch)):
                    cached.append(batch)
                rows += batch.rows
                yield batch
            complete = rows == sum(batch.rows for batch in cached)
        finally:  # a reader may stop before the end, or fail: then the reserved bytes have to be returned
            self._store(cached, complete=complete)

    def _store(self, read: list[Batch], *, complete: bool) -> None:
        """Cache the batches of a unit that was read to its end; give the bytes of an incomplete one back."""
        if complete:
            self.cached = read
        else:
            self.memory_budget.give(sum(map(_bytes, read)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _identity, (self.unit,)  # another process reads the file itself: sending rows costs more


@dataclass(slots=True, eq=False)
class PortableCachedUnit(CachedUnit):
    """A cached unit that other processes can read from its file."""

    def portable(self, columns: Sequence[str]) -> Any:
        """Picklable form of the unit, without the cache."""
        return self.unit.portable(columns)


def _cached_unit(unit: Unit, columns: tuple[str, ...], memory_budget: MemoryBudget) -> Unit:
    """A unit with a cache, portable if the unit is: engines ask a unit for the method `portable`."""
    kind = PortableCachedUnit if hasattr(unit, "portable") else CachedUnit
    return kind(unit, unit.name, unit.rows, unit.size, columns, memory_budget)


def _bytes(batch: Batch) -> int:
    """Bytes of the columns and matrices of a batch."""
    return sum(values.nbytes for values in (*batch.columns.values(), *batch.matrices.values()))


def _identity(unit: Any) -> Any:
    """The argument: what a pickled cached unit is restored by."""
    return unit
