"""A source with a filter on its rows: those of one group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gramian.batch import Batch, Input, Source, Unit
from gramian.fit.passes.keys import RowKeys
from gramian.linalg.keyed.moments import Key
from gramian.schema import Schema
from gramian.typing import Mask


class Grouping(Protocol):
    """What gives each row a key: `Folds`, `ByColumns` and others. columns : those that it reads."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    def start(self) -> RowKeys: ...


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """The rows of a source that have a given key.

    Attributes
    ----------
    source : Source
        All rows.
    grouping : Grouping or None
        What gives each row its key; None for rows of any key.
    key : tuple of levels or None
        The key of the rows to yield; None for rows that have any.
    """

    source: Source
    grouping: Grouping | None
    key: Key | None

    @property
    def schema(self) -> Schema:
        """Schema of the source."""
        return self.source.schema

    @property
    def units(self) -> Sequence[Unit]:
        """The units of the source, each with the filter."""
        return tuple(_UnitSubset(unit, self.grouping, self.key) for unit in self.source.units)

    @property
    def rereadable(self) -> bool:
        """Whether the source can be read more than once."""
        return self.source.rereadable

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Files or data frame of the source."""
        return self.source.inputs

    @property
    def rows(self) -> int | None:
        """None: not known before the rows are read."""
        return None

    @property
    def size(self) -> int | None:
        """Bytes of the source, all of which are read."""
        return self.source.size


@dataclass(frozen=True, slots=True, eq=False)
class _UnitSubset:
    """A unit with the filter of `Subset`."""

    unit: Unit
    grouping: Grouping | None
    key: Key | None

    @property
    def name(self) -> str:
        return self.unit.name

    @property
    def rows(self) -> int | None:
        return None

    @property
    def size(self) -> int:
        return self.unit.size

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        needed = () if self.grouping is None else self.grouping.columns
        row_keys = None if self.grouping is None else self.grouping.start()
        for batch in self.unit.batches(tuple(dict.fromkeys((*columns, *needed))), parallel=parallel):
            yield batch.filter(self._mask(batch, row_keys))

    def _mask(self, batch: Batch, row_keys: RowKeys | None) -> Mask:
        """Mask (n,) of the rows of a batch that pass the filter."""
        mask = np.ones(batch.rows, bool)
        if row_keys is not None:
            codes, keys = row_keys.codes(batch, row_keys.parts(batch)), list(row_keys.keys)
            if self.key is None:
                return np.asarray(mask & (codes >= 0))
            mask &= codes == (keys.index(self.key) if self.key in keys else -2)  # -1 is the code of rows without a key
        return mask
