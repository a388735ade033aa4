"""The pass of effects: sums of predictions and slopes over rows, and of their gradients, all settings at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.batch import Batch
from gramian.fit.effects.blocks import RunningSums, SettingSums
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.rows import RowsReader
from gramian.fit.effects.settings import Quantity
from gramian.fit.effects.sums import StoredSums
from gramian.formula.design import Design
from gramian.formula.syntax import names
from gramian.linalg.blocks import BlockWriter
from gramian.schema import Schema
from gramian.typing import Level, Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Sums over the rows of one group.

    Attributes
    ----------
    rows : int
        Number of rows; with frequency weights their sum.
    values : Vector
        (k,) sums of the predictions or slopes.
    gradients : Matrix
        (k, q) sums of their derivatives by the coefficients of the stored columns.
    unseen : Mask
        (k,) whether a row lies in a combination of levels that no row of the fit has.
    """

    rows: int
    values: Vector
    gradients: Matrix
    unseen: Mask

    def __add__(self, other: GroupSums, /) -> GroupSums:
        return GroupSums(
            self.rows + other.rows,
            self.values + other.values,
            self.gradients + other.gradients,
            self.unseen | other.unseen,
        )


@dataclass(frozen=True, slots=True)
class EffectSums:
    """Partial result of the pass: group -> its sums. Without a grouping column the one group is called None."""

    groups: Mapping[Level | None, GroupSums] = field(default_factory=dict)

    def __add__(self, other: EffectSums, /) -> EffectSums:
        out = dict(self.groups)
        for name, sums in other.groups.items():
            out[name] = out[name] + sums if name in out else sums
        return EffectSums(out)


@dataclass(frozen=True, slots=True)
class AverageOver:
    """The task of the pass.

    Attributes
    ----------
    model : EffectModel
        The fit.
    quantities : tuple of Quantity
        What is averaged.
    outcome : Design
        Outcome, weights and frequencies, as far as the rows have them: a row without them did not enter the fit.
    by : str or None
        Column in whose every value there are averages of their own.
    """

    model: EffectModel
    quantities: tuple[Quantity, ...]
    outcome: Design
    by: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        by = () if self.by is None else (self.by,)
        return tuple(dict.fromkeys((*self.model.design.columns, *self.outcome.columns, *by)))

    @property
    def empty(self) -> EffectSums:
        """The sums of no rows."""
        return EffectSums()

    def accumulate(self, batches: Iterable[Batch], /) -> EffectSums:
        """The sums of one unit."""
        accumulator = UnitAverages(self)
        with np.errstate(all="ignore"):  # rows that are not finite are left out
            for batch in batches:
                accumulator.add(batch)
        return accumulator.finish()


def average_over(model: EffectModel, quantities: Sequence[Quantity], schema: Schema, by: str | None) -> AverageOver:
    """The task for rows with these columns. Raises ColumnError where a predictor is not among them."""
    for name in (*model.design.columns, *([] if by is None else [by])):
        schema[name]  # raises where a column is missing
    fitted = model.solved.design
    outcome = fitted.outcome if all(name in schema for name in names(*fitted.outcome.values())) else {}
    weight, count = (c if c is not None and c in schema else None for c in (fitted.weight, fitted.count))
    # what is left of a formula without its terms
    terms = model.no_terms
    design = replace(fitted, outcome=outcome, weight=weight, count=count, terms=terms, offsets=(), matrix=None)
    return AverageOver(model, tuple(quantities), design, by)


class UnitAverages:
    """Accumulates the sums of one unit, block by block.

    Parameters
    ----------
    task : AverageOver
        What is summed.
    """

    def __init__(self, task: AverageOver) -> None:
        self.task, self.model = task, task.model
        self.reader = RowsReader(task.model.design, task.outcome, task.by)
        self.settings = SettingSums.of_all(task.model, task.quantities)
        self.writer = BlockWriter(self.model.layout, self.model.design.coordinates)
        self.stored: StoredSums | None = None
        self.groups: dict[Level | None, RunningSums] = {}

    def add(self, batch: Batch) -> None:
        """Add the complete rows of a batch, group by group."""
        for name, rows in self.reader.read(batch):
            sums = self.groups.setdefault(name, self._zeros())
            sums.rows += rows.total
            stored = self._stored()
            for setting in self.settings:
                under = rows.under(setting.setting)
                blocks = self.writer.blocks(under.count, under.values, under.codes, None)
                setting.add(blocks, under, stored, sums)

    def finish(self) -> EffectSums:
        """The sums of the unit."""
        return EffectSums({name: GroupSums(s.rows, s.values, s.gradients, s.unseen) for name, s in self.groups.items()})

    def _zeros(self) -> RunningSums:
        """Sums of no rows."""
        k = len(self.task.quantities)
        return RunningSums(np.zeros(k), np.zeros((k, self.model.width)), np.zeros(k, np.bool_))

    def _stored(self) -> StoredSums:
        """What sums stored columns, made again only where the number of levels has changed."""
        if self.stored is None or self.stored.sizes != self.reader.sizes:
            self.stored = StoredSums(self.model, self.reader.sizes)
        return self.stored
