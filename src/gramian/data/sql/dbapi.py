"""Connections of Python's DBAPI: sqlite3, psycopg and their like, whose rows are tuples of Python objects."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from gramian.batch import batch_rows
from gramian.data.columns import family
from gramian.data.sql.dialects import Dialect, dialect_named
from gramian.errors import DataError, OptionError

DIALECT_OF = {"sqlite3": "sqlite", "psycopg": "postgres", "psycopg2": "postgres", "duckdb": "duckdb",
              "snowflake": "snowflake", "google": "bigquery", "databricks": "databricks"}  # fmt: skip
FIRST_ROWS = 1000  # rows from whose values types are read where the driver does not say them
FETCHED = 16_384  # rows of a batch at most: tuples of objects take ten times the memory of arrays
NUMBERS = frozenset({"integer", "float", "null", "number"})
IDLE = 0  # a status of psycopg
# types by their numbers in PostgreSQL's catalogue, which drivers hand over
POSTGRES = {
    16: pa.bool_(), 20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 700: pa.float32(), 701: pa.float64(),
    1700: pa.float64(), 25: pa.string(), 1043: pa.string(), 1042: pa.large_string(), 1082: pa.date32(),
    1114: pa.timestamp("us"), 1184: pa.timestamp("us", "UTC"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class DBAPI:
    """A connection of DBAPI.

    Attributes
    ----------
    connection : object
        The user's connection.
    dialect : Dialect
        Its SQL.
    driver : str
        The package of the driver.
    """

    connection: Any
    dialect: Dialect
    driver: str

    @property
    def in_process(self) -> bool:
        """Whether the database is a library of this process."""
        return self.driver in ("sqlite3", "duckdb")

    def schema(self, sql: str) -> Any:
        """Columns and types: those that the driver says, or those of the first rows."""
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM (\n{sql}\n) AS gramian_columns LIMIT {FIRST_ROWS}")
            rows = cursor.fetchall()
            columns = list(zip(*rows, strict=True)) if rows else [() for _ in cursor.description]
            return pa.schema(
                [(described[0], self._type(described, values)) for described, values in
                 zip(cursor.description, columns, strict=True)]
            )  # fmt: skip

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows."""
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def batches(self, sql: str, columns: int) -> Generator[Any, None, None]:
        """Record batches of the tuples, fetched by parts from a cursor that stays with the server."""
        size = min(batch_rows(columns), FETCHED)
        with self._streaming() as cursor:
            cursor.execute(sql)
            while rows := cursor.fetchmany(size):
                described = zip(cursor.description, zip(*rows, strict=True), strict=True)
                arrays = [self._array(about, values) for about, values in described]
                yield pa.RecordBatch.from_arrays(arrays, [about[0] for about in cursor.description])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A transaction where none is open; in one of the user its own rules hold."""
        begin = self._begin()
        if begin is None:
            yield
            return
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(begin)
            for statement in self.dialect.prepare:
                cursor.execute(statement)
        try:
            yield
        finally:
            self.connection.rollback()

    def _begin(self) -> str | None:
        """The statement that opens a transaction in which all queries see the same; None where it cannot be had."""
        if self.driver == "sqlite3":
            return None if self.connection.in_transaction else "BEGIN"
        if self.driver != "psycopg" or self.connection.info.transaction_status != IDLE:
            return None
        level = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
        # without autocommit the driver has said BEGIN by itself
        return f"BEGIN {level}" if self.connection.autocommit else f"SET TRANSACTION {level}"

    @contextmanager
    def _streaming(self) -> Iterator[Any]:
        """A cursor whose rows are fetched by parts."""
        if self.driver not in ("psycopg", "psycopg2"):
            with closing(self.connection.cursor()) as cursor:
                yield cursor
            return
        # the rows of an unnamed cursor are all sent at once; a named one lives in a transaction
        idle = self.driver == "psycopg" and self.connection.info.transaction_status == IDLE
        if idle and self.connection.autocommit:
            self.connection.execute("BEGIN")
        try:
            with closing(self.connection.cursor("gramian_rows")) as cursor:
                yield cursor
        finally:
            if idle:
                self.connection.rollback()

    def _array(self, described: Sequence[Any], values: Sequence[Any]) -> Any:
        """Values of a column. described : name and type as the driver says them."""
        array = arrow_array(values, described[0])
        # a float32 comes as the shortest decimal that stands for it, which is another float64
        single = self.dialect.name == "postgres" and POSTGRES.get(described[1]) == pa.float32()
        return array.cast(pa.float32()) if single else array

    def _type(self, described: Sequence[Any], values: Sequence[Any]) -> Any:
        """The Arrow type of a column. described : name and type as the driver says them."""
        if self.dialect.name == "postgres" and described[1] in POSTGRES:
            return POSTGRES[described[1]]
        kind = arrow_array(values, described[0]).type
        # an enumeration or another type of its own: the server compares it in its own way
        own = self.dialect.name == "postgres" and pa.types.is_string(kind)
        return pa.dictionary(pa.int32(), pa.string()) if own else kind


def dbapi_connection(connection: Any, dialect: Dialect | None) -> DBAPI:
    """A connection of DBAPI. Raises OptionError for a driver whose SQL is unknown."""
    driver = type(connection).__module__.partition(".")[0]
    if dialect is None and driver not in DIALECT_OF:
        raise OptionError(f"the SQL of the driver '{driver}' is not known; name it, as in dialect='postgres'")
    return DBAPI(connection, dialect or dialect_named(DIALECT_OF[driver]), driver)


def arrow_array(values: Sequence[Any], name: str) -> Any:
    """Python objects as an Arrow array; numbers of several types as float64.

    Raises DataError where texts or times stand beside numbers, as SQLite allows, and for integers beyond 64 bits.
    """
    kinds = {_kind(value) for value in values if value is not None}
    if kinds <= {"integer"} or (len(kinds) == 1 and kinds & {"float", "boolean", "text", "time"}):
        try:
            return pa.array(values)
        except (pa.ArrowException, OverflowError) as error:
            raise DataError(f"column '{name}' cannot be read: {error}") from error
    if kinds <= {"integer", "float", "decimal"}:
        return pa.array([None if value is None else _float(value, name) for value in values], pa.float64())
    if len(kinds) > 1:
        raise DataError(f"column '{name}' holds {' and '.join(sorted(kinds))} in different rows; cast it to one type")
    return pa.array([None if value is None else str(value) for value in values])


def check_family(found: Any, declared: Any, name: str, where: str) -> None:
    """Raise DataError where rows hold another family of values than the first rows did."""
    first, now = family(declared), family(found)
    if now == first or "null" in (now, first) or {first, now} <= NUMBERS or first.startswith("categories"):
        return
    raise DataError(f"column '{name}' was {first} in the first rows and is {now} later; cast it to one type", where)


def _kind(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "float"
    if isinstance(value, Decimal):
        return "decimal"
    if isinstance(value, str):
        return "text"
    return "time" if isinstance(value, date | datetime | time | timedelta) else type(value).__name__


def _float(value: Any, name: str) -> float:
    """A number as float64. Raises DataError for an integer that has none."""
    if isinstance(value, int) and abs(value) > 2**53:
        raise DataError(
            f"column '{name}' holds the integer {value}, beyond 2^53: as float64 it would be rounded; "
            "use factor() if it is an identifier, or subtract an offset first"
        )
    return float(value)
