"""Pictures and row-wise values (`augment`) of a generalized linear fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.batch import Batch
from gramian.fit.leastsquares.predict import IntervalScale, Predictor
from gramian.inference.influence import of_generalized
from gramian.plots.influence import standardised
from gramian.results.drawing import CALIBRATION, KINDS, draw
from gramian.results.rows import EvaluatedRows, Rows, RowwiseFit
from gramian.typing import Matrix

if TYPE_CHECKING:
    from gramian.fit.glm.result import GlmFit


def general(fit: GlmFit, data: Any, kind: str | None) -> Any:
    """A figure of a generalized linear fit, see `GlmFit.plot`."""
    rowwise = general_rows(fit, drawn=True)
    return draw(rowwise, data, kind, (*KINDS, CALIBRATION) if rowwise.binomial else KINDS)


def general_rows(fit: GlmFit, *, drawn: bool = False) -> RowwiseFit:
    """Row-wise values of a generalized linear fit: fitted values, residuals and leverages.

    The leverage of a row is its working weight times x' V x, with V the inverse of the information at dispersion 1.

    drawn : whether for a picture, which is refused where absorbed factors leave leverages unknown; else they are NaN.
    """
    solved, model = fit.solved.linear, fit.solved.model
    absorbed = solved.absorbed is not None and not drawn
    predictor = Predictor(solved, None if absorbed else IntervalScale(solved.solution.inverse, 1.0))

    def values(batch: Batch) -> Matrix:
        """Linear predictors and half-widths, (3, n); NaN beside absorbed factors, for they need every level's."""
        predicted = predictor.batch(batch)
        return np.concatenate([predicted, np.full((2, predicted.shape[1]), np.nan)]) if absorbed else predicted

    family, sigma = model.family, fit.dispersion**0.5

    def evaluate(rows: Rows) -> EvaluatedRows:
        eta = rows.values[0]
        mu = model.mean(eta)
        leverage = model.linearize(rows.y, eta, rows.weight).w * rows.half_width**2
        with np.errstate(all="ignore"):
            pearson = np.sqrt(rows.weight / family.variance(mu)) * (rows.y - mu)
            deviance = np.sign(rows.y - mu) * np.sqrt(rows.weight * family.unit_deviance(rows.y, mu))
        facts = fit.effective, fit.df_residual, fit.deviance, fit.known_dispersion
        influence = (
            None if fit.alpha is not None else of_generalized(pearson, deviance, leverage, fit.dispersion, facts)
        )
        return EvaluatedRows(eta, pearson, standardised(deviance, leverage, sigma), leverage, influence)

    design = replace(solved.design, binary=fit.solved.binary)
    axis = (f"linear predictor ({fit.link})", "Pearson residual", "standardised deviance residual")
    binomial = family.variance_function.domain == "proportion"
    unit = f"estimate on the scale of the link, {fit.link}"
    fields = (fit, design, values, evaluate, solved.terms, fit.effective, axis, unit, model.mean, binomial)
    return RowwiseFit(*fields)
