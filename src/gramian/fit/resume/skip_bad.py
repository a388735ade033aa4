"""Fits that leave out units which cannot be read, and name them.

A fit that meets such a unit is begun anew without it, so that all of its passes see the same rows and nothing of a
half-read unit is counted. One more trip finds all others of that kind, so their number does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gramian.batch import Batch, Source, Unit
from gramian.data.batching import Rereadable
from gramian.data.unit_wrapper import UnitWrapper
from gramian.engines.choice import Engine
from gramian.errors import DataError, OptionError, SchemaError, UnreadableError
from gramian.fit.passes.runner import PassRunner
from gramian.formula.dropped_rows import DroppedRows

T = TypeVar("T")


def run_skipping_bad(run: Callable[[PassRunner], T], runner: PassRunner) -> tuple[T, DroppedRows]:
    """What `run` returns for the units that can be read, and the rows of the others, by unit.

    Raises OptionError for a source that can be read once, DataError where no unit can be read.
    """
    source = runner.source
    if not source.rereadable:
        raise OptionError("skip_bad needs data that can be read again, such as files")
    bad: set[str] = set()
    while True:
        rest = runner.over(_without(source, bad))
        try:
            return run(rest), _dropped_rows(source, bad)
        except UnreadableError as error:
            if error.where in bad or len(bad) + 1 >= len(tuple(source.units)):
                raise
            bad.add(error.where)
        if rest.columns:
            bad |= _other_bad_units(_without(source, bad), runner.engine, rest.columns)


def _without(source: Source, bad: set[str]) -> Rereadable:
    units = [unit for unit in source.units if unit.name not in bad]
    row_counts = [unit.rows for unit in units if unit.rows is not None]
    rows, size = sum(row_counts) if len(row_counts) == len(units) else None, sum(unit.size for unit in units)
    return Rereadable(source.schema, tuple(map(_with_named_errors, units)), source.inputs, rows, size or None)


def _dropped_rows(source: Source, bad: set[str]) -> DroppedRows:
    bad_units = [unit for unit in source.units if unit.name in bad]
    return DroppedRows({_cause(unit): 1 if unit.rows is None else unit.rows for unit in bad_units})


def _cause(unit: Unit) -> str:
    """Why rows were left out; it stands behind their number."""
    return f"{'or more ' if unit.rows is None else ''}in {unit.name}, which cannot be read"


def _other_bad_units(source: Source, engine: Engine, columns: tuple[str, ...]) -> set[str]:
    """The units that cannot be read, by one trip that does nothing else."""
    probed = Rereadable(source.schema, tuple(map(_probed, source.units)), source.inputs, source.rows, source.size)
    try:
        return set(engine.fold(probed, Probe(columns)).names)
    except UnreadableError as error:  # it brought its workers down
        return {error.where}


@dataclass(frozen=True, slots=True)
class UnitNames:
    """Names of units, in their order."""

    names: tuple[str, ...] = ()

    def __add__(self, other: UnitNames, /) -> UnitNames:
        return UnitNames(self.names + other.names)


@dataclass(frozen=True, slots=True)
class Probe:
    """The pass that reads and forgets; a unit that cannot be read stands for itself by a batch without rows."""

    columns: tuple[str, ...]
    empty: UnitNames = field(default=UnitNames(), init=False)

    def accumulate(self, batches: Iterable[Batch], /) -> UnitNames:
        """Where the batches without rows are from."""
        return UnitNames(tuple(batch.where for batch in batches))


@dataclass(frozen=True, slots=True)
class NamedErrorUnit(UnitWrapper):
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
class ProbedUnit(NamedErrorUnit):
    """A unit that yields nothing, but a batch without rows where it cannot be read."""

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """Nothing, or a batch that names the unit."""
        try:
            for _ in NamedErrorUnit(self.unit).batches(columns, parallel=parallel):
                pass
        except UnreadableError:
            yield Batch(0, {}, where=self.name)


@dataclass(frozen=True, slots=True)
class PortableNamedErrorUnit(NamedErrorUnit):
    """The same, of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> NamedErrorUnit:
        """What they read it by."""
        return NamedErrorUnit(self.unit.portable(columns))


@dataclass(frozen=True, slots=True)
class PortableProbedUnit(ProbedUnit):
    """The same, of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> ProbedUnit:
        """What they read it by."""
        return ProbedUnit(self.unit.portable(columns))


def _with_named_errors(unit: Unit) -> Unit:
    return PortableNamedErrorUnit(unit) if hasattr(unit, "portable") else NamedErrorUnit(unit)


def _probed(unit: Any) -> Unit:
    return PortableProbedUnit(unit.unit) if isinstance(unit, PortableNamedErrorUnit) else ProbedUnit(unit.unit)
