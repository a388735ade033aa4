"""Source over a Dataset of Ray: each pass runs it again, for the needed columns only, in the order of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from gramian.batch import BATCH_ROWS, Batch, Input, Rereadable
from gramian.data.checksum import Earlier, RowsRead, rows_read
from gramian.data.columns import usable_columns
from gramian.data.read_errors import unreadable_error
from gramian.data.unify_schema import schema_of
from gramian.errors import GramianError

WHERE = "ray.data.Dataset"
HEAD_ROWS = 16_384  # rows from which types are taken where the dataset says those of pandas
MATERIALIZE = "its steps give other rows each time; pass data.materialize(), or write them to Parquet and read that"


def read_dataset(data: Any) -> Rereadable:
    """A source over a dataset, as one unit; a look at its types may run its first steps."""
    with _ray_errors():
        types = _types(data)
    return Rereadable(schema_of(types, {}), (Rows(data, types),), (Input(WHERE, None, None),), None, None)


def _types(data: Any) -> Any:
    """Columns and types of a dataset, as an Arrow schema."""
    declared = getattr(data.schema(), "base_schema", None)
    if declared is None or isinstance(declared, pa.Schema):
        return declared if declared is not None else pa.schema([])
    head = list(data.limit(HEAD_ROWS).iter_batches(batch_format="pyarrow", batch_size=HEAD_ROWS))
    return head[0].schema if head else pa.schema([(name, pa.null()) for name in declared.names])


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a dataset, as one unit.

    Attributes
    ----------
    data : Any
        The dataset.
    types : Any
        Columns and types, an Arrow schema.
    earlier : Earlier
        What its passes have read.
    """

    data: Any
    types: Any
    earlier: Earlier = field(default_factory=Earlier)
    name: str = WHERE
    rows: int | None = None
    size: int = 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where a pass finds other rows than the one before."""
        read, asked = RowsRead(), list(columns) or self.types.names[:1]
        types = pa.schema([self.types.field(name) for name in asked])
        with _ray_errors(), _in_order(self.data):
            selected = self.data.select_columns(asked)
            for table in selected.iter_batches(batch_format="pyarrow", batch_size=BATCH_ROWS):
                for piece in table.select(asked).cast(types).combine_chunks().to_batches():
                    yield Batch(piece.num_rows, usable_columns(piece, columns), where=WHERE, first_row=read.rows)
                    read += rows_read(piece)
        self.earlier.check(read, WHERE, MATERIALIZE)


@contextmanager
def _in_order(data: Any) -> Iterator[None]:
    """A context in which Ray hands rows over in their order, not as they are ready."""
    options = data.context.execution_options
    before, options.preserve_order = options.preserve_order, True
    try:
        yield
    finally:
        options.preserve_order = before


@contextmanager
def _ray_errors() -> Iterator[None]:
    """A context in which what a step of the dataset raises becomes a DataError."""
    try:
        yield
    except (GramianError, GeneratorExit):
        raise
    except Exception as error:  # of the user's functions, in whatever class Ray wraps them
        raise unreadable_error(error, WHERE) from error
