"""The pass at the solution: for every row what the covariances and tests of instruments are sums of.

A row has the vector (q u, q_L v_1, ..., q_L v_k, q_L v_y, d e), where q are the orthonormal instruments and q_L the
excluded ones among them, u the residual of the model, v the residuals of the endogenous columns and the outcome on all
instruments, and d e the score of the first-stage residuals in the regression that tests endogeneity. Sums of the
products of these vectors give everything by row, those of their sums by cluster everything by cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.iv.basis import Combinations
from gramian.fit.iv.leverages import Leverages
from gramian.fit.vcov.cluster_scores import ClusterPass, ClusterScoreAccumulator, ClusterScores
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.fit.vcov.within import Demeaned
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.products import ColumnGroup
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class MomentRows:
    """Makes the vectors of a block of rows.

    Attributes
    ----------
    groups : tuple of ColumnGroup
        The q stored columns of both stages.
    combinations : Combinations
        What the vectors are made of.
    demeaned : Demeaned or None
        Effects of absorbed levels on the stored columns.
    leverages : Leverages or None
        For estimators that divide squared residuals by a function of 1 - h.
    """

    groups: tuple[ColumnGroup, ...]
    combinations: Combinations
    demeaned: Demeaned | None = None
    leverages: Leverages | None = None

    @property
    def instruments(self) -> int:
        """Number of instruments, m."""
        return int(self.combinations.instruments.shape[1])

    @property
    def excluded(self) -> int:
        """Number of excluded ones, L."""
        return len(self.combinations.explained)

    @property
    def endogenous(self) -> int:
        """Number of endogenous columns, k."""
        return len(self.combinations.slopes)

    @property
    def width(self) -> int:
        """Length of a vector, m + (k + 1) L + k, and with leverages m more."""
        plain = 0 if self.leverages is None else self.instruments
        return int(self.parts()[-1].stop) + plain

    def parts(self) -> tuple[slice, slice, slice]:
        """Places of the parts of a vector."""
        first = self.instruments
        second = first + (self.endogenous + 1) * self.excluded
        return slice(0, first), slice(first, second), slice(second, second + self.endogenous)

    @property
    def plain(self) -> slice:
        """Place of q u without any factor: with leverages at the end."""
        start = 0 if self.leverages is None else self.parts()[-1].stop
        return slice(start, start + self.instruments)

    def stored(self, columns: Columns, layout: Layout, sizes: Mapping[str, int]) -> Matrix:
        """The stored columns of a block, (n, q), without the effects of absorbed levels. sizes : factor -> levels."""
        if self.demeaned is not None:
            return self.demeaned.rows(columns, layout, sizes)
        return stored_rows(columns, layout, self.groups, sizes)

    def rows(
        self, columns: Columns, layout: Layout, sizes: Mapping[str, int], residual: Vector, weight: Vector
    ) -> Matrix:
        """The vectors of a block, (n, width). residual, weight : (n,) of the model. sizes : factor -> levels."""
        own, Z = self.combinations, self.stored(columns, layout, sizes)
        Q, V, D = np.dot(Z, own.instruments), np.dot(Z, own.residuals), np.dot(Z, own.regressors)
        V[:, -1] += residual
        out = np.empty((len(Z), self.width))
        parts = instruments, reduced, endogeneity = self.parts()
        out[:, instruments] = out[:, self.plain] = Q * residual[:, None]
        excluded = Q[:, self.instruments - self.excluded :]
        out[:, reduced] = (V[:, :, None] * excluded[:, None, :]).reshape(len(Z), -1)
        error = V[:, -1] - V[:, :-1] @ own.slopes + excluded @ own.explained
        out[:, endogeneity] = D * error[:, None]
        if self.leverages is not None:
            of_level = 0.0 if self.demeaned is None else self.demeaned.leverage(columns, layout)
            for part, factor in zip(parts, self.leverages.factors(Q, V[:, :-1], weight, of_level), strict=True):
                out[:, part] *= factor[:, None]
        return out


@dataclass(frozen=True, slots=True)
class RowMoments:
    """Sums of the products of the vectors, (width, width), and the rows and the residual sum of squares."""

    products: Matrix
    rows: int
    loss: float

    def __add__(self, other: RowMoments, /) -> RowMoments:
        return RowMoments(self.products + other.products, self.rows + other.rows, self.loss + other.loss)


@dataclass(frozen=True, slots=True)
class RowMomentPass:
    """The pass of covariances by row."""

    fitted_model: FittedModel
    moment_rows: MomentRows

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> RowMoments:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> RowMoments:
        """The sums of one unit."""
        accumulator = _RowMomentAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return RowMoments(accumulator.products, accumulator.rows, accumulator.loss)


class _RowMomentAccumulator(ScoreAccumulator):
    """The sums of one unit."""

    def __init__(self, task: RowMomentPass) -> None:
        super().__init__(task.fitted_model, layout=task.fitted_model.design.rows_layout)
        self.moment_rows = task.moment_rows
        self.products = np.zeros((task.moment_rows.width, task.moment_rows.width))

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the products of the vectors of a block."""
        vectors = self.moment_rows.rows(columns, self.layout, self.reader.sizes, scores.r, scores.w)
        vectors *= (scores.w if count is None else scores.w * np.sqrt(count))[:, None]
        products = np.dot(vectors.T, vectors)
        # an infinite or NaN value anywhere shows on the diagonal
        if not np.isfinite(products.diagonal().sum()):
            return False
        self.products += products
        return True


@dataclass(frozen=True, slots=True)
class ClusterMomentPass(ClusterPass):
    """The pass of covariances by cluster: sums of the vectors, one row for each cluster."""

    moment_rows: MomentRows | None = None

    @property
    def width(self) -> int:
        """Length of a vector."""
        assert self.moment_rows is not None
        return self.moment_rows.width

    def accumulate(self, batches: Iterable[Batch], /) -> ClusterScores:
        """The sums of one unit."""
        accumulator = _ClusterMomentAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.read(batch)
        return accumulator.summed()


class _ClusterMomentAccumulator(ClusterScoreAccumulator):
    """The sums of one unit; the vectors contain the residual, so that the weight alone takes the place of the score."""

    def __init__(self, task: ClusterMomentPass) -> None:
        super().__init__(task)
        assert task.moment_rows is not None
        self.moment_rows, self.block_residual, self.block_weight = task.moment_rows, np.zeros(0), np.zeros(0)
        self.cells, self.positions = [], np.arange(task.width)
        self.scratch = np.empty((0, task.width))

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the vectors of a block, weighted."""
        self.block_residual, self.block_weight = scores.r, scores.w
        return super().take(columns, scores._replace(s=scores.w), count, observed, rows)

    def _write(self, columns: Columns, out: Matrix) -> None:
        residual, weight = self.block_residual, self.block_weight
        out[:] = self.moment_rows.rows(columns, self.layout, self.reader.sizes, residual, weight)
