"""Rows of any source of which a condition is true.

Units that cannot hold such a row are not read: those of Parquet say the lowest and highest value of their columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from gramian.batch import Batch, Rereadable, SinglePass, Source, Unit
from gramian.data.condition import Condition

LARGEST_INTEGER = 1 << 53  # beyond it a number that an integer is compared with may be rounded


@dataclass(frozen=True, slots=True)
class SelectedUnit:
    """Those rows of a unit of which a condition is true.

    Attributes
    ----------
    unit : Unit
        The unit.
    condition : Condition
        The condition.
    """

    unit: Unit
    condition: Condition

    @property
    def name(self) -> str:
        """The name of the unit."""
        return self.unit.name

    @property
    def rows(self) -> None:
        """Their number, which is not known before they are read."""

    @property
    def size(self) -> int:
        """Bytes of the unit."""
        return self.unit.size

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, with these columns only."""
        needed = tuple(dict.fromkeys((*columns, *self.condition.columns)))
        for batch in self.unit.batches(needed, parallel=parallel):
            mask = self.condition.mask(batch)
            yield batch if mask.all() else batch.filter(mask)


@dataclass(frozen=True, slots=True)
class PortableSelectedUnit(SelectedUnit):
    """The same of a unit that other processes can read."""

    def portable(self, columns: Sequence[str]) -> PortableSelectedUnit:
        """The unit for another process."""
        needed = tuple(dict.fromkeys((*columns, *self.condition.columns)))
        return replace(self, unit=self.unit.portable(needed))  # type: ignore[attr-defined]  # what makes it portable


@dataclass(frozen=True, slots=True, repr=False)
class Rows:
    """Data, and a condition on their rows.

    Attributes
    ----------
    data : object
        Data of any supported kind.
    condition : Condition or None
        The condition.
    panel_id : tuple of str and str, or None
        Columns of panels and times, by which the rows are in order.
    """

    data: object
    condition: Condition | None
    panel_id: tuple[str, str] | None = None

    def __repr__(self) -> str:
        panel = "" if self.panel_id is None else f", panel_id={self.panel_id}"
        return f"Rows({self.data!r:.200}, where={self.condition and self.condition.text!r}{panel})"


def selected(source: Source, where: str) -> Source:
    """The source without the rows of which the condition is not true.

    Raises OptionError for what is no condition, ColumnError where a column is not there.
    """
    condition = Condition(where)
    for column in condition.columns:
        source.schema[column]  # raises where it is not there
    units = (_selected(unit, condition) for unit in source.units if _may_hold(unit, condition))
    reading = dict(getattr(source, "reading", {}))
    reading["where"] = f"({reading['where']}) & ({where})" if "where" in reading else where
    if not source.rereadable:
        return SinglePass(source.schema, units, source.inputs, None, source.size)
    paths = source.paths if isinstance(source, Rereadable) else ()
    return Rereadable(source.schema, tuple(units), source.inputs, None, source.size, True, paths, reading)


def _selected(unit: Unit, condition: Condition) -> SelectedUnit:
    """The unit with the condition."""
    return (PortableSelectedUnit if hasattr(unit, "portable") else SelectedUnit)(unit, condition)


def _may_hold(unit: Unit, condition: Condition) -> bool:
    """Whether a unit can hold a row that meets the condition, by the bounds that it knows."""
    statistics = getattr(unit, "statistics", None)
    if statistics is None:
        return True
    known: Mapping[str, Bounded] = statistics(condition.columns)
    types = {name: bounded.type for name, bounded in known.items()}
    return condition.possible(lambda name: (known[name].low, known[name].high), types)


@dataclass(frozen=True, slots=True)
class Bounded:
    """The lowest and the highest value of a column, and its Arrow type."""

    low: Any
    high: Any
    type: pa.DataType


def comparable(low: Any, high: Any, type_: pa.DataType) -> bool:
    """Whether values of a type compare with constants as its bounds do: not as rounded, and without NaN."""
    if pa.types.is_integer(type_):
        return bool(max(abs(low), abs(high)) <= LARGEST_INTEGER)
    if pa.types.is_floating(type_):
        return bool(low <= high)  # some writers put NaN there
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_boolean(type_)
                or pa.types.is_date(type_) or pa.types.is_timestamp(type_))  # fmt: skip
