"""`gm.sql`: a table or query of a database as a source, which reads its rows anew at each pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from sqlglot import exp

from gramian.batch import Batch, Input, Rereadable, batch_rows
from gramian.data.columns import usable_columns
from gramian.data.sql.connection import Connection, database_errors
from gramian.data.sql.dbapi import check_family
from gramian.data.sql.text import Relation
from gramian.data.unify_schema import schema_of
from gramian.errors import DataError
from gramian.schema import Schema

FIRST_ROWS = 8192  # for a look at the first rows


@dataclass(slots=True, eq=False)
class RowCount:
    """How many rows a table had when all of them were read or summed first."""

    rows: int | None = None

    def check(self, rows: int, where: str) -> None:
        """Raise DataError where there are other rows now."""
        if self.rows is None:
            self.rows = rows
        elif rows != self.rows:
            raise DataError(
                f"had {self.rows:,} rows at the first reading and has {rows:,} now: it changed meanwhile; fit from a "
                "copy, or in a transaction of the level REPEATABLE READ",
                where,
            )


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table or query, and the connection that reads it.

    Attributes
    ----------
    connection : Connection
        The connection.
    relation : Relation
        What is read.
    types : Any
        Its columns and types, an Arrow schema.
    where : str
        Its name, for messages.
    count : RowCount
        Rows at the first reading.
    """

    connection: Connection
    relation: Relation
    types: Any
    where: str
    count: RowCount = field(default_factory=RowCount)

    def sql(self, query: exp.Expression) -> str:
        """The text of a query over this table."""
        return self.relation.sql(query, self.connection.dialect)

    def select(self, columns: Sequence[str]) -> exp.Select:
        """The query for some columns; without any, for the number of rows."""
        chosen = [column(name) for name in columns] or [exp.Literal.number(1).as_("n", quoted=True)]
        return exp.select(*chosen).from_(self.relation.table)


@dataclass(frozen=True, slots=True, eq=False)
class SqlSource(Rereadable):
    """The source of a table, which other passes than over rows may ask for sums.

    Attributes
    ----------
    table : Table or None
        The table.
    pushdown : bool or None
        Whether sums are made inside the database; None where it is chosen.
    """

    table: Table | None = None
    pushdown: bool | None = None

    @property
    def first_units(self) -> tuple[TableRows, ...]:
        """A unit of few rows, for a look at them: drivers may fetch all rows of a query that is given up."""
        assert self.table is not None
        return (TableRows(self.table, self.table.where, limit=FIRST_ROWS),)


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """The rows of a table, as one unit; at most `limit` of them, whichever these are."""

    table: Table
    name: str
    rows: int | None = None
    size: int = 0
    limit: int | None = None

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in the order in which the database gives them."""
        table, first_row = self.table, 0
        query = table.select(columns)
        sql = table.sql(query if self.limit is None else query.limit(self.limit))
        with database_errors(self.name), closing(table.connection.batches(sql, len(columns))) as batches:
            for whole in batches:
                for piece in pa.Table.from_batches([whole]).to_batches(max_chunksize=batch_rows(len(columns))):
                    yield self._batch(piece, columns, first_row)
                    first_row += piece.num_rows
        if self.limit is None:
            table.count.check(first_row, self.name)

    def _batch(self, piece: Any, columns: Sequence[str], first_row: int) -> Batch:
        """A record batch as a batch, once its types are found to be those of the first rows."""
        for name in columns:
            check_family(piece.schema.field(name).type, self.table.types.field(name).type, name, self.name)
        return Batch(piece.num_rows, usable_columns(piece, columns), where=self.name, first_row=first_row)


def column(name: str) -> exp.Column:
    """A column of the schema, quoted, so that no character of its name has a meaning in SQL."""
    return exp.column(exp.to_identifier(name, quoted=True))


def table_source(connection: Connection, relation: Relation, pushdown: bool | None) -> SqlSource:
    """The source of a table or query; reads its columns and types. Raises DataError where the database refuses."""
    where = f"{connection.dialect.title}, {relation.text if relation.parts else 'query'}"
    with database_errors(where):
        types = connection.schema(relation.sql(exp.select(exp.Star()).from_(relation.table), connection.dialect))
    schema: Schema = schema_of(types, {})
    table = Table(connection, relation, types, where)
    return SqlSource(
        schema, (TableRows(table, where),), (Input(where, None, None),), None, None, table=table, pushdown=pushdown
    )
