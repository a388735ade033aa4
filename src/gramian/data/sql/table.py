"""A table or query as the user has it: data for any function."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.data.sql.connection import Connection
from gramian.data.sql.text import Relation


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SqlTable:
    """A table or query of a database, the result of `gm.sql`.

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

    def __repr__(self) -> str:
        return f"SqlTable({self.connection.dialect.title}, {self.relation.text!r:.200})"
