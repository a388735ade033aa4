"""Databases of the tests: DuckDB and SQLite in memory, and a PostgreSQL server of their own where its programs are."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import gramian as gm

POSTGRES = next((path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
KINDS = ("duckdb", "sqlite", "psycopg", "adbc", "sqlalchemy")
SQL_TYPES = {
    "double": "DOUBLE PRECISION", "float": "REAL", "int64": "BIGINT", "int32": "INTEGER", "string": "TEXT",
    "bool": "BOOLEAN", "date32[day]": "DATE",
}  # fmt: skip
Load = Callable[[pa.Table, str], Any]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server that listens on a socket in a folder of its own."""
    if POSTGRES is None:
        pytest.skip("no PostgreSQL server is installed")
    pytest.importorskip("psycopg")
    folder = tempfile.mkdtemp(prefix="gramian-postgres-")
    prefix: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]

    def run(program: str, *options: str) -> None:
        done = subprocess.run(
            [*prefix, str(POSTGRES / program), "-D", f"{folder}/data", *options], capture_output=True, cwd=folder
        )
        assert done.returncode == 0, done.stderr.decode()

    run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
    server = f"-c listen_addresses='' -k {folder} -c fsync=off -c shared_buffers=16MB"
    run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", server, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest) -> Iterator[Load]:
    """Writes a table into a database, and returns a connection to it."""
    kind = request.param
    opened: list[Any] = []

    def load(table: pa.Table, name: str = "t") -> Any:
        address = request.getfixturevalue("postgres") if kind in ("psycopg", "adbc", "sqlalchemy") else ""
        connection = loaded(kind, table, name, address)
        opened.append(connection)
        return connection

    yield load
    for connection in opened:
        (connection.dispose if kind == "sqlalchemy" else connection.close)()


OPENED = ExitStack()  # connections of a test, which are closed after it


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    OPENED.close()


def opened_sqlite() -> sqlite3.Connection:
    """An empty database."""
    return OPENED.enter_context(closing(sqlite3.connect(":memory:")))


def loaded(kind: str, table: pa.Table, name: str, address: str = "") -> Any:
    """A connection to a database that holds the table."""
    if kind == "duckdb":
        connection = duckdb.connect()
        connection.register("given", table)
        connection.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM given")
        return connection
    columns = ", ".join(f"{quoted(field.name)} {SQL_TYPES[str(field.type)]}" for field in table.schema)
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    if kind == "sqlite":
        lite = opened_sqlite()
        lite.execute(f"CREATE TABLE {quoted(name)} ({columns})")
        marks = ", ".join("?" * table.num_columns)
        plain = [tuple(v.isoformat() if isinstance(v, date) else v for v in row) for row in rows]
        lite.executemany(f"INSERT INTO {quoted(name)} VALUES ({marks})", plain)
        lite.commit()
        return lite
    import psycopg

    with psycopg.connect(address, autocommit=True) as writer:
        writer.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
        writer.execute(f"CREATE TABLE {quoted(name)} ({columns})")
        with writer.cursor() as cursor, cursor.copy(f"COPY {quoted(name)} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    return connected(kind, address)


def connected(kind: str, address: str) -> Any:
    """A new connection to the server by a driver."""
    if kind == "adbc":
        return pytest.importorskip("adbc_driver_postgresql.dbapi").connect(address)
    if kind == "sqlalchemy":
        return pytest.importorskip("sqlalchemy").create_engine(address.replace("postgresql", "postgresql+psycopg", 1))
    import psycopg

    return psycopg.connect(address)


def quoted(name: str) -> str:
    """A name as SQL writes it, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def sql(connection: Any, name: str, **options: Any) -> Any:
    """The table as data."""
    return gm.sql(connection, quoted(name), **options)
