"""The pass of the estimators by row: products of the columns, each row weighted by its squared score.

An estimator may divide the squared scores by a function of 1 - h, with the rows' leverages h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.fit.vcov.within import Demeaned
from gramian.formula.row_reader import Observed
from gramian.inference.estimators import ESTIMATORS, Rowwise
from gramian.linalg.columns import Columns
from gramian.linalg.leverage import quadratic_form
from gramian.linalg.moments import Moments
from gramian.typing import Mask, Matrix, Vector

MIN_COMPLEMENT = 2.0**-26  # of 1 - h: below it nothing is left of a residual but rounding


@dataclass(frozen=True, slots=True)
class Meat:
    """Sums of squared scores times x x' over rows.

    Attributes
    ----------
    moments : Moments
        The sums, of stored columns; the outcome is zero.
    rows : int
        Number of rows.
    loss : float
        Their residual sum of squares, or deviance.
    full_leverage : int
        Number of rows with leverage 1.
    smallest_complement : float
        The smallest 1 - h of the others.
    """

    moments: Moments
    rows: int
    loss: float
    full_leverage: int
    smallest_complement: float

    def __add__(self, other: Meat, /) -> Meat:
        return Meat(
            self.moments + other.moments,
            self.rows + other.rows,
            self.loss + other.loss,
            self.full_leverage + other.full_leverage,
            min(self.smallest_complement, other.smallest_complement),
        )


@dataclass(frozen=True, slots=True)
class MeatPass:
    """The pass of an estimator by row, without absorbed factors. kind : its name in `ESTIMATORS`."""

    fitted_model: FittedModel
    kind: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> Meat:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Meat:
        """The sums of one unit."""
        accumulator = MeatAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        squares = accumulator.squares
        return Meat(
            accumulator.moments(),
            accumulator.rows,
            accumulator.loss,
            squares.full_leverage,
            squares.smallest_complement,
        )


class MeatAccumulator(ScoreAccumulator):
    """The sums of one unit."""

    def __init__(self, task: MeatPass) -> None:
        super().__init__(task.fitted_model)
        self.squares = SquaredScores(task.fitted_model, task.kind)

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block, weighted by their squared scores."""
        squares = self.squares.of(
            scores, lambda V: quadratic_form(columns, self.layout, self.fitted_model.groups, self.reader.sizes, V)
        )
        # the sums are of products of columns; the outcome has no part in the meat
        columns.set_response(0.0)
        total = squares if count is None else squares * count
        return self.sums.add(columns, total, count, self.reader.sizes)


class SquaredScores:
    """Squared scores of rows, divided as an estimator says; rows with leverage 1, and the smallest 1 - h, so far."""

    def __init__(self, fitted_model: FittedModel, kind: str) -> None:
        estimator = ESTIMATORS[kind]
        assert isinstance(estimator, Rowwise)
        self.discount, self.full_leverage, self.smallest_complement = estimator.discount, 0, 1.0
        solved = fitted_model.solved
        self.mean_leverage = solved.leverage / max(solved.rows, 1)
        self.inverse = np.zeros((0, 0)) if self.discount is None else stored_inverse(fitted_model)

    def of(self, scores: Scores, quadratic: Callable[[Matrix], Vector]) -> Vector:
        """The weights of a block's rows, (n,), zero where the leverage is 1.

        quadratic : of a matrix V (q, q), x'Vx for the row x of stored columns of each row, (n,).
        """
        squares = scores.s**2
        return squares if self.discount is None else self.discounted(squares, scores.w * quadratic(self.inverse))

    def discounted(self, squares: Vector, leverage: Vector) -> Vector:
        """Squared scores (n,) divided by the function of 1 - h, zero where the leverage h (n,) is 1."""
        if self.discount is None:
            return squares
        complement = 1.0 - leverage
        # the fit goes through a row with h = 1: its residual is zero, and so is what it would be divided by
        full_leverage = complement < MIN_COMPLEMENT
        self.full_leverage += int(full_leverage.sum())
        complement = np.where(full_leverage, 1.0, complement)
        self.smallest_complement = min(self.smallest_complement, float(complement.min(initial=1.0)))
        return np.where(full_leverage, 0.0, squares / self.discount(complement, self.mean_leverage))


def stored_inverse(fitted_model: FittedModel) -> Matrix:
    """(X'WX)^-1 of the stored columns, (q, q)."""
    V, K = fitted_model.solved.solution.inverse, fitted_model.subspace
    return V if K is None else K @ V @ K.T


@dataclass(frozen=True, slots=True)
class DemeanedMeat:
    """As `Meat`, beside absorbed factors: x is a row of stored columns minus the effects of its levels.

    products : (q, q).
    """

    products: Matrix
    rows: int
    loss: float
    full_leverage: int

    def __add__(self, other: DemeanedMeat, /) -> DemeanedMeat:
        return DemeanedMeat(
            self.products + other.products,
            self.rows + other.rows,
            self.loss + other.loss,
            self.full_leverage + other.full_leverage,
        )


@dataclass(frozen=True, slots=True)
class DemeanedMeatPass:
    """The pass of an estimator by row beside absorbed factors; with leverages beside one only."""

    fitted_model: FittedModel
    demeaned: Demeaned
    kind: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> DemeanedMeat:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> DemeanedMeat:
        """The sums of one unit."""
        accumulator = _DemeanedMeatAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return DemeanedMeat(accumulator.products, accumulator.rows, accumulator.loss, accumulator.squares.full_leverage)


class _DemeanedMeatAccumulator(ScoreAccumulator):
    """The sums of one unit."""

    def __init__(self, task: DemeanedMeatPass) -> None:
        super().__init__(task.fitted_model, layout=task.fitted_model.design.rows_layout)
        self.demeaned, self.squares = task.demeaned, SquaredScores(task.fitted_model, task.kind)
        self.products = np.zeros((task.fitted_model.width, task.fitted_model.width))

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block, weighted by their squared scores."""
        Z = self.demeaned.rows(columns, self.layout, self.reader.sizes)
        # the level of a row has an effect of its own, whose leverage adds to that of the demeaned columns
        squares = self.squares.of(
            scores, lambda V: self.demeaned.leverage(columns, self.layout) + np.einsum("ij,ij->i", np.dot(Z, V), Z)
        )
        # both sides take the root, so that the product is of one matrix with itself: symmetric, at half the cost
        Z *= np.sqrt(squares if count is None else squares * count)[:, None]
        products = np.dot(Z.T, Z)
        # an infinite or NaN value anywhere in Z shows on the diagonal
        if not np.isfinite(products.diagonal().sum()):
            return False
        self.products += products
        return True
