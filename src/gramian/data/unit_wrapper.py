"""Base of units that wrap another unit and read it in their own way."""

from __future__ import annotations

from typing import Any


class UnitWrapper:
    """Name, rows and size of the wrapped unit, which derived dataclasses have as `unit`."""

    __slots__ = ()

    unit: Any

    @property
    def name(self) -> str:
        """Name of the wrapped unit."""
        return str(self.unit.name)

    @property
    def rows(self) -> int | None:
        """Number of rows of the wrapped unit."""
        rows: int | None = self.unit.rows
        return rows

    @property
    def size(self) -> int:
        """Bytes of the wrapped unit."""
        return int(self.unit.size)
