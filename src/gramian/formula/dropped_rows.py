"""Counts of rows that do not enter a fit, by cause and by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gramian.typing import Mask

NO_ROWS = ": there are none, or none meets the condition"  # why a fit has no rows when none was dropped

SEPARATED_BY = "separated by "  # begins the cause of rows that a generalized linear fit left out, before columns


@dataclass(frozen=True, slots=True)
class DroppedRows:
    """Counts of dropped rows; they add up over units.

    Attributes
    ----------
    causes : Mapping[str, int]
        Cause -> number of rows; each row counts once.
    columns : Mapping[str, int]
        Column -> number of rows in which it is null; a row may count for several.
    """

    causes: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: DroppedRows, /) -> DroppedRows:
        return DroppedRows(_sum(self.causes, other.causes), _sum(self.columns, other.columns))

    def __sub__(self, other: DroppedRows, /) -> DroppedRows:
        return DroppedRows(_sum(self.causes, _negative(other.causes)), _sum(self.columns, _negative(other.columns)))

    @property
    def by_cause(self) -> Mapping[str, int]:
        """Dropped rows by cause, without causes that have none."""
        return {cause: n for cause, n in self.causes.items() if n}

    @property
    def by_column(self) -> Mapping[str, int]:
        """Dropped rows by column, without columns that have none."""
        return {column: n for column, n in self.columns.items() if n}

    @property
    def total(self) -> int:
        """Number of dropped rows."""
        return sum(self.causes.values())


def count_marked(masks: Mapping[str, Mask]) -> dict[str, int]:
    """Name -> number of rows that its mask marks, where there are any."""
    return {name: n for name, mask in masks.items() if (n := int(np.count_nonzero(mask)))}


def _sum(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """Counts added key by key."""
    if not a or not b:
        return dict(a or b)
    return {k: a.get(k, 0) + b.get(k, 0) for k in _keys(a, b)}


def _negative(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts with the sign changed."""
    return {k: -n for k, n in counts.items()}


def _keys(a: Iterable[str], b: Iterable[str]) -> list[str]:
    """All keys, sorted, so that sums do not depend on the order of units."""
    return sorted({*a, *b})
