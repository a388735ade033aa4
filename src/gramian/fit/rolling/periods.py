"""Groups by columns and by period: what gives each row its key in the pass of windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.column import EXACT_INTEGER, MAX_PLACES_PER_VALUE
from gramian.errors import DataError
from gramian.fit.passes.keys import ByColumns, ColumnKeys, RowKeys
from gramian.fit.rolling.options import Windows
from gramian.schema import Schema
from gramian.typing import Codes


@dataclass(frozen=True, slots=True)
class Periods:
    """A row's key: its values in the columns of groups, and the number of its period.

    Attributes
    ----------
    by : tuple of str
        Columns of groups; may be empty.
    windows : Windows
        What gives a row its period.
    kind : str
        Arrow type of the column of time.
    """

    by: tuple[str, ...]
    windows: Windows
    kind: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts of a key."""
        return (*self.by, self.windows.on)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read to find a row's key."""
        return self.names

    @property
    def cycle(self) -> None:
        """No cycle: keys come in any order."""
        return None

    def check(self, schema: Schema) -> None:
        """Raise for columns that are not there, or cannot name groups or periods."""
        if self.by:
            ByColumns(self.by).check(schema)
        self.windows.check(schema)

    def start(self) -> RowKeys:
        """Begin the codes of a unit."""
        return PeriodKeys(self.names, windows=self.windows, kind=self.kind)

    def __str__(self) -> str:
        groups = f"by={list(self.by)!r} and " if self.by else ""
        return f"{groups}periods of {self.windows.every.text} of '{self.windows.on}'"


@dataclass(slots=True)
class PeriodKeys(ColumnKeys):
    """Codes of keys whose last part is the number of a period."""

    windows: Windows | None = None
    kind: str = ""

    def part(self, name: str, batch: Batch) -> Codes:
        """Codes (n,) of one column of a batch in the unit's index of levels, -1 where missing."""
        windows = self.windows
        if windows is None or name != windows.on:
            return ColumnKeys.part(self, name, batch)
        values, present = batch.numbers(name)
        there = np.isfinite(values) if present is None else present & np.isfinite(values)
        every = bool(there.all())
        numbers = windows.numbers(values if every else values[there], self.kind)
        if (beyond := np.abs(numbers) > EXACT_INTEGER).any():
            value, length = values[there][beyond][0], windows.every.text
            message = f"on='{name}' is {value:g}, beyond 2^53 periods of {length}; take longer ones by every="
            raise DataError(message, batch.where)
        periods, codes = distinct(numbers.astype(np.int64))
        out = codes
        if not every:
            out = np.full(batch.rows, -1)
            out[there] = codes
        return self.levels[name].encode(out, periods.tolist(), batch.where)


def distinct(numbers: Codes) -> tuple[Codes, Codes]:
    """The different numbers, rising, and the position of each (n,) among them; without a sort where they are close."""
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    if not len(numbers) or high - low >= MAX_PLACES_PER_VALUE * len(numbers):
        return np.unique(numbers, return_inverse=True)
    offsets = numbers - low
    occurs = np.zeros(high - low + 1, np.bool_)
    occurs[offsets] = True
    return low + np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[offsets]
