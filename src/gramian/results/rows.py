"""A fit as pictures and `augment` need it: predictions, residuals and leverages of the rows of data, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from gramian.batch import Batch, Source
from gramian.formula.design import Design
from gramian.formula.row_reader import Reader
from gramian.formula.syntax import names
from gramian.formula.terms import Terms
from gramian.inference.influence import Influence
from gramian.plots.influence import standardised
from gramian.schema import Kind, Schema
from gramian.typing import Codes, Mask, Matrix, Vector


class EvaluatedRows(NamedTuple):
    """Fitted values, residuals and leverages of rows.

    Attributes
    ----------
    fitted : ndarray, (n,)
        On the scale of the linear predictor.
    residual : ndarray, (n,)
        Residuals of the model's kind, such as deviance residuals.
    standardized : ndarray, (n,)
        Residuals divided by their standard deviations, NaN for rows of leverage 1.
    leverage : ndarray, (n,)
        Diagonal of the hat matrix.
    influence : Influence or None
        What each row changes; None where it is not defined.
    """

    fitted: Vector
    residual: Vector
    standardized: Vector
    leverage: Vector
    influence: Influence | None = None


class Rows(NamedTuple):
    """The complete rows of a batch.

    Attributes
    ----------
    batch : Batch
        The batch with all its rows.
    complete : ndarray of bool, (rows of the batch,)
        Which rows are complete.
    numbers : ndarray of int, (n,)
        Their numbers in the data, from 0.
    y, weight, counts : ndarray, (n,)
        Outcomes, weights and frequencies.
    values : ndarray, (3, n)
        Predictions, then these minus and plus sqrt(x' (X'WX)^-1 x).
    """

    batch: Batch
    complete: Mask
    numbers: Codes
    y: Vector
    weight: Vector
    counts: Vector
    values: Matrix

    @property
    def half_width(self) -> Vector:
        """sqrt(x' (X'WX)^-1 x) for each row, (n,)."""
        return np.asarray((self.values[2] - self.values[1]) / 2)


@dataclass(frozen=True, slots=True)
class RowwiseFit:
    """A fit with the functions that evaluate it row by row.

    Attributes
    ----------
    fit : object
        The fit that the user has.
    design : Design
        Its design.
    values : callable
        Predictions for a batch, (3, n) as in `Rows`.
    evaluate : callable
        Fitted values, residuals and leverages of rows.
    terms : tuple of int, (p,)
        Number of the term of each coefficient.
    columns : float
        Effective number of columns.
    axis : tuple of str
        Names of fitted values, residuals and standardised residuals on axes.
    unit : str
        Name of the coefficients on an axis.
    mean : callable
        Inverse link: from the linear predictor to the scale of the outcome.
    binomial : bool
        Whether outcomes are shares, with trials as weights.
    title : str
        Title of the picture of the line, where the names of outcome and predictor do not say enough.
    stopped : bool
        Whether the fit is one where an iteration stopped before it converged.
    beside : tuple of str
        Columns that predictions need beside those of the design.
    """

    fit: Any
    design: Design
    values: Callable[[Batch], Matrix]
    evaluate: Callable[[Rows], EvaluatedRows]
    terms: tuple[int, ...]
    columns: float
    axis: tuple[str, str, str]
    unit: str = "estimate"
    mean: Callable[[Vector], Vector] = np.asarray
    binomial: bool = False
    title: str = ""
    stopped: bool = False
    beside: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *self.beside)))

    @property
    def outcome(self) -> str:
        """Name of the outcome; for a binary one with the level that counts as success."""
        name = next(iter(self.design.outcome)).removeprefix("~")
        return name if self.design.binary is None else f"{name} is {self.design.binary[1]}"

    @property
    def predictors(self) -> tuple[str, ...]:
        """Names of the columns that predictions need."""
        return replace(self.design, outcome={}, weight=None, count=None).columns

    def single_predictor(self, schema: Schema) -> str | None:
        """The one numeric column that predictions depend on; None where there are others, factors or offsets."""
        names, design = self.predictors, self.design
        single = len(names) == 1 and not design.terms.factors and not design.offsets
        return names[0] if single and schema[names[0]].kind is Kind.NUMBER else None

    def for_schema(self, schema: Schema) -> RowwiseFit:
        """The same for rows that have these columns: without an outcome that is not there, and weights that are not."""
        design = self.design
        if all(name in schema for name in names(*design.outcome.values())):
            return self
        weight, count = (c if c is None or c in schema else None for c in (design.weight, design.count))
        return replace(self, design=replace(design, outcome={}, present=(), weight=weight, count=count))

    def read(self, source: Source) -> Iterator[Rows]:
        """The complete rows of each batch, in one pass. Raises ColumnError where a column is not in the data."""
        for name in self.names:
            source.schema[name]  # raises where a column is missing
        # The terms are evaluated by `values`; here only outcome, weights and missing values are read.
        outcome = replace(self.design, terms=Terms((), {}, {}), offsets=(), matrix=None)
        first = 0
        for unit in source.units:
            for batch in unit.batches(self.names):
                yield self._rows(batch, Reader(outcome), first)
                first += batch.rows

    def _rows(self, batch: Batch, reader: Reader, first: int) -> Rows:
        """The complete rows of a batch that begins at row number `first`."""
        seen, values = reader.read(batch), self.values(batch)
        complete_rows = np.ones(batch.rows, bool) if seen.row_mask is None else seen.row_mask
        # without outcomes they are the means, for which leverages need no others
        y = next(iter(seen.values.values())) if seen.values else self.mean(values[0, complete_rows])
        ones = np.ones(seen.rows)
        count = ones if seen.count is None else seen.count
        weight = ones if seen.weight is None else seen.weight
        # A prediction is not finite where a new level or a missing predictor makes it so.
        finite = np.isfinite(y) & np.isfinite(values[0, complete_rows])
        drawn = np.zeros(batch.rows, bool)
        drawn[np.flatnonzero(complete_rows)[finite]] = True
        numbers = first + np.flatnonzero(drawn)
        return Rows(batch, drawn, numbers, y[finite], weight[finite], count[finite], values[:, drawn])


def linear_evaluation(
    sigma: float, influence: Callable[[Vector, Vector], Influence] | None = None
) -> Callable[[Rows], EvaluatedRows]:
    """Function that evaluates rows of a linear model: residuals times sqrt(w), and their standardised values.

    influence : of residuals and leverages, where it is defined.
    """

    def evaluate(rows: Rows) -> EvaluatedRows:
        fitted, leverage = rows.values[0], rows.weight * rows.half_width**2
        residual = np.sqrt(rows.weight) * (rows.y - fitted)
        influential = None if influence is None else influence(residual, leverage)
        return EvaluatedRows(fitted, residual, standardised(residual, leverage, sigma), leverage, influential)

    return evaluate


def axis_names(design: Design) -> tuple[str, str, str]:
    """Names of fitted values, residuals and standardised residuals of a linear model on axes."""
    outcome = next(iter(design.outcome)).removeprefix("~")
    residual = "residual" if design.weight is None else "residual × √weight"
    return f"fitted {outcome}", residual, "standardised residual"
