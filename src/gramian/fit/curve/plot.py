"""Pictures and row-wise values (`augment`) of a nonlinear regression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian.batch import Batch
from gramian.fit.curve import predict as curve_predict
from gramian.fit.curve.errors import format_parameters
from gramian.formula.syntax import label
from gramian.inference.intervals import t_quantile
from gramian.results.drawing import KINDS, LEVEL, draw
from gramian.results.rows import RowwiseFit
from gramian.typing import Matrix

if TYPE_CHECKING:
    from gramian.fit.curve.result import CurveFit
from gramian.inference.influence import of_linear
from gramian.results.rows import axis_names, linear_evaluation


@dataclass(frozen=True, slots=True)
class _BatchSource:
    """A source of one batch, so that predictions of a batch take the same way as those of a source."""

    batch: Batch

    @property
    def units(self) -> tuple[_BatchSource]:
        return (self,)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        yield self.batch


def curve(fit: CurveFit, data: Any, kind: str | None) -> Any:
    """A figure of a nonlinear regression, see `CurveFit.plot`."""
    return draw(curve_rows(fit), data, kind, KINDS)


def curve_rows(fit: CurveFit) -> RowwiseFit:
    """Row-wise values of a nonlinear regression: fitted values, and intervals from which leverages follow."""
    df = fit.df_residual
    t_critical = t_quantile(0.5 + LEVEL / 2, df)
    solved = replace(
        fit.solved, rss=max(df, 0.0)
    )  # so that sigma is 1, and the half-width of an interval is t sqrt(leverage)

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
    influence = partial(of_linear, sigma=fit.sigma, columns=fit.effective, df_residual=fit.df_residual)
    return RowwiseFit(
        fit,
        design,
        values,
        linear_evaluation(fit.sigma, influence),
        tuple(range(width)),
        width,
        axis_names(design),
        title=_title(fit),
        stopped=not fit.converged,
    )


def _title(fit: CurveFit) -> str:
    """The model and its equation, the estimates below them, and whether the search converged."""
    name = fit.solved.curve.curve_name
    model = f"{name}: " if name else ""
    outcome = label(fit.solved.curve.outcome)
    estimates = format_parameters(fit.names, fit.coefficients, 4)
    stopped = [] if fit.converged else [f"no convergence after {fit.passes} passes; the last parameters:"]
    return "\n".join([f"{model}{outcome} = {fit.equation}", *stopped, estimates])
