"""Source over a Dask frame: a unit is a partition, computed by whoever reads it from its own part of the graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gramian.batch import Batch, Input, Rereadable
from gramian.data.pandas import table_of_pandas
from gramian.data.read_errors import error_context
from gramian.errors import MissingExtraError, SchemaError
from gramian.schema import Schema

try:
    import dask
    from dask.optimization import cull
    from distributed import Future
except ImportError as error:
    raise MissingExtraError("dask", "dask") from error

WHERE = "dask.DataFrame"


def read_dask(data: Any) -> Rereadable:
    """A source over a Dask frame; nothing is computed before a unit is read. Raises SchemaError for a Series."""
    if getattr(data, "ndim", None) != 2:
        raise SchemaError(f"a {type(data).__name__} is no table; pass a dask.dataframe.DataFrame", WHERE)
    # the empty metadata would give columns of type object the type null
    _, schema = table_of_pandas(data._meta_nonempty)
    units = tuple(Partition(data, number) for number in range(data.npartitions))
    return Rereadable(schema, units, (Input(WHERE, None, None),), None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """One partition of a frame, in the process that made the source."""

    frame: Any
    number: int
    rows: int | None = None
    size: int = 0

    @property
    def name(self) -> str:
        """Number of the partition, for messages."""
        return f"{WHERE}, partition {self.number}"

    def portable(self, columns: Sequence[str]) -> Part:
        """The part of the graph that computes these columns of this partition."""
        graph, keys = _graph(self.frame, tuple(columns))
        key = keys[self.number]
        part, _ = cull(graph, [key])
        # a persisted frame has futures in its graph, which only the scheduler can resolve
        futures = {k: node for k, node in part.items() if isinstance(node, Future)}
        return Part(self.name, {k: node for k, node in part.items() if k not in futures}, key, futures)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, computed in this thread."""
        return self.portable(columns).batches(columns, parallel=parallel)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A partition as it is sent to a worker.

    Attributes
    ----------
    name : str
        Its name.
    graph : Mapping
        The tasks that compute it, without those whose results exist.
    key : Any
        Key of its result in the graph.
    on_cluster : Mapping
        Key -> future of results that are on the cluster already, or the result itself after it was fetched.
    rows, size
        Not known.
    """

    name: str
    graph: Mapping[Any, Any]
    key: Any
    on_cluster: Mapping[Any, Any]
    rows: int | None = None
    size: int = 0

    def portable(self, columns: Sequence[str]) -> Part:
        """The part itself."""
        return self

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order. Raises DataError where the graph fails, SchemaError for a column of mixed types."""
        with error_context(self.name):
            results = {
                k: value.result() if isinstance(value, Future) else value for k, value in self.on_cluster.items()
            }
            table, schema = table_of_pandas(dask.get({**self.graph, **results}, self.key))
        _check(schema, columns, self.name)
        for unit in table.units(self.name):
            yield from unit.batches(columns)


def _check(schema: Schema, columns: Sequence[str], where: str) -> None:
    """Raise SchemaError, with the place, for a column that cannot be used."""
    try:
        for name in columns:
            schema[name]
    except SchemaError as error:
        raise SchemaError(error.message, where) from error


@lru_cache(maxsize=8)
def _graph(frame: Any, columns: tuple[str, ...]) -> tuple[dict[Any, Any], list[Any]]:
    """The graph of these columns and the key of each partition.

    Names that are not columns are levels of the index, which every partition has.
    """
    labels = {str(name): name for name in frame.columns}
    # not optimised further: fusion would merge partitions into one task
    lowered = frame[[labels[name] for name in columns if name in labels]].expr.simplify().lower_completely()
    return lowered.__dask_graph__(), lowered.__dask_keys__()
