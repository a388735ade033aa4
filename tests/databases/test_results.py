"""Cursors, connections and URLs as data."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner

import gramian as gm
from databases.conftest import Load, loaded, opened_sqlite
from gramian.cli.main import gramian
from gramian.data.source import source_of
from gramian.errors import DataError, OptionError

ROWS = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 5.0, 8.0]})


def test_a_cursor_is_data(database: Load) -> None:
    connection = database(ROWS, "plain")
    if hasattr(connection, "raw_connection"):
        text = pytest.importorskip("sqlalchemy").text
        with connection.connect() as opened:
            assert gm.ols("y ~ x", opened.execute(text("SELECT * FROM plain")))["x"] == pytest.approx(1.9)
    else:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM plain")
        assert gm.ols("y ~ x", cursor)["x"] == pytest.approx(1.9)
        if not isinstance(connection, duckdb.DuckDBPyConnection):
            with pytest.raises(DataError, match=r"does not say what to read; pass gm\.sql"):
                gm.ols("y ~ x", connection)
        cursor.close()


def test_duckdb_connections_hold_a_result_or_none() -> None:
    with duckdb.connect() as connection:
        with pytest.raises(DataError, match="has no rows to read"):
            gm.ols("y ~ x", connection)
        connection.register("given", ROWS)
        assert gm.ols("y ~ x", connection.execute("SELECT * FROM given"))["x"] == pytest.approx(1.9)


@pytest.fixture
def urls(tmp_path: Path) -> dict[str, str]:
    """A file of each kind, by its URL."""
    lite, duck = tmp_path / "a file.db", tmp_path / "duck.db"
    with closing(sqlite3.connect(lite)) as target:
        loaded("sqlite", ROWS, "t").backup(target)
    with duckdb.connect(str(duck)) as target:
        target.register("given", ROWS)
        target.execute("CREATE TABLE t AS SELECT * FROM given")
    return {"sqlite": f"sqlite:///{lite}", "duckdb": f"duckdb:///{duck}"}


def test_a_url_is_data(urls: dict[str, str], postgres: str) -> None:
    loaded("psycopg", ROWS, "t", postgres).close()
    for url in (*urls.values(), postgres):
        joined = f"{url}{'&' if '?' in url else '?'}"
        for rest in ("table=t", "query=SELECT+*+FROM+t"):
            assert gm.ols("y ~ x", joined + rest)["x"] == pytest.approx(1.9)
        assert gm.ols("y ~ x", gm.sql(url, "t"))["x"] == pytest.approx(1.9)


def test_the_command_reads_databases(urls: dict[str, str]) -> None:
    done = CliRunner().invoke(gramian, ["fit", "y ~ x", f"{urls['sqlite']}?table=t", "--format", "csv"])
    assert done.exit_code == 0, done.output
    assert "1.9" in done.output


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///nowhere.db?table=t", "sqlite:///nowhere.db: there is no such file"),
        ("postgresql://me:secret@host/name", r"'postgresql://host/name' must say what to read, by \?table=name"),
        ("duckdb:///f.db?table=t&query=SELECT+1", "one of them"),
    ],
)
def test_wrong_urls_say_what_is_missing(url: str, message: str) -> None:
    with pytest.raises((DataError, OptionError), match=message) as caught:
        source_of(url)
    assert "secret" not in str(caught.value)


def test_a_cursor_without_rows_is_refused() -> None:
    connection = opened_sqlite()
    cursor = connection.execute("CREATE TABLE t (x, y)")
    with pytest.raises(DataError, match=r"has no rows to read; pass gm\.sql"):
        gm.ols("y ~ x", cursor)
