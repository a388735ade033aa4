"""Connections of ADBC."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.data.sql.dbapi import FIRST_ROWS
from gramian.data.sql.dialects import Dialect, dialect_named
from gramian.errors import OptionError

DIALECT_OF = {"postgresql": "postgres", "duckdb": "duckdb", "sqlite": "sqlite", "snowflake": "snowflake",
              "bigquery": "bigquery", "databricks": "databricks"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Adbc:
    """A connection of ADBC."""

    connection: Any
    dialect: Dialect
    in_process: bool

    def schema(self, sql: str) -> Any:
        """Columns and types; of SQLite those of the first rows, since there every value has a type of its own."""
        rows = FIRST_ROWS if self.dialect.name == "sqlite" else 0
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM (\n{sql}\n) AS gramian_columns LIMIT {rows}")
            with cursor.fetch_record_batch() as reader:
                return pa.schema([_with_numbers(field) for field in reader.schema])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows."""
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def batches(self, sql: str, columns: int) -> Generator[Any, None, None]:
        """Record batches."""
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            with cursor.fetch_record_batch() as reader:
                yield from map(_readable, reader)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """None, for whether the user has a transaction open cannot be known; what is set for sums is set back."""
        self._execute(self.dialect.prepare)
        yield
        self._execute(self.dialect.restore)

    def _execute(self, statements: Sequence[str]) -> None:
        """Statements without a result."""
        with closing(self.connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)


def adbc_connection(connection: Any, dialect: Dialect | None) -> Adbc:
    """A connection of ADBC. Raises OptionError for a database whose SQL is unknown."""
    vendor = str(connection.adbc_get_info().get("vendor_name", "")).lower()
    name = next((known for start, known in DIALECT_OF.items() if vendor.startswith(start)), None)
    if dialect is None and name is None:
        raise OptionError(f"the SQL of '{vendor}' is not known; name one that is like it, as in dialect='postgres'")
    return Adbc(connection, dialect or dialect_named(str(name)), name in ("duckdb", "sqlite"))


def _is_numeric(field: Any) -> bool:
    """Whether a column is PostgreSQL's NUMERIC, which arrives as text."""
    return (field.metadata or {}).get(b"ADBC:postgresql:typname") == b"numeric"


def _with_numbers(field: Any) -> Any:
    """A column of the schema as it is read."""
    return pa.field(field.name, pa.float64()) if _is_numeric(field) else field


def _readable(batch: Any) -> Any:
    """A record batch whose numbers are numbers, each the nearest float64."""
    if not any(map(_is_numeric, batch.schema)):
        return batch
    pairs = zip(batch.schema, batch.columns, strict=True)
    arrays = [_storage(column).cast(pa.float64()) if _is_numeric(field) else column for field, column in pairs]
    return pa.RecordBatch.from_arrays(arrays, batch.schema.names)


def _storage(column: Any) -> Any:
    """A column without the type that a driver puts around it."""
    return column.storage if isinstance(column.type, pa.BaseExtensionType) else column
