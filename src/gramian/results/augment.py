"""Rows of data with fitted values, residuals and leverages: the Arrow table of `augment`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Source
from gramian.results.rows import Rows, RowwiseFit
from gramian.typing import Vector

NAMES = (".fitted", ".resid", ".hat", ".std_resid")  # as in R's broom
INFLUENCE = (".cooksd", ".dffits", ".rstudent")


def augmented(rowwise: RowwiseFit, source: Source) -> pa.Table:
    """One row for each row of the data: the columns of the formula, then those of `NAMES`, and of `INFLUENCE`.

    Rows that are not complete have null in the latter. Without the outcome there are no residuals, and without the
    weights beside it no leverages. Raises ColumnError where another column is not in the data.
    """
    there = rowwise.for_schema(source.schema)
    without_outcome = NAMES[:3:2] if there.design.weight == rowwise.design.weight else NAMES[:1]
    names = NAMES if there.design.outcome else without_outcome
    parts = [_part(there, rows, names) for rows in there.read(source)]
    if not parts:
        return pa.table({**dict.fromkeys(there.names, pa.nulls(0)), **dict.fromkeys(names, pa.nulls(0))})
    return pa.concat_tables(parts, promote_options="permissive")


def _part(rowwise: RowwiseFit, rows: Rows, names: tuple[str, ...]) -> pa.Table:
    """The table of one batch. names : of the columns that are added."""
    # Rows of leverage 1 divide by zero; their standardised residual is null in the table.
    with np.errstate(all="ignore"):
        evaluated, fitted = rowwise.evaluate(rows), rowwise.mean(rows.values[0])
    values = (fitted, rows.y - fitted, evaluated.leverage, evaluated.standardized)
    added = [(name, v) for name, v in zip(NAMES, values, strict=True) if name in names]
    if names == NAMES and evaluated.influence is not None:
        added += zip(INFLUENCE, evaluated.influence, strict=True)
    columns: Mapping[str, Any] = {name: _column(rows, name) for name in rowwise.names}
    return pa.table({**columns, **{name: _over_all_rows(v, rows) for name, v in added}})


def _column(rows: Rows, name: str) -> Any:
    """A column of the formula as the data have it."""
    column = rows.batch.columns.get(name)
    return rows.batch.numbers(name).values if column is None else column


def _over_all_rows(values: Vector, rows: Rows) -> Any:
    """Values of the complete rows (m,) as a column of all n rows, null elsewhere and where a value is NaN."""
    out = np.full(rows.batch.rows, np.nan)
    out[rows.complete] = values
    return pa.array(out, mask=np.isnan(out))
