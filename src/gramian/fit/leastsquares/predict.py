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
from gramian.fit.leastsquares.identified import prediction_covariance, reported_solution
from gramian.fit.leastsquares.level_slopes import FactorSlopes, factor_slopes, slope_part
from gramian.fit.leastsquares.predict_careful import CarefulPredictor, cancels, careful_predictor
from gramian.fit.leastsquares.solution import Solved, stored_coefficients, stored_combinations
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.inference import normal
from gramian.inference.intervals import t_quantile
from gramian.linalg import maps
from gramian.linalg.blocks import BlockWriter
from gramian.linalg.columns import Columns, Layout, layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.products import ColumnGroup, cell_index, without_last
from gramian.linalg.subspace import dense
from gramian.typing import Mask, Matrix, Vector

INTERVALS = ("confidence", "prediction")


def predict(solved: Solved, source: Source, interval: str | None = None, level: float = 0.95) -> Vector | pa.Table:
    """Predictions for all rows of a source, (n,), NaN where a predictor is missing; with an interval a table.

    interval : "confidence", "prediction" or None. level : coverage of the interval. Raises as `predictions`.
    """
    return collect_predictions(predictions(solved, source, interval, level), interval is not None)


def collect_predictions(parts: Iterator[Matrix], interval: bool) -> Vector | pa.Table:
    """Predictions of all batches: (n,), or a table with the columns fit, low, high and nulls for NaN."""
    values = list(parts)
    if not interval:
        return np.concatenate([p[0] for p in values]) if values else np.zeros(0)
    return interval_table(np.concatenate(values, axis=1) if values else np.zeros((3, 0)))


def with_coefficients(solved: Solved, coefficients: Vector) -> Solved:
    """A solution to predict with other coefficients (p,) of the model's columns; only predictions of it have a meaning.

    Raises OptionError for another number of them, and beside absorbed factors, whose effects belong to the estimates.
    """
    b = np.array(coefficients, np.float64)
    if b.shape != (len(solved.names),):
        raise OptionError(f"coefficients are {len(solved.names)} numbers, in the order of names; found {b.shape}")
    if solved.absorbed is not None:
        raise OptionError("the effects of absorbed levels belong to the estimates: no predictions with others")
    parametrization, model = solved.parametrization, np.nan_to_num(b)
    for i, c in parametrization.response_shift.items():
        model[i] -= float(c)
    own = model if parametrization.to_solved is None else maps.apply(parametrization.to_solved, model)
    solution = replace(solved.solution, coefficients=own / parametrization.scale, low=None)
    return replace(solved, coefficients=b, solution=solution, aliased={}, accuracy=None)


def error_table(parts: Iterator[Matrix], critical: float) -> pa.Table:
    """Predictions with standard errors: the columns fit and std_error, null for NaN.

    parts : batch by batch (3, n) with the ends of confidence intervals. critical : their half-width in standard errors.
    """
    values = np.concatenate([np.zeros((3, 0)), *parts], axis=1)
    errors = (values[2] - values[1]) / (2.0 * critical)
    return pa.table(
        {"fit": pa.array(values[0], mask=np.isnan(values[0])), "std_error": pa.array(errors, mask=np.isnan(errors))}
    )


def interval_table(values: Matrix) -> pa.Table:
    """An array (1, n) or (3, n) of fit, low and high as an Arrow table, with nulls for NaN."""
    names = ("fit", "low", "high")[: len(values)]
    return pa.table({name: pa.array(v, mask=np.isnan(v)) for name, v in zip(names, values, strict=True)})


@dataclass(frozen=True, slots=True)
class IntervalScale:
    """Half the width of an interval: multiplier * sqrt(x' inverse x + residual_variance), x in the solved columns.

    Attributes
    ----------
    inverse : ndarray of shape (p, p)
        (X'WX)^-1, or a robust covariance.
    multiplier : float
        Quantile, times sigma unless `inverse` is a covariance already.
    residual_variance : float
        Variance of a new outcome in the same units, 0 for a confidence interval.
    root : ndarray of shape (p, p) or None
        F with FF' the inverse, where it is known; sums of squares of x'F do not cancel as x' inverse x does.
    """

    inverse: Matrix
    multiplier: float
    residual_variance: float = 0.0
    root: Matrix | None = None


def interval_scale(
    solved: Solved, V: Matrix, root: Matrix | None, multiplier: float, residual_variance: float = 0.0
) -> IntervalScale:
    """The scale of the intervals of the solution that a fit reports. V : covariance or inverse. root : as there."""
    P = reported_solution(solved)
    reported_root = root if root is None or P is None else P @ root
    return IntervalScale(prediction_covariance(solved, V), multiplier, residual_variance, reported_root)


def predictions(solved: Solved, source: Source, interval: str | None = None, level: float = 0.95) -> Iterator[Matrix]:
    """Predictions batch by batch: (1, n), or (3, n) with low and high.

    Raises DataError for a level that the fit has not seen, ColumnError for a predictor without a column, OptionError
    for an unknown interval or level.
    """
    if interval is not None:
        one_of("interval", interval, INTERVALS)
    if not 0.0 < level < 1.0:
        raise OptionError(f"level must lie between 0 and 1, found {level!r}")
    yield from predict_batches(solved, source, None if interval is None else _interval_scale(solved, interval, level))


def _interval_scale(solved: Solved, interval: str, level: float) -> IntervalScale:
    """Width of the intervals of a fit, with its robust covariance where it has one."""
    df_residual, robust = solved.rows - solved.leverage, solved.robust
    sigma = np.sqrt(solved.rss / df_residual) if df_residual > 0 else np.nan
    multiplier = float(t_quantile(0.5 + level / 2, df_residual) * sigma) if df_residual > 0 else float("nan")
    residual_variance = float(interval == "prediction")
    if robust is not None:
        return interval_scale(
            solved,
            robust.solved_covariance,
            robust.solved_root,
            normal.critical(level, robust.df),
            residual_variance * sigma**2,
        )
    return interval_scale(solved, solved.solution.inverse, solved.solution.root, multiplier, residual_variance)


def predict_batches(solved: Solved, source: Source, interval_scale: IntervalScale | None) -> Iterator[Matrix]:
    """Linear predictors (1, n), or (3, n) with the ends of intervals, batch by batch."""
    predictor = Predictor(solved, interval_scale)
    for name in predictor.design.columns:
        source.schema[name]  # raises where a column is missing, or has other types in other files
    for unit in source.units:
        for batch in unit.batches(predictor.design.columns):
            yield predictor.batch(batch)


@dataclass(frozen=True)
class Predictor:
    """Predicts batches of rows; what does not depend on the rows is computed once.

    Attributes
    ----------
    solved : Solved
        The fit.
    interval_scale : IntervalScale or None
        Width of the intervals; None for predictions alone.
    """

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
        """The monomials of variables that a row's stored columns are made of."""
        return layout(self.design.terms.blocks, ())

    @cached_property
    def groups(self) -> list[ColumnGroup]:
        """Groups of stored columns, without the response in the last position."""
        return without_last(self.solved.parametrization.groups)

    @cached_property
    def coefficients(self) -> Vector:
        """Coefficients (q - 1,) of the stored columns, in units of the outcome."""
        solved = self.solved
        if self.careful is not None:
            return self.careful.b.value
        return stored_coefficients(solved.parametrization, solved.solution, solved.coefficients, solved.aliased)

    @cached_property
    def effects(self) -> Mapping[str, Vector]:
        """Absorbed factor -> effects (levels,) of its levels, in units of the outcome."""
        return {} if self.solved.absorbed is None else self.solved.absorbed.effects

    @cached_property
    def slopes(self) -> tuple[FactorSlopes, ...]:
        """Slopes by level of absorbed factors."""
        absorbed = self.solved.absorbed
        return () if absorbed is None else factor_slopes(absorbed, self.design)

    @cached_property
    def reader(self) -> Reader:
        """Reads predictors, without the outcome; made once, because its index of levels may be large."""
        return Reader(self.design, response=False)

    @cached_property
    def careful(self) -> CarefulPredictor | None:
        """Predicts rows in which products cancel; None where the coefficients have no low parts."""
        return careful_predictor(self.solved, self.groups, self.design.coordinates, self.shift)

    @cached_property
    def basis(self) -> Matrix | None:
        """(q - 1, p) the columns whose squares add up to the variance of a prediction; None without a root."""
        root = None if self.interval_scale is None else self.interval_scale.root
        return None if root is None else stored_combinations(self.solved.parametrization, root)

    @cached_property
    def size(self) -> float:
        """Root mean square of the outcome about its shift, below which predictions need no digits of their own."""
        return float(np.hypot(np.sqrt(self.solved.tss / self.solved.weight), self.solved.mean - self.shift))

    @cached_property
    def width(self) -> int:
        """Number of stored columns without the response."""
        return sum(len(g.positions) for g in self.groups)

    @cached_property
    def shift(self) -> float:
        """Shift of the outcome, to add to predictions; 0 where the coefficient of the constant includes it."""
        (response,) = self.solved.design.outcome
        return (
            0.0 if self.solved.parametrization.subspace is not None else self.solved.design.coordinates[response].shift
        )

    def batch(self, batch: Batch) -> Matrix:
        """Predictions (1, n) or (3, n) of one batch, NaN in incomplete rows.

        Raises OptionError for a prediction that absorbed factors do not allow.
        """
        if self.solved.absorbed is not None:
            check_absorbed(self.solved.absorbed, needs_covariance=self.interval_scale is not None)
        with np.errstate(all="ignore"):
            observed = self.reader.read(batch)
            complete = self._complete(observed, self.reader.sizes)
        out = np.full((len(complete), batch.rows), np.nan)
        out[:, slice(None) if observed.row_mask is None else observed.row_mask] = complete
        return out

    def _complete(self, observed: Observed, sizes: dict[str, int]) -> Matrix:
        """Predictions (1, n) or (3, n) of complete rows. sizes : factor -> number of levels."""
        out = np.full((1 if self.interval_scale is None else 3, observed.rows), np.nan)
        # blocks as in the fit: memory does not grow with the batch times the number of columns
        block_writer = BlockWriter(self.layout, self.design.coordinates)
        for rows, columns in block_writer.blocks(observed.rows, observed.values, observed.codes, None):
            Z = stored_rows(columns, self.layout, self.groups, sizes)
            good = np.asarray(np.isfinite(Z).all(axis=1))
            fit = self._fitted(Z, good, rows, observed, sizes)
            if (unseen := self._unseen(columns)).any():
                fit[unseen], Z[unseen] = self._as_written(columns, unseen)
            if observed.offset is not None:
                fit += observed.offset[rows]
            for factor, effect in self.effects.items():
                fit += effect[observed.codes[factor][rows]]
            if self.slopes:
                values = {v: x[rows] for v, x in observed.values.items()}
                fit += slope_part(self.slopes, values, {f: c[rows] for f, c in observed.codes.items()})
            out[0, rows] = np.where(good, fit, np.nan)
            if self.interval_scale is not None:
                half_width = np.where(good, self._half_width(Z, self.interval_scale), np.nan)
                out[1, rows], out[2, rows] = out[0, rows] - half_width, out[0, rows] + half_width
        return out

    def _fitted(self, Z: Matrix, good: Mask, rows: slice, observed: Observed, sizes: Mapping[str, int]) -> Vector:
        """Z b plus the shift, (n,); in double-double in rows where that has more digits."""
        products = Z @ self.coefficients
        fit = products + self.shift
        if self.careful is None:
            return np.asarray(fit)
        at = np.flatnonzero(good & cancels(Z, self.coefficients, products, self.size))
        if len(at):
            at_rows = rows.start + at
            values = {name: v[at_rows] for name, v in observed.values.items()}
            codes = {name: c[at_rows] for name, c in observed.codes.items()}
            fit[at] = self.careful.of(len(at), values, codes, sizes)
        return np.asarray(fit)

    def _unseen(self, columns: Columns) -> Mask:
        """Mask (n,) of rows with a combination of levels that the fit has not seen.

        The solved columns may use relations that hold only in the combinations that have rows.
        """
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
        """Predictions (m,) of the marked rows from the model's own columns, and these rows in the solved columns."""
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
        """Half the widths (n,) of intervals. Z : (n, q - 1) rows of stored columns."""
        if self.basis is not None:
            squares = np.square(Z @ self.basis).sum(axis=1)
        else:
            if self.solved.parametrization.subspace is not None:
                Z = Z @ dense([maps.sparse(c) for c in self.solved.parametrization.subspace[:-1]], self.width)
            squares = np.einsum("ij,ij->i", Z @ interval_scale.inverse, Z)
        return np.asarray(
            # x'Vx can be slightly negative after rounding where a row has no variance
            interval_scale.multiplier * np.sqrt(np.maximum(squares, 0.0) + interval_scale.residual_variance)
        )
