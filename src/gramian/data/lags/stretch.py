"""Rows one after another, and the lags among them.

A lag is looked for among the rows before, at most as many as its steps, for the times of a panel differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.rowwise import plain
from gramian.schema import Lag
from gramian.typing import Vector

Lags: TypeAlias = Mapping[str, Lag]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows one after another: what lags need of them.

    Attributes
    ----------
    panels : pyarrow.Array
        (n,) the panel of each.
    times : Vector
        (n,) whole numbers.
    values : Mapping[str, Vector]
        Column -> (n,), NaN where missing.
    """

    panels: Any
    times: Vector
    values: Mapping[str, Vector]

    def __len__(self) -> int:
        return len(self.times)

    def part(self, rows: slice) -> Stretch:
        """Some of the rows, copied: the rest need not stay in memory."""
        taken = pa.concat_arrays([self.panels[rows], self.panels[:0]])
        return Stretch(taken, self.times[rows].copy(), {n: v[rows].copy() for n, v in self.values.items()})

    def last(self, count: int) -> Stretch:
        """The last rows."""
        return self.part(slice(max(len(self) - count, 0), len(self)))


def together(parts: Sequence[Stretch]) -> Stretch:
    """Stretches one after another."""
    return Stretch(
        pa.concat_arrays([part.panels for part in parts]),
        np.concatenate([part.times for part in parts]),
        {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values},
    )


def stretch_of(batch: Batch, panel: tuple[str, str], columns: Sequence[str]) -> Stretch:
    """What lags need of a batch. Raises DataError for a row without panel or time, or times that are not whole."""
    panels, times = plain(batch.arrow(panel[0])), batch.numbers(panel[1])
    if pa.types.is_string(panels.type):
        panels = panels.cast(pa.large_string())
    absent = np.isnan(times.values) if times.present is None else ~times.present | np.isnan(times.values)
    for name, missing in ((panel[0], pc.is_null(panels).to_numpy(zero_copy_only=False)), (panel[1], absent)):
        if missing.any():
            row = 1 + int(batch.row_numbers[int(np.argmax(missing))])
            raise DataError(f"row {row}: '{name}' is null; lags need the panel and the time of every row", batch.where)
    if (wrong := times.values != np.floor(times.values)).any():
        row = int(np.argmax(wrong))
        found = f"row {1 + int(batch.row_numbers[row])}: '{panel[1]}' is {times.values[row]:g}"
        raise DataError(f"{found}; lags need times that are whole numbers, so that one step is 1", batch.where)
    values = {}
    for name in columns:
        numbers = batch.numbers(name)
        values[name] = numbers.values if numbers.present is None else np.where(numbers.present, numbers.values, np.nan)
    return Stretch(panels, times.values, values)


def lagged_values(rows: Stretch, lags: Lags) -> dict[str, Vector]:
    """The columns of lags (n,), NaN where the panel has no row at that time or none with a value."""
    count, out = len(rows), {name: np.full(len(rows), np.nan) for name in lags}
    for offset in range(1, min(max(lag.steps for lag in lags.values()), count - 1) + 1):
        same = pc.equal(rows.panels[offset:], rows.panels[:-offset]).to_numpy(zero_copy_only=False)
        steps = np.where(same, rows.times[offset:] - rows.times[:-offset], 0)
        for name, lag in lags.items():
            later = np.flatnonzero(steps == lag.steps) + offset
            earlier, x = later - offset, rows.values[lag.column]
            if lag.function == "f":
                out[name][earlier] = x[later]
            else:
                out[name][later] = x[later] - x[earlier] if lag.function == "d" else x[earlier]
    return out


def empty(columns: Sequence[str]) -> Stretch:
    """No rows."""
    return Stretch(pa.nulls(0), np.empty(0), {name: np.empty(0) for name in columns})


def joined(first: Stretch, second: Stretch) -> Stretch:
    """Two stretches, of which one may be empty."""
    parts = [part for part in (first, second) if len(part)]
    return together(parts) if parts else first
