"""Some rows of a source: those of one group, those in which further outcomes are present."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Batch, Input, Source, Unit
from gramian.fit.passes.keys import Grouping, RowKeys
from gramian.formula.functions import evaluate
from gramian.formula.syntax import Node, names
from gramian.linalg.keyed.moments import Key
from gramian.schema import Schema
from gramian.typing import Mask


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """The rows of a source that have this key (None: any) and in which these expressions are finite."""

    source: Source
    grouping: Grouping | None
    key: Key
    present: tuple[Node, ...] = ()

    @property
    def schema(self) -> Schema:
        """Of the source."""
        return self.source.schema

    @property
    def units(self) -> Sequence[Unit]:
        """The units of the source, each with the rows that are wanted."""
        return tuple(_UnitSubset(unit, self.grouping, self.key, self.present) for unit in self.source.units)

    @property
    def rereadable(self) -> bool:
        """As the source is."""
        return self.source.rereadable

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Of the source."""
        return self.source.inputs

    @property
    def rows(self) -> int | None:
        """Unknown."""
        return None

    @property
    def size(self) -> int | None:
        """All of it is read."""
        return self.source.size


@dataclass(frozen=True, slots=True, eq=False)
class _UnitSubset:
    unit: Unit
    grouping: Grouping | None
    key: Key
    present: tuple[Node, ...]

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
        needed = [name for node in self.present for name in names(node)]
        needed += [] if self.grouping is None else self.grouping.columns
        row_keys = None if self.grouping is None else self.grouping.start()
        for batch in self.unit.batches(tuple(dict.fromkeys((*columns, *needed))), parallel=parallel):
            yield filter_rows(batch, self._mask(batch, row_keys))

    def _mask(self, batch: Batch, row_keys: RowKeys | None) -> Mask:
        mask = np.ones(batch.rows, bool)
        if row_keys is not None:
            codes, keys = row_keys.codes(batch, row_keys.parts(batch)), list(row_keys.keys)
            mask &= codes == (keys.index(self.key) if self.key in keys else -2)
        for node in self.present:
            with np.errstate(all="ignore"):
                numbers = evaluate(node, batch)
            mask &= np.isfinite(numbers.values) & (True if numbers.present is None else numbers.present)
        return mask


def filter_rows(batch: Batch, mask: Mask) -> Batch:
    """The rows of a batch that a mask marks."""
    columns = {name: _filtered(column, mask) for name, column in batch.columns.items()}
    matrices = {name: matrix[mask] for name, matrix in batch.matrices.items()}
    return Batch(int(np.count_nonzero(mask)), columns, matrices, batch.where, batch.first_row)


def _filtered(column: Any, mask: Mask) -> Any:
    return column[mask] if isinstance(column, np.ndarray) else column.filter(pa.array(mask))
