"""The report of a nonlinear regression: the same parts for the console and for `summary()`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.fit.linear.report import PERFECT
from gramian.results.format_numbers import number, printable
from gramian.results.report import coefficient_table, describe_rows, describe_work, join_blocks
from gramian.results.tables import NOT_CERTIFIED

if TYPE_CHECKING:
    from gramian.fit.curve.result import CurveFit


FEW_DIGITS = 6  # digits of sigma below which the report says how many


def render(fit: CurveFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom. level : of the confidence intervals."""
    return join_blocks(
        _title(fit),
        describe_rows(fit, where=fit.fitted_rows.where),
        coefficient_table(fit, level),
        _quality(fit),
        _notes(fit),
    )


def _title(fit: CurveFit) -> Text:
    """Kind of model, weights, formula and equation."""
    weight = fit.solved.curve.weight
    weights = f", weights: {printable(weight)}" if weight else ""
    lines = [printable(fit.formula), *([printable(fit.equation)] if fit.solved.curve.curve_name else [])]
    return Text.assemble((f"Nonlinear regression{weights}", "bold"), "\n", "\n".join(lines))


def _quality(fit: CurveFit) -> list[str]:
    """Sigma, sum of squares, likelihood and work, one line each."""
    degrees = f"{number(fit.df_residual, 8)} residual degrees of freedom"
    return [
        f"sigma {number(fit.sigma)} on {degrees}" if fit.df_residual > 0 else "no residual degrees of freedom",
        f"sum of squares {number(fit.deviance)}",
        f"log-likelihood {number(fit.loglik, 8)}, AIC {number(fit.aic, 8)}, BIC {number(fit.bic, 8)}",
        describe_work(fit),
        NOT_CERTIFIED,
    ]


def _notes(fit: CurveFit) -> list[str]:
    """Notes on parameters at a bound and on a perfect fit."""
    at_bound = [printable(name) for name, at in zip(fit.names, fit.at_bound, strict=True) if at]
    notes = [fit.solved.failure] if fit.solved.failure else []
    notes += (
        [f"at a bound, held there for the standard errors of the others: {', '.join(at_bound)}"] if at_bound else []
    )
    return [*notes, *_rounding(fit)] if fit.df_residual > 0 else notes


def _rounding(fit: CurveFit) -> list[str]:
    """The note on residuals that are rounding errors, all of them or but for a few digits; none for other fits."""
    if fit.deviance <= fit.solved.noise:
        return [PERFECT]
    # sigma has half the relative error of the sum of squares
    digits = -math.log10(0.5 * fit.solved.noise / fit.deviance) if fit.solved.noise > 0 else math.inf
    if digits >= FEW_DIGITS:
        return []
    return [
        f"the residuals are little more than rounding errors: sigma and the standard errors have {digits:.0f} digits"
        if digits >= 1.5
        else "the residuals are little more than rounding errors: sigma and the standard errors have about one digit"
    ]
