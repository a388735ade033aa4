"""Source over a pandas DataFrame, column by column: one that Arrow cannot hold is an error only where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Input, Rereadable
from gramian.data.columns import first_texts, ordered_levels, with_declared_order
from gramian.data.in_memory import InMemoryTable
from gramian.data.unify_schema import FileSchema, duplicates, unify
from gramian.schema import Schema


def read_pandas(data: Any) -> Rereadable:
    """A source over a DataFrame; named levels of its index are columns, too."""
    table, schema = table_of_pandas(data)
    inputs = (Input("pandas.DataFrame", None, table.rows),)
    return Rereadable(schema, table.units("pandas.DataFrame"), inputs, table.rows, None)


def table_of_pandas(data: Any) -> tuple[InMemoryTable, Schema]:
    """The columns of a DataFrame, numbers without a copy, and its schema."""
    names = [str(name) for name in data.columns]
    columns: dict[str, Any] = {}
    unusable = duplicates(names)
    for i, name in enumerate(names):
        try:
            columns[name] = _column(data.iloc[:, i])
        except (pa.ArrowException, TypeError, ValueError) as error:
            columns[name] = pa.nulls(len(data))
            unusable[name] = (
                f"column '{name}' ({data.dtypes.iloc[i]}) holds values of no single type: {_message(error)}"
            )
    # a column hides a level of the index that has the same name
    columns |= {name: level for name, level in _index(data.index) if name not in columns}
    types = {name: column.type for name, column in columns.items()}
    levels = {name: ordered for name, column in columns.items() if (ordered := ordered_levels(column)) is not None}
    schema = unify([FileSchema("pandas.DataFrame", types, unusable, first_texts(columns))], levels).schema
    return InMemoryTable(len(data), columns, {}), schema


def _index(index: Any) -> Sequence[tuple[str, Any]]:
    """Named levels of the index, as columns."""
    named = [name for name in index.names if name is not None]
    return [(str(name), _column(index.get_level_values(name))) for name in named]


def _column(values: Any) -> Any:
    """A Series or a level of an index as an Arrow array."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "f":
        floats = values.to_numpy()
        with np.errstate(all="ignore"):
            total = np.add.reduce(floats)
        # Arrow looks for NaN value by value; a sum that is a number says some times quicker that there is none.
        if not np.isnan(total):
            return pa.array(floats)
    return with_declared_order(pa.array(values, from_pandas=True), values.dtype)


def _message(error: Exception) -> str:
    """What an exception says."""
    return str(error.args[0]) if error.args else str(error)
