"""What fits into memory: the dense products of a model's columns, and between passes the rows of small files.

The limit on the number of model columns comes from their products. Rows are cached so that only the first pass decodes
them; units and batches are those of the files, so that a fit has the same bits with or without the cache.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from gramian.batch import Batch, Rereadable, Source, Unit
from gramian.errors import DataError
from gramian.formula.terms import Terms

COPIES = 12  # square matrices in memory at once while a fit is solved (11 were counted)
MAX_UNCHECKED_COLUMNS = 1000  # columns whose products fit into any memory: COPIES of them take 96 MB
DEFAULT = 8 * 2**30  # bytes of memory to assume where the system does not tell

MAX_CACHE_BYTES = 2**28  # and at most a tenth of the free memory: larger data are read anew in every pass
FREE_SHARE = 5  # a fifth of memory_limit(), which is half of the free memory
VALUE_BYTES = 8  # bytes of a value, an estimate before it is read


def memory_limit() -> int:
    """Bytes that a fit may use for its matrices: half of the free memory, of all memory where that is not known."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        free = _physical()
    return free // 2  # the other half is for batches under way, the results, and other programs


def _physical() -> int:
    """Bytes of the machine's memory, `DEFAULT` where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return DEFAULT


def width_limit(limit: int | None = None) -> int:
    """The largest number of model columns p, from 8 COPIES p^2 <= limit. limit : bytes, by default `memory_limit()`."""
    return int(((memory_limit() if limit is None else limit) / (8 * COPIES)) ** 0.5)


def checked_width(terms: Terms, sizes: Mapping[str, int], limit: int | None = None) -> int:
    """A lower bound of the number of model columns; sizes : factor -> number of levels.

    Raises DataError if there are more than `limit` (by default, more than fit into memory). The error names the largest
    factor where that has more than half of the columns.
    """
    columns = terms.width(sizes)
    if (limit is None and columns <= MAX_UNCHECKED_COLUMNS) or columns <= (
        allowed := width_limit() if limit is None else limit
    ):
        return columns
    largest = max(sizes, key=lambda f: sizes[f], default="")
    explanation = (
        f"; the factor '{largest}' alone has {sizes[largest]:,} levels"
        if largest and sizes[largest] > columns / 2
        else ""
    )
    raise DataError(
        f"the model has at least {columns:,} columns{explanation}, and products of at most {allowed:,} columns fit "
        "into memory; leave terms out or group rare levels"
    )


def format_bytes(size: int) -> str:
    """A number of bytes as text, in powers of 1000: "1.5 MB"."""
    amount, units = float(size), ("bytes", "kB", "MB", "GB", "TB")
    for unit in units:
        if amount < 1000 or unit == units[-1]:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError


def cached_source(source: Source, columns: Sequence[str]) -> Source:
    """The same rows, cached by the first pass over these columns.

    Returns the source itself if its rows are too many, are in memory already, or can be read only once.
    """
    # only files have an identity: reading and decoding them again is what the cache saves
    if not source.rereadable or all(entry.identity is None for entry in source.inputs):
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
