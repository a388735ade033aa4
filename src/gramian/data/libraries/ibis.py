"""Source over a table expression of Ibis: each pass runs the query again, for the needed columns only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gramian.batch import BATCH_ROWS, Batch, Input, Rereadable
from gramian.data.columns import usable_columns
from gramian.data.read_errors import unreadable_error
from gramian.data.unify_schema import schema_of
from gramian.errors import GramianError

WHERE = "ibis.Table"


def read_expression(data: Any) -> Rereadable:
    """A source over a table expression, as one unit."""
    with _backend_errors():
        schema = schema_of(data.schema().to_pyarrow(), {})
    return Rereadable(schema, (Expression(data),), (Input(WHERE, None, None),), None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """The rows of a table expression, as one unit."""

    table: Any
    name: str = WHERE
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in the order of the query; with one column at least, so that rows are counted."""
        first_row = 0
        selected = self.table.select(list(columns) or list(self.table.columns[:1]))
        with _backend_errors():
            for piece in selected.to_pyarrow_batches(chunk_size=BATCH_ROWS):
                yield Batch(piece.num_rows, usable_columns(piece, columns), where=WHERE, first_row=first_row)
                first_row += piece.num_rows


@contextmanager
def _backend_errors() -> Iterator[None]:
    """A context in which an error of the backend, of whatever kind, becomes a DataError."""
    try:
        yield
    except GramianError:
        raise
    except Exception as error:  # each backend has exceptions of its own, without a common kind
        raise unreadable_error(error, WHERE) from error
