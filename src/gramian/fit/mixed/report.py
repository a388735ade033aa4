"""Report of a mixed model: the same lines for the terminal and for `summary()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.fit.mixed.tables import variance_components
from gramian.results.format_numbers import aligned, number, printable
from gramian.results.report import coefficient_table, describe_columns, describe_rows, describe_work, join_blocks

if TYPE_CHECKING:
    from gramian.fit.mixed.result import MixedFit

SINGULAR = (
    "singular: a combination of random effects has no variance, and its interval is not given; fewer random effects "
    "would fit as well"
)


def render(fit: MixedFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    table = [*coefficient_table(fit, level), Text(""), _components(fit, level)]
    notes = describe_columns(fit, fit.solved.empty_cells, fit.solved.levels.names)
    return join_blocks(
        _title(fit),
        describe_rows(fit, fit.solved.design.count, fit.fitted_rows.where) + _groups(fit),
        table,
        _quality(fit),
        [*([SINGULAR] if fit.singular else []), *notes],
    )


def _title(fit: MixedFit) -> Text:
    """The likelihood, weights, and the formula."""
    weight = fit.solved.design.weight
    weights = f", weights: {printable(weight)}" if weight else ""
    method = "restricted maximum likelihood" if fit.reml else "maximum likelihood"
    return Text.assemble((f"Linear mixed model by {method}{weights}", "bold"), "\n", printable(fit.formula))


def _groups(fit: MixedFit) -> list[str]:
    """Line about the groups."""
    counts = fit.mixed.counts
    sizes = f"{counts.min():,.0f} to {counts.max():,.0f} rows" if np.ptp(counts) else f"{counts[0]:,.0f} rows each"
    return [f"{fit.groups:,} groups of {printable(':'.join(fit.by))}, {sizes}"]


def _components(fit: MixedFit, level: float) -> Table:
    """The table of variance components."""
    values = variance_components(fit.mixed, level).to_pydict()
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    table.add_column("random effects", no_wrap=True)
    for heading in ("variance", "std. dev.", "correlation", f"{100 * level:.6g} % low", "high"):
        table.add_column(Text(heading, justify="right"), no_wrap=True)
    numbers = {name: np.array(values[name], np.float64) for name in ("vcov", "sdcor", "conf_low", "conf_high")}
    is_correlation = np.array([other is not None for other in values["with"]])
    shown = {
        "variance": np.where(is_correlation, np.nan, numbers["vcov"]),
        "std_dev": np.where(is_correlation, np.nan, numbers["sdcor"]),
        "correlation": np.where(is_correlation, numbers["sdcor"], np.nan),
        "low": numbers["conf_low"],
        "high": numbers["conf_high"],
    }
    cells = [aligned(v, 5) for v in shown.values()]
    names = [
        printable(":".join(filter(None, (group, term, other))))
        for group, term, other in zip(values["group"], values["term"], values["with"], strict=True)
    ]
    for row in zip(names, *cells, strict=True):
        table.add_row(*(Text(cell) for cell in row))
    return table


def _quality(fit: MixedFit) -> list[str]:
    """Lines about the likelihood, the intervals and the passes."""
    kind = "restricted log-likelihood" if fit.reml else "log-likelihood"
    lines = [f"{kind} {number(fit.loglik, 8)}, AIC {number(fit.aic, 8)}, BIC {number(fit.bic, 8)}"]
    lines.append("intervals of random effects: Wald, of log standard deviations and atanh correlations")
    return [*lines, describe_work(fit)]
