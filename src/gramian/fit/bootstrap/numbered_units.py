"""Rows with their numbers in the data: the same for every cut into files, row groups and batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gramian.batch import Batch, Rereadable, Source, WrappedUnit

SPACING = 1 << 44  # more rows than a unit has


@dataclass(frozen=True, slots=True)
class NumberedUnit(WrappedUnit):
    """A unit whose batches have the numbers of their rows in the data, in place of those in a file.

    Attributes
    ----------
    unit : Unit
        The unit.
    start : int
        Number of its first row.
    """

    start: int

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """As of `Unit`."""
        first = self.start
        for batch in self.unit.batches(columns, parallel=parallel):
            yield replace(batch, first_row=first, positions=None)
            first += batch.rows


@dataclass(frozen=True, slots=True)
class PortableNumberedUnit(NumberedUnit):
    """The same of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> PortableNumberedUnit:
        """The unit for another process."""
        return replace(self, unit=self.unit.portable(columns))  # type: ignore[attr-defined]  # what makes it portable


@dataclass(frozen=True, slots=True)
class UnitRows:
    """Numbers of rows by the position of their unit; partial results add."""

    rows: Mapping[int, int]

    def __add__(self, other: UnitRows, /) -> UnitRows:
        positions = dict.fromkeys((*self.rows, *other.rows))
        return UnitRows({i: self.rows.get(i, 0) + other.rows.get(i, 0) for i in positions})


@dataclass(frozen=True, slots=True)
class CountRows:
    """The pass that counts the rows of each unit, of units that start `SPACING` rows from each other.

    columns : what is read.
    """

    columns: tuple[str, ...]

    @property
    def empty(self) -> UnitRows:
        """No rows."""
        return UnitRows({})

    def accumulate(self, batches: Iterable[Batch], /) -> UnitRows:
        """The rows of a run."""
        total = self.empty
        for batch in batches:
            total += UnitRows({batch.first_row // SPACING: batch.rows})
        return total


def with_starts(source: Source, starts: Sequence[int]) -> Source:
    """The source with the numbers of the first rows of its units."""
    units = tuple(
        (PortableNumberedUnit if hasattr(unit, "portable") else NumberedUnit)(unit, start)
        for unit, start in zip(source.units, starts, strict=True)
    )
    paths = source.paths if isinstance(source, Rereadable) else ()
    reading = dict(getattr(source, "reading", {}))
    return Rereadable(source.schema, units, source.inputs, source.rows, source.size, True, paths, reading)
