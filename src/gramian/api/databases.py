"""`gm.sql`: a table or query of a database as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gramian.data.sql.connection import Connection, connection_of, database_errors
from gramian.data.sql.dialects import dialect_named
from gramian.data.sql.source import table_source
from gramian.data.sql.text import Relation, relation_of
from gramian.fit.database.text import queries_text
from gramian.fit.passes.options import checked_options
from gramian.keywords import DEFAULTS


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SqlTable:
    """A table or query of a database, the result of `gramian.sql`: data for any function.

    Attributes
    ----------
    connection : Connection
        What reads it.
    relation : Relation
        Its name, or the query.
    pushdown : bool or None
        Whether sums are made inside the database; None where that is chosen.
    """

    connection: Connection
    relation: Relation
    pushdown: bool | None = None

    def query(
        self, formula: str, *, weights: str | None = None, counts: str | None = None, dialect: str | None = None
    ) -> str:
        r"""The two queries by which a database makes the sums of a linear model, as text; nothing is summed.

        The first counts rows and finds means and ranges. The second sums products of the columns less these means,
        which are parameters (`mean_v0` and so on, in the order of the columns), by the cells of the factors.

        Parameters
        ----------
        formula : str
            The model.
        weights, counts : str, optional
            As in `gramian.ols`.
        dialect : str, optional
            The SQL of another database than this one: "snowflake", "bigquery", "databricks", "duckdb", "postgres" or
            "sqlite".

        Raises
        ------
        FormulaError, SchemaError
            Where the formula does not fit the columns.
        OptionError
            Where a query cannot say what the formula needs.

        Examples
        --------
        >>> import sqlite3
        >>> import gramian as gm
        >>> connection = sqlite3.connect(":memory:")
        >>> _ = connection.executescript("CREATE TABLE t (x, y); INSERT INTO t VALUES (1, 2), (2, 4);")
        >>> first, second = gm.sql(connection, "t").query("y ~ x").split(";\n")
        >>> print(second.strip().partition("FROM")[0].strip())
        SELECT
          COUNT(*) AS "k",
          COUNT(*) AS "n",
          COUNT(*) AS "p0",
          SUM("uv0") AS "p1",
          SUM("uv0" * "uv0") AS "p2",
          SUM("uv1") AS "p3",
          SUM("uv0" * "uv1") AS "p4",
          SUM("uv1" * "uv1") AS "p5"
        >>> connection.close()
        """
        table = table_source(self.connection, self.relation, True).table
        assert table is not None
        options = checked_options({**DEFAULTS, "weights": weights, "counts": counts})
        return queries_text(formula, table, options, dialect_named(dialect) if dialect else self.connection.dialect)

    def __repr__(self) -> str:
        return f"SqlTable({self.connection.dialect.title}, {self.relation.text!r:.200})"


def sql(connection: Any, table: str, *, dialect: str | None = None, pushdown: bool | None = None) -> SqlTable:
    """A table or query of a database as data.

    Parameters
    ----------
    connection : object
        A connection of DuckDB, of ADBC or of a driver of Python's DBAPI (sqlite3, psycopg), an engine of SQLAlchemy, or
        a URL such as "postgresql://user@host/name", "duckdb:///file.db" or "sqlite:///file.db". It is busy while a fit
        runs.
    table : str
        The name of a table or view, or one SELECT whose rows are the same at each reading.
    dialect : {"duckdb", "postgres", "sqlite", "snowflake", "bigquery", "databricks"}, optional
        The SQL of the database, where the connection does not say it.
    pushdown : bool, optional
        Whether a linear model or a Gram has its sums of products made by the database, so that no rows travel. By
        default they are where the database is a server; a database inside this process hands its rows over, which takes
        less time. `gramian.plan` says what is done, and why.

    Returns
    -------
    SqlTable
        What every function takes as data.

    Raises
    ------
    OptionError
        For what is no connection, neither a table nor a SELECT, or a query that gives other rows each time.
    DataError
        Where a database cannot be opened.
    MissingExtraError
        Where a package that is needed is not installed.

    Notes
    -----
    Values that are null, NaN or infinite, weights and integers beyond 2^53 are treated as those of files. Only names of
    columns that the database lists become part of a query, in quotes. The order in which a server adds is its own, so
    the certificate bounds the error of n additions by n u, with u = 2^-53.

    Examples
    --------
    >>> import sqlite3
    >>> import gramian as gm
    >>> connection = sqlite3.connect(":memory:")
    >>> _ = connection.executescript("CREATE TABLE t (x, y); INSERT INTO t VALUES (1, 2), (2, 4), (3, 5), (4, 8);")
    >>> fit = gm.ols("y ~ x", gm.sql(connection, "t"))
    >>> round(fit["x"], 12)
    1.9
    >>> connection.close()
    """
    with database_errors("connection"):
        known = connection_of(connection, dialect)
    return SqlTable(known, relation_of(table, known.dialect), pushdown)
