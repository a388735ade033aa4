"""A fit as its pictures need it, and the rows of the data in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gramian.batch import Batch, Source
from gramian.formula.design import Design
from gramian.formula.row_reader import Reader
from gramian.formula.terms import Terms
from gramian.plots.influence import standardised
from gramian.schema import Kind, Schema
from gramian.typing import Codes, Mask, Matrix, Vector

if TYPE_CHECKING:
    pass


class EvaluatedRows(NamedTuple):
    """What the model says of rows, all (n,)."""

    fitted: Vector
    residual: Vector
    standardized: Vector
    leverage: Vector


class Rows(NamedTuple):
    """Rows that are complete: their numbers, outcomes and weights, and predictions (3, n) with one unit of spread."""

    batch: Batch
    complete: Mask
    numbers: Codes
    y: Vector
    weight: Vector
    counts: Vector
    values: Matrix


@dataclass(frozen=True, slots=True)
class RowwiseFit:
    """A fit as its pictures need it.

    values : (3, n) predictions for a batch, less and more the root of x' inverse x. judge : what they mean.
    terms : numbers of the terms of the coefficients. axis : what "fitted" is, and what the residuals are. unit : of the
    coefficients. mean : predictions on the scale of the outcome.
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

    @property
    def outcome(self) -> str:
        """The name of the outcome."""
        name = next(iter(self.design.outcome)).removeprefix("~")
        return name if self.design.binary is None else f"{name} is {self.design.binary[1]}"

    @property
    def predictors(self) -> tuple[str, ...]:
        """Columns that the predictions are made of."""
        return replace(self.design, outcome={}, weight=None, count=None).columns

    def single_predictor(self, schema: Schema) -> str | None:
        """The one number that everything depends on, None where there is no such column."""
        names, design = self.predictors, self.design
        single = len(names) == 1 and not design.terms.factors and not design.offsets
        return names[0] if single and schema[names[0]].kind is Kind.NUMBER else None

    def read(self, source: Source) -> Iterator[Rows]:
        """One pass over the rows that have all that is needed."""
        for name in self.design.columns:
            source.schema[name]  # raises where a column is missing
        outcome = replace(self.design, terms=Terms((), {}, {}), offsets=(), matrix=None)
        first = 0
        for unit in source.units:
            for batch in unit.batches(self.design.columns):
                yield self._rows(batch, Reader(outcome), first)
                first += batch.rows

    def _rows(self, batch: Batch, reader: Reader, first: int) -> Rows:
        seen, values = reader.read(batch), self.values(batch)
        complete_rows = np.ones(batch.rows, bool) if seen.row_mask is None else seen.row_mask
        (y,) = seen.values.values()
        ones = np.ones(seen.rows)
        count = ones if seen.count is None else seen.count
        weight = ones if seen.weight is None else seen.weight
        finite = np.isfinite(y) & np.isfinite(values[0, complete_rows])
        drawn = np.zeros(batch.rows, bool)
        drawn[np.flatnonzero(complete_rows)[finite]] = True
        numbers = first + np.flatnonzero(drawn)
        return Rows(batch, drawn, numbers, y[finite], weight[finite], count[finite], values[:, drawn])


def _gaussian(sigma: float) -> Callable[[Rows], EvaluatedRows]:
    def evaluate(rows: Rows) -> EvaluatedRows:
        fitted, leverage = rows.values[0], rows.weight * _half_width(rows) ** 2
        residual = np.sqrt(rows.weight) * (rows.y - fitted)
        return EvaluatedRows(fitted, residual, standardised(residual, leverage, sigma), leverage)

    return evaluate


def _half_width(rows: Rows) -> Vector:
    """The root of x' inverse x."""
    return np.asarray((rows.values[2] - rows.values[1]) / 2)


def _axis(design: Design) -> tuple[str, str, str]:
    outcome = next(iter(design.outcome)).removeprefix("~")
    residual = "residual" if design.weight is None else "residual × √weight"
    return f"fitted {outcome}", residual, "standardised residual"
