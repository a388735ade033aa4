"""Report of a fit to a panel: the same lines for the terminal and for `summary()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.fit.panel.solution import BETWEEN, MUNDLAK, RANDOM
from gramian.results.format_numbers import number, printable
from gramian.results.report import coefficient_table, describe_columns, describe_rows, describe_work, join_blocks

if TYPE_CHECKING:
    from gramian.fit.panel.result import PanelFit

TITLES = {
    BETWEEN: "Between estimator: least squares of group means",
    RANDOM: "Random effects by Swamy and Arora",
    MUNDLAK: "Random effects with group means (Mundlak)",
}
NO_GROUPS = "the variance of groups is zero: random effects are least squares of all rows"


def render(fit: PanelFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    structural = fit.panel_solved.structural
    notes = [NO_GROUPS] if fit.sigma_group == 0.0 else []
    groups = describe_groups(fit.groups, fit.panel, *fit.panel_solved.sizes)
    return join_blocks(
        Text.assemble((TITLES[fit.estimator], "bold"), "\n", printable(fit.formula)),
        [
            *describe_rows(fit, structural.design.count, fit.fitted_rows.where),
            groups,
        ],
        coefficient_table(fit, level),
        _quality(fit),
        [*notes, *describe_columns(fit, structural.empty_cells, structural.levels.names)],
    )


def describe_groups(groups: int, name: str, fewest: float, most: float) -> str:
    """Line about the groups, and how many rows they have."""
    sizes = f"{fewest:,.0f} to {most:,.0f} rows" if fewest < most else f"{most:,.0f} rows each"
    return f"{groups:,} groups of {printable(name)}, {sizes}"


def _quality(fit: PanelFit) -> list[str]:
    """Lines about goodness of fit, the components of variance and the passes."""
    what = "group means" if fit.estimator == BETWEEN else "quasi-demeaned rows"
    lines = [f"sigma {number(fit.sigma)} of {what}, R squared {number(fit.r_squared, 5)}"]
    if fit.estimator != BETWEEN:
        low, high = fit.panel_solved.quasi
        shares = number(low, 4) if low == high else f"{number(low, 4)} to {number(high, 4)}"
        lines.append(
            f"standard deviation of residuals {number(fit.sigma_residual)}, of groups {number(fit.sigma_group)}; "
            f"{shares} of its mean is subtracted from a group"
        )
    return [*lines, describe_work(fit)]
