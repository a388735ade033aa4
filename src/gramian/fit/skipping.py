"""Fits that leave out units which cannot be read, and name them.

A fit that meets such a unit is begun anew without it, so that all of its passes see the same rows and nothing of a
half-read unit is counted. One more trip finds all others of that kind, so their number does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gramian.batch import Batch, Source, Unit
from gramian.data.around import Around
from gramian.data.reading import Rereadable
from gramian.engines.choice import Engine
from gramian.engines.progress import Progress
from gramian.errors import DataError, OptionError, SchemaError, UnreadableError
from gramian.formula.tally import Tally
from gramian.typing import M, Pass

T = TypeVar("T")


def skipping(run: Callable[[Source, Engine], T], source: Source, engine: Engine) -> tuple[T, Tally]:
    """What `run` returns for the units that can be read, and the rows of the others, by unit.

    Raises OptionError for a source that can be read once, DataError where no unit can be read.
    """
    if not source.rereadable:
        raise OptionError("skip_bad needs data that can be read again, such as files")
    bad: set[str] = set()
    while True:
        rest, noted = _without(source, bad), _Noted(engine)
        try:
            return run(rest, noted), _tally(source, bad)
        except UnreadableError as error:
            if error.where in bad or len(bad) + 1 >= len(tuple(source.units)):
                raise
            bad.add(error.where)
        if noted.columns is not None:
            bad |= _others(_without(source, bad), engine, noted.columns)


def _without(source: Source, bad: set[str]) -> Rereadable:
    units = [unit for unit in source.units if unit.name not in bad]
    known = [unit.rows for unit in units if unit.rows is not None]
    rows, size = sum(known) if len(known) == len(units) else None, sum(unit.size for unit in units)
    return Rereadable(source.schema, tuple(map(_guarded, units)), source.inputs, rows, size or None)


def _tally(source: Source, bad: set[str]) -> Tally:
    lost = [unit for unit in source.units if unit.name in bad]
    return Tally({_cause(unit): 1 if unit.rows is None else unit.rows for unit in lost})


def _cause(unit: Unit) -> str:
    """Why rows were left out; it stands behind their number."""
    return f"{'or more ' if unit.rows is None else ''}in {unit.name}, which cannot be read"


def _others(source: Source, engine: Engine, columns: tuple[str, ...]) -> set[str]:
    """The units that cannot be read, by one trip that does nothing else."""
    tried = Rereadable(source.schema, tuple(map(_tried, source.units)), source.inputs, source.rows, source.size)
    try:
        return set(engine.fold(tried, Probe(columns)).names)
    except UnreadableError as error:  # it brought its workers down
        return {error.where}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of units, in their order."""

    names: tuple[str, ...] = ()

    def __add__(self, other: Names, /) -> Names:
        return Names(self.names + other.names)


@dataclass(frozen=True, slots=True)
class Probe:
    """The pass that reads and forgets; a unit that cannot be read stands for itself by a batch without rows."""

    columns: tuple[str, ...]
    empty: Names = field(default=Names(), init=False)

    def lift(self, batches: Iterable[Batch], /) -> Names:
        """Where the batches without rows are from."""
        return Names(tuple(batch.where for batch in batches))


@dataclass(frozen=True, slots=True)
class Guarded(Around):
    """A unit whose complaints name it. Columns that are not as they should be are no reason to skip it."""

    unit: Any

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises UnreadableError where they cannot be read."""
        try:
            yield from self.unit.batches(columns, parallel=parallel)
        except (SchemaError, UnreadableError):
            raise
        except DataError as error:
            raise UnreadableError(error.message, self.name) from error


@dataclass(frozen=True, slots=True)
class Tried(Guarded):
    """A unit that yields nothing, but a batch without rows where it cannot be read."""

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """Nothing, or a batch that names the unit."""
        try:
            for _ in Guarded(self.unit).batches(columns, parallel=parallel):
                pass
        except UnreadableError:
            yield Batch(0, {}, where=self.name)


@dataclass(frozen=True, slots=True)
class GuardedThere(Guarded):
    """The same, of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> Guarded:
        """What they read it by."""
        return Guarded(self.unit.portable(columns))


@dataclass(frozen=True, slots=True)
class TriedThere(Tried):
    """The same, of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> Tried:
        """What they read it by."""
        return Tried(self.unit.portable(columns))


def _guarded(unit: Unit) -> Unit:
    return GuardedThere(unit) if hasattr(unit, "portable") else Guarded(unit)


def _tried(unit: Any) -> Unit:
    return TriedThere(unit.unit) if isinstance(unit, GuardedThere) else Tried(unit.unit)


@dataclass(slots=True)
class _Noted:
    """An engine that remembers which columns were read."""

    engine: Any
    columns: tuple[str, ...] | None = None

    def fold(self, source: Source, task: Pass[M], /, progress: Progress | None = None) -> M:
        """As the engine does it."""
        self.columns = task.columns
        total: M = self.engine.fold(source, task, progress=progress)
        return total
