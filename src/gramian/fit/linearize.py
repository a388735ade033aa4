"""The pass of a generalized linear model: working rows at given coefficients, to moments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.passes import Lift, part
from gramian.fit.separation import Direction
from gramian.formula.design import Design
from gramian.formula.reading import Observed
from gramian.formula.tally import Tally
from gramian.linalg.columns import Columns
from gramian.linalg.moments import Moments, combined
from gramian.linalg.predictor import Predictor
from gramian.models.glm import GLM
from gramian.typing import Mask, Vector


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over rows beside the moments, all with prior weights.

    deviance, and log-likelihood terms that depend on the outcome alone. weight, outcome : of w and of w y.
    null_deviance, null_score, null_information : of the model with an intercept only. theta_score, theta_information :
    of a negative binomial's theta. against : rows on the wrong side of a suspected separation; beyond : rows it moves.
    """

    deviance: float = 0.0
    saturated: float = 0.0
    weight: float = 0.0
    outcome: float = 0.0
    null_deviance: float = 0.0
    null_score: float = 0.0
    null_information: float = 0.0
    theta_score: float = 0.0
    theta_information: float = 0.0
    against: int = 0
    beyond: int = 0

    def __add__(self, other: Totals, /) -> Totals:
        return Totals(*(getattr(self, f) + getattr(other, f) for f in Totals.__slots__))


@dataclass(frozen=True, slots=True)
class Linearized:
    """Working moments at a point, and the sums that go with them."""

    moments: Moments
    tally: Tally
    totals: Totals

    def __add__(self, other: Linearized, /) -> Linearized:
        return Linearized(self.moments + other.moments, self.tally + other.tally, self.totals + other.totals)


@dataclass(frozen=True, slots=True)
class Linearize:
    """X'WX, X'Wr and the deviance at the coefficients in `at` (None: at the family's own starting means).

    null : predictor of the model with an intercept only, when its deviance is wanted. suspect : a direction that may
    separate the outcome, and is checked on the way.
    """

    design: Design
    model: GLM
    at: Predictor | None = None
    null: float | None = None
    suspect: Direction | None = None
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def empty(self) -> Linearized:
        """No rows."""
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> Linearized:
        """One unit."""
        lift = GlmLift(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                lift.add(lift.reader.read(batch))
        return lift.finish()


class GlmLift(Lift):
    """One unit under way."""

    def __init__(self, task: Linearize) -> None:
        super().__init__(task.design, drop=task.drop)
        self.task, self.totals = task, Totals()
        self.eta = None if task.at is None else task.at.prepare()
        self.along = None if task.suspect is None else task.suspect.predictor.prepare()

    def add(self, observed: Observed) -> None:
        """Check the outcome, then add the rows."""
        y = observed.values[self.response]
        wrong = self.task.model.family.check(y) & np.isfinite(y)
        if wrong.any():
            row = int(np.argmax(wrong))
            family = self.task.model.family
            raise DataError(
                f"row {observed.row_number(row)}: the outcome is {y[row]:g}; a {family.name} outcome is {family.range}",
                observed.where,
            )
        super().add(observed)

    def residual(self, observed: Observed) -> Vector:
        return observed.values[self.response]

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        task, y = self.task, observed.values[self.response][rows]
        weight, count, offset = part(observed.weight, rows), part(observed.count, rows), part(observed.offset, rows)
        prior = combined(weight, count)
        if self.eta is None:
            r, w, deviance = task.model.start(y, offset, prior)
        else:
            eta = self.eta(columns, self.reader.sizes)
            eta = eta if offset is None else eta + offset
            r, w, deviance = task.model.linearize(y, eta, prior)
        if not np.isfinite(deviance):
            return False
        side = self._side(columns, y)  # before the buffer is overwritten
        columns.response[:] = r
        if not self.sums.add(columns, w, count, self.reader.sizes):
            return False
        self.totals += Totals(deviance, *self._outcome(y, offset, prior), *side)
        return True
