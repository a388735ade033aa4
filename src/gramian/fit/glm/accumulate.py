"""The pass of a generalized linear model: working rows at given coefficients, to moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.glm.separation import CandidateDirections, LargestMoves, largest_moves
from gramian.fit.passes.accumulate import UnitAccumulator, take_rows
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import Observed
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.columns import Columns
from gramian.linalg.moments import Moments
from gramian.linalg.predictor import Predictor
from gramian.models.glm import GLM, WorkingRows, score_theta
from gramian.typing import Level, Mask, Vector


class Totals(NamedTuple):
    """Sums over rows beside the moments, all with prior weights.

    deviance at the point. base, size : terms of the log-likelihood that depend on the outcome alone. weight, outcome :
    of w and w y. inner : of w where y is neither 0 nor 1. null_deviance, null_score, null_information : of the model
    with nothing but an intercept. theta_score, theta_information : of a negative binomial's theta.
    """

    deviance: float = 0.0
    base: float = 0.0
    size: float = 0.0
    weight: float = 0.0
    outcome: float = 0.0
    interior_weight: float = 0.0
    null_deviance: float = 0.0
    null_score: float = 0.0
    null_information: float = 0.0
    theta_score: float = 0.0
    theta_information: float = 0.0


@dataclass(frozen=True, slots=True)
class Linearized:
    """Working moments at a point, and what goes with them."""

    moments: Moments
    dropped_rows: DroppedRows
    totals: Totals
    moves: tuple[LargestMoves, ...]

    def __add__(self, other: Linearized, /) -> Linearized:
        return Linearized(
            self.moments + other.moments,
            self.dropped_rows + other.dropped_rows,
            Totals(*(a + b for a, b in zip(self.totals, other.totals, strict=True))),
            tuple(a + b for a, b in zip(self.moves, other.moves, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Linearize:
    """X'WX, X'Wr and the deviance at the coefficients `at` (None: at the family's own starting means).

    null : eta of the model with nothing but an intercept, where that is wanted. suspects : directions that may separate
    the outcome. observed : observed information.
    likelihood, theta : whether the sums for them are wanted. drop : as in `Accumulate`.
    """

    design: Design
    model: GLM
    predictor: Predictor | None = None
    null: float | None = None
    candidates: CandidateDirections | None = None
    observed_information: bool = False
    likelihood: bool = False
    theta: bool = False
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def empty(self) -> Linearized:
        """No rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Linearized:
        """One unit."""
        accumulator = GlmAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.linearized()

    def accumulate_observed(self, parts: Iterable[Observed]) -> Linearized:
        """Rows that have been read, whose codes are those of the design."""
        accumulator = GlmAccumulator(self)
        with np.errstate(all="ignore"):
            for part in parts:
                accumulator.add(part)
        return accumulator.linearized()


class GlmAccumulator(UnitAccumulator):
    """One unit under way."""

    def __init__(self, task: Linearize, height: int = ROWS_PER_BLOCK) -> None:
        super().__init__(task.design, drop=task.drop, height=height)
        (self.response,) = self.responses
        self.task, self.totals = task, np.zeros(len(Totals()))
        self.eta = None if task.predictor is None else task.predictor.prepare()
        directions = () if task.candidates is None else task.candidates.predictors
        self.projections = [predictor.prepare() for predictor in directions]
        self.moves = [LargestMoves() for _ in directions]

    def add(self, observed: Observed) -> None:
        """Check the outcome, then add the rows."""
        self.check(observed)
        super().add(observed)

    def add_cached(self, columns: Columns, observed: Observed, levels: Mapping[str, Sequence[Level]]) -> None:
        """Add rows that have been checked and gathered before, the codes of which refer to these levels."""
        if levels:
            indexes = self.reader.levels
            codes = {n: indexes[n].encode(c, levels[n], observed.where) for n, c in columns.codes.items()}
            columns = replace(columns, codes=codes)
        rows = slice(0, columns.rows)
        if not self.block(columns, observed, rows):
            columns.set_response(observed.values[self.response])
            self.fail(columns, observed)

    def check(self, observed: Observed) -> None:
        """Raise DataError for an outcome that the family cannot have."""
        y, family = observed.values[self.response], self.task.model.family
        wrong = family.check(y)
        if wrong.any() and (wrong := wrong & np.isfinite(y)).any():
            row = int(np.argmax(wrong))
            what = f"the outcome is {y[row]:g}, but for the family '{family.name}' it must be {family.range}"
            raise DataError(f"row {observed.row_number(row)}: {what}", observed.where)

    def residual(self, observed: Observed, response: str) -> Vector:
        """The outcome itself; the working residual takes its place when the coefficients are applied."""
        return observed.values[response]

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Working rows of a block."""
        y, prior = observed.values[self.response][rows], take_rows(observed.weight, rows)
        offset = take_rows(observed.offset, rows)
        eta, work = self._working(columns, y, offset, prior)
        if not np.isfinite(work.loss):
            return False
        totals = self._totals(y, offset, prior, work, eta)
        self._add_moves(columns, y)
        columns.set_response(work.r)
        if not self.sums.add(columns, work.w, None, self.reader.sizes):
            return False
        self.totals += totals
        return True

    def _working(
        self, columns: Columns, y: Vector, offset: Vector | None, prior: Vector | None
    ) -> tuple[Vector, WorkingRows]:
        """At the start the working outcome is told from zero, so that the solve gives coefficients, not a step."""
        model = self.task.model
        if self.eta is None:
            eta = model.start(y, prior)
            work = model.linearize(y, eta, prior)
            base = eta if offset is None else eta - offset
            return eta, work._replace(r=work.r + base)
        eta = self.eta(columns, self.reader.sizes)
        if offset is not None:
            eta = eta + offset
        return eta, model.linearize(y, eta, prior, observed=self.task.observed_information)

    def _add_moves(self, columns: Columns, y: Vector) -> None:
        if self.task.candidates is not None:
            for i, projection in enumerate(self.projections):
                self.moves[i] += largest_moves(projection(columns, self.reader.sizes), y, self.task.candidates.top)

    def _totals(self, y: Vector, offset: Vector | None, prior: Vector | None, work: WorkingRows, eta: Vector) -> Totals:
        totals = Totals(work.loss)
        family, w = self.task.model.family, np.ones(len(y)) if prior is None else prior
        if self.task.likelihood:
            law, weight = family.likelihood, float(w.sum())
            interior_weight = float(w @ ((y != 0.0) & (y != 1.0)))
            base_is_zero = law is None or (
                family.variance_function.domain == "proportion" and not interior_weight
            )  # then nothing depends on y alone
            base = (0.0, 0.0) if base_is_zero or law is None else (law.base(y, w), law.size(w))
            totals = Totals(work.loss, *base, weight, float(w @ y), interior_weight)
        if self.task.null is not None:
            null_eta = np.full(len(y), self.task.null) if offset is None else self.task.null + offset
            null = self.task.model.linearize(y, null_eta, prior)
            sums = (null.loss, float(null.s.sum()), float(null.w.sum()))
            totals = totals._replace(null_deviance=sums[0], null_score=sums[1], null_information=sums[2])
        if self.task.theta and family.theta is not None:
            score, information = score_theta(y, self.task.model.mean(eta), w, family.theta)
            totals = totals._replace(theta_score=score, theta_information=information)
        return totals

    def fail(self, columns: Columns, observed: Observed) -> None:
        """Rows whose values are finite but whose means are not: the point is out of reach, its loss infinite."""
        if not np.isfinite(columns.products().diagonal()).all():
            super().fail(columns, observed)
        self.totals[0] = np.inf

    def linearized(self) -> Linearized:
        """The unit's partial result."""
        totals = Totals(*self.totals.tolist())
        return Linearized(self.moments(), self.reader.dropped_rows, totals, tuple(self.moves))
