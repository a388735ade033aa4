"""Some rows of a source: those of one group, those in which further outcomes are present."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gramian.batch import Batch, Input, Source, Unit
from gramian.fit.keys import Keying, Split
from gramian.formula.functions import evaluate
from gramian.formula.syntax import Node, names
from gramian.linalg.keyed import Key
from gramian.schema import Schema
from gramian.typing import Mask


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """The rows of a source that have this key (None: any) and in which these expressions are finite."""

    source: Source
    split: Split | None
    key: Key
    present: tuple[Node, ...] = ()

    @property
    def schema(self) -> Schema:
        """Of the source."""
        return self.source.schema

    @property
    def units(self) -> Sequence[Unit]:
        """The units of the source, each with the rows that are wanted."""
        return tuple(_Part(unit, self.split, self.key, self.present) for unit in self.source.units)

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
class _Part:
    unit: Unit
    split: Split | None
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
        needed += [] if self.split is None else self.split.columns
        keying = None if self.split is None else self.split.start()
        for batch in self.unit.batches(tuple(dict.fromkeys((*columns, *needed))), parallel=parallel):
            yield chosen(batch, self._mask(batch, keying))

    def _mask(self, batch: Batch, keying: Keying | None) -> Mask:
        mask = np.ones(batch.rows, bool)
        if keying is not None:
            codes, known = keying.codes(batch, keying.parts(batch)), list(keying.keys)
            mask &= codes == (known.index(self.key) if self.key in known else -2)
        for node in self.present:
            with np.errstate(all="ignore"):
                numbers = evaluate(node, batch)
            mask &= np.isfinite(numbers.values) & (True if numbers.present is None else numbers.present)
        return mask


def chosen(batch: Batch, mask: Mask) -> Batch:
    """The rows of a batch that a mask marks."""
    columns = {name: _filtered(column, mask) for name, column in batch.columns.items()}
    matrices = {name: matrix[mask] for name, matrix in batch.matrices.items()}
    return Batch(int(np.count_nonzero(mask)), columns, matrices, batch.where, batch.first_row)


def _filtered(column: Any, mask: Mask) -> Any:
    return column[mask] if isinstance(column, np.ndarray) else column.filter(pa.array(mask))
