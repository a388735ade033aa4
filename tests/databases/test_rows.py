"""Rows of databases arrive as those of frames do; what is no table, no SELECT or not the same each time is refused."""

from __future__ import annotations

import sqlite3
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import gramian as gm
from databases.conftest import Load, loaded, opened_sqlite, sql
from gramian.data.source import source_of
from gramian.errors import DataError, OptionError

FORMULA = "y ~ x + f + g + factor(i) + b"


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(3)
    n = 400
    rows = {
        "x": pa.array(rng.normal(size=n), mask=rng.random(n) < 0.1),
        "f": rng.normal(size=n).astype(np.float32),
        "i": pa.array(rng.integers(0, 4, n), mask=rng.random(n) < 0.1),
        "g": pa.array(rng.choice(["red", "Red", "gr\u00fcn"], n), mask=rng.random(n) < 0.1),
        "b": pa.array(rng.random(n) < 0.5),
        "d": pa.array(rng.integers(18_000, 18_003, n).astype("datetime64[D]")),
        "y": rng.normal(size=n),
    }
    return pa.table(rows)


def test_rows_are_those_of_the_frame(database: Load, table: pa.Table) -> None:
    connection = database(table, "rows")
    lite = isinstance(connection, sqlite3.Connection)  # it has neither booleans nor dates
    formula = FORMULA.replace(" + b", "") if lite else f"{FORMULA} + factor(d)"
    expected = gm.ols(formula, table)
    for data in (
        sql(connection, "rows", pushdown=False),
        gm.sql(connection, "SELECT * FROM rows -- all", pushdown=False),
    ):
        fit = gm.ols(formula, data)
        assert fit.names == expected.names
        assert fit.dropped_rows == expected.dropped_rows
        np.testing.assert_array_equal(fit.coefficients, expected.coefficients)
    assert gm.glm("y ~ x", sql(connection, "rows"), "gaussian").rows == 400 - table["x"].null_count
    np.testing.assert_array_equal(fit.predict(sql(connection, "rows")), expected.predict(table))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DELETE FROM t", "neither the name of a table nor a SELECT"),
        ("t; DROP TABLE t", "neither the name of a table nor a SELECT"),
        ("SELECT 1; DROP TABLE t", "2 statements; one SELECT"),
        ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", "DELETE is in it"),
        ("SELECT * INTO u FROM t", "INTO is in it"),
        ("SELECT * FROM t FOR UPDATE", "LOCK is in it"),
        ("SELECT x, random() AS r FROM t", "calls rand"),
        ("SELECT * FROM t WHERE d > now()", "another value each time"),
        ("SELECT nextval('s') FROM t", "calls nextval"),
        ("SELECT * FROM t TABLESAMPLE BERNOULLI (10)", "random sample"),
        ("SELECT * FROM (SELECT * FROM t LIMIT 5) AS u", "LIMIT without ORDER BY"),
        ("SELECT FROM WHERE", "cannot be read as"),
        ("", "neither the name of a table"),
    ],
)
def test_what_is_no_table_is_refused(text: str, message: str) -> None:
    with duckdb.connect() as connection, pytest.raises(OptionError, match=message):
        gm.sql(connection, text, dialect="postgres")


def test_a_connection_is_recognised_by_its_interface() -> None:
    with pytest.raises(OptionError, match="no connection to a database"):
        gm.sql(object(), "t")
    with pytest.raises(OptionError, match=r"dialect must be one of .* did you mean 'postgres'"):
        gm.sql(opened_sqlite(), "t", dialect="postgre")
    with pytest.raises(DataError, match="no such file"):
        gm.sql("sqlite:///nowhere.db", "t")
    with duckdb.connect() as connection, pytest.raises(DataError, match="DuckDB, nowhere: the database refuses"):
        source_of(gm.sql(connection, "nowhere"))


@pytest.mark.parametrize(
    "name", ['a"; DROP TABLE t; --', "a'b\\", "/*", "`x`]", "\U0001f40d \u202e", "%s $1 :n ?", "SELECT"]
)
def test_names_are_names(name: str) -> None:
    table = pa.table({name: [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 5.0, 8.0]})
    for kind in ("duckdb", "sqlite"):
        connection = loaded(kind, table, name)
        for pushdown in (False, None):
            assert gm.ols("y ~ .", sql(connection, name, pushdown=pushdown)).coefficients[1] == pytest.approx(1.9)
        assert len(list(connection.execute(f"SELECT * FROM {_quoted(name)}").fetchall())) == 4


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_types_that_drift_are_named() -> None:
    connection = opened_sqlite()
    connection.execute("CREATE TABLE t (x, y)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(float(k), k % 7) for k in range(1500)])
    connection.execute("INSERT INTO t VALUES ('many', 3)")
    with pytest.raises(DataError, match="column 'x' holds float and text in different rows"):
        gm.ols("y ~ x", gm.sql(connection, "t", pushdown=False))
    connection.execute("UPDATE t SET x = 9007199254740993 WHERE x = 'many'")
    with pytest.raises(DataError, match="9007199254740993, beyond 2\\^53"):
        gm.ols("y ~ x", gm.sql(connection, "t", pushdown=False))


def test_a_table_that_changes_is_refused(table: pa.Table) -> None:
    connection = loaded("sqlite", table, "t")
    source: Any = source_of(gm.sql(connection, "t"))
    (unit,) = source.units
    assert sum(batch.rows for batch in unit.batches(["x"])) == 400
    connection.execute("DELETE FROM t WHERE rowid = 1")
    with pytest.raises(DataError, match="had 400 rows at the first reading and has 399 now"):
        list(unit.batches(["x"]))
