"""Frames of pandas, column by column: a column that Arrow cannot hold matters only to who uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from gramian.batch import Input
from gramian.data.agreement import Claim, agree, duplicates
from gramian.data.columns import ordered_levels
from gramian.data.reading import Rereadable
from gramian.data.slices import Held
from gramian.schema import Schema


def read_pandas(data: Any) -> Rereadable:
    """A DataFrame; named levels of its index are columns, too."""
    held, schema = hold_pandas(data)
    inputs = (Input("pandas.DataFrame", None, held.rows),)
    return Rereadable(schema, held.units("pandas.DataFrame"), inputs, held.rows, None)


def hold_pandas(data: Any) -> tuple[Held, Schema]:
    """The columns of a DataFrame, numbers without a copy, and its schema."""
    names = [str(name) for name in data.columns]
    columns: dict[str, Any] = {}
    unusable = duplicates(names)
    for i, name in enumerate(names):
        try:
            columns[name] = pa.array(data.iloc[:, i], from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError) as error:
            columns[name] = pa.nulls(len(data))
            unusable[name] = f"column '{name}' ({data.dtypes.iloc[i]}) holds values of no single type: {_told(error)}"
    columns |= {name: level for name, level in _index(data.index) if name not in columns}
    types = {name: column.type for name, column in columns.items()}
    levels = {name: found for name, column in columns.items() if (found := ordered_levels(column)) is not None}
    schema = agree([Claim("pandas.DataFrame", types, unusable)], levels).schema
    return Held(len(data), columns, {}), schema


def _index(index: Any) -> Sequence[tuple[str, Any]]:
    named = [name for name in index.names if name is not None]
    return [(str(name), pa.array(index.get_level_values(name), from_pandas=True)) for name in named]


def _told(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)
