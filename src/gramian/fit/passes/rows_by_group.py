"""Rows of groups that are read together: one pass fetches those of as many groups as fit into memory.

A fit that needs passes over the rows of its own group would read all rows in each of them; with a thousand groups that
is a thousand times the work. Groups that are too large, and engines of other processes, read rows through a filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import SLICE_ROWS, Batch, Rereadable, Source, batch_rows
from gramian.engines.local import Local
from gramian.fit.passes import memory
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.keys import ByColumns
from gramian.fit.passes.row_filter import Subset
from gramian.linalg.keyed.moments import Key
from gramian.typing import Codes

COPIES = 4  # of the rows, while they are put together


@dataclass(slots=True, eq=False)
class RowsByGroup:
    """What reads the rows of each group, for fits that are made one after the other.

    Attributes
    ----------
    runner : PassRunner
        All rows, and the engine that reads them.
    by : ByColumns
        Columns that make the groups.
    columns : tuple of str
        Columns that the fits read.
    counts : mapping of key to int
        Rows of each group, in the order of the fits.
    passes : int
        Passes over all rows so far.
    """

    runner: PassRunner
    by: ByColumns
    columns: tuple[str, ...]
    counts: Mapping[Key, int]
    passes: int = 0
    fetched: dict[Key, Source] = field(default_factory=dict, init=False)
    filtered: set[Key | None] = field(default_factory=set, init=False)

    def was_fetched(self, key: Key | None) -> bool:
        """Whether the rows of a group were in memory when they were asked for."""
        return key in self.counts and key not in self.filtered

    def of(self, key: Key | None) -> PassRunner:
        """What reads the rows of a group, with a count of passes of its own. key : None for the rows of all groups."""
        # a group that is too large alone leaves the rows of others where they are
        if key is not None and key not in self.fetched and (together := self._next(key)):
            self.fetched = {}  # the memory of the groups before is free again
            self.fetched = self._fetch(together)
        source = None if key is None else self.fetched.get(key)
        if source is None:
            self.filtered.add(key)
            source = Subset(self.runner.source, self.by, key)
        return self.runner.over(source)

    def _next(self, key: Key) -> dict[Key, int]:
        """The group and those after it that fit into memory together, numbered; nothing where it alone does not."""
        width = len(self.columns) + len(self.by.columns)
        limit = min(memory.MAX_CACHE_BYTES, memory.memory_limit() // memory.FREE_SHARE)
        free = limit // (memory.VALUE_BYTES * COPIES * width)
        keys = list(self.counts)
        chosen: dict[Key, int] = {}
        for each in keys[keys.index(key) :] if isinstance(self.runner.engine, Local) else ():
            if self.counts[each] <= free:
                free -= self.counts[each]
                chosen[each] = len(chosen)
            elif each == key:
                break
        return chosen

    def _fetch(self, keys: Mapping[Key, int]) -> dict[Key, Source]:
        """The rows of groups, from one pass over all rows."""
        self.passes += 1
        rows = self.runner.over(self.runner.source).fold(FetchRows(self.by, self.columns, keys))
        return dict(rows.sources(self.runner.source, keys))


@dataclass(frozen=True, slots=True)
class Fetched:
    """Partial result of a pass.

    Attributes
    ----------
    parts : tuple of Batch
        Rows of the groups, in the order of the source.
    groups : tuple of ndarray
        (n,) number of each row's group.
    """

    parts: tuple[Batch, ...] = ()
    groups: tuple[Codes, ...] = ()

    def __add__(self, other: Fetched, /) -> Fetched:
        return Fetched(self.parts + other.parts, self.groups + other.groups)

    def sources(self, source: Source, keys: Mapping[Key, int]) -> Iterator[tuple[Key, Source]]:
        """The rows of each group as a source. source : of all rows. keys : group -> its number."""
        if not self.parts:
            return
        groups = np.concatenate(self.groups)
        order = np.argsort(groups, kind="stable")
        rows = _joined(self.parts, order)
        ends = np.searchsorted(groups[order], np.arange(len(keys) + 1))
        for key, (start, end) in zip(keys, pairwise(ends.tolist()), strict=True):
            units = tuple(_Rows(rows, at, min(SLICE_ROWS, end - at)) for at in range(start, end, SLICE_ROWS))
            yield key, Rereadable(source.schema, units, source.inputs, end - start, None)


@dataclass(frozen=True, slots=True)
class FetchRows:
    """The task of the pass.

    Attributes
    ----------
    by : ByColumns
        Columns that make the groups.
    variables : tuple of str
        Columns of the rows.
    keys : mapping of key to int
        The groups that are wanted, and their numbers.
    """

    by: ByColumns
    variables: tuple[str, ...]
    keys: Mapping[Key, int]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.variables, *self.by.columns)))

    @property
    def empty(self) -> Fetched:
        """Of no rows."""
        return Fetched()

    def accumulate(self, batches: Iterable[Batch], /) -> Fetched:
        """Of one unit."""
        row_keys, parts, groups = self.by.start(), [], []
        for batch in batches:
            codes = row_keys.codes(batch, row_keys.parts(batch))
            numbers = np.array([*(self.keys.get(key, -1) for key in row_keys.keys), -1])[codes]
            wanted = numbers >= 0
            if wanted.any():
                parts.append(batch.filter(wanted))
                groups.append(numbers[wanted])
        return Fetched(tuple(parts), tuple(groups))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """A unit of rows in memory. batch : rows of several groups. start, rows : which of them."""

    batch: Batch
    start: int
    rows: int
    size: int = 0

    @property
    def name(self) -> str:
        return self.batch.where

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        height, end = batch_rows(self.batch.width), self.start + self.rows
        for at in range(self.start, end, height):
            yield self.batch.part(at, min(at + height, end))


def _joined(parts: Sequence[Batch], order: Codes) -> Batch:
    """The rows of all parts in a given order."""
    columns = {name: _joined_column([part.columns[name] for part in parts], order) for name in parts[0].columns}
    matrices = {name: np.concatenate([part.matrices[name] for part in parts])[order] for name in parts[0].matrices}
    names = list(dict.fromkeys(part.where for part in parts))
    where = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    return Batch(len(order), columns, matrices, where, 0, np.concatenate([part.row_numbers for part in parts])[order])


def _joined_column(parts: Sequence[Any], order: Codes) -> Any:
    """The values of one column."""
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)[order]
    tables = [pa.table({"column": pa.array(part) if isinstance(part, np.ndarray) else part}) for part in parts]
    joined = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    return joined.column("column").take(pa.array(order)).combine_chunks()
