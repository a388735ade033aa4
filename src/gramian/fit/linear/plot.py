"""Rowwise values of a linear fit for plots and for `augment`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.batch import Batch
from gramian.fit.leastsquares.predict import IntervalScale, Predictor
from gramian.inference.influence import of_linear
from gramian.results.drawing import KINDS, draw
from gramian.results.rows import RowwiseFit
from gramian.typing import Matrix

if TYPE_CHECKING:
    from gramian.fit.linear.result import LinearFit
from gramian.results.rows import axis_names, linear_evaluation


def linear(fit: LinearFit, data: Any, kind: str | None) -> Any:
    """A matplotlib figure of a linear fit; `kind` is one of `KINDS`, or None to choose by the model and data."""
    return draw(linear_rows(fit), data, kind, KINDS)


def linear_rows(fit: LinearFit) -> RowwiseFit:
    """What computes predictions, residual scale and leverages of a linear fit, row by row."""
    solved = fit.solved
    predictor = Predictor(solved, IntervalScale(solved.solution.inverse, 1.0, root=solved.solution.root))
    axis = axis_names(solved.design)
    influence = partial(of_linear, sigma=fit.sigma, columns=fit.effective, df_residual=fit.df_residual)
    # a row of a penalized fit, or of one with levels of its own, changes more than its residual and leverage say
    defined = None if fit.alpha is not None or solved.absorbed is not None else influence
    evaluate = linear_evaluation(fit.sigma, defined)
    return RowwiseFit(fit, solved.design, predictor.batch, evaluate, solved.terms, fit.effective, axis)


def absorbed_rows(fit: LinearFit) -> RowwiseFit:
    """The same for a fit with absorbed factors: leverages are NaN, for they need the covariance of every level."""
    predictor = Predictor(fit.solved)

    def values(batch: Batch) -> Matrix:
        """Predictions, then two rows of NaN, (3, n)."""
        (predicted,) = predictor.batch(batch)
        return np.stack([predicted, np.full(len(predicted), np.nan), np.full(len(predicted), np.nan)])

    return replace(linear_rows(fit), values=values)
