"""Means of the columns of numbers that a formula uses, over the rows of a fit: from its sums, or in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.effects.accumulate import AverageOver, average_over
from gramian.fit.effects.averages import RowsToAverage
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.moments import MeansOfColumns, SettingInColumns
from gramian.fit.effects.rows import RowsReader
from gramian.formula.syntax import Name
from gramian.typing import Vector


def column_means(model: EffectModel, columns: Sequence[str], over: RowsToAverage) -> dict[str, float]:
    """Mean of each column over the rows, each counted once, or as often as `counts` says.

    Raises OptionError where the rows have to be read, and cannot be.
    """
    known = [_from_sums(model, column) if over.data is None else None for column in columns]
    found = {column: mean for column, mean in zip(columns, known, strict=True) if mean is not None}
    missing = tuple(column for column in columns if column not in found)
    if missing:
        source = over.rows("the means of columns")
        sums = over.engine.fold(source, ColumnMeans(average_over(model, (), source.schema, None), missing))
        if not sums.rows:
            raise DataError("no row has all predictors, so there is nothing to average over")
        found |= dict(zip(missing, (sums.sums / sums.rows).tolist(), strict=True))
    return {column: found[column] for column in columns}


def _from_sums(model: EffectModel, column: str) -> float | None:
    """The mean of a column that is a variable itself; None where the sums of the fit do not have it."""
    variable = next((v for v, node in model.design.terms.variables.items() if node == Name(column)), None)
    single = None if variable is None else ((variable, 1),)
    if model.means is None or variable is None or not any(single in m for m in model.blocks.values()):
        return None
    coordinate = model.design.coordinates[variable]
    mean = MeansOfColumns(model, model.means, SettingInColumns({}, {}, {})).of((), ((variable, 1),))
    return float(np.ldexp(mean, coordinate.exponent) + coordinate.shift)


@dataclass(frozen=True, slots=True)
class SumsOfColumns:
    """Number of rows, and sums (k,) of columns over them."""

    rows: int
    sums: Vector

    def __add__(self, other: SumsOfColumns, /) -> SumsOfColumns:
        return SumsOfColumns(self.rows + other.rows, self.sums + other.sums)


@dataclass(frozen=True, slots=True)
class ColumnMeans:
    """The pass that sums columns over complete rows.

    Attributes
    ----------
    rows : AverageOver
        Says which rows are complete.
    names : tuple of str
        The columns that are summed.
    """

    rows: AverageOver
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.rows.columns

    @property
    def empty(self) -> SumsOfColumns:
        """The sums of no rows."""
        return SumsOfColumns(0, np.zeros(len(self.names)))

    def accumulate(self, batches: Iterable[Batch], /) -> SumsOfColumns:
        """The sums of one unit."""
        reader, total = RowsReader(self.rows.model.design, self.rows.outcome, None), self.empty
        for batch in batches:
            for _, rows in reader.read(batch):
                weights = rows.weights(slice(0, rows.count))
                values = [weights @ batch.numbers(name).values[rows.kept] for name in self.names]
                total = total + SumsOfColumns(rows.total, np.array(values, np.float64))
        return total


def texts(means: Mapping[str, float]) -> list[str]:
    """Each column with its mean."""
    return [f"{name} = {mean:.6g}" for name, mean in means.items()]
