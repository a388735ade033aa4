"""A linear fit as pictures and `augment` need it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.batch import Batch
from gramian.fit.leastsquares.predict import IntervalScale, Predictor
from gramian.results.drawing import KINDS, draw
from gramian.results.rows import RowwiseFit
from gramian.typing import Matrix

if TYPE_CHECKING:
    from gramian.fit.linear.result import LinearFit
from gramian.results.rows import _axis, _gaussian


def linear(fit: LinearFit, data: Any, kind: str | None) -> Any:
    """A picture of a linear fit."""
    return draw(linear_rows(fit), data, kind, KINDS)


def linear_rows(fit: LinearFit) -> RowwiseFit:
    """A linear fit as its rows are judged."""
    solved = fit.solved
    predictor = Predictor(solved, IntervalScale(solved.solution.inverse, 1.0))
    axis = _axis(solved.design)
    return RowwiseFit(fit, solved.design, predictor.batch, _gaussian(fit.sigma), solved.terms, fit.effective, axis)


def absorbed_rows(fit: LinearFit) -> RowwiseFit:
    """The same beside absorbed factors, which do without the leverages."""
    predictor = Predictor(fit.solved)

    def values(batch: Batch) -> Matrix:
        (predicted,) = predictor.batch(batch)
        return np.stack([predicted, np.full(len(predicted), np.nan), np.full(len(predicted), np.nan)])

    return replace(linear_rows(fit), values=values)
