"""Rows of files that stay in memory between the passes of a fit, where they are few: only the first one decodes them.

The rows are cut as the files' own units cut them, so that a fit has the same bits with or without this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from gramian.batch import Batch, Source, Unit
from gramian.data.around import Around
from gramian.data.reading import Rereadable
from gramian.fit.limits import memory_limit

MOST = 2**28  # bytes, and no more than TENTH of what is free: beyond it memory does not grow with the rows
TENTH = 5  # memory_limit() is half of what is free
NUMBER = 8  # bytes of a value, as far as that is known before it is read


def resident(source: Source, columns: Sequence[str]) -> Source:
    """The same rows for several passes over these columns; the source itself where they are many, or no files."""
    if not source.rereadable or all(known.changed is None for known in source.inputs):
        return source
    columns = tuple(dict.fromkeys(columns))
    room = min(MOST, memory_limit() // TENTH)
    expected = source.size if source.rows is None else NUMBER * source.rows * len(columns)
    if expected is None or expected > room:
        return source
    kept = Room(room)
    units = tuple(_remembering(unit, columns, kept) for unit in source.units)
    return Rereadable(source.schema, units, source.inputs, source.rows, source.size)


class Room:
    """Bytes that are left for all units of a source."""

    def __init__(self, left: int) -> None:
        self.left, self.lock = left, Lock()

    def take(self, wanted: int) -> bool:
        """Whether there is room for so many more, which are then taken."""
        with self.lock:
            fits = wanted <= self.left
            self.left -= wanted if fits else 0
        return fits

    def give(self, taken: int) -> None:
        """There is room for so many again."""
        with self.lock:
            self.left += taken


@dataclass(slots=True, eq=False)
class Remembering(Around):
    """A unit that is read once: it reads the columns of all passes, and keeps them while there is room."""

    unit: Any
    columns: tuple[str, ...]
    room: Room
    known: list[Batch] | None = field(default=None, init=False)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, with these columns and maybe more."""
        if not set(columns) <= set(self.columns):
            return self.unit.batches(columns, parallel=parallel)  # type: ignore[no-any-return]
        return self._read(parallel=parallel) if self.known is None else iter(self.known)

    def _read(self, *, parallel: bool) -> Iterator[Batch]:
        kept: list[Batch] = []
        whole, rows = False, 0
        try:
            for batch in self.unit.batches(self.columns, parallel=parallel):
                if self.room.take(_bytes(batch)):
                    kept.append(batch)
                rows += batch.rows
                yield batch
            whole = rows == sum(batch.rows for batch in kept)
        finally:
            self._keep(kept, whole=whole)

    def _keep(self, kept: list[Batch], *, whole: bool) -> None:
        """Remember a unit that was read to its end, all of it or nothing."""
        if whole:
            self.known = kept
        else:
            self.room.give(sum(map(_bytes, kept)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self.unit,)  # another process reads it for itself


@dataclass(slots=True, eq=False)
class RememberingHere(Remembering):
    """The same, of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> Any:
        """What they read it by."""
        return self.unit.portable(columns)


def _remembering(unit: Unit, columns: tuple[str, ...], room: Room) -> Unit:
    kind = RememberingHere if hasattr(unit, "portable") else Remembering
    return kind(unit, columns, room)


def _bytes(batch: Batch) -> int:
    return sum(values.nbytes for values in (*batch.columns.values(), *batch.matrices.values()))


def _itself(unit: Any) -> Any:
    return unit
