"""Rowwise values of a fit with instruments for plots and for `augment`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.batch import Batch
from gramian.fit.leastsquares.predict import Predictor
from gramian.results.drawing import KINDS, draw
from gramian.results.rows import RowwiseFit, axis_names, linear_evaluation
from gramian.typing import Matrix

if TYPE_CHECKING:
    from gramian.fit.iv.result import IvFit


def draw_fit(fit: IvFit, data: Any, kind: str | None) -> Any:
    """A matplotlib figure; `kind` is one of `KINDS`, or None to choose by the model and data."""
    return draw(rows_of(fit, leverage=0.0), data, kind, KINDS)


def rows_of(fit: IvFit, leverage: float = np.nan) -> RowwiseFit:
    """What computes predictions row by row.

    leverage : of every row, for there is no hat matrix that is a projection: NaN, or zero for residuals over sigma.
    """
    solved = fit.solved
    predictor = Predictor(solved)

    def values(batch: Batch) -> Matrix:
        """Predictions, then leverages twice, (3, n)."""
        (predicted,) = predictor.batch(batch)
        return np.stack([predicted, *np.full((2, len(predicted)), leverage)])

    axis = axis_names(solved.design)
    return RowwiseFit(fit, solved.design, values, linear_evaluation(fit.sigma), solved.terms, fit.effective, axis)
