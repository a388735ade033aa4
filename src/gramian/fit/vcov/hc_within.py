"""The pass of HC0 to HC3 beside absorbed factors: products of demeaned columns, weighted by squared scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.vcov.hc import POWERS, divide_by_leverage, stored_inverse
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.fit.vcov.within import Demeaned
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class DemeanedMeat:
    """Sums (q, q) of squared scores times x x', x stored columns without what levels explain; the rest as in `Meat`."""

    products: Matrix
    rows: int
    loss: float
    full_leverage: int

    def __add__(self, other: DemeanedMeat, /) -> DemeanedMeat:
        return DemeanedMeat(
            self.products + other.products,
            self.rows + other.rows,
            self.loss + other.loss,
            self.full_leverage + other.full_leverage,
        )


@dataclass(frozen=True, slots=True)
class DemeanedMeatPass:
    """One trip over the rows. kind : HC0 to HC3, the last two for one absorbed factor. drop : as in `Accumulate`."""

    fitted_model: FittedModel
    demeaned: Demeaned
    kind: str
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> DemeanedMeat:
        """No rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> DemeanedMeat:
        """One unit."""
        accumulator = _DemeanedMeatAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return DemeanedMeat(accumulator.products, accumulator.rows, accumulator.loss, accumulator.full_leverage)


class _DemeanedMeatAccumulator(ScoreAccumulator):
    """One unit under way."""

    def __init__(self, task: DemeanedMeatPass) -> None:
        super().__init__(task.fitted_model, drop=task.drop, layout=task.fitted_model.design.rows_layout)
        self.demeaned, self.power, self.full_leverage = task.demeaned, POWERS[task.kind], 0
        self.products = np.zeros((task.fitted_model.width, task.fitted_model.width))
        self.inverse = stored_inverse(task.fitted_model) if self.power else np.zeros((0, 0))

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Weigh the rows of a block by their squared scores; a level is fitted to its rows, which is leverage, too."""
        Z, squares = self.demeaned.rows(columns, self.layout, self.reader.sizes), scores.s**2
        if self.power:
            inner = np.einsum("ij,ij->i", np.dot(Z, self.inverse), Z)
            squares, full_leverage = divide_by_leverage(
                squares, 1.0 - scores.w * (self.demeaned.leverage(columns) + inner), self.power
            )
            self.full_leverage += full_leverage
        Z *= np.sqrt(squares if count is None else squares * count)[:, None]
        products = np.dot(Z.T, Z)
        if not np.isfinite(products.diagonal().sum()):
            return False
        self.products += products
        return True
