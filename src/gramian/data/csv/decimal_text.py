"""Reads the floating-point columns of CSV files as text, for exact sums of decimal fractions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from gramian.batch import Rereadable, Source, Unit
from gramian.data.csv.reader import Table


def as_text(source: Source) -> Source:
    """The source with floating-point columns of CSV files as text; other units are unchanged.

    A source that can be read once is returned as it is.
    """
    if not source.rereadable:
        return source
    units = tuple(_with_text_numbers(unit) for unit in source.units)
    return Rereadable(source.schema, units, source.inputs, source.rows, source.size)


def _with_text_numbers(unit: Any) -> Unit:
    """A unit with floating-point columns as text, if it is a CSV file or wraps one."""
    wrapped = getattr(unit, "unit", None)
    if wrapped is not None:  # a unit that reads another one
        wrapper: Unit = replace(unit, unit=_with_text_numbers(wrapped))
        return wrapper
    if not isinstance(unit, Table):
        unchanged: Unit = unit
        return unchanged
    return replace(unit, types=tuple((name, _text(kind)) for name, kind in unit.types))


def _text(kind: Any) -> Any:
    """Text in place of a floating-point type."""
    return pa.string() if pa.types.is_floating(kind) else kind
