"""The observed information of a generalized linear fit: minus the second derivatives of its log-likelihood.

It differs from the expected information, (X'WX) with Fisher's weights, where the link is not canonical. Its weights may
be negative in some rows. An estimated theta of the negative binomial takes part in it as log alpha = -log theta: the
inverse for the coefficients is a block of the inverse for both (J. F. Lawless, Canadian Journal of Statistics 15
(1987), 209-225).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch
from gramian.errors import NumericalError
from gramian.fit.leastsquares.system import solved_products
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.moments import Accumulator, Moments
from gramian.models.glm import score_theta
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class ObservedSums:
    """Sums over rows at the solution.

    Attributes
    ----------
    positive, negative : Moments
        X'WX of the rows with positive weights, and -X'WX of the others.
    cross : Moments
        The row of the outcome holds minus the second derivatives in the coefficients and log alpha.
    theta_score, theta_information : float
        First and minus the second derivative in theta.
    rows : int
        Number of rows.
    loss : float
        Their deviance.
    """

    positive: Moments
    negative: Moments
    cross: Moments
    theta_score: float
    theta_information: float
    rows: int
    loss: float

    def __add__(self, other: ObservedSums, /) -> ObservedSums:
        return ObservedSums(
            self.positive + other.positive,
            self.negative + other.negative,
            self.cross + other.cross,
            self.theta_score + other.theta_score,
            self.theta_information + other.theta_information,
            self.rows + other.rows,
            self.loss + other.loss,
        )


@dataclass(frozen=True, slots=True)
class InformationPass:
    """The pass that sums the observed information at the solution."""

    fitted_model: FittedModel

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> ObservedSums:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> ObservedSums:
        """The sums of one unit."""
        accumulator = InformationAccumulator(self.fitted_model)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.summed()


class InformationAccumulator(ScoreAccumulator):
    """The sums of one unit."""

    def __init__(self, fitted_model: FittedModel) -> None:
        super().__init__(fitted_model)
        self.negative, self.cross = (
            Accumulator(self.layout, fitted_model.design.coordinates, fitted_model.design.terms.power_sums)
            for _ in range(2)
        )
        self.theta = np.zeros(2)

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block."""
        model = self.fitted_model.model
        assert model is not None
        y, (offset, weight, _) = observed.values[self.response][rows], observed.offset_weight_count(rows)
        eta = self.eta(columns, self.reader.sizes)
        eta = eta if offset is None else eta + offset
        w = model.observed_information(y, eta, weight)
        w = np.where(np.isfinite(w), w, scores.w)
        theta, mu = model.family.theta, model.mean(eta)
        cross = np.zeros(len(w)) if theta is None else scores.s * (mu / (theta + mu))
        if theta is not None:
            self.theta += score_theta(y, mu, np.ones(len(y)) if weight is None else weight, theta)
        parts = (
            (self.sums, np.maximum(w, 0.0), 0.0),
            (self.negative, np.maximum(-w, 0.0), 0.0),
            (self.cross, None, cross),
        )
        return all(self._add(sums, columns, total, response) for sums, total, response in parts)

    def _add(self, sums: Accumulator, columns: Columns, total: Vector | None, response: Vector | float) -> bool:
        """Add a copy of the columns, which weights overwrite, with this response."""
        copy = replace(columns, buffer=columns.buffer.copy(), extra=columns.extra.copy(), workspace=None)
        copy.set_response(response)
        return sums.add(copy, total, None, self.reader.sizes)

    def summed(self) -> ObservedSums:
        """The sums so far."""
        levels = {name: index.levels for name, index in self.reader.levels.items()}
        negative, cross = self.negative.finish(levels), self.cross.finish(levels)
        score, information = self.theta.tolist()
        return ObservedSums(self.moments(), negative, cross, score, information, self.rows, self.loss)


def observed_sums(fitted_model: FittedModel, runner: PassRunner) -> ObservedSums:
    """The sums of one pass over the rows."""
    return runner.fold(InformationPass(fitted_model))


def observed_inverse(fitted_model: FittedModel, sums: ObservedSums) -> Matrix:
    """Inverse of the observed information of the coefficients at dispersion 1, (p, p), of the solved columns.

    Raises NumericalError where it is not positive definite.
    """
    solved, theta = fitted_model.solved, fitted_model.estimated_theta
    positive, negative, cross = (
        solved_products(m, solved.parametrization).hi for m in (sums.positive, sums.negative, sums.cross)
    )
    A, c = (positive - negative)[:-1, :-1], cross[:-1, -1]
    if theta is not None:
        # log alpha eliminated, as in the inverse of a matrix of two blocks; d / d log alpha = -theta d / d theta
        A = A - np.outer(c, c) / (theta**2 * sums.theta_information - theta * sums.theta_score)
    return _inverse(A, solved.solution.independent)


def _inverse(A: Matrix, independent: Mask) -> Matrix:
    """Inverse of the rows and columns that are independent, zero elsewhere."""
    own = A[np.ix_(independent, independent)]
    out = np.zeros_like(A)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = 1.0 / np.sqrt(own.diagonal())
    try:
        half = np.linalg.inv(np.linalg.cholesky(own * scale[:, None] * scale)) * scale
    except np.linalg.LinAlgError:
        half = np.full_like(own, np.nan)
    if not np.isfinite(half).all():
        raise NumericalError(
            "the observed information is not positive definite at the solution, so it has no standard errors; "
            'use information="expected"'
        )
    out[np.ix_(independent, independent)] = half.T @ half
    return out
