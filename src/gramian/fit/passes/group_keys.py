"""The pass that finds the groups of `by=`, for models that read the rows of one group after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.passes.accumulate import refuse_row
from gramian.fit.passes.keys import ByColumns
from gramian.formula.dropped_rows import DroppedRows, count_marked
from gramian.linalg.keyed.moments import Key
from gramian.typing import Mask


@dataclass(frozen=True, slots=True)
class GroupKeys:
    """Partial result of the pass.

    Attributes
    ----------
    counts : mapping of tuple of levels to int
        Rows of each group.
    without : DroppedRows
        Rows that belong to none, because a column of the groups is null.
    """

    counts: Mapping[Key, int]
    without: DroppedRows

    def __add__(self, other: GroupKeys, /) -> GroupKeys:
        counts = {key: self.counts.get(key, 0) + other.counts.get(key, 0) for key in {**self.counts, **other.counts}}
        return GroupKeys(counts, self.without + other.without)


@dataclass(frozen=True, slots=True)
class FindGroups:
    """The task of the pass.

    Attributes
    ----------
    by : ByColumns
        Columns that make the groups.
    drop : bool
        Whether rows without a group are left out; if False, they raise DataError.
    """

    by: ByColumns
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.by.columns

    @property
    def empty(self) -> GroupKeys:
        """Of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> GroupKeys:
        """Of one unit."""
        row_keys, without, counts = self.by.start(), DroppedRows(), np.zeros(0, np.int64)
        for batch in batches:
            parts = row_keys.parts(batch)
            codes = row_keys.codes(batch, parts)
            missing = codes < 0
            counts = np.pad(counts, (0, row_keys.size - len(counts)))
            counts += np.bincount(codes[~missing], minlength=len(counts))
            if missing.any():
                without += self._left_out(batch, {name: codes < 0 for name, codes in parts.items()}, missing)
        return GroupKeys(dict(zip(row_keys.keys, counts.tolist(), strict=True)), without)

    def _left_out(self, batch: Batch, nulls: dict[str, Mask], missing: Mask) -> DroppedRows:
        """The rows of a batch without a group. nulls : column -> mask (n,). missing : (n,), of any column."""
        if not self.drop:
            row = int(np.argmax(missing))
            name = next(name for name, null in nulls.items() if null[row])
            refuse_row(int(batch.row_numbers[row]) + 1, name, batch.where, "null")
        return DroppedRows({"null": int(missing.sum())}, count_marked(nulls))
