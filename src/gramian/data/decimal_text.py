"""Numbers of text files as the text that they are, for whoever wants decimals exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from gramian.batch import Source, Unit
from gramian.data.csv import Table
from gramian.data.reading import Rereadable


def as_text(source: Source) -> Source:
    """The same rows, with numbers of CSV files as text; anything else holds what it holds."""
    if not source.rereadable:
        return source
    units = tuple(_spelt(unit) for unit in source.units)
    return Rereadable(source.schema, units, source.inputs, source.rows, source.size)


def _spelt(unit: Any) -> Unit:
    inside = getattr(unit, "unit", None)
    if inside is not None:  # a unit may stand around another
        around: Unit = replace(unit, unit=_spelt(inside))
        return around
    if not isinstance(unit, Table):
        read: Unit = unit
        return read
    return replace(unit, types=tuple((name, _text(kind)) for name, kind in unit.types))


def _text(kind: Any) -> Any:
    return pa.string() if pa.types.is_floating(kind) else kind
