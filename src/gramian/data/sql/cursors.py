"""Results that a cursor holds, and bare connections: what was executed already, read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from gramian.batch import Source, Unit
from gramian.data.batches import read_iterator
from gramian.data.frames import read_stream
from gramian.data.sql.dbapi import FETCHED, POSTGRES, arrow_array
from gramian.errors import DataError

USE_SQL = "pass gm.sql(connection, 'table or query'), or a cursor that has executed a SELECT"


def is_cursor(data: object) -> bool:
    """Whether this is a cursor of DBAPI or ADBC, a connection of DuckDB, or a result of SQLAlchemy."""
    return callable(getattr(data, "fetchmany", None))


def is_connection(data: object) -> bool:
    """Whether this is a connection, or an engine of SQLAlchemy, that says nothing of what to read."""
    needed = ("raw_connection",) if hasattr(data, "raw_connection") else ("cursor", "commit", "rollback")
    return all(callable(getattr(data, name, None)) for name in needed)


def read_cursor(data: Any) -> Source:
    """A source over the rows that a cursor has not handed over yet; they can be read once.

    Raises DataError where nothing was executed, or what was has no rows.
    """
    cursor = getattr(data, "cursor", None)
    described = getattr(cursor if hasattr(cursor, "description") else data, "description", None)
    if described is None:
        raise DataError(f"has no rows to read; {USE_SQL}", _name(data))
    if callable(reader := getattr(data, "fetch_record_batch", None)):
        try:
            source = read_stream(reader())
            return replace(source, units=_kept(source.units, data))
        except Exception as error:  # DuckDB and ADBC have errors of their own
            raise DataError(f"has no rows to read ({error}); {USE_SQL}", _name(data)) from error
    return read_iterator(_batches(data, described))


def refuse_connection(data: Any) -> Source:
    """Raise DataError for a connection."""
    raise DataError(f"does not say what to read; {USE_SQL}", _name(data))


def _kept(units: Iterator[Unit], cursor: Any) -> Iterator[Unit]:
    """The units; the cursor, whose end is the end of its stream, stays as long as they do."""
    yield from units
    del cursor


def _batches(cursor: Any, described: Any) -> Iterator[Any]:
    """Record batches of the tuples of a cursor; one without rows where there are none."""
    names, first = [entry[0] for entry in described], True
    while (rows := cursor.fetchmany(FETCHED)) or first:
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        arrays = [_typed(values, entry) for values, entry in zip(columns, described, strict=True)]
        yield pa.table(arrays, names=names)
        first = False


def _typed(values: Any, described: Any) -> Any:
    """A column; whole numbers as the driver of PostgreSQL says them, other numbers as float64."""
    array = arrow_array(values, described[0])
    declared = POSTGRES.get(described[1]) if isinstance(described[1], int) else None
    if pa.types.is_null(array.type) and declared is not None:
        return array.cast(declared)
    return array


def _name(data: object) -> str:
    """The type of an object, for messages."""
    return f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
