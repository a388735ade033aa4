"""Engines and connections of SQLAlchemy: the DBAPI connection behind them."""

from __future__ import annotations

from typing import Any

from gramian.data.sql.connection import Connection, Owned, connection_of
from gramian.data.sql.dialects import Dialect
from gramian.errors import OptionError

DIALECT_OF = {"postgresql": "postgres", "sqlite": "sqlite", "duckdb": "duckdb", "snowflake": "snowflake",
              "bigquery": "bigquery", "databricks": "databricks"}  # fmt: skip


def sqlalchemy_connection(connection: Any, dialect: Dialect | None) -> Connection:
    """The driver's connection of an engine (a new one), or of a connection. Raises OptionError for other databases."""
    if hasattr(connection, "sync_engine"):
        raise OptionError("an asynchronous engine cannot be read: pass create_engine(url)")
    name = DIALECT_OF.get(connection.dialect.name)
    if dialect is None and name is None:
        raise OptionError(f"the SQL of '{connection.dialect.name}' is not known; name one, as in dialect='postgres'")
    raw = connection.raw_connection() if hasattr(connection, "raw_connection") else connection.connection
    driver = getattr(raw, "driver_connection", raw)
    wrapped = connection_of(driver, name if dialect is None else dialect.name)
    return Owned(wrapped, raw.close) if hasattr(connection, "raw_connection") else wrapped
