"""Frames of Dask: a unit is a partition, made from its own part of the graph by whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gramian.batch import Batch, Input
from gramian.data.batching import Rereadable
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
    """A Dask frame; nothing of it is computed before a unit is read."""
    if getattr(data, "ndim", None) != 2:
        raise SchemaError(f"a {type(data).__name__} is no table; pass a dask.dataframe.DataFrame", WHERE)
    _, schema = table_of_pandas(data._meta_nonempty)
    units = tuple(Partition(data, number) for number in range(data.npartitions))
    return Rereadable(schema, units, (Input(WHERE, None, None),), None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """One partition of a frame."""

    frame: Any
    number: int
    rows: int | None = None
    size: int = 0

    @property
    def name(self) -> str:
        """Its number."""
        return f"{WHERE}, partition {self.number}"

    def portable(self, columns: Sequence[str]) -> Part:
        """The part of the graph that makes these columns of this partition."""
        graph, keys = _graph(self.frame, tuple(columns))
        key = keys[self.number]
        part, _ = cull(graph, [key])
        futures = {k: node for k, node in part.items() if isinstance(node, Future)}
        return Part(self.name, {k: node for k, node in part.items() if k not in futures}, key, futures)

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """The rows in order, made in this thread."""
        return self.portable(columns).batches(columns, parallel=parallel)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A partition on its way: what makes it, under which key, and what is on the cluster already (or taken from it)."""

    name: str
    graph: Mapping[Any, Any]
    key: Any
    on_cluster: Mapping[Any, Any]
    rows: int | None = None
    size: int = 0

    def portable(self, columns: Sequence[str]) -> Part:
        """It is."""
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
    try:
        for name in columns:
            schema[name]
    except SchemaError as error:
        raise SchemaError(error.message, where) from error


@lru_cache(maxsize=8)
def _graph(frame: Any, columns: tuple[str, ...]) -> tuple[dict[Any, Any], list[Any]]:
    """The graph of these columns and the key of each partition; partitions are not fused, so that units stay.

    Names that are not columns are levels of the index, which every partition has.
    """
    labels = {str(name): name for name in frame.columns}
    lowered = frame[[labels[name] for name in columns if name in labels]].expr.simplify().lower_completely()
    return lowered.__dask_graph__(), lowered.__dask_keys__()
