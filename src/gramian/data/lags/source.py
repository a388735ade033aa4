"""Rows in the order of panels and times, with columns at other times: `l(x, 1)`, `f(x, 2)`, `d(x, 1)`.

A lag is looked for among the rows before, at most as many as its steps, for their times differ. So a unit needs a few
rows of those beside it, its borders: these, and whether the order holds, come from one trip over the columns that lags
need. After it the units can be read in any order, by threads or other processes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa

from gramian.batch import Batch, Rereadable, Source, WrappedUnit
from gramian.data.lags.order import Order
from gramian.data.lags.stretch import Stretch, joined, lagged_values, stretch_of, together
from gramian.errors import OptionError
from gramian.schema import lag_of
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class LaggedUnit(WrappedUnit):
    """A unit with lags of its columns.

    Attributes
    ----------
    unit : Unit
        The unit.
    index : int
        Its place among all.
    order : Order
        What knows the borders.
    """

    index: int
    order: Order

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """As of `Unit`; lags among the columns are made."""
        lags = {name: lag for name in columns if (lag := lag_of(name)) is not None}
        if not lags:
            yield from self.unit.batches(columns, parallel=parallel)
            return
        panel, borders = self.order.panel, self.order.borders(self.index, lags)
        used = tuple(sorted({lag.column for lag in lags.values()}))
        needed = tuple(dict.fromkeys((*(c for c in columns if c not in lags), *panel, *used)))
        ahead = max((lag.steps for lag in lags.values() if lag.function == "f"), default=0)
        steps, past = max(lag.steps for lag in lags.values()), borders.before
        waiting: list[tuple[Batch, Stretch]] = []
        for batch in chain(self.unit.batches(needed, parallel=parallel), [None]):
            if batch is not None:
                waiting.append((batch, stretch_of(batch, panel, used)))
            # a batch is ready as soon as the rows after it are there that its leads may need
            while waiting and (batch is None or sum(len(rows) for _, rows in waiting[1:]) >= ahead):
                (first, rows), following = waiting.pop(0), [rows for _, rows in waiting]
                following = [*following, borders.after] if batch is None else following
                parts = [part for part in (past, rows, *following) if len(part)]
                made = lagged_values(together(parts), lags) if parts else {}
                here = slice(len(past), len(past) + len(rows))
                yield _with(first, {name: values[here] for name, values in made.items()})
                past = joined(past, rows).last(steps)


def _with(batch: Batch, made: Mapping[str, Vector]) -> Batch:
    """A batch with more columns, missing where NaN."""
    arrays = {name: pa.array(values, from_pandas=True) for name, values in made.items()}
    return replace(batch, columns={**batch.columns, **arrays})


def panelled(source: Source, panel: object) -> Source:
    """The source with lags of its columns. panel : names of the columns of panels and of times.

    Raises OptionError for what are no two names, or for data that can be read only once; ColumnError for a column that
    is not there.
    """
    if not (isinstance(panel, tuple | list) and len(panel) == 2 and all(isinstance(name, str) for name in panel)):
        raise OptionError(f'panel_id must be the columns of panels and times, as in ("firm", "year"), found {panel!r}')
    names = (panel[0], panel[1])
    for name in names:
        source.schema[name]  # raises where it is not there
    if not source.rereadable:
        raise OptionError("panel_id needs data that can be read again: lags reach over the borders of their parts")
    units = tuple(source.units)
    order = Order(units, names)
    lagged = tuple(LaggedUnit(unit, i, order) for i, unit in enumerate(units))
    paths = source.paths if isinstance(source, Rereadable) else ()
    reading = {**getattr(source, "reading", {}), "panel": json.dumps(names)}
    schema = replace(source.schema, panel=names)
    return Rereadable(schema, lagged, source.inputs, source.rows, source.size, True, paths, reading)
