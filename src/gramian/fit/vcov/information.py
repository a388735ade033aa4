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
from gramian.linalg.moments import Accumulator, Moments, combined_weight
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
    score_products : Moments
        The row of the outcome holds the sums of the scores of the coefficients times those of log alpha.
    theta : Vector
        (3,) first and minus the second derivative in theta, and the sum of the squared scores of log alpha.
    rows : int
        Number of rows.
    loss : float
        Their deviance.
    """

    positive: Moments
    negative: Moments
    cross: Moments
    score_products: Moments
    theta: Vector
    rows: int
    loss: float

    def __add__(self, other: ObservedSums, /) -> ObservedSums:
        return ObservedSums(
            self.positive + other.positive,
            self.negative + other.negative,
            self.cross + other.cross,
            self.score_products + other.score_products,
            self.theta + other.theta,
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
        self.negative, self.cross, self.score_products = (
            Accumulator(self.layout, fitted_model.design.coordinates, fitted_model.design.terms.power_sums)
            for _ in range(3)
        )
        self.theta = np.zeros(3)

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
            total = combined_weight(weight, count)
            self.theta[:2] += score_theta(y, mu, np.ones(len(y)) if total is None else total, theta)
        log_alpha = np.zeros(len(w)) if scores.log_alpha is None else scores.log_alpha
        self.theta[2] += log_alpha @ (log_alpha if count is None else count * log_alpha)
        parts = (
            (self.sums, combined_weight(np.maximum(w, 0.0), count), 0.0),
            (self.negative, combined_weight(np.maximum(-w, 0.0), count), 0.0),
            (self.cross, count, cross),
            (self.score_products, count, scores.s * log_alpha),
        )
        return all(self._add(sums, columns, total, count, response) for sums, total, response in parts)

    def _add(
        self,
        sums: Accumulator,
        columns: Columns,
        total: Vector | None,
        count: Vector | None,
        response: Vector | float,
    ) -> bool:
        """Add a copy of the columns, which weights overwrite, with this response."""
        copy = replace(columns, buffer=columns.buffer.copy(), extra=columns.extra.copy(), workspace=None)
        copy.set_response(response)
        return sums.add(copy, total, count, self.reader.sizes)

    def summed(self) -> ObservedSums:
        """The sums so far."""
        levels = {name: index.levels for name, index in self.reader.levels.items()}
        negative, cross = self.negative.finish(levels), self.cross.finish(levels)
        score_products = self.score_products.finish(levels)
        return ObservedSums(self.moments(), negative, cross, score_products, self.theta, self.rows, self.loss)


@dataclass(frozen=True, slots=True)
class LogAlpha:
    """What the estimation of log alpha adds to the scores of the coefficients: s - weight u, with its own score u.

    So the scores of the coefficients and of log alpha, multiplied by the inverse of their information, are the inverse
    for the coefficients alone times s - weight u.

    Attributes
    ----------
    weight : Vector
        (p,) information of the coefficients with log alpha, divided by that of log alpha.
    products : Vector
        (p,) sums of s u.
    squares : float
        Sum of u^2.
    """

    weight: Vector
    products: Vector
    squares: float

    def scores(self, own: Matrix, log_alpha: Vector) -> Matrix:
        """Scores of the coefficients, (c, p), from their own and those of log alpha (c,)."""
        return np.asarray(own - np.outer(log_alpha, self.weight))

    def meat(self, own: Matrix) -> Matrix:
        """Sum of the products of the scores, (p, p), from that of their own."""
        mixed = np.outer(self.products, self.weight)
        return np.asarray(own - mixed - mixed.T + self.squares * np.outer(self.weight, self.weight))


@dataclass(frozen=True, slots=True)
class Information:
    """The observed information.

    Attributes
    ----------
    inverse : Matrix
        (p, p) block of the coefficients of its inverse at dispersion 1, of the solved columns.
    log_alpha : LogAlpha or None
        Where theta was estimated.
    """

    inverse: Matrix
    log_alpha: LogAlpha | None


def observed_sums(fitted_model: FittedModel, runner: PassRunner) -> ObservedSums:
    """The sums of one pass over the rows."""
    return runner.fold(InformationPass(fitted_model))


def observed_information(fitted_model: FittedModel, sums: ObservedSums) -> Information:
    """The observed information from the sums of its pass.

    Raises NumericalError where it is not positive definite.
    """
    solved, theta = fitted_model.solved, fitted_model.estimated_theta
    positive, negative, cross, products = (
        solved_products(m, solved.parametrization).hi
        for m in (sums.positive, sums.negative, sums.cross, sums.score_products)
    )
    A, c, independent = (positive - negative)[:-1, :-1], cross[:-1, -1], solved.solution.independent
    if theta is None:
        return Information(_inverse(A, independent), None)
    # log alpha eliminated, as in the inverse of a matrix of two blocks; d / d log alpha = -theta d / d theta
    score, information, squares = sums.theta.tolist()
    weight = c / (theta**2 * information - theta * score)
    return Information(_inverse(A - np.outer(c, weight), independent), LogAlpha(weight, products[:-1, -1], squares))


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
