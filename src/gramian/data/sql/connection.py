"""What is asked of a connection to a database, and how a user's connection is recognised by its interface."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol
from weakref import finalize

from gramian.data.sql.dialects import Dialect, dialect_named
from gramian.errors import DataError, GramianError, OptionError


class Connection(Protocol):
    """A connection as a source uses it."""

    @property
    def dialect(self) -> Dialect:
        """Its SQL."""
        ...

    @property
    def in_process(self) -> bool:
        """Whether the database is a library of this process, to which rows need not travel."""
        ...

    def schema(self, sql: str) -> Any:
        """Columns and types of a query as an Arrow schema, read from as few rows as possible."""
        ...

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query that has few."""
        ...

    def batches(self, sql: str, columns: int) -> Generator[Any, None, None]:
        """The rows of a query as record batches, one after another. columns : how many there are."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """A context in which all queries see the table as it is at its beginning, where that can be had unasked."""
        ...


class Owned:
    """A connection that is closed, or given back to its pool, once nothing refers to it any more."""

    def __init__(self, connection: Connection, close: Callable[[], object]) -> None:
        self.connection = connection
        finalize(self, close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@contextmanager
def database_errors(where: str) -> Iterator[None]:
    """A context in which what a driver raises becomes a DataError: drivers share no class of errors."""
    try:
        yield
    except (GramianError, GeneratorExit):
        raise
    except Exception as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"the database refuses: {message[:300]}", where) from error


def connection_of(connection: Any, dialect: str | None = None) -> Connection:
    """The connection behind what a user has: a URL, or a connection of DuckDB, ADBC, DBAPI or SQLAlchemy.

    Raises OptionError for other objects, and where the dialect of a connection is not known.
    """
    if isinstance(connection, str):
        from gramian.data.sql.url import opened

        connection, dialect = opened(connection)
        return Owned(connection_of(connection, dialect), connection.close)
    known = None if dialect is None else dialect_named(dialect)
    for is_kind, connect in KINDS:
        if is_kind(connection):
            return connect(connection, known)
    raise OptionError(
        f"{type(connection).__name__} is no connection to a database: pass one of DuckDB, ADBC, a driver of Python's "
        "DBAPI such as sqlite3 or psycopg, an engine of SQLAlchemy, or a URL such as 'sqlite:///file.db'"
    )


def _duckdb(connection: Any, dialect: Dialect | None) -> Connection:
    """A connection of DuckDB."""
    from gramian.data.sql.duckdb import DuckDB

    return DuckDB(connection)


def _adbc(connection: Any, dialect: Dialect | None) -> Connection:
    """A connection of ADBC."""
    from gramian.data.sql.adbc import adbc_connection

    return adbc_connection(connection, dialect)


def _sqlalchemy(connection: Any, dialect: Dialect | None) -> Connection:
    """An engine or connection of SQLAlchemy."""
    from gramian.data.sql.sqlalchemy import sqlalchemy_connection

    return sqlalchemy_connection(connection, dialect)


def _dbapi(connection: Any, dialect: Dialect | None) -> Connection:
    """A connection of any driver of Python's DBAPI."""
    from gramian.data.sql.dbapi import dbapi_connection

    return dbapi_connection(connection, dialect)


def is_duckdb(value: object) -> bool:
    """Whether this is a connection of DuckDB."""
    return type(value).__name__ == "DuckDBPyConnection"


# the first test that holds decides; by the names of attributes, so that no driver need be imported
KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Dialect | None], Connection]], ...] = (
    (is_duckdb, _duckdb),
    (lambda c: hasattr(c, "adbc_get_info"), _adbc),
    (lambda c: hasattr(c, "dialect") and hasattr(c, "engine"), _sqlalchemy),
    (lambda c: all(callable(getattr(c, name, None)) for name in ("cursor", "commit", "rollback", "close")), _dbapi),
)  # fmt: skip
