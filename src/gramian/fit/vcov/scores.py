"""Scores of the rows at the solution: s = w r, working weight times working residual, with X's = 0."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gramian.errors import DataError
from gramian.fit.leastsquares.refine import residual_direction
from gramian.fit.leastsquares.residuals import values_of
from gramian.fit.leastsquares.solution import Solved, stored_coefficients
from gramian.fit.passes.accumulate import UnitAccumulator
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed
from gramian.linalg import maps
from gramian.linalg.blocks import Predictor
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.doubledouble import Pair, pair, two_sum
from gramian.linalg.moments import combined_weight
from gramian.linalg.monomials import Monomial
from gramian.linalg.products import ColumnGroup, without_last
from gramian.linalg.residuals.double_double import LinearCombination, ResidualRows
from gramian.linalg.subspace import dense
from gramian.models.glm import GLM, theta_scores
from gramian.schema import Schema
from gramian.typing import Codes, Mask, Matrix, Vector


class Scores(NamedTuple):
    """Scores of a block.

    Attributes
    ----------
    r, w, s : Vector
        (n,) working residuals, working weights, and s = w r.
    loss : float
        Residual sum of squares, or deviance, of the block.
    log_alpha : Vector or None
        (n,) scores of log alpha = -log theta, where theta was estimated and takes part.
    """

    r: Vector
    w: Vector
    s: Vector
    loss: float
    log_alpha: Vector | None = None


@dataclass(frozen=True)  # no slots: cached properties need a __dict__
class FittedModel:
    """A fit, to compute the scores of rows.

    Attributes
    ----------
    solved : Solved
        The fit; of a generalized linear one the last weighted least-squares step.
    model : GLM or None
        Family and link; None for a linear fit.
    drop : bool
        Whether incomplete rows are dropped; if False, they raise DataError.
    careful : bool
        Whether residuals are computed in double-double, from coefficients in double-double; of a linear fit only.
    estimated_theta : float or None
        Theta of a negative binomial, if it was estimated and its scores belong to those of the fit.
    """

    solved: Solved
    model: GLM | None = None
    drop: bool = True
    careful: bool = False
    estimated_theta: float | None = None

    @cached_property
    def design(self) -> Design:
        """The design, with the levels of the fit."""
        return self.solved.design

    @cached_property
    def groups(self) -> tuple[ColumnGroup, ...]:
        """Stored columns without the outcome."""
        return tuple(without_last(self.solved.parametrization.groups))

    @cached_property
    def width(self) -> int:
        """Number q of stored columns without the outcome."""
        return sum(len(g.positions) for g in self.groups)

    @cached_property
    def subspace(self) -> Matrix | None:
        """Columns that were solved for as combinations of stored ones, (q, p); None where they are the same."""
        columns = self.solved.parametrization.subspace
        return None if columns is None else dense([maps.sparse(c) for c in columns[:-1]], self.width)

    @cached_property
    def response(self) -> str:
        """Name of the outcome's row in a block."""
        (response,) = self.design.outcome
        return response

    @cached_property
    def direction(self) -> Pair:
        """The vector v with which the stored columns Z, the outcome last, give the residual Z v, in double-double."""
        b, low = self.solved.solution.coefficients, self.solved.solution.low
        return residual_direction(self.solved.parametrization, Pair(b, np.zeros(len(b)) if low is None else low))

    def predictor(self, layout: Layout) -> Predictor:
        """X b, in the units of the outcome that was solved for."""
        solved = self.solved
        b = solved.solution.coefficients
        if solved.absorbed is not None:  # the effects of levels were computed with the model's coefficients
            b = stored_coefficients(solved.parametrization, solved.solution, solved.coefficients, solved.aliased)
            b = b / solved.parametrization.scale
        elif solved.parametrization.subspace is not None:
            b = maps.apply(solved.parametrization.subspace[:-1], b, self.width)
        return Predictor(layout, self.groups, b)

    @cached_property
    def effects(self) -> Mapping[str, Vector]:
        """Absorbed factor -> (levels + 1,) effects on the outcome; the last is NaN, for levels not in the fit."""
        absorbed = self.solved.absorbed
        return {} if absorbed is None else {factor: np.append(e, np.nan) for factor, e in absorbed.effects.items()}

    @cached_property
    def slopes(self) -> tuple[tuple[str, Monomial, Vector], ...]:
        """Absorbed factor, variable and slopes (levels + 1,) in its coordinate, zero where they are not identified."""
        absorbed = self.solved.absorbed
        return tuple(
            (factor, ((v, 1),), np.append(np.ldexp(np.nan_to_num(b), self.design.coordinates[v].exponent), 0.0))
            for factor, by_variable in ({} if absorbed is None else absorbed.slopes).items()
            for v, b in by_variable.items()
        )

    def absorbed_part(self, columns: Columns, place: Mapping[Monomial, int]) -> Vector | float:
        """Sum of the effects of each row's absorbed levels, (n,). place : monomial -> its position."""
        codes = columns.codes
        # codes beyond the levels of the fit take the last effect, NaN, which makes the loss NaN and the block fail
        parts = [effect[np.minimum(codes[factor], len(effect) - 1)] for factor, effect in self.effects.items()]
        for factor, variable, slope in self.slopes:
            parts.append(slope[np.minimum(codes[factor], len(slope) - 1)] * columns.value(place[variable]))
        return np.asarray(np.sum(parts, axis=0)) if parts else 0.0

    def check_levels(self, codes: Mapping[str, Codes]) -> None:
        """Raise DataError for rows in levels of absorbed factors that the fit did not have."""
        for factor, effect in self.effects.items():
            if (codes[factor] >= len(effect) - 1).any():
                raise DataError(
                    f"these are not the rows of the fit: there are levels of '{factor}' that it has not seen"
                )

    def for_schema(self, schema: Schema) -> FittedModel:
        """The same fit for another source: a 2-D array is read in place only where the source has it."""
        matrix = self.design.matrix
        if matrix is None or schema.matrices.get(matrix[0]) == matrix[1]:
            return self
        return replace(self, solved=replace(self.solved, design=replace(self.design, matrix=None)))

    def residual(self, u: Vector, eta: Vector) -> Vector:
        """Outcome minus X b, (n,), in the outcome's units. u : outcome in its coordinates. eta : of `predictor`."""
        parametrization = self.solved.parametrization
        if parametrization.subspace is None:
            return np.asarray((u - eta) * parametrization.scale)
        coordinate = self.design.coordinates[self.response]
        return np.asarray(np.ldexp(u, coordinate.exponent) + coordinate.shift - eta)


class ScoreAccumulator(UnitAccumulator, ABC):
    """Base of the passes at the solution: computes the scores of a unit block by block; `take` sums them."""

    def __init__(self, fitted_model: FittedModel, *, layout: Layout | None = None) -> None:
        super().__init__(fitted_model.design, drop=fitted_model.drop, layout=layout)
        self.fitted_model, self.rows, self.loss, self.largest_score = fitted_model, 0, 0.0, 0.0
        self.residuals: tuple[dict[str, int], LinearCombination] | None = None
        (self.response,) = self.responses
        self.eta = fitted_model.predictor(self.layout).prepare()
        self.place = {m: i for i, m in enumerate((*self.layout.rows, *self.layout.extra))}

    def residual(self, observed: Observed, response: str) -> Vector:
        """The outcome, for a linear fit minus its offset; in a generalized linear one the offset adds to eta."""
        return super().residual(observed, response) if self.fitted_model.model is None else observed.values[response]

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Add the scores of a block; False, and nothing added, where a value is not finite."""
        offset, weight, count = observed.offset_weight_count(rows)
        if self.fitted_model.careful:
            scores = _linear_scores(self._careful_residual(observed, rows), weight, count)
        else:
            scores = self._scores(columns, observed.values[self.response][rows], offset, weight, count)
        # a sum over all rows: one value that is not finite makes it so
        if not np.isfinite(scores.loss):
            return False
        if not self.take(columns, scores, count, observed, rows):
            return False
        self.rows += columns.rows if count is None else int(count.sum())
        self.loss += scores.loss
        self.largest_score = max(self.largest_score, float(np.abs(scores.s * scores.r).max(initial=0.0)) ** 0.5)
        return True

    def fail(self, columns: Columns, observed: Observed) -> None:
        """Raise the error for a block whose values are finite and whose residuals are not."""
        self.fitted_model.check_levels(columns.codes)
        super().fail(columns, observed)

    @abstractmethod
    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Sum the scores of a block; False, and nothing added, where a value is not finite."""

    def _scores(
        self, columns: Columns, y: Vector, offset: Vector | None, weight: Vector | None, count: Vector | None
    ) -> Scores:
        """The scores of a block. y, offset, weight, count : of its rows, (n,)."""
        eta, model = self.eta(columns, self.reader.sizes), self.fitted_model.model
        if model is not None:
            if self.fitted_model.effects:
                eta = eta + self.fitted_model.absorbed_part(columns, self.place)
            eta = eta if offset is None else eta + offset
            work = model.linearize(y, eta, combined_weight(weight, count))
            # the deviance is of all rows that a row stands for, its score and weight are of one
            w, s = (work.w, work.s) if count is None else (work.w / count, work.s / count)
            return Scores(work.r, w, s, work.loss, self._log_alpha(model.mean(eta), y, weight))
        absorbed = self.fitted_model.absorbed_part(columns, self.place)
        r = self.fitted_model.residual(columns.buffer[-1], eta) - absorbed
        return _linear_scores(r, weight, count)

    def _log_alpha(self, mu: Vector, y: Vector, weight: Vector | None) -> Vector | None:
        """The scores of log alpha, (n,), where theta was estimated."""
        theta = self.fitted_model.estimated_theta
        if theta is None:
            return None
        scores = -theta * theta_scores(y, mu, theta)
        return np.asarray(scores if weight is None else weight * scores)

    def _careful_residual(self, observed: Observed, rows: slice | Mask) -> Vector:
        """Outcome minus X b of a block, (n,), each rounded once."""
        solved, design = self.fitted_model.solved, self.fitted_model.design
        values = {name: v[rows] for name, v in values_of(design, observed).items()}
        codes = {name: c[rows] for name, c in observed.codes.items()}
        y = pair(values[self.response])
        if observed.offset is not None:
            y = Pair(*two_sum(values[self.response], -observed.offset[rows]))
        block = ResidualRows(len(y.hi), values, None, codes, self.response, y)
        return self._combination().values(block) * solved.parametrization.scale

    def _combination(self) -> LinearCombination:
        """The stored columns times the direction of the residual; made again where a batch has brought new levels."""
        sizes = dict(self.reader.sizes)
        if self.residuals is None or self.residuals[0] != sizes:
            groups = tuple(self.fitted_model.solved.parametrization.groups)
            direction, coordinates = self.fitted_model.direction, self.fitted_model.design.coordinates
            self.residuals = sizes, LinearCombination(groups, direction, sizes, coordinates)
        return self.residuals[1]


def _linear_scores(r: Vector, weight: Vector | None, count: Vector | None) -> Scores:
    """The scores of a linear fit, from its residuals r (n,)."""
    s = r if weight is None else weight * r
    return Scores(r, np.ones(len(r)) if weight is None else weight, s, float(s @ (r if count is None else count * r)))
