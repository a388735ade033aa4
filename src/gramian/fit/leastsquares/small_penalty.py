"""Ridge fits whose penalty is near the rounding of the products: solved from the rows themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch
from gramian.fit.leastsquares.accuracy import REFINED, BoundedSolution, ErrorBounds
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import System, assemble
from gramian.fit.passes.accumulate import Accumulated, UnitAccumulator, take_rows
from gramian.fit.passes.job import Job
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed
from gramian.linalg import maps
from gramian.linalg.certificate import EPS, Bounds
from gramian.linalg.columns import Columns
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.moments import combined_weight
from gramian.linalg.penalized.singular import SingularRidge, singular_ridge
from gramian.linalg.products import ColumnGroup
from gramian.linalg.solve import Solution
from gramian.typing import Mask, Matrix, Vector

MIN_DIGITS = 2.0  # certified digits of the longest coefficient below which a fit is refused


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Partial result: the rows themselves; partial results add.

    Attributes
    ----------
    values : tuple of (n, q) ndarray
        Stored columns, the response last.
    weight : tuple of (n,) ndarray
        Weights of the rows.
    """

    values: tuple[Matrix, ...] = ()
    weight: tuple[Vector, ...] = ()

    def __add__(self, other: StoredRows, /) -> StoredRows:
        return StoredRows(self.values + other.values, self.weight + other.weight)


@dataclass(frozen=True, slots=True)
class CollectRows:
    """The task of a pass that keeps the rows of the stored columns.

    Attributes
    ----------
    design : Design
        With the levels of the first pass.
    groups : tuple of ColumnGroup
        The stored columns, the response last.
    drop : bool
        Whether incomplete rows are dropped, as in the first pass.
    """

    design: Design
    groups: tuple[ColumnGroup, ...]
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def empty(self) -> StoredRows:
        """No rows."""
        return StoredRows()

    def accumulate(self, batches: Iterable[Batch], /) -> StoredRows:
        """The rows of one unit."""
        collector = _Collector(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                collector.add(collector.reader.read(batch))
        return collector.rows


class _Collector(UnitAccumulator):
    """Keeps blocks of rows in place of their sums."""

    def __init__(self, task: CollectRows) -> None:
        super().__init__(task.design, drop=task.drop)
        self.groups, self.rows = task.groups, StoredRows()

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Keep the rows of a block; False, with nothing kept, if a value is not finite."""
        if not columns.finite().all():
            return False
        weight = combined_weight(take_rows(observed.weight, rows), take_rows(observed.count, rows))
        values = stored_rows(columns, self.layout, self.groups, self.reader.sizes)
        self.rows += StoredRows((values,), (np.ones(len(values)) if weight is None else weight,))
        return True


def ridge_from_rows(first: Solved, job: Job, accumulated: Accumulated, system: System) -> Solved:
    """The ridge fit from the rows themselves, or the given fit where that has no certain digits either."""
    design, options, parametrization = job.design, job.options, system.parametrization
    assert options.alpha is not None
    task = CollectRows(
        replace(design, levels=dict(accumulated.moments.levels)), tuple(parametrization.groups), options.drop
    )
    rows = job.fold(task)
    Z, weight = np.concatenate(rows.values), np.concatenate(rows.weight)
    with np.errstate(all="ignore"):
        solution, errors, certain = _solved(Z, weight, options.alpha, parametrization)
    if not certain:
        return replace(first, passes=first.passes + 1)
    bounded = BoundedSolution(solution, errors, first.passes + 1, REFINED)
    return assemble(design, accumulated, options, system, bounded)


def _solved(
    Z: Matrix, weight: Vector, alpha: float, parametrization: Parametrization
) -> tuple[Solution, ErrorBounds, bool]:
    """The solution in the solved columns, bounds of its errors, and whether there is a certain digit.

    Z : (n, q) stored columns, the response last. weight : (n,).
    """
    if parametrization.subspace is not None:
        Z = Z @ maps.to_dense(parametrization.subspace, Z.shape[1]).T
    p, constant = Z.shape[1] - 1, parametrization.constant
    slopes = np.array([j for j in range(p) if j != constant], np.int64)
    total, root = float(weight.sum()), np.sqrt(weight)
    mean = (weight @ Z) / total if constant is not None else np.zeros(p + 1)
    X, y = (Z[:, slopes] - mean[slopes]) * root[:, None], (Z[:, -1] - mean[-1]) * root
    # the penalty is on the model's slopes, which are combinations of the solved columns
    T = np.eye(p)
    if parametrization.to_solved is not None:
        T = maps.to_dense(parametrization.to_solved, p)
    T = T[np.ix_(slopes, slopes)]
    size = float(np.linalg.norm((np.abs(Z[:, slopes]) * root[:, None]) @ np.abs(T).T))
    A = X @ T.T
    if not np.isfinite(A).all():
        A, alpha = np.zeros(A.shape), np.inf
    part = singular_ridge(A, y, alpha, len(Z) - (constant is not None), size)
    certain = part.error * 10.0**MIN_DIGITS < float(np.linalg.norm(part.b))
    solution, errors = _with_constant(part, T.T, mean, total, constant)
    return solution, errors, bool(certain)


def _with_constant(
    part: SingularRidge, T: Matrix, mean: Vector, weight: float, constant: int | None
) -> tuple[Solution, ErrorBounds]:
    """The solution of all p solved columns. T : (q, q) solved slopes from the model's. mean : (p + 1,)."""
    p = len(mean) - 1
    slopes = np.array([j for j in range(p) if j != constant], np.int64)
    b, inverse, error = np.zeros(p), np.zeros((p, p)), np.zeros(p)
    b[slopes], inverse[np.ix_(slopes, slopes)] = T @ part.b, T @ part.covariance @ T.T
    # each element of the error is at most its length
    error[slopes] = np.abs(T) @ np.full(len(slopes), part.error)
    if constant is not None:
        across = inverse[np.ix_(slopes, slopes)] @ mean[slopes]
        b[constant] = mean[-1] - mean[slopes] @ b[slopes]
        error[constant] = np.abs(mean[slopes]) @ error[slopes] + 4.0 * len(mean) * EPS * (
            abs(mean[-1]) + np.abs(mean[slopes]) @ np.abs(b[slopes])
        )
        inverse[slopes, constant] = inverse[constant, slopes] = -across
        inverse[constant, constant] = 1.0 / weight + mean[slopes] @ across
    # V S V has the error 3 g sensitivity^2, which is to be its relative error times the diagonal
    sensitivity = np.sqrt(np.maximum(inverse.diagonal(), 0.0))
    bounds = Bounds(
        sensitivity, np.zeros(p), np.zeros(p), 0.0, part.covariance_error / 3.0, 0.0, penalised=True, refined_error=0.0
    )
    leverage = part.leverage + (constant is not None)
    everything = np.ones(p, bool)
    solution = Solution(b, inverse, everything, np.zeros((p, 0)), part.rss, part.condition, leverage, bounds)
    return solution, ErrorBounds(error, part.rss_error)
