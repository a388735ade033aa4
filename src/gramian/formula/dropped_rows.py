"""Rows that were left out, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gramian.typing import Mask


@dataclass(frozen=True, slots=True)
class DroppedRows:
    """Counts of rows left out: by cause (each row once), and by column (a row may count for several)."""

    causes: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: DroppedRows, /) -> DroppedRows:
        return DroppedRows(_sum(self.causes, other.causes), _sum(self.columns, other.columns))

    def __sub__(self, other: DroppedRows, /) -> DroppedRows:
        return DroppedRows(_sum(self.causes, _negative(other.causes)), _sum(self.columns, _negative(other.columns)))

    @property
    def by_cause(self) -> Mapping[str, int]:
        """Rows left out by cause, without causes of none."""
        return {cause: n for cause, n in self.causes.items() if n}

    @property
    def by_column(self) -> Mapping[str, int]:
        """Rows left out because of a column, without columns of none."""
        return {column: n for column, n in self.columns.items() if n}

    @property
    def total(self) -> int:
        """All rows left out."""
        return sum(self.causes.values())


def count_marked(masks: Mapping[str, Mask]) -> dict[str, int]:
    """How many rows each mask marks, without those that mark none."""
    return {name: n for name, mask in masks.items() if (n := int(np.count_nonzero(mask)))}


def _sum(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    if not a or not b:
        return dict(a or b)
    return {k: a.get(k, 0) + b.get(k, 0) for k in _keys(a, b)}


def _negative(counts: Mapping[str, int]) -> dict[str, int]:
    return {k: -n for k, n in counts.items()}


def _keys(a: Iterable[str], b: Iterable[str]) -> list[str]:
    return sorted({*a, *b})
