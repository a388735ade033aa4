"""Averages of predictions and slopes over rows, with their gradients: from sums of the fit, or in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Source
from gramian.engines.choice import Engine
from gramian.errors import DataError, OptionError
from gramian.fit.effects.accumulate import average_over
from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.moments import average_from_moments
from gramian.fit.effects.settings import Quantity
from gramian.results.fitted_rows import FittedRows, rows_or_fitted
from gramian.typing import Level, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Averages:
    """Averages with their gradients by the coefficients of the stored columns.

    Attributes
    ----------
    values : Vector
        (k,) averages, NaN where the data do not determine them.
    gradients : Matrix
        (k, q) their derivatives.
    rows : int
        Number of rows.
    groups : tuple
        Value of the grouping column of each average, empty without one.
    """

    values: Vector
    gradients: Matrix
    rows: int
    groups: tuple[Level | None, ...] = ()


@dataclass(frozen=True, slots=True)
class RowsToAverage:
    """The rows over which averages are taken.

    Attributes
    ----------
    data : object
        As the user gave them; None for the rows of the fit.
    fitted : FittedRows
        Where the rows of the fit are.
    engine : Engine
        What reads them.
    by : str or None
        Column in whose every value there are averages of their own.
    """

    data: object
    fitted: FittedRows
    engine: Engine
    by: str | None = None

    def rows(self, what: str) -> Source:
        """The rows. Raises OptionError or DataError where those of the fit cannot be read again. what : needs them."""
        try:
            return rows_or_fitted(self.data, self.fitted)
        except OptionError as error:
            raise OptionError(f"{what} need rows: {error}") from None


def averages(model: EffectModel, quantities: Sequence[Quantity], over: RowsToAverage) -> Averages:
    """The averages of all quantities; with `by` those of the first group come first.

    Those of the rows of a linear fit come from the sums of its columns where they can; else one pass reads the rows.
    """
    if over.data is None and over.by is None:
        known = [average_from_moments(model, quantity) for quantity in quantities]
        found = [average for average in known if average is not None]
        if len(found) == len(quantities):
            gradients = np.array([average.gradient for average in found]).reshape(len(found), model.width)
            return _determined(model, Averages(np.array([a.value for a in found]), gradients, model.solved.rows))
    return _determined(model, _read(model, quantities, over))


def _read(model: EffectModel, quantities: Sequence[Quantity], over: RowsToAverage) -> Averages:
    """The averages from one pass over the rows. Raises DataError where no row is complete."""
    source = over.rows("these averages")
    sums = over.engine.fold(source, average_over(model, quantities, source.schema, over.by))
    if not sums.groups:
        raise DataError("no row has all predictors, so there is nothing to average over")
    groups = sorted(sums.groups.items(), key=lambda pair: (pair[0] is None, str(type(pair[0])), pair[0]))
    parts = [group for _, group in groups]
    with np.errstate(invalid="ignore"):
        values = np.concatenate([np.where(part.unseen, np.nan, part.values) / part.rows for part in parts])
        gradients = np.concatenate([part.gradients / part.rows for part in parts])
    names = tuple(name for name, _ in groups for _ in quantities) if over.by is not None else ()
    return Averages(values, gradients, sum(part.rows for part in parts), names)


def _determined(model: EffectModel, averages: Averages) -> Averages:
    """The averages, with NaN for those that the data do not determine."""
    estimable = model.estimable(np.nan_to_num(averages.gradients))
    return replace(averages, values=np.where(estimable, averages.values, np.nan))
