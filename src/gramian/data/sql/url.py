"""URLs of databases, such as sqlite:///file.db and postgresql://user@host/name."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from gramian.batch import Source
from gramian.data.sql.connection import connection_of
from gramian.data.sql.source import table_source
from gramian.data.sql.text import relation_of
from gramian.errors import DataError, MissingExtraError, OptionError

SCHEMES = ("duckdb", "sqlite", "postgresql", "postgres")
OWN = ("table", "query")  # what is ours of the part behind "?"


def split_url(url: str) -> tuple[str, str]:
    """The URL of the database, and the table or query behind `?table=` or `?query=`.

    Raises OptionError where there is none, or both.
    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    named = [value for key, value in given if key in OWN]
    if len(named) != 1 or not named[0]:
        raise OptionError(
            f"'{without_password(url)}' must say what to read, by ?table=name or ?query=SELECT..., one of them"
        )
    rest = urlencode([(key, value) for key, value in given if key not in OWN])
    return f"{parts.scheme}://{parts.netloc}{parts.path}{'?' if rest else ''}{rest}", named[0]


def read_url(url: str) -> Source:
    """The source over the table or query of a URL."""
    address, table = split_url(url)
    connection = connection_of(address)
    return table_source(connection, relation_of(table, connection.dialect), None)


def opened(url: str) -> tuple[Any, str]:
    """A connection for a URL, and its dialect. Raises DataError where the database cannot be opened."""
    scheme = urlsplit(url).scheme.lower()
    if scheme not in SCHEMES:
        raise OptionError(f"'{without_password(url)}' is no URL of a database; known are {', '.join(SCHEMES)}")
    try:
        if scheme in ("postgresql", "postgres"):
            return _postgres(url), "postgres"
        path = _path(url)
        return (_duckdb(path), "duckdb") if scheme == "duckdb" else (_sqlite(path), "sqlite")
    except (MissingExtraError, DataError):
        raise
    except Exception as error:
        raise DataError(f"cannot be opened: {error}", without_password(url)) from error


def without_password(url: str) -> str:
    """A URL for messages."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _path(url: str) -> Path:
    """The file of a URL: three slashes before a relative path, four before an absolute one."""
    parts = urlsplit(url)
    path = Path(unquote(parts.netloc + parts.path.removeprefix("/")))
    if not path.is_file():
        raise DataError("there is no such file", without_password(url))
    return path


def _sqlite(path: Path) -> Any:
    """A connection to a file that is only read."""
    import sqlite3

    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)


def _duckdb(path: Path) -> Any:
    """A connection to a file that is only read."""
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("duckdb", "duckdb") from error
    return duckdb.connect(str(path), read_only=True)


def _postgres(url: str) -> Any:
    """A connection to a server, by ADBC where its driver is there, else by psycopg."""
    try:
        from adbc_driver_postgresql.dbapi import connect
    except ImportError:
        try:
            from psycopg import connect
        except ImportError as error:
            raise MissingExtraError("psycopg", "postgres") from error
    return connect(url)
