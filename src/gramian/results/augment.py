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


def augmented(rowwise: RowwiseFit, source: Source) -> pa.Table:
    """One row for each row of the data: the columns of the formula, then those of `NAMES`.

    Rows that are not complete have null in the latter. Raises ColumnError where a column is not in the data, the
    outcome included.
    """
    parts = [_part(rowwise, rows) for rows in rowwise.read(source)]
    if not parts:
        return pa.table({**dict.fromkeys(rowwise.design.columns, pa.nulls(0)), **dict.fromkeys(NAMES, pa.nulls(0))})
    return pa.concat_tables(parts, promote_options="permissive")


def _part(rowwise: RowwiseFit, rows: Rows) -> pa.Table:
    """The table of one batch."""
    # Rows of leverage 1 divide by zero; their standardised residual is null in the table.
    with np.errstate(all="ignore"):
        evaluated, fitted = rowwise.evaluate(rows), rowwise.mean(rows.values[0])
    added = zip(NAMES, (fitted, rows.y - fitted, evaluated.leverage, evaluated.standardized), strict=True)
    columns: Mapping[str, Any] = {name: _column(rows, name) for name in rowwise.design.columns}
    return pa.table({**columns, **{name: _over_all_rows(values, rows) for name, values in added}})


def _column(rows: Rows, name: str) -> Any:
    """A column of the formula as the data have it."""
    column = rows.batch.columns.get(name)
    return rows.batch.numbers(name).values if column is None else column


def _over_all_rows(values: Vector, rows: Rows) -> Any:
    """Values of the complete rows (m,) as a column of all n rows, null elsewhere and where a value is NaN."""
    out = np.full(rows.batch.rows, np.nan)
    out[rows.complete] = values
    return pa.array(out, mask=np.isnan(out))
