"""Numbers of text files as the text that they are, for whoever wants decimals exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from gramian.batch import Source, Unit
from gramian.data.batching import Rereadable
from gramian.data.csv.reader import Table


def as_text(source: Source) -> Source:
    """The same rows, with numbers of CSV files as text; anything else holds what it holds."""
    if not source.rereadable:
        return source
    units = tuple(_with_text_numbers(unit) for unit in source.units)
    return Rereadable(source.schema, units, source.inputs, source.rows, source.size)


def _with_text_numbers(unit: Any) -> Unit:
    wrapped = getattr(unit, "unit", None)
    if wrapped is not None:  # a unit may stand around another
        wrapper: Unit = replace(unit, unit=_with_text_numbers(wrapped))
        return wrapper
    if not isinstance(unit, Table):
        unchanged: Unit = unit
        return unchanged
    return replace(unit, types=tuple((name, _text(kind)) for name, kind in unit.types))


def _text(kind: Any) -> Any:
    return pa.string() if pa.types.is_floating(kind) else kind
