"""Report of a fit with instruments: the same lines for the terminal and for `summary()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.errors import NumericalError
from gramian.fit.iv.solution import FULLER, GMM, LIML, TWO_STAGE
from gramian.fit.linear.report import describe_absorbed, describe_accuracy, format_comparison
from gramian.inference.tests import Test
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
    from gramian.fit.iv.diagnostics import WeakInstruments
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
        describe_rows(fit, fit.solved.design.count, fit.fitted_rows.where) + _instruments(fit),
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


def _tests(fit: IvFit) -> list[str]:
    """Lines about the strength and the validity of the instruments; why not, where they are not defined."""
    try:
        return [*_strength(fit.weak_instruments()), *_validity(fit)]
    except NumericalError as error:
        return [f"no tests of the instruments: {error}"]


def _strength(weak: WeakInstruments) -> list[str]:
    """Lines about the first stages."""
    several, lines = len(weak.first_stage) > 1, []
    for name, test in weak.first_stage.items():
        line = f"first stage of {printable(name)}: {_f(test)}"
        if several:
            line += f"; given the others (Sanderson-Windmeijer) {number(weak.conditional[name].statistic)}"
        lines.append(line)
    if (effective := weak.effective_f) is not None:
        at_ten = f"critical {number(effective.critical[0.1])} for a bias of 10 % of the worst case"
        if effective.statistic < effective.critical[0.1]:
            at_ten += ": weak instruments, with which standard errors mislead and anderson_rubin() does not"
        lines.append(f"effective F {number(effective.statistic)}, {at_ten}")
    if several:
        pair = f"Cragg-Donald F {number(weak.cragg_donald)}, Kleibergen-Paap F {number(weak.kleibergen_paap)}"
        lines.append(pair)
    return lines


def _validity(fit: IvFit) -> list[str]:
    """Lines about endogeneity and overidentification."""
    robust = fit.iv.robust is not None
    lines = [f"Wu-Hausman {_f(fit.wu_hausman())}"]
    test = fit.hansen() if robust else fit.sargan()
    if test is None:
        return [*lines, "exactly identified: overidentification cannot be tested"]
    name = "Hansen J" if robust else "Sargan"
    df, p = test.df[0], format_comparison(test.p_value)
    return [*lines, f"{name} {number(test.statistic)} on {df} degree{'s'[: df != 1]} of freedom, p {p}"]


def _f(test: Test) -> str:
    """An F test in words."""
    df = f"{test.df[0]:,} and {number(test.df[1], 8)} degrees of freedom"
    return f"F {number(test.statistic)} on {df}, p {format_comparison(test.p_value)}"


def _quality(fit: IvFit) -> list[str]:
    """Lines about goodness of fit, the Wald test, the passes and the certified digits."""
    degrees = f"{number(fit.df_residual, 8)} residual degrees of freedom"
    lines = [f"sigma {number(fit.sigma)} on {degrees}" if fit.df_residual > 0 else "no residual degrees of freedom"]
    lines += describe_absorbed(fit)
    lines.append(f"R squared {number(fit.r_squared, 5)}, adjusted {number(fit.adj_r_squared, 5)}")
    if (test := fit.f_test) is not None:
        lines.append(f"Wald {_f(test)}")
    lines += _tests(fit)
    return [*lines, describe_work(fit), *describe_accuracy(fit.solved)]
