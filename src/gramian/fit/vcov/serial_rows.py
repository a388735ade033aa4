"""The pass of Newey and West's covariance in the order of the rows: products of scores that lie up to L rows apart.

Partial results add in the order of the rows: each keeps its first and last L scores, for the pairs across the cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.errors import OptionError
from gramian.fit.vcov.dense import DenseRows
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.dense_rows import stored_rows
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class LagProducts:
    """Sums over rows in their order.

    Attributes
    ----------
    products : ndarray of shape (L + 1, q, q)
        Of each lag the sum of s_i s_(i - l)'.
    head, tail : ndarray of shape (at most L, q)
        The first and the last scores.
    rows : int
        Number of rows.
    loss : float
        Their residual sum of squares, or deviance.
    """

    products: Matrix
    head: Matrix
    tail: Matrix
    rows: int
    loss: float

    @property
    def lags(self) -> int:
        """L."""
        return len(self.products) - 1

    def __add__(self, other: LagProducts, /) -> LagProducts:
        L, products = self.lags, self.products + other.products
        for lag in range(1, L + 1):
            products[lag] += across(self.tail, other.head, lag)
        head = self.head if len(self.head) >= L else np.concatenate([self.head, other.head])[:L]
        tail = other.tail if len(other.tail) >= L else last(np.concatenate([self.tail, other.tail]), L)
        return LagProducts(products, head, tail, self.rows + other.rows, self.loss + other.loss)


def across(before: Matrix, after: Matrix, lag: int) -> Matrix:
    """Sum of s_i s_(i - lag)' over pairs of which the later one is in `after` and the earlier one in `before`."""
    first = max(lag - len(before), 0)  # rows of `after` whose earlier one is not there
    now = after[first:lag]
    then = before[len(before) - lag + first :][: len(now)]
    return np.asarray(now.T @ then)


def last(rows: Matrix, count: int) -> Matrix:
    """The last rows."""
    return rows[max(len(rows) - count, 0) :]


@dataclass(frozen=True, slots=True)
class SerialPass:
    """The pass. dense : rows that take the place of the stored columns, such as those beside absorbed factors."""

    fitted_model: FittedModel
    lags: int
    dense: DenseRows | None = None

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.fitted_model.width if self.dense is None else self.dense.width

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> LagProducts:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> LagProducts:
        """The sums of one unit."""
        accumulator = _SerialAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.summed()


class _SerialAccumulator(ScoreAccumulator):
    """The sums of one unit."""

    def __init__(self, task: SerialPass) -> None:
        super().__init__(task.fitted_model, layout=task.fitted_model.design.rows_layout)
        self.task = task
        none = np.zeros((0, task.width))
        self.products, self.head, self.tail = np.zeros((task.lags + 1, task.width, task.width)), none, none

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block."""
        if count is not None:
            raise OptionError("rows that stand for several have no order: NW does not go with counts")
        if self.task.dense is not None:
            S = self.task.dense.rows(columns, self.layout, self.reader.sizes)
        else:
            S = stored_rows(columns, self.layout, self.fitted_model.groups, self.reader.sizes)
        S *= scores.s[:, None]
        own = np.dot(S.T, S)
        if not np.isfinite(own.diagonal().sum()):
            return False
        self.products[0] += own
        for lag in range(1, self.task.lags + 1):
            self.products[lag] += np.dot(S[lag:].T, S[: max(len(S) - lag, 0)]) + across(self.tail, S, lag)
        if len(self.head) < self.task.lags:
            self.head = np.concatenate([self.head, S])[: self.task.lags]
        self.tail = last(np.concatenate([self.tail, S]), self.task.lags)
        return True

    def summed(self) -> LagProducts:
        """The unit's partial result."""
        return LagProducts(self.products, self.head, self.tail, self.rows, self.loss)
