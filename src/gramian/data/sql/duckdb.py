"""Connection of DuckDB."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gramian.data.sql.dialects import DIALECTS, Dialect


@dataclass(frozen=True, slots=True, eq=False)
class DuckDB:
    """A connection of DuckDB; what it has under way is gone after a query."""

    connection: Any
    dialect: Dialect = DIALECTS["duckdb"]
    in_process: bool = True

    def schema(self, sql: str) -> Any:
        """Columns and types."""
        with pa.RecordBatchReader.from_stream(self.connection.sql(sql).limit(0)) as reader:
            return reader.schema

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows."""
        return list(self.connection.sql(sql).fetchall())

    def batches(self, sql: str, columns: int) -> Generator[Any, None, None]:
        """Record batches."""
        with pa.RecordBatchReader.from_stream(self.connection.sql(sql)) as reader:
            yield from reader

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A transaction, unless the user has one open."""
        try:
            self.connection.begin()
        except Exception as error:  # duckdb.TransactionException, whose module is optional
            if "transaction" not in str(error).lower():
                raise
            yield
            return
        try:
            yield
        finally:
            self.connection.rollback()
