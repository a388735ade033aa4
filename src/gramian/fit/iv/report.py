"""Report of a fit with instruments: the same lines for the terminal and for `summary()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.fit.iv.solution import FULLER, GMM, LIML, TWO_STAGE
from gramian.fit.linear.report import describe_absorbed, describe_accuracy, format_comparison
from gramian.results.format_numbers import number, printable
from gramian.results.report import (
    coefficient_table,
    describe_columns,
    describe_rows,
    describe_work,
    join_blocks,
    listed,
)

if TYPE_CHECKING:
    from gramian.fit.iv.result import IvFit

TITLES = {
    TWO_STAGE: "Two-stage least squares",
    LIML: "Limited information maximum likelihood",
    FULLER: "Fuller's estimator",
    GMM: "Two-step GMM",
}


def render(fit: IvFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    return join_blocks(
        _title(fit),
        describe_rows(fit, fit.solved.design.count) + _instruments(fit),
        coefficient_table(fit, level),
        _quality(fit),
        describe_columns(fit, fit.solved.empty_cells, fit.solved.levels.names),
    )


def _title(fit: IvFit) -> Text:
    """The estimator, weights, and the formula."""
    weight = fit.solved.design.weight
    weights = f", weights: {printable(weight)}" if weight else ""
    kappa = f", k = {number(fit.kappa)}" if fit.estimator in (LIML, FULLER) else ""
    return Text.assemble((f"{TITLES[fit.estimator]}{kappa}{weights}", "bold"), "\n", printable(fit.formula))


def _instruments(fit: IvFit) -> list[str]:
    """Lines about endogenous columns and instruments."""
    lines = [
        listed("endogenous: ", [printable(n) for n in fit.endogenous]),
        listed("excluded instruments: ", [printable(n) for n in fit.instruments]),
    ]
    if fit.unused_instruments:
        lines.append(
            listed("instruments that depend on others, not used: ", list(map(printable, fit.unused_instruments)))
        )
    return lines


def _quality(fit: IvFit) -> list[str]:
    """Lines about goodness of fit, the Wald test, the passes and the certified digits."""
    degrees = f"{number(fit.df_residual, 8)} residual degrees of freedom"
    lines = [f"sigma {number(fit.sigma)} on {degrees}" if fit.df_residual > 0 else "no residual degrees of freedom"]
    lines += describe_absorbed(fit)
    lines.append(f"R squared {number(fit.r_squared, 5)}, adjusted {number(fit.adj_r_squared, 5)}")
    if (f := fit.f_test) is not None:
        df_text = f"{f.df[0]:,} and {number(f.df[1], 8)} degrees of freedom"
        lines.append(f"Wald F {number(f.statistic)} on {df_text}, p {format_comparison(f.p_value)}")
    return [*lines, describe_work(fit), *describe_accuracy(fit.solved)]
