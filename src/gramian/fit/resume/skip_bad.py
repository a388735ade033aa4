"""Fits that skip units which cannot be read, and name them.

A fit that meets such a unit starts again without it, so that all its passes see the same rows and no part of an
incomplete unit is counted. One more pass over the rest finds all other unreadable units at once, so that their number
does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gramian.batch import Batch, Rereadable, Source, Unit, WrappedUnit
from gramian.engines.choice import Engine
from gramian.errors import DataError, OptionError, SchemaError, UnreadableError
from gramian.fit.passes.job import PassRunner
from gramian.formula.dropped_rows import DroppedRows

T = TypeVar("T")


def run_skipping_bad(run: Callable[[PassRunner], T], runner: PassRunner) -> tuple[T, DroppedRows]:
    """The result of `run` on the units that can be read, and the rows of the others, by unit.

    Raises
    ------
    OptionError
        For a source that can be read only once.
    UnreadableError
        Where no unit can be read.
    """
    source = runner.source
    if not source.rereadable:
        raise OptionError("skip_bad needs data that can be read again, such as files")
    bad: set[str] = set()
    # each round removes a unit at least, so that it ends
    while True:
        rest = runner.over(_without(source, bad))
        try:
            return run(rest), _dropped_rows(source, bad)
        except UnreadableError as error:
            # a unit that is no longer in the source cannot fail again, unless errors are named wrongly: do not loop
            if error.where in bad or len(bad) + 1 >= len(tuple(source.units)):
                raise
            bad.add(error.where)
        # columns of the pass that failed: other units may be unreadable in these as well
        if rest.columns:
            bad |= _other_bad_units(_without(source, bad), runner.engine, rest.columns)


def _without(source: Source, bad: set[str]) -> Rereadable:
    """The source without these units, whose other units name themselves in errors."""
    units = [unit for unit in source.units if unit.name not in bad]
    row_counts = [unit.rows for unit in units if unit.rows is not None]
    rows, size = sum(row_counts) if len(row_counts) == len(units) else None, sum(unit.size for unit in units)
    return Rereadable(source.schema, tuple(map(_with_named_errors, units)), source.inputs, rows, size or None)


def _dropped_rows(source: Source, bad: set[str]) -> DroppedRows:
    """Counts of the rows of skipped units; 1 for a unit whose number of rows is unknown."""
    bad_units = [unit for unit in source.units if unit.name in bad]
    return DroppedRows({_cause(unit): 1 if unit.rows is None else unit.rows for unit in bad_units})


def _cause(unit: Unit) -> str:
    """The cause of dropped rows, as it is printed after their number."""
    return f"{'or more ' if unit.rows is None else ''}in {unit.name}, which cannot be read"


def _other_bad_units(source: Source, engine: Engine, columns: tuple[str, ...]) -> set[str]:
    """Names of the units that cannot be read, by one pass that only reads."""
    probed = Rereadable(source.schema, tuple(map(_probed, source.units)), source.inputs, source.rows, source.size)
    try:
        return set(engine.fold(probed, Probe(columns)).names)
    except UnreadableError as error:  # reading it killed the worker, so that this unit ended the pass
        return {error.where}


@dataclass(frozen=True, slots=True)
class UnitNames:
    """Names of units; `+` joins them.

    Attributes
    ----------
    names : tuple of str
        In the order of the units.
    """

    names: tuple[str, ...] = ()

    def __add__(self, other: UnitNames, /) -> UnitNames:
        """The names of both, in order."""
        return UnitNames(self.names + other.names)


@dataclass(frozen=True, slots=True)
class Probe:
    """A pass that reads and forgets.

    Units that cannot be read yield a batch without rows (see `ProbedUnit`), so the names of these batches are the
    result.

    Attributes
    ----------
    columns : tuple of str
        Columns to read.
    empty : UnitNames
        The result for no units.
    """

    columns: tuple[str, ...]
    empty: UnitNames = field(default=UnitNames(), init=False)

    def accumulate(self, batches: Iterable[Batch], /) -> UnitNames:
        """Names of the units of batches without rows."""
        return UnitNames(tuple(batch.where for batch in batches))


@dataclass(frozen=True, slots=True)
class NamedErrorUnit(WrappedUnit):
    """A unit whose read errors name it. Errors of the schema pass through: they are no reason to skip a unit.

    Attributes
    ----------
    unit : Unit
        The unit that reads.
    """

    unit: Any  # also what other processes can read

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
    """A unit that yields a batch without rows where it cannot be read, and nothing otherwise."""

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """A batch with the name of the unit where it cannot be read."""
        try:
            for _ in NamedErrorUnit(self.unit).batches(columns, parallel=parallel):
                pass
        except UnreadableError:
            yield Batch(0, {}, where=self.name)


@dataclass(frozen=True, slots=True)
class PortableNamedErrorUnit(NamedErrorUnit):
    """The same for a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> NamedErrorUnit:
        """The unit as another process reads it."""
        return NamedErrorUnit(self.unit.portable(columns))


@dataclass(frozen=True, slots=True)
class PortableProbedUnit(ProbedUnit):
    """The same for a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> ProbedUnit:
        """The unit as another process reads it."""
        return ProbedUnit(self.unit.portable(columns))


def _with_named_errors(unit: Unit) -> Unit:
    """The unit, with its name in read errors."""
    return PortableNamedErrorUnit(unit) if hasattr(unit, "portable") else NamedErrorUnit(unit)


def _probed(unit: Any) -> Unit:
    """The unit, read only to find out whether that is possible."""
    return PortableProbedUnit(unit.unit) if isinstance(unit, PortableNamedErrorUnit) else ProbedUnit(unit.unit)
