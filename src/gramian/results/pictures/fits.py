"""How the kinds of fits are judged: what their predictions, residuals and leverages are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.batch import Batch
from gramian.fit.curve import predict as curve_predict
from gramian.fit.leastsquares.predict import IntervalScale, Predictor
from gramian.formula.design import Design
from gramian.inference.intervals import t_quantile
from gramian.plots.influence import standardised
from gramian.results.drawing import CALIBRATION, KINDS, LEVEL, draw
from gramian.results.rows import EvaluatedRows, Rows, RowwiseFit
from gramian.typing import Matrix, Vector

if TYPE_CHECKING:
    from gramian.fit.curve.result import CurveFit
    from gramian.fit.glm.result import GlmFit
    from gramian.fit.linear.result import LinearFit


@dataclass(frozen=True, slots=True)
class _BatchSource:
    """A batch as a source of its own."""

    batch: Batch

    @property
    def units(self) -> tuple[_BatchSource]:
        return (self,)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        yield self.batch


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


def curve(fit: CurveFit, data: Any, kind: str | None) -> Any:
    """A picture of a curve."""
    return draw(curve_rows(fit), data, kind, KINDS)


def curve_rows(fit: CurveFit) -> RowwiseFit:
    """A curve as its rows are judged."""
    df = fit.df_residual
    t_critical = t_quantile(0.5 + LEVEL / 2, df)
    solved = replace(fit.solved, rss=max(df, 0.0))  # sigma 1

    def values(batch: Batch) -> Matrix:
        (predicted,) = curve_predict.predictions(solved, _BatchSource(batch), "confidence", LEVEL)  # type: ignore[arg-type]
        return np.stack(
            [
                predicted[0],
                predicted[0] + (predicted[1] - predicted[0]) / t_critical,
                predicted[0] + (predicted[2] - predicted[0]) / t_critical,
            ]
        )

    design, width = solved.curve.design, len(fit.names)
    return RowwiseFit(fit, design, values, _gaussian(fit.sigma), tuple(range(width)), width, _axis(design))


def general(fit: GlmFit, data: Any, kind: str | None) -> Any:
    """A picture of a generalized linear fit."""
    rowwise = general_rows(fit)
    return draw(rowwise, data, kind, (*KINDS, CALIBRATION) if rowwise.binomial else KINDS)


def general_rows(fit: GlmFit) -> RowwiseFit:
    """A generalized linear fit as its rows are judged."""
    solved, model = fit.solved.linear, fit.solved.model
    predictor = Predictor(solved, IntervalScale(solved.solution.inverse, 1.0))
    family, sigma = model.family, fit.dispersion**0.5

    def evaluate(rows: Rows) -> EvaluatedRows:
        eta, half_width = rows.values[0], _half_width(rows)
        mu = model.mean(eta)
        leverage = model.linearize(rows.y, eta, rows.weight).w * half_width**2
        with np.errstate(all="ignore"):
            pearson = np.sqrt(rows.weight / family.variance(mu)) * (rows.y - mu)
            deviance = np.sign(rows.y - mu) * np.sqrt(rows.weight * family.unit_deviance(rows.y, mu))
        return EvaluatedRows(eta, pearson, standardised(deviance, leverage, sigma), leverage)

    design = replace(solved.design, binary=fit.solved.binary)
    axis = (f"linear predictor ({fit.link})", "Pearson residual", "standardised deviance residual")
    binomial = family.variance_function.domain == "proportion"
    unit = f"estimate on the scale of the link, {fit.link}"
    fields = (fit, design, predictor.batch, evaluate, solved.terms, fit.effective, axis, unit, model.mean, binomial)
    return RowwiseFit(*fields)


def _gaussian(sigma: float) -> Callable[[Rows], EvaluatedRows]:
    def evaluate(rows: Rows) -> EvaluatedRows:
        fitted, leverage = rows.values[0], rows.weight * _half_width(rows) ** 2
        residual = np.sqrt(rows.weight) * (rows.y - fitted)
        return EvaluatedRows(fitted, residual, standardised(residual, leverage, sigma), leverage)

    return evaluate


def _half_width(rows: Rows) -> Vector:
    """The root of x' inverse x."""
    return np.asarray((rows.values[2] - rows.values[1]) / 2)


def _axis(design: Design) -> tuple[str, str, str]:
    outcome = next(iter(design.outcome)).removeprefix("~")
    residual = "residual" if design.weight is None else "residual × √weight"
    return f"fitted {outcome}", residual, "standardised residual"
