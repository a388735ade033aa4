"""A unit that stands around another, and reads it in its own way."""

from __future__ import annotations

from typing import Any


class UnitWrapper:
    """Name, rows and size of the unit inside; dataclasses that derive from it hold it as `unit`."""

    __slots__ = ()

    unit: Any

    @property
    def name(self) -> str:
        """Of the unit."""
        return str(self.unit.name)

    @property
    def rows(self) -> int | None:
        """Of the unit."""
        rows: int | None = self.unit.rows
        return rows

    @property
    def size(self) -> int:
        """Of the unit."""
        return int(self.unit.size)
