"""Rows of data with what a fit says of each: an Arrow table for `augment`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Source
from gramian.results.pictures.rows import Drawing, Rows
from gramian.typing import Vector

NAMES = (".fitted", ".resid", ".hat", ".std_resid")


def augmented(how: Drawing, source: Source) -> pa.Table:
    """One row for each row of the data: the formula's columns, then `NAMES`, null where something is missing.

    Raises ColumnError where a column, the outcome among them, is not there.
    """
    parts = [_part(how, rows) for rows in how.read(source)]
    if not parts:
        return pa.table({**dict.fromkeys(how.design.columns, pa.nulls(0)), **dict.fromkeys(NAMES, pa.nulls(0))})
    return pa.concat_tables(parts, promote_options="permissive")


def _part(how: Drawing, rows: Rows) -> pa.Table:
    with np.errstate(all="ignore"):
        judged, fitted = how.judge(rows), how.mean(rows.values[0])
    told = zip(NAMES, (fitted, rows.y - fitted, judged.leverage, judged.standard), strict=True)
    columns: Mapping[str, Any] = {name: _column(rows, name) for name in how.design.columns}
    return pa.table({**columns, **{name: _spread(values, rows) for name, values in told}})


def _column(rows: Rows, name: str) -> Any:
    """A column as the data have it."""
    found = rows.batch.columns.get(name)
    return rows.batch.numbers(name).values if found is None else found


def _spread(values: Vector, rows: Rows) -> Any:
    out = np.full(rows.batch.rows, np.nan)
    out[rows.known] = values
    return pa.array(out, mask=np.isnan(out))
