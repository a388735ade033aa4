"""Sums that a database makes are those of a pass over its rows, up to the rounding that the certificate states."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

import gramian as gm
from databases.conftest import Load, loaded, opened_sqlite, sql
from gramian.data.sql.dbapi import DBAPI
from gramian.data.sql.duckdb import DuckDB
from gramian.errors import DataError, OptionError
from gramian.fit.database import sums as sums_module

N = 600
FORMULAS = [
    ("y ~ x", {}),
    ("y ~ x*g + I(z^2) + factor(i)", {}),
    ("y ~ 0 + g:factor(i) + x:z", {"weights": "w"}),
    ("y ~ g + poly(z, 2, raw=TRUE)", {"counts": "c"}),
    ("I(y/z) ~ log(w) + sqrt(z) + exp(x) + abs(z) - 1", {"weights": "w", "counts": "c"}),
]


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(11)
    x = rng.normal(size=N)
    x[5:9] = [np.nan, np.inf, -np.inf, 0.0]
    z = 3.0 + rng.normal(size=N)
    z[:3] = [0.0, -1.0, np.nan]
    y = rng.normal(size=N) + 2.0 * np.where(np.isfinite(x), x, 0.0)
    nulls = rng.random((4, N)) < 0.05
    return pa.table(
        {
            "x": pa.array(x, mask=nulls[0]),
            "z": pa.array(z, mask=nulls[1]),
            "y": y,
            "g": pa.array(rng.choice(["u", "U", "v"], N), mask=nulls[2]),
            "i": pa.array(rng.integers(-1, 3, N), mask=nulls[3]),
            "w": pa.array(rng.integers(0, 5, N) / 2.0, mask=np.roll(nulls[0], 3)),
            "c": rng.integers(0, 4, N),
        }
    )


@pytest.fixture
def no_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No row travels."""

    def travel(*_: object) -> Iterator[Any]:
        raise AssertionError("rows travel")

    for kind in (DuckDB, DBAPI):
        monkeypatch.setattr(kind, "batches", travel)
    return


def check_equal(fit: Any, expected: Any) -> None:
    """Numbers agree to the digits that both certify; counts agree."""
    assert fit.names == expected.names
    assert fit.rows == expected.rows
    assert fit.dropped_rows == expected.dropped_rows
    assert (fit.digits > 6).all()
    digits = np.minimum(fit.digits, expected.digits)
    gap = np.abs(fit.coefficients - expected.coefficients)
    assert (gap <= np.abs(expected.coefficients) * 2.0 * 10.0**-digits).all()
    np.testing.assert_allclose(fit.std_errors, expected.std_errors, rtol=1e-6)
    np.testing.assert_allclose(fit.loglik, expected.loglik, rtol=1e-9)


@pytest.mark.usefixtures("no_rows")
def test_a_fit_is_that_of_the_rows(database: Load, table: pa.Table) -> None:
    connection = database(table, "sums")
    lite = isinstance(connection, sqlite3.Connection)
    if lite:  # it stores NaN as null
        plain = {name: table[name].to_pylist() for name in table.column_names}
        table = pa.table({name: [None if v != v else v for v in values] for name, values in plain.items()})
    for formula, options in FORMULAS:
        if lite and ("weights" in options or "log" in formula):
            continue
        fit = gm.ols(formula, sql(connection, "sums", pushdown=True), **options)
        assert fit.passes == 1
        check_equal(fit, gm.ols(formula, table, **options))


@pytest.mark.usefixtures("no_rows")
def test_tables_of_their_own_hold_the_same(table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    formula = "y ~ x*g + factor(i)"
    data = sql(loaded("duckdb", table, "t"), "t", pushdown=True)
    joint = gm.gram(formula, data)
    monkeypatch.setattr(sums_module, "MAX_NUMBERS", 10)
    check_equal(gm.gram(formula, data).ols(), joint.ols())


@pytest.mark.usefixtures("no_rows")
def test_a_gram_gives_all_its_models(table: pa.Table) -> None:
    formula = "y ~ x + z + g"
    data = sql(loaded("duckdb", table, "t"), "t", pushdown=True)
    gram, expected = gm.gram(formula, data), gm.gram(formula, table)
    check_equal(gram.ols("y ~ z + g"), expected.ols("y ~ z + g"))
    np.testing.assert_allclose(gram.ridge(3.0).coefficients, expected.ridge(3.0).coefficients, rtol=1e-9)
    np.testing.assert_allclose(gram.path().alphas, expected.path().alphas, rtol=1e-9)
    assert gram.select("bic").best.names == expected.select("bic").best.names
    check_equal(gm.ridge(formula, data, 2.0), gm.ridge(formula, table, 2.0))


def test_certified_digits_are_right() -> None:
    rng = np.random.default_rng(5)
    x = 1e6 + rng.normal(size=5000)  # sorted, so that the first rows say little about the mean
    rows = pa.table({"x": np.sort(x), "y": 3.0 + 1e-3 * x + rng.normal(size=5000)})
    exact = gm.ols("y ~ x", rows, exact=True)
    for kind in ("duckdb", "sqlite"):
        fit = gm.ols("y ~ x", sql(loaded(kind, rows, "t"), "t", pushdown=True))
        assert fit.passes == 1
        error = np.abs(fit.coefficients - exact.coefficients)
        assert (error <= np.abs(exact.coefficients) * 10.0**-fit.digits).all()


def test_missing_digits_are_made_from_rows() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=2000)
    rows = pa.table({"x": x, "z": x + 1e-7 * rng.normal(size=2000), "y": rng.normal(size=2000)})
    fit = gm.ols("y ~ x + z", sql(loaded("sqlite", rows, "t"), "t", pushdown=True), digits=10)
    assert fit.passes > 1
    assert (fit.digits >= 10).all()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ("SET x = 9007199254740993 WHERE rowid = 3", {}, r"holds the integer 9007199254740993, beyond 2\^53"),
        ("SET x = 'many' WHERE rowid = 1100", {}, "column 'x' holds texts beside numbers, in 1 rows"),
        ("SET x = NULL WHERE rowid < 3", {"na": "raise"}, "'x' is missing or not finite in 2 rows"),
        ("SET c = -1 WHERE rowid = 3", {"counts": "c"}, "counts must be a whole number that is not negative"),
    ],
)
def test_values_that_no_sum_can_hold_are_named(change: str, options: dict[str, Any], message: str) -> None:
    connection = opened_sqlite()
    connection.execute("CREATE TABLE t (x, y, c)")
    connection.executemany("INSERT INTO t VALUES (?, ?, 1)", [(float(k), k % 7) for k in range(1200)])
    connection.execute(f"UPDATE t {change}")
    with pytest.raises(DataError, match=message):
        gm.ols("y ~ x", gm.sql(connection, "t", pushdown=True), **options)


def test_a_table_that_changes_between_queries_is_refused(table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = loaded("sqlite", table, "t")
    connection.execute("UPDATE t SET x = 1")  # in the user's own transaction there is no snapshot
    rows = DBAPI.rows

    def changing(self: Any, text: str) -> Any:
        found = rows(self, text)
        connection.execute("DELETE FROM t WHERE rowid IN (SELECT MIN(rowid) FROM t WHERE g IS NOT NULL)")
        return found

    monkeypatch.setattr(DBAPI, "rows", changing)
    with pytest.raises(DataError, match="complete rows from one query to the next: it changed meanwhile"):
        gm.ols("y ~ x + g", gm.sql(connection, "t", pushdown=True))


def test_a_plan_says_who_makes_the_sums(table: pa.Table) -> None:
    connection = loaded("duckdb", table, "t")
    said = {
        "y ~ x + g": "DuckDB makes the sums in two queries: .* by cells of g",
        "y ~ bs(x, 5)": r"hands over rows: bs\(x, 5\) needs quantiles",
        "y ~ x | i": "hands over rows: i may have millions of levels",
        "y ~ sin(x)": r"hands over rows: sin\(x\) is computed here",
    }
    for formula, words in said.items():
        plan = gm.plan(formula, gm.sql(connection, "t"))
        assert "DuckDB is in this process" in str(plan) or "hands over rows" in str(plan)
        if "hands over" in words:
            with pytest.raises(OptionError, match=f"pushdown=True cannot be: {words.partition(': ')[2]}"):
                gm.plan(formula, gm.sql(connection, "t", pushdown=True))
        else:
            assert (
                gm.plan(formula, gm.sql(connection, "t", pushdown=True)).notes[-3].startswith("DuckDB makes the sums")
            )
    assert "rows travel" in str(gm.plan("y ~ x", gm.sql(connection, "t"), where="z > 0"))


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery", "databricks", "postgres", "duckdb", "sqlite"])
def test_text_for_other_databases(dialect: str) -> None:
    name = 'odd "name`; -- \\'
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t ({_quoted(name)} DOUBLE, y DOUBLE, g VARCHAR)")
    for text in ("t", "SELECT * FROM t WHERE y > 0"):
        queries = sqlglot.parse(gm.sql(connection, text).query("y ~ . + I(y^2)", dialect=dialect), dialect=dialect)
        assert [type(query) for query in queries if query is not None] == [exp.Select, exp.Select]
        used = {column.name for query in queries if query for column in query.find_all(exp.Column)}
        assert {name, "y", "g"} <= used
        assert all(len(other) < 6 and other.isascii() for other in used - {name, "y", "g"})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_postgresql_computes_shifted_columns_once_and_keeps_the_settings_of_the_user(postgres: str) -> None:
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    with dbapi.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE once AS SELECT i * 1.5 AS x, (i * i) % 7 AS y FROM generate_series(1, 99) i")
        data = gm.sql(connection, "once")
        assert data.query("y ~ x").split(";")[-2].count("PG_IS_IN_RECOVERY()") == 2  # shifted; what becomes of a row
        assert "RECOVERY" not in data.query("y ~ x", dialect="duckdb")
        assert gm.ols("y ~ x", data).rows == 99
        for setting in ("jit", "enable_sort"):
            cursor.execute(f"SELECT current_setting('{setting}')")
            assert cursor.fetchone() == ("on",)
