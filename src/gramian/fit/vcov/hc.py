"""The pass of HC0 to HC3: products of the columns, each row weighted by its squared score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.fit.vcov.within import Demeaned
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.leverage import quadratic_form
from gramian.linalg.moments import Moments
from gramian.typing import Mask, Matrix, Vector

MIN_COMPLEMENT = 2.0**-26  # of 1 - h: below it nothing is left of a residual but rounding
POWERS = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}  # of 1 - h, by which a squared score is divided


@dataclass(frozen=True, slots=True)
class Meat:
    """Sums of squared scores times x x'; the rows and the loss that were seen, and rows that fit themselves (h = 1)."""

    moments: Moments
    rows: int
    loss: float
    full_leverage: int

    def __add__(self, other: Meat, /) -> Meat:
        return Meat(
            self.moments + other.moments,
            self.rows + other.rows,
            self.loss + other.loss,
            self.full_leverage + other.full_leverage,
        )


@dataclass(frozen=True, slots=True)
class MeatPass:
    """One trip over the rows. kind : HC0 to HC3. drop : as in `Accumulate`."""

    fitted_model: FittedModel
    kind: str
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> Meat:
        """No rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Meat:
        """One unit."""
        accumulator = MeatAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return Meat(accumulator.moments(), accumulator.rows, accumulator.loss, accumulator.full_leverage)


class MeatAccumulator(ScoreAccumulator):
    """One unit under way."""

    def __init__(self, task: MeatPass) -> None:
        super().__init__(task.fitted_model, drop=task.drop)
        self.power, self.full_leverage = POWERS[task.kind], 0
        self.inverse = stored_inverse(task.fitted_model) if self.power else np.zeros((0, 0))

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Weigh the rows of a block by their squared scores."""
        squares = scores.s**2
        if self.power:
            complement = 1.0 - scores.w * quadratic_form(
                columns, self.layout, self.fitted_model.groups, self.reader.sizes, self.inverse
            )
            squares, full_leverage = divide_by_leverage(squares, complement, self.power)
            self.full_leverage += full_leverage
        columns.set_response(0.0)
        total = squares if count is None else squares * count
        return self.sums.add(columns, total, count, self.reader.sizes)


def divide_by_leverage(squares: Vector, complement: Vector, power: int) -> tuple[Vector, int]:
    """Squared scores by a power of what leverage leaves, 1 - h; and how many rows it leaves nothing of, set to zero."""
    full_leverage = complement < MIN_COMPLEMENT
    return np.where(full_leverage, 0.0, squares / np.where(full_leverage, 1.0, complement) ** power), int(
        full_leverage.sum()
    )


def stored_inverse(fitted_model: FittedModel) -> Matrix:
    """(X'WX)^-1 told in stored columns."""
    V, K = fitted_model.solved.solution.inverse, fitted_model.subspace
    return V if K is None else K @ V @ K.T


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
