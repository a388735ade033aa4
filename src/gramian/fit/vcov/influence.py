"""The pass of the estimators by row in an orthonormal basis of the columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.vcov.basis import Basis
from gramian.fit.vcov.hc import SquaredScores
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.dense_rows import stored_rows
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Influence:
    """Sums over rows z of an orthonormal basis, each times the root of its weight, with scores s of them.

    Attributes
    ----------
    gram : Matrix
        (k, k) sums of z z', one up to rounding.
    meat : Matrix
        (k, k) sums of s^2 z z' / discount.
    variances : Vector
        (p,) sums of the squares of what each row adds to the model's coefficients: no terms that cancel.
    gradient : Vector
        (k,) sums of s z, zero at the solution.
    squares : Vector
        (q,) sums of squares of the stored columns.
    rows : int
        Number of rows.
    loss : float
        Their residual sum of squares.
    largest_score : float
        The largest |s|.
    smallest_complement : float
        The smallest 1 - h.
    full_leverage : int
        Number of rows with leverage 1.
    """

    gram: Matrix
    meat: Matrix
    variances: Vector
    gradient: Vector
    squares: Vector
    rows: int
    loss: float
    largest_score: float
    smallest_complement: float
    full_leverage: int

    def __add__(self, other: Influence, /) -> Influence:
        return Influence(
            self.gram + other.gram,
            self.meat + other.meat,
            self.variances + other.variances,
            self.gradient + other.gradient,
            self.squares + other.squares,
            self.rows + other.rows,
            self.loss + other.loss,
            max(self.largest_score, other.largest_score),
            min(self.smallest_complement, other.smallest_complement),
            self.full_leverage + other.full_leverage,
        )


@dataclass(frozen=True, slots=True)
class InfluencePass:
    """The pass of an estimator by row in an orthonormal basis. kind : its name in `ESTIMATORS`."""

    fitted_model: FittedModel
    basis: Basis
    kind: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> Influence:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Influence:
        """The sums of one unit."""
        accumulator = _InfluenceAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.summed()


class _InfluenceAccumulator(ScoreAccumulator):
    """The sums of one unit."""

    def __init__(self, task: InfluencePass) -> None:
        super().__init__(task.fitted_model, layout=task.fitted_model.design.rows_layout)
        self.basis, self.squared_scores = task.basis, SquaredScores(task.fitted_model, task.kind)
        k, (p, q) = task.basis.width, (len(task.basis.model), len(task.basis.stored))
        self.gram, self.meat = np.zeros((k, k)), np.zeros((k, k))
        self.variances, self.gradient, self.squares = np.zeros(p), np.zeros(k), np.zeros(q)

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block."""
        roots = np.sqrt(scores.w)
        X = stored_rows(columns, self.layout, self.basis.groups, self.reader.sizes) * roots[:, None]
        Z = np.dot(X, self.basis.stored)
        leverage = np.square(Z).sum(axis=1)
        s = np.sqrt(self.squared_scores.discounted(np.square(scores.r * roots), leverage))
        counts = np.ones(len(s)) if count is None else count
        counted = Z * np.sqrt(counts)[:, None]
        gram = np.dot(counted.T, counted)
        if not np.isfinite(gram.diagonal().sum()):
            return False
        counted *= s[:, None]
        self.gram += gram
        self.meat += np.dot(counted.T, counted)
        self.variances += np.square(np.dot(counted, self.basis.model.T)).sum(axis=0)
        self.gradient += np.dot(scores.r * roots * counts, Z)
        self.squares += np.dot(counts, np.square(X))
        return True

    def summed(self) -> Influence:
        """The unit's partial result."""
        return Influence(
            self.gram,
            self.meat,
            self.variances,
            self.gradient,
            self.squares,
            self.rows,
            self.loss,
            self.largest_score,
            self.squared_scores.smallest_complement,
            self.squared_scores.full_leverage,
        )
