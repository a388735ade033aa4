"""The pass of HC0 to HC3: products of the columns, each row weighted by its squared score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.scores import Answer, ScoreLift, Scores
from gramian.formula.reading import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.leverage import quadratic_form
from gramian.linalg.moments import Moments
from gramian.typing import Mask, Matrix, Vector

LEAST = 2.0**-26  # of 1 - h: below it nothing is left of a residual but rounding
POWERS = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}  # of 1 - h, by which a squared score is divided


@dataclass(frozen=True, slots=True)
class Meat:
    """Sums of squared scores times x x'; the rows and the loss that were seen, and rows that fit themselves (h = 1)."""

    moments: Moments
    rows: int
    loss: float
    full: int

    def __add__(self, other: Meat, /) -> Meat:
        return Meat(
            self.moments + other.moments, self.rows + other.rows, self.loss + other.loss, self.full + other.full
        )


@dataclass(frozen=True, slots=True)
class MeatPass:
    """One trip over the rows. kind : HC0 to HC3. drop : as in `Accumulate`."""

    answer: Answer
    kind: str
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.answer.design.columns

    @property
    def empty(self) -> Meat:
        """No rows."""
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> Meat:
        """One unit."""
        lift = MeatLift(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                lift.add(lift.reader.read(batch))
        return Meat(lift.moments(), lift.rows, lift.loss, lift.full)


class MeatLift(ScoreLift):
    """One unit under way."""

    def __init__(self, task: MeatPass) -> None:
        super().__init__(task.answer, drop=task.drop)
        self.power, self.full = POWERS[task.kind], 0
        self.inverse = stored_inverse(task.answer) if self.power else np.zeros((0, 0))

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Weigh the rows of a block by their squared scores."""
        squares = scores.s**2
        if self.power:
            rest = 1.0 - scores.w * quadratic_form(
                columns, self.layout, self.answer.groups, self.reader.sizes, self.inverse
            )
            squares, full = divided(squares, rest, self.power)
            self.full += full
        columns.set_response(0.0)
        total = squares if count is None else squares * count
        return self.sums.add(columns, total, count, self.reader.sizes)


def divided(squares: Vector, rest: Vector, power: int) -> tuple[Vector, int]:
    """Squared scores by a power of what leverage leaves, 1 - h; and how many rows it leaves nothing of, set to zero."""
    full = rest < LEAST
    return np.where(full, 0.0, squares / np.where(full, 1.0, rest) ** power), int(full.sum())


def stored_inverse(answer: Answer) -> Matrix:
    """(X'WX)^-1 told in stored columns."""
    V, K = answer.solved.solution.inverse, answer.subspace
    return V if K is None else K @ V @ K.T
