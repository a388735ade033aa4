"""The report of a generalized linear fit: the same parts for the console and for `summary()`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.results.format_numbers import number, printable
from gramian.results.report import (
    coefficient_table,
    describe_columns,
    describe_rows,
    describe_work,
    join_blocks,
)
from gramian.results.tables import NOT_CERTIFIED

if TYPE_CHECKING:
    from gramian.fit.glm.result import GlmFit

KINDS = {
    "gaussian": "Gaussian regression",
    "binomial": "Binomial regression",
    "poisson": "Poisson regression",
    "gamma": "Gamma regression",
    "inverse_gaussian": "Inverse Gaussian regression",
    "negative_binomial": "Negative binomial regression",
    "quasi": "Quasi-likelihood regression",
    "quasibinomial": "Quasi-binomial regression",
    "quasipoisson": "Quasi-Poisson regression",
}


def render(fit: GlmFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom. level : of the confidence intervals."""
    notes = describe_columns(fit, fit.solved.linear.empty_cells, fit.solved.linear.levels.names)
    return join_blocks(
        _title(fit),
        [*_outcome(fit), *describe_rows(fit, fit.solved.linear.design.count, fit.fitted_rows.where)],
        coefficient_table(fit, level),
        _quality(fit),
        notes,
    )


def _title(fit: GlmFit) -> Text:
    """Family, link, penalty and weights, then the formula."""
    kind, weight = KINDS[fit.family], fit.solved.linear.design.weight
    details = [f"link: {fit.link}"]
    if fit.family == "quasi":
        details.append(f"variance: {fit.solved.model.family.variance_function.name}")
    details += [f"ridge alpha: {number(fit.alpha)}"] if fit.alpha is not None else []
    details += [f"weights: {printable(weight)}"] if weight else []
    return Text.assemble((f"{kind}, {', '.join(details)}", "bold"), "\n", printable(fit.formula))


def _outcome(fit: GlmFit) -> list[str]:
    """Which level of a text outcome counts as success."""
    if fit.outcomes is None:
        return []
    failure, success = map(printable, fit.outcomes)
    return [f"outcome: '{success}' against '{failure}'"]


def _quality(fit: GlmFit) -> list[str]:
    """Deviances, dispersion and likelihood, one line each."""
    lines = [f"null deviance {_format_deviance(fit.null_deviance)} on {fit.df_null:,} degrees of freedom"]
    lines.append(f"deviance {_format_deviance(fit.deviance)} on {number(fit.df_residual, 8)} degrees of freedom")
    if fit.absorbed is not None:
        from gramian.fit.linear.report import describe_levels  # most fits absorb nothing

        lines += describe_levels(fit.absorbed)
    if fit.alpha is not None:
        lines.append(f"{number(fit.effective)} effective columns of {fit.rank}")
    if fit.theta is not None:
        lines.append(f"theta {number(fit.theta)}, {'estimated' if fit.solved.estimated_theta else 'given'}")
    if fit.solved.estimated_theta or not fit.solved.model.is_canonical:
        lines.append(f"standard errors from the {fit.information} information")
    method = "fixed" if fit.known_dispersion else "Pearson"
    lines.append(f"dispersion {number(fit.dispersion)} ({method}), Pearson's chi-square {number(fit.pearson)}")
    if fit.loglik is None or fit.aic is None or fit.bic is None:
        lines.append("no log-likelihood, AIC or BIC: the family is a variance function only")
    else:
        lines.append(f"log-likelihood {number(fit.loglik, 8)}, AIC {number(fit.aic, 8)}, BIC {number(fit.bic, 8)}")
    return [*lines, describe_work(fit), NOT_CERTIFIED]


def _format_deviance(deviance: float) -> str:
    """A deviance with eight digits, or "infinite"."""
    return number(deviance, 8) if math.isfinite(deviance) else "infinite"
