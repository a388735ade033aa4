"""The pass of a generalized linear model: rows at given coefficients to moments of the working rows.

One pass gives X'WX, X'Wr and the deviance at one point, which is what one step of iteratively reweighted least squares
needs (P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd ed., Chapman and Hall 1989, section 2.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.glm.compiled import CompiledRows, compiled_rows
from gramian.fit.glm.separation import CandidateDirections, LargestMoves, largest_moves
from gramian.fit.passes.accumulate import UnitAccumulator, take_rows
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import Observed
from gramian.linalg.blocks import ROWS_PER_BLOCK, Predictor
from gramian.linalg.columns import Columns
from gramian.linalg.moments import Moments, combined_weight
from gramian.models.families import SHARE
from gramian.models.glm import GLM, WorkingRows, score_theta
from gramian.typing import Level, Mask, Vector

OffsetWeightCount: TypeAlias = tuple[Vector | None, Vector | None, Vector | None]


class Totals(NamedTuple):
    """Sums over rows beside the moments, all with prior weights; they add field by field.

    Attributes
    ----------
    deviance : float
        Deviance at the coefficients of the pass; infinite where a mean is out of the family's range.
    base, size : float
        Terms of the log-likelihood that depend on the outcome alone: log L = base + size scale(phi) - deviance / (2
        phi).
    weight, outcome : float
        Sums of w and of w y.
    interior_weight : float
        Sum of w over the rows whose outcome is neither 0 nor 1.
    null_deviance, null_score, null_information : float
        Deviance, score and expected information of the model with an intercept only, at the pass's `null`.
    theta_score, theta_information : float
        Score and information of a negative binomial's theta.
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
    """Moments of the working rows at one point: the partial result of a unit, and of the whole pass.

    Attributes
    ----------
    moments : Moments
        X'WX and X'Wr, r the working residuals.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    totals : Totals
        Deviance and other sums.
    moves : tuple of LargestMoves
        How far each candidate direction moves the rows; empty where none is checked.
    """

    moments: Moments
    dropped_rows: DroppedRows
    totals: Totals
    moves: tuple[LargestMoves, ...]

    def __add__(self, other: Linearized, /) -> Linearized:
        """The sums of both sets of rows."""
        return Linearized(
            self.moments + other.moments,
            self.dropped_rows + other.dropped_rows,
            Totals(*(a + b for a, b in zip(self.totals, other.totals, strict=True))),
            tuple(a + b for a, b in zip(self.moves, other.moves, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Linearize:
    """The pass: X'WX, X'Wr and the deviance at given coefficients.

    Attributes
    ----------
    design : Design
        Design with its coordinates.
    model : GLM
        Family and link.
    predictor : Predictor or None
        X b for the coefficients b of the pass; None for the family's starting means, which need no coefficients.
    null : float or None
        Linear predictor of the model with an intercept only, where its deviance is needed.
    candidates : CandidateDirections or None
        Directions that may separate the outcome.
    observed_information : bool
        Whether W holds the observed information in place of the expected one.
    likelihood, theta : bool
        Whether to sum the terms of the log-likelihood, and the score and information of theta.
    drop : bool
        Whether rows with missing or infinite values are dropped and counted; else they raise DataError.
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
        """Names of the columns that are read."""
        return self.design.columns

    @property
    def long_runs(self) -> bool:
        """Whether rows are accumulated in long runs: sums over the levels of absorbed factors are dear to add."""
        return bool(self.design.terms.absorbed)

    @property
    def empty(self) -> Linearized:
        """The result for no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Linearized:
        """The sums of one unit."""
        accumulator = GlmAccumulator(self)
        accumulator.reader.native = accumulator.compiled is not None and accumulator.compiled.in_place is not None
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.linearized()

    def accumulate_observed(self, parts: Iterable[Observed]) -> Linearized:
        """The sums of rows that have been read; their codes refer to the levels of the design."""
        accumulator = GlmAccumulator(self)
        with np.errstate(all="ignore"):
            for part in parts:
                accumulator.add(part)
        return accumulator.linearized()


class GlmAccumulator(UnitAccumulator):
    """Accumulates the working moments of one unit, block by block.

    task : the pass. height : rows of the largest block.
    """

    def __init__(self, task: Linearize, height: int = ROWS_PER_BLOCK) -> None:
        super().__init__(task.design, drop=task.drop, height=height)
        (self.response,) = self.responses
        self.task, self.totals = task, np.zeros(len(Totals()))
        self.eta = None if task.predictor is None else task.predictor.prepare()
        directions = () if task.candidates is None else task.candidates.predictors
        self.projections = [predictor.prepare() for predictor in directions]
        self.moves = [LargestMoves() for _ in directions]
        self.compiled = self._compiled_rows()

    def _compiled_rows(self) -> CompiledRows | None:
        """How the kernel adds rows; None where NumPy does, as at the starting means."""
        task = self.task
        if task.predictor is None or task.candidates is not None or task.theta or self.power_variables:
            return None
        model = task.model, task.observed_information
        return compiled_rows(task.design, self.layout, model, task.predictor, self.height)

    def add(self, observed: Observed) -> None:
        """Check the outcome, then add the rows."""
        self.check(observed)
        if self.compiled is None or not self._add_in_place(self.compiled, observed):
            super().add(observed)

    def _add_in_place(self, compiled: CompiledRows, observed: Observed) -> bool:
        """Add a batch as a whole; False, with nothing added, where columns must be written or a sum is not finite."""
        where = compiled.in_place
        parts = None if where is None else where.parts(observed.values, observed.matrix, observed.rows)
        if where is None or parts is None:
            return False
        y, (offset, weight, count) = observed.values[self.response], observed.offset_weight_count(slice(None))
        prior = combined_weight(weight, count)
        deviance = compiled.add(self.sums, where.order, parts, (y, offset, prior), count)
        if deviance is None:
            return False
        self.totals[0] += deviance
        if self.task.likelihood or self.task.null is not None:
            for start in range(0, observed.rows, self.height):
                rows = slice(start, start + self.height)
                own = observed.offset_weight_count(rows)
                self.totals += self._totals(y[rows], own, take_rows(prior, rows), 0.0, y[:0])
        return True

    def add_cached(self, blocks: Iterable[tuple[Columns, Observed]], levels: Mapping[str, Sequence[Level]]) -> None:
        """Add blocks of rows that have been checked and written to stored columns before.

        levels : the levels that the codes of the columns refer to; other codes are translated to this unit's levels.
        """
        for columns, observed in blocks:
            if levels:
                columns = replace(columns, codes=self.reader.translated(columns.codes, levels, observed.where))
            if not self.block(columns, observed, slice(0, columns.rows)):
                columns.set_response(observed.values[self.response])
                self.fail(columns, observed)

    def check(self, observed: Observed) -> None:
        """Raise DataError for an outcome out of the family's range.

        Outcomes that are not finite are left to the reader, which drops or refuses their rows.
        """
        y, family = observed.values[self.response], self.task.model.family
        wrong = family.check(y)
        if wrong.any() and (wrong := wrong & np.isfinite(y)).any():
            row = int(np.argmax(wrong))
            what = f"the outcome is {y[row]:g}, but for the family '{family.name}' it must be {family.range}"
            if family.range == SHARE.range and set(np.unique(y[np.isfinite(y)])) <= {1.0, 2.0}:
                what += f"; of one coded 1 and 2 subtract 1, as in {self.response.lstrip('~')} - 1 ~ ..."
            raise DataError(f"row {observed.row_number(row)}: {what}", observed.where)

    def residual(self, observed: Observed, response: str) -> Vector:
        """The outcome (n,); the working residual replaces it once the linear predictor of the block is known."""
        return observed.values[response]

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Add the working rows of a block; False, and nothing added, where a sum is not finite."""
        y, own = observed.values[self.response][rows], observed.offset_weight_count(rows)
        offset, weight, count = own
        prior = combined_weight(weight, count)
        if self.compiled is not None:
            deviance = self.compiled.add_block(self.sums, columns, (y, offset, prior), count, self.reader.sizes)
            if deviance is not None:
                self.totals += self._totals(y, own, prior, deviance, y[:0])
            return deviance is not None
        eta, work = self._working(columns, y, own, prior)
        if not np.isfinite(work.loss):
            return False
        totals = self._totals(y, own, prior, work.loss, eta)
        self._add_moves(columns, y)
        # the response row of the block held the outcome; from here on it holds the working residual
        columns.set_response(work.r)
        if not self.sums.add(columns, work.w, count, self.reader.sizes):
            return False
        self.totals += totals
        return True

    def _working(
        self, columns: Columns, y: Vector, own: OffsetWeightCount, prior: Vector | None
    ) -> tuple[Vector, WorkingRows]:
        """Linear predictor (n,) and working rows of a block. own, prior : as of `_totals`.

        At the starting means there are no coefficients to take a step from: r then is the working outcome less the
        offset, so that the normal equations give the coefficients themselves.
        """
        model, (offset, weight, _) = self.task.model, own
        if self.eta is None:
            eta = model.start(y, weight)
            work = model.linearize(y, eta, prior)
            base = eta if offset is None else eta - offset
            return eta, work._replace(r=work.r + base)
        eta = self.eta(columns, self.reader.sizes)
        if offset is not None:
            eta = eta + offset
        return eta, model.linearize(y, eta, prior, observed=self.task.observed_information)

    def _add_moves(self, columns: Columns, y: Vector) -> None:
        """Update how far each candidate direction moves the rows of the block."""
        if self.task.candidates is not None:
            for i, projection in enumerate(self.projections):
                self.moves[i] += largest_moves(projection(columns, self.reader.sizes), y, self.task.candidates.top)

    def _totals(self, y: Vector, own: OffsetWeightCount, prior: Vector | None, loss: float, eta: Vector) -> Totals:
        """The sums of a block that do not come from the working moments.

        y, eta : (n,) of the block. own : its offset, weight and count, None for what the model has not. prior : weight
        times count. loss : its deviance.
        """
        totals, (offset, weights, count) = Totals(loss), own
        family, w = self.task.model.family, np.ones(len(y)) if prior is None else prior
        if self.task.likelihood:
            law, weight = family.likelihood, float(w.sum())
            interior_weight = float(w @ ((y != 0.0) & (y != 1.0)))
            base_is_zero = law is None or (
                family.variance_function.domain == "proportion" and not interior_weight
            )  # then nothing depends on y alone
            base = (0.0, 0.0) if base_is_zero or law is None else law.terms(y, weights, count)
            totals = Totals(loss, *base, weight, float(w @ y), interior_weight)
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
        """Handle a block whose values are finite while its sums are not.

        Where the products of the columns alone overflow, this raises NumericalError; else a mean is out of range at
        these coefficients, and the deviance becomes infinite, so that the search rejects the point.
        """
        if not np.isfinite(columns.products().diagonal()).all():
            super().fail(columns, observed)
        self.totals[0] = np.inf

    def moments(self) -> Moments:
        """The unit's moments; beside absorbed factors with all levels of the design: units then add as they are."""
        known = self.design.levels
        fresh = known is None or any(len(known[n]) < size for n, size in self.reader.sizes.items())
        if known is None or fresh or not self.design.terms.absorbed:
            return super().moments()
        return self.sums.finish({name: known[name] for name in self.reader.levels}, complete=True)

    def linearized(self) -> Linearized:
        """The partial result of the unit."""
        totals = Totals(*self.totals.tolist())
        return Linearized(self.moments(), self.reader.dropped_rows, totals, tuple(self.moves))
