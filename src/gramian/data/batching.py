"""What readers share: sizes of batches and units, and the two kinds of sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gramian.batch import Input, Unit
from gramian.schema import Schema

BATCH_ROWS = 65_536  # rows of a batch: enough for vectorised work, few enough to keep temporaries small
SLICE_ROWS = 131_072  # rows of a unit in memory; a constant, so that the bits do not depend on the number of workers
BATCH_CELLS = 2**23  # 64 MB of float64: wide tables are read in fewer rows


def batch_rows(width: int, rows: int = BATCH_ROWS) -> int:
    """Number of rows of a batch with `width` columns: `rows`, or fewer for very wide tables, but at least 1024."""
    return min(rows, max(1024, BATCH_CELLS // max(width, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Rereadable:
    """A source whose units can be read any number of times.

    Attributes
    ----------
    schema : Schema
        Its columns.
    units : tuple of Unit
        Its units.
    inputs : tuple of Input
        The files or frames that are read.
    rows, size : int or None
        Number of rows and bytes, where known.
    paths : tuple of str
        Paths, folders and patterns of files that are read without options, absolute; by them they are found again.
    """

    schema: Schema
    units: tuple[Unit, ...]
    inputs: tuple[Input, ...]
    rows: int | None
    size: int | None
    rereadable: bool = True
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SinglePass:
    """A source that can be read once; nothing is taken from it before a unit is asked for.

    The attributes are those of `Rereadable`, but `units` is an iterator.
    """

    schema: Schema
    units: Iterator[Unit]
    inputs: tuple[Input, ...]
    rows: int | None = None
    size: int | None = None
    rereadable: bool = False
