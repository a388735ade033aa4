"""A table cut into units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa

from gramian.batch import Input, Unit
from gramian.data.source import source_of
from gramian.schema import Schema


@dataclass(frozen=True)
class Cut:
    """A source whose units are consecutive rows of a table."""

    schema: Schema
    units: Sequence[Unit]
    inputs: tuple[Input, ...]
    rows: int
    size: None = None
    rereadable: bool = True


def cut(table: pa.Table, edges: Sequence[int]) -> Cut:
    """A table whose units end at these rows; where it ends comes by itself."""
    places = [0, *edges, table.num_rows]
    units: list[Any] = []
    for start, stop in pairwise(places):
        units += source_of(table.slice(start, stop - start)).units
    return Cut(source_of(table).schema, units, (), table.num_rows)
