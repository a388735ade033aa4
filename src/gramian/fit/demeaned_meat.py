"""The pass of HC0 to HC3 beside absorbed factors: products of demeaned columns, weighted by squared scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.demeaned import Demeaned
from gramian.fit.meat import POWERS, divided, stored_inverse
from gramian.fit.scores import Answer, ScoreLift, Scores
from gramian.formula.reading import Observed
from gramian.linalg.columns import Columns
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class DemeanedMeat:
    """Sums (q, q) of squared scores times x x', x stored columns without what levels explain; the rest as in `Meat`."""

    products: Matrix
    rows: int
    loss: float
    full: int

    def __add__(self, other: DemeanedMeat, /) -> DemeanedMeat:
        return DemeanedMeat(
            self.products + other.products, self.rows + other.rows, self.loss + other.loss, self.full + other.full
        )


@dataclass(frozen=True, slots=True)
class DemeanedMeatPass:
    """One trip over the rows. kind : HC0 to HC3, the last two for one absorbed factor. drop : as in `Accumulate`."""

    answer: Answer
    demeaned: Demeaned
    kind: str
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.answer.design.columns

    @property
    def empty(self) -> DemeanedMeat:
        """No rows."""
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> DemeanedMeat:
        """One unit."""
        lift = _DemeanedLift(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                lift.add(lift.reader.read(batch))
        return DemeanedMeat(lift.products, lift.rows, lift.loss, lift.full)


class _DemeanedLift(ScoreLift):
    """One unit under way."""

    def __init__(self, task: DemeanedMeatPass) -> None:
        super().__init__(task.answer, drop=task.drop, layout=task.answer.design.rows_layout)
        self.demeaned, self.power, self.full = task.demeaned, POWERS[task.kind], 0
        self.products = np.zeros((task.answer.width, task.answer.width))
        self.inverse = stored_inverse(task.answer) if self.power else np.zeros((0, 0))

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Weigh the rows of a block by their squared scores; a level is fitted to its rows, which is leverage, too."""
        Z, squares = self.demeaned.rows(columns, self.layout, self.reader.sizes), scores.s**2
        if self.power:
            inner = np.einsum("ij,ij->i", np.dot(Z, self.inverse), Z)
            squares, full = divided(squares, 1.0 - scores.w * (self.demeaned.leverage(columns) + inner), self.power)
            self.full += full
        Z *= np.sqrt(squares if count is None else squares * count)[:, None]
        products = np.dot(Z.T, Z)
        if not np.isfinite(products.diagonal().sum()):
            return False
        self.products += products
        return True
