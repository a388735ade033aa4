"""The order of rows by panels and times, and the rows beside each unit that its lags may need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Batch, Unit
from gramian.data.lags.stretch import Lags, Stretch, empty, joined, stretch_of, together
from gramian.errors import DataError


@dataclass(frozen=True, slots=True)
class Borders:
    """The rows before and after a unit that its lags may need."""

    before: Stretch
    after: Stretch


Known: TypeAlias = dict[tuple[tuple[str, ...], int], list[Borders]]  # columns and steps -> borders of every unit


class Order:
    """The borders of all units, found when they are asked for; units in threads share it.

    Parameters
    ----------
    units : sequence of Unit
        All units, in order.
    panel : tuple of str and str
        Columns of panels and times.
    """

    def __init__(self, units: Sequence[Unit], panel: tuple[str, str]) -> None:
        self.units, self.panel, self.lock = units, panel, Lock()
        self.known: Known = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # another process gets what is known, else the units: then it reads them by itself
        return _order, (() if self.known else self.units, self.panel, self.known)

    def borders(self, index: int, lags: Lags) -> Borders:
        """The borders of a unit. Raises DataError where the rows are not in order."""
        columns = tuple(sorted({lag.column for lag in lags.values()}))
        steps = max(lag.steps for lag in lags.values())
        with self.lock:
            if (columns, steps) not in self.known:
                self.known[columns, steps] = self._read(columns, steps)
            return self.known[columns, steps][index]

    def _read(self, columns: tuple[str, ...], steps: int) -> list[Borders]:
        """Read the columns of all units, in order."""
        heads: list[Stretch] = []
        tails: list[Stretch] = []
        check = _OrderCheck(self.panel)
        for unit in self.units:
            head: Stretch | None = None
            tail: Stretch | None = None
            for batch in unit.batches(tuple(dict.fromkeys((*self.panel, *columns)))):
                rows = stretch_of(batch, self.panel, columns)
                check.add(rows, batch)
                head = rows.part(slice(steps)) if head is None else together([head, rows]).part(slice(steps))
                tail = rows.last(steps) if tail is None else together([tail, rows]).last(steps)
            heads.append(empty(columns) if head is None else head)
            tails.append(empty(columns) if tail is None else tail)
        check.finish()
        before, after = [empty(columns)], [empty(columns)]
        for tail in tails[:-1]:
            before.append(joined(before[-1], tail).last(steps))
        for head in heads[:0:-1]:
            after.append(joined(head, after[-1]).part(slice(steps)))
        return [Borders(*pair) for pair in zip(before, reversed(after), strict=True)]


def _order(units: Sequence[Unit], panel: tuple[str, str], known: Known) -> Order:
    """The order in another process."""
    order = Order(units, panel)
    order.known = known
    return order


class _OrderCheck:
    """Whether rows are in the order of their panels, each in one place, and of times within each."""

    def __init__(self, panel: tuple[str, str]) -> None:
        self.panel = panel
        self.last: Stretch | None = None
        self.starts: list[Any] = []

    def add(self, rows: Stretch, batch: Batch) -> None:
        """The next rows. Raises DataError where the time does not rise within a panel."""
        if not len(rows):
            return
        here = rows if self.last is None else together([self.last, rows])
        same = pc.equal(here.panels[1:], here.panels[:-1]).to_numpy(zero_copy_only=False).astype(bool)
        wrong = same & (np.diff(here.times) <= 0)
        if wrong.any():
            at = int(np.argmax(wrong)) + 1
            row = 1 + int(batch.row_numbers[at - (len(here) - len(rows))])
            panel, time = self.panel
            before, after = here.times[at - 1], here.times[at]
            how = "again" if before == after else f"after {before:g}"
            text = f"row {row}: {panel} {here.panels[at].as_py()} has {time} {after:g} {how}"
            raise DataError(f"{text}; lags need rows sorted by {panel} and {time}, each once", batch.where)
        first = self.last is None
        starts = np.flatnonzero(np.concatenate([[True], ~same] if first else [~same]))
        self.starts.append(rows.panels.take(pa.array(starts)))
        self.last = rows.last(1)

    def finish(self) -> None:
        """Raise DataError where a panel stands in two places."""
        if not self.starts:
            return
        counts = pc.value_counts(pa.concat_arrays(self.starts))
        twice = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
        if len(twice):
            panel, time = self.panel
            raise DataError(f"{panel} {twice[0].as_py()} stands in several places; sort the rows by {panel} and {time}")
