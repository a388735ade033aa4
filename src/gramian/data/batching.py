"""What every reader shares: how many rows are read together, sources that last, sources that are used up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gramian.batch import Input, Unit
from gramian.schema import Schema

BATCH_ROWS = 65_536
SLICE_ROWS = 131_072  # rows of a unit in memory; never a function of the number of workers
BATCH_CELLS = 2**23  # 64 MB of float64: wide tables are read in fewer rows


def batch_rows(width: int, rows: int = BATCH_ROWS) -> int:
    """Rows read together for so many columns: `rows`, fewer for very wide tables."""
    return min(rows, max(1024, BATCH_CELLS // max(width, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Rereadable:
    """A source whose units can be read as often as wanted."""

    schema: Schema
    units: tuple[Unit, ...]
    inputs: tuple[Input, ...]
    rows: int | None
    size: int | None
    rereadable: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class SinglePass:
    """A source that is used up by one pass; nothing is pulled before a unit is asked for."""

    schema: Schema
    units: Iterator[Unit]
    inputs: tuple[Input, ...]
    rows: int | None = None
    size: int | None = None
    rereadable: bool = False
