"""Predictions of a linear fit for new rows, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from gramian.batch import Batch, Source
from gramian.errors import OptionError, one_of
from gramian.fit.leastsquares.absorbed import check_absorbed
from gramian.fit.leastsquares.identified import prediction_covariance
from gramian.fit.leastsquares.solution import Solved, stored_coefficients
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.inference import normal
from gramian.inference.intervals import t_quantile
from gramian.linalg import maps
from gramian.linalg.blocks import BlockWriter
from gramian.linalg.columns import Columns, Layout, layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.linalg.subspace import dense
from gramian.typing import Mask, Matrix, Vector

INTERVALS = ("confidence", "prediction")


def predict(solved: Solved, source: Source, interval: str | None = None, level: float = 0.95) -> Vector | pa.Table:
    """One value per row, NaN where a predictor is missing; with an interval a table `fit, low, high` with nulls."""
    return collect_predictions(predictions(solved, source, interval, level), interval is not None)


def collect_predictions(parts: Iterator[Matrix], interval: bool) -> Vector | pa.Table:
    """Predictions of all batches: (rows,), or a table `fit, low, high` with nulls."""
    values = list(parts)
    if not interval:
        return np.concatenate([p[0] for p in values]) if values else np.zeros(0)
    return interval_table(np.concatenate(values, axis=1) if values else np.zeros((3, 0)))


def interval_table(values: Matrix) -> pa.Table:
    """Rows fit (, low, high) of a (1 or 3, n) array as an Arrow table with nulls for NaN."""
    names = ("fit", "low", "high")[: len(values)]
    return pa.table({name: pa.array(v, mask=np.isnan(v)) for name, v in zip(names, values, strict=True)})


@dataclass(frozen=True, slots=True)
class IntervalScale:
    """How wide an interval is: half of it is reach * sqrt(x' inverse x + beyond), x in the solved columns."""

    inverse: Matrix
    multiplier: float
    residual_variance: float = 0.0


def predictions(solved: Solved, source: Source, interval: str | None = None, level: float = 0.95) -> Iterator[Matrix]:
    """Predictions batch by batch: (1, n), or (3, n) with low and high.

    Raises DataError for a level that the fit has not seen, ColumnError for a predictor that is not there.
    """
    if interval is not None:
        one_of("interval", interval, INTERVALS)
    if not 0.0 < level < 1.0:
        raise OptionError(f"level must lie between 0 and 1, found {level!r}")
    yield from predict_batches(solved, source, None if interval is None else _interval_scale(solved, interval, level))


def _interval_scale(solved: Solved, interval: str, level: float) -> IntervalScale:
    df_residual, robust = solved.rows - solved.leverage, solved.robust
    sigma = np.sqrt(solved.rss / df_residual) if df_residual > 0 else np.nan
    multiplier = float(t_quantile(0.5 + level / 2, df_residual) * sigma) if df_residual > 0 else float("nan")
    residual_variance = float(interval == "prediction")
    if robust is not None:
        return IntervalScale(
            prediction_covariance(solved, robust.solved_covariance),
            normal.critical(level, robust.df),
            residual_variance * sigma**2,
        )
    return IntervalScale(prediction_covariance(solved, solved.solution.inverse), multiplier, residual_variance)


def predict_batches(solved: Solved, source: Source, interval_scale: IntervalScale | None) -> Iterator[Matrix]:
    """Values on the scale of the columns, batch by batch, with the ends of intervals where a spread is given."""
    predictor = Predictor(solved, interval_scale)
    for name in predictor.design.columns:
        source.schema[name]  # raises where a column is missing, or has other types in other files
    for unit in source.units:
        for batch in unit.batches(predictor.design.columns):
            yield predictor.batch(batch)


@dataclass(frozen=True)
class Predictor:
    """Everything that a prediction needs, worked out once."""

    solved: Solved
    interval_scale: IntervalScale | None = None

    @cached_property
    def design(self) -> Design:
        """The design without its outcome."""
        design = self.solved.design
        coordinates = {name: design.coordinates[name] for name in design.terms.variables}
        return replace(design, outcome={}, weight=None, count=None, coordinates=coordinates, matrix=None)

    @cached_property
    def layout(self) -> Layout:
        """The monomials to write out."""
        return layout(self.design.terms.blocks(), ())

    @cached_property
    def groups(self) -> list[ColumnGroup]:
        """Stored columns without the response, which stands last and alone in no factor's group."""
        return without_last(self.solved.parametrization.groups)

    @cached_property
    def coefficients(self) -> Vector:
        """Coefficients of the stored columns, in units of the outcome."""
        solved = self.solved
        return stored_coefficients(solved.parametrization, solved.solution, solved.coefficients, solved.aliased)

    @cached_property
    def effects(self) -> Mapping[str, Vector]:
        """Absorbed factor -> what its levels add."""
        return {} if self.solved.absorbed is None else self.solved.absorbed.effects

    @cached_property
    def reader(self) -> Reader:
        """Reads predictors; the levels that it knows may be many."""
        return Reader(self.design, response=False)

    @cached_property
    def width(self) -> int:
        """Stored columns."""
        return sum(len(g.positions) for g in self.groups)

    @cached_property
    def shift(self) -> float:
        """What the outcome was shifted by, unless the subspace holds it."""
        (response,) = self.solved.design.outcome
        return (
            0.0 if self.solved.parametrization.subspace is not None else self.solved.design.coordinates[response].shift
        )

    def batch(self, batch: Batch) -> Matrix:
        """Predictions (1 or 3, n) of one batch. Raises OptionError for what absorbed factors do not allow."""
        if self.solved.absorbed is not None:
            check_absorbed(self.solved.absorbed, needs_covariance=self.interval_scale is not None)
        with np.errstate(all="ignore"):
            observed = self.reader.read(batch)
            complete = self._complete(observed, self.reader.sizes)
        out = np.full((len(complete), batch.rows), np.nan)
        out[:, slice(None) if observed.row_mask is None else observed.row_mask] = complete
        return out

    def _complete(self, observed: Observed, sizes: dict[str, int]) -> Matrix:
        out = np.full((1 if self.interval_scale is None else 3, observed.rows), np.nan)
        block_writer = BlockWriter(self.layout, self.design.coordinates)
        for rows, columns in block_writer.blocks(observed.rows, observed.values, observed.codes, None):
            Z = stored_rows(columns, self.layout, self.groups, sizes)
            good = np.isfinite(Z).all(axis=1)
            fit = Z @ self.coefficients + self.shift
            if (unseen := self._unseen(columns)).any():
                fit[unseen], Z[unseen] = self._as_written(columns, unseen)
            if observed.offset is not None:
                fit += observed.offset[rows]
            for factor, effect in self.effects.items():
                fit += effect[observed.codes[factor][rows]]
            out[0, rows] = np.where(good, fit, np.nan)
            if self.interval_scale is not None:
                half_width = np.where(good, self._half_width(Z, self.interval_scale), np.nan)
                out[1, rows], out[2, rows] = out[0, rows] - half_width, out[0, rows] + half_width
        return out

    def _unseen(self, columns: Columns) -> Mask:
        """Rows with a combination of levels for which the frame's sums over levels do not hold."""
        out = np.zeros(columns.rows, bool)
        if self.solved.parametrization.as_written is None or self.effects:
            return out
        sizes = self.reader.sizes
        for factors in {term.factors for term in self.design.terms.terms if len(term.factors) > 1}:
            codes = np.column_stack([columns.codes[f] for f in factors])
            cells = np.array(list(self.solved.levels.cells[factors]), np.int64)
            out |= cell_index(cells, codes, [sizes[f] for f in factors]) < 0
        return out

    def _as_written(self, columns: Columns, rows: Mask) -> tuple[Vector, Matrix]:
        """Predictions of these rows, and the rows in the columns that were solved for, by the model's own columns."""
        parametrization = self.solved.parametrization
        assert parametrization.as_written is not None
        assert parametrization.as_written.subspace is not None
        groups = without_last(parametrization.as_written.groups)
        Z = stored_rows(columns, self.layout, groups, self.reader.sizes)[rows]
        X = Z @ dense([maps.sparse(c) for c in parametrization.as_written.subspace[:-1]], Z.shape[1])
        solved_rows = (
            X
            if parametrization.to_model is None
            else X @ maps.multiply(maps.map_of(parametrization.to_model), np.eye(X.shape[1]))
        )
        return X @ np.nan_to_num(self.solved.coefficients), solved_rows

    def _half_width(self, Z: Matrix, interval_scale: IntervalScale) -> Vector:
        if self.solved.parametrization.subspace is not None:
            Z = Z @ dense([maps.sparse(c) for c in self.solved.parametrization.subspace[:-1]], self.width)
        squares = np.einsum("ij,ij->i", Z @ interval_scale.inverse, Z)
        return np.asarray(
            interval_scale.multiplier * np.sqrt(np.maximum(squares, 0.0) + interval_scale.residual_variance)
        )


def without_last(groups: list[ColumnGroup]) -> list[ColumnGroup]:
    """The groups without the stored column in the last position."""
    last = max(int(g.positions.max()) for g in groups)
    out = []
    for g in groups:
        if last in g.positions:
            others = [i for i, p in enumerate(g.positions) if p != last]
            monomials = tuple(g.monomials[i] for i in others)
            g = ColumnGroup(g.factors, g.cells, monomials, g.positions[others])
        if len(g.positions):
            out.append(g)
    return out
