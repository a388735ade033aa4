"""The report of a nonlinear regression: the same parts for the console and for `summary()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.fit.linear.report import PERFECT
from gramian.results.format_numbers import number, printable
from gramian.results.report import coefficient_table, describe_rows, describe_work, join_blocks

if TYPE_CHECKING:
    from gramian.fit.curve.result import CurveFit


def render(fit: CurveFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom. level : of the confidence intervals."""
    return join_blocks(_title(fit), describe_rows(fit), coefficient_table(fit, level), _quality(fit), _notes(fit))


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
    ]


def _notes(fit: CurveFit) -> list[str]:
    """Notes on parameters at a bound and on a perfect fit."""
    at_bound = [printable(name) for name, at in zip(fit.names, fit.at_bound, strict=True) if at]
    notes = [f"at a bound, held there for the standard errors of the others: {', '.join(at_bound)}"] if at_bound else []
    if fit.df_residual > 0 and fit.deviance <= fit.solved.noise:
        notes.append(PERFECT)
    return notes
