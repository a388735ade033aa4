"""Predictions of a curve for new rows, with intervals by the delta method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from gramian.batch import Batch, Source
from gramian.errors import OptionError, one_of
from gramian.fit.curve.accumulate import BLOCK
from gramian.fit.curve.fit import CurveSolved
from gramian.fit.leastsquares.predict import INTERVALS, interval_table
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.inference.intervals import t_quantile
from gramian.models.curve import jacobian
from gramian.typing import Matrix, Vector


def predict(solved: CurveSolved, source: Source, interval: str | None = None, level: float = 0.95) -> Vector | pa.Table:
    """Predictions for all rows of a source.

    Parameters
    ----------
    solved : CurveSolved
        The fit.
    source : Source
        Rows with the inputs of the curve.
    interval : str or None
        "confidence" or "prediction", None for no interval.
    level : float
        Level of the intervals.

    Returns
    -------
    ndarray, (n,), or pyarrow.Table
        NaN where an input is missing; with an interval a table with the columns fit, low and high, and nulls.
    """
    parts = list(predictions(solved, source, interval, level))
    if interval is None:
        return np.concatenate([p[0] for p in parts]) if parts else np.zeros(0)
    return interval_table(np.concatenate(parts, axis=1) if parts else np.zeros((3, 0)))


def predictions(
    solved: CurveSolved, source: Source, interval: str | None = None, level: float = 0.95
) -> Iterator[Matrix]:
    """Predictions batch by batch: (1, n), or (3, n) with the ends of the intervals. Raises OptionError."""
    if interval is not None:
        one_of("interval", interval, INTERVALS)
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0.0 < level < 1.0:
        raise OptionError(f"level must lie between 0 and 1, found {level!r}")
    predictor = _Predictor(solved, interval, level)
    for unit in source.units:
        for batch in unit.batches(predictor.design.columns):
            yield predictor.batch(batch)


@dataclass(frozen=True, slots=True)
class _Predictor:
    """Predicts batch by batch.

    Attributes
    ----------
    solved : CurveSolved
        The fit.
    interval : str or None
        "confidence", "prediction" or None.
    level : float
        Level of the interval.
    """

    solved: CurveSolved
    interval: str | None
    level: float

    @property
    def design(self) -> Design:
        """The design that reads the inputs only."""
        return replace(self.solved.curve.design, outcome={}, weight=None)

    def batch(self, batch: Batch) -> Matrix:
        """Predictions of a batch, (1, n) or (3, n); NaN in rows that are not complete."""
        with np.errstate(all="ignore"):
            observed = Reader(self.design, response=False).read(batch)
            complete = np.full((1 if self.interval is None else 3, observed.rows), np.nan)
            # blocks bound the memory of the (n, p) derivatives
            for start in range(0, observed.rows, BLOCK):
                rows = slice(start, min(start + BLOCK, observed.rows))
                complete[:, rows] = self._block(observed, rows)
        values = np.full((len(complete), batch.rows), np.nan)
        values[:, slice(None) if observed.row_mask is None else observed.row_mask] = complete
        return values

    def _block(self, observed: Observed, rows: slice) -> Matrix:
        """Predictions of a block of complete rows, (1, k) or (3, k)."""
        curve = self.solved.curve
        inputs = [observed.values[name][rows] for name in curve.variables]
        fit, J = jacobian(curve.shape, inputs, self.solved.coefficients, rows.stop - rows.start)
        finite = np.isfinite(fit)
        for x in inputs:
            finite &= np.isfinite(x)
        fit = np.where(finite, fit, np.nan)
        if self.interval is None:
            return fit[None]
        half_width = self._half_width(J)
        return np.stack([fit, fit - half_width, fit + half_width])

    def _half_width(self, J: Matrix) -> Vector:
        """Half-width of the interval of each row, (k,); parameters at a bound count as fixed. J : (k, p)."""
        df_residual = self.solved.rows - len(self.solved.curve.names)
        if df_residual <= 0:
            return np.full(len(J), np.nan)
        free = ~self.solved.at_bound
        sigma, robust = np.sqrt(self.solved.rss / df_residual), self.solved.robust
        V, df = self.solved.inverse, float(df_residual)
        if robust is not None:
            V, df = robust.covariance / sigma**2, robust.df
        variance = np.einsum("ij,jk,ik->i", J[:, free], V[np.ix_(free, free)], J[:, free])
        scale = t_quantile(0.5 + self.level / 2, df) * sigma
        return np.asarray(scale * np.sqrt(np.maximum(variance, 0.0) + (self.interval == "prediction")))
