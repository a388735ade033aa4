"""The bootstrap of rows: in one pass the weighted products of all draws, in an orthonormal basis of the columns.

Of n rows z with d draws of weights, all products are one multiplication: (d, n) times (n, k (k + 1) / 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError, NumericalError, OptionError, no_choice
from gramian.fit.bootstrap.cluster_sums import check_model
from gramian.fit.bootstrap.draws import Bootstrap
from gramian.fit.bootstrap.pairs import check_enough, drawn_estimates
from gramian.fit.bootstrap.row_numbers import numbered
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.memory import format_bytes
from gramian.fit.vcov.basis import Basis, basis_of, first_combinations
from gramian.fit.vcov.fit import check_same
from gramian.fit.vcov.job import cluster_memory
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.row_reader import Observed
from gramian.inference.draws.redrawn import redrawn
from gramian.inference.draws.row_weights import ROW_WEIGHTS, row_weights
from gramian.inference.draws.sign_weights import check_draws
from gramian.linalg.columns import Columns
from gramian.typing import Codes, Mask, Matrix, Vector

NUMBERS_AT_A_TIME = 1 << 20  # of the weights, and of the products of rows, that are held at once


@dataclass(frozen=True, slots=True)
class RowDraws:
    """Which draws: their number, the distribution of weights, and the seed."""

    draws: int
    weights: str
    seed: int


@dataclass(frozen=True, slots=True)
class DrawSums:
    """Sums over rows for each of d draws, of rows z (k,) of a basis with scores s.

    Attributes
    ----------
    sums : Matrix
        (d, k (k + 1) / 2 + k) of the upper triangle of w v z z', row by row, then of v s z, v the weights of the draw.
    rows : int
        Number of rows.
    loss : float
        Their residual sum of squares.
    """

    sums: Matrix
    rows: int
    loss: float

    def __add__(self, other: DrawSums, /) -> DrawSums:
        return DrawSums(self.sums + other.sums, self.rows + other.rows, self.loss + other.loss)


@dataclass(frozen=True, slots=True)
class DrawPass:
    """The pass of rows with their numbers in the data."""

    fitted_model: FittedModel
    basis: Basis
    which: RowDraws

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return self.fitted_model.design.columns

    @property
    def empty(self) -> DrawSums:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> DrawSums:
        """The sums of one unit."""
        accumulator = _DrawAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                observed = accumulator.reader.read(batch)
                accumulator.begin(observed)
                accumulator.add(observed)
        return DrawSums(accumulator.drawn, accumulator.rows, accumulator.loss)


class _DrawAccumulator(ScoreAccumulator):
    """The sums of one unit."""

    def __init__(self, task: DrawPass) -> None:
        super().__init__(task.fitted_model, layout=task.fitted_model.design.rows_layout)
        self.basis, self.which, k = task.basis, task.which, task.basis.width
        self.triangle = np.triu_indices(k)
        self.drawn = np.zeros((task.which.draws, width_of(k)))
        self.numbers: Codes = np.zeros(0, np.int64)

    def begin(self, observed: Observed) -> None:
        """Take the numbers of the complete rows of a batch."""
        rows = np.arange(observed.rows) if observed.row_mask is None else np.flatnonzero(observed.row_mask)
        self.numbers = observed.first_row + rows

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block."""
        if count is not None:
            raise OptionError(
                "rows that stand for several (counts=) are not drawn one by one; draw clusters (cluster='firm')"
            )
        Z = self.basis.rows(columns, self.layout, self.reader.sizes)
        weighted = Z * scores.w[:, None]
        if not np.isfinite(np.einsum("nk,nk->", Z, weighted)):
            return False
        numbers, added = self.numbers[rows], np.zeros_like(self.drawn)
        first, second = self.triangle
        for part in _parts(len(Z), max(self.drawn.shape)):
            products = np.hstack([weighted[part][:, first] * Z[part][:, second], Z[part] * scores.s[part, None]])
            added += self._weights(numbers[part]) @ products
        self.drawn += added
        return True

    def _weights(self, numbers: Codes) -> Matrix:
        """Weights (d, n) of rows with these numbers, which rise."""
        start, which = int(numbers[0]), self.which
        length = int(numbers[-1]) - start + 1
        weights = row_weights(which.weights, which.seed, start, length, which.draws)
        return weights if length == len(numbers) else weights[:, numbers - start]


def width_of(k: int) -> int:
    """Sums of one draw of k columns."""
    return k * (k + 1) // 2 + k


def _parts(rows: int, width: int) -> Iterable[slice]:
    """Slices of so many rows that each has few numbers."""
    length = max(1, NUMBERS_AT_A_TIME // width)
    return (slice(start, min(start + length, rows)) for start in range(0, rows, length))


def row_bootstrap(solved: Solved, runner: PassRunner, which: RowDraws) -> Bootstrap:
    """Draws of the rows of a fit, read in one pass.

    Raises
    ------
    OptionError
        As `check_model` and `numbered`, for an unknown distribution, and for rows that stand for several.
    DataError
        For other rows than those of the fit, and where the sums do not fit into memory.
    NumericalError
        For columns that are collinear up to rounding, and where fewer than two draws have an estimate.
    """
    check_model(solved)
    check_draws(which.draws)
    if which.weights not in ROW_WEIGHTS:
        raise no_choice("weights", which.weights, tuple(ROW_WEIGHTS))
    fitted_model = FittedModel(solved).for_schema(runner.source.schema)
    combinations = first_combinations(solved)
    if combinations is None:
        raise NumericalError("the variances of these columns are beyond float64: rescale the columns")
    basis = basis_of(fitted_model, combinations)
    k = basis.width
    _check_memory(which.draws, k)
    sums = numbered(runner, fitted_model.design.columns).fold(DrawPass(fitted_model, basis, which))
    check_same(solved, solved.rss, sums.rows, sums.loss)
    found = redrawn(_symmetric(sums.sums[:, :-k], k), sums.sums[:, -k:])
    drawn = drawn_estimates(solved, found.changes[found.identified] @ basis.model.T)
    check_enough(drawn, "rows")
    return Bootstrap(solved.names, drawn, which.draws, "rows", solved.rows, which.weights, which.seed)


def _check_memory(draws: int, k: int) -> None:
    """Raise DataError where the sums of so many draws of k columns are more than a thread may hold."""
    needed, limit = 8 * draws * width_of(k), cluster_memory()
    if needed > limit:
        raise DataError(
            f"{draws:,} draws of {k:,} columns need {format_bytes(needed)}, more than the {format_bytes(limit)} that "
            f"they may: take draws={max(1, draws * limit // needed)} or fewer columns, or draw clusters"
        )


def _symmetric(triangles: Matrix, k: int) -> Matrix:
    """Symmetric matrices (d, k, k) from their upper triangles, row by row."""
    out = np.empty((len(triangles), k, k))
    first, second = np.triu_indices(k)
    out[:, first, second] = triangles
    out[:, second, first] = triangles
    return out
