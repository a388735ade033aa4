"""Report of a mixed model: the same lines for the terminal and for `summary()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.fit.mixed.component_tables import variance_components
from gramian.fit.panel.report import describe_groups
from gramian.results.format_numbers import number, printable
from gramian.results.report import (
    coefficient_table,
    describe_columns,
    describe_rows,
    describe_work,
    estimate_table,
    join_blocks,
)

if TYPE_CHECKING:
    from gramian.fit.mixed.result import MixedFit

SINGULAR = (
    "singular: a combination of random effects has no variance, and its interval is not given; fewer random effects "
    "would fit as well"
)


def render(fit: MixedFit, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    table = [*coefficient_table(fit, level), Text(""), _components(fit, level)]
    counts = fit.mixed.counts
    groups = describe_groups(fit.groups, ":".join(fit.by), counts.min(), counts.max())
    notes = describe_columns(fit, fit.solved.empty_cells, fit.solved.levels.names)
    return join_blocks(
        _title(fit),
        [*describe_rows(fit, fit.solved.design.count, fit.fitted_rows.where), groups],
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


def _components(fit: MixedFit, level: float) -> Table:
    """The table of variance components."""
    values = variance_components(fit.mixed, level).to_pydict()
    numbers = {name: np.array(values[name], np.float64) for name in ("vcov", "sdcor", "conf_low", "conf_high")}
    is_correlation = np.array([other is not None for other in values["with"]])
    shown = {
        "variance": np.where(is_correlation, np.nan, numbers["vcov"]),
        "std_dev": np.where(is_correlation, np.nan, numbers["sdcor"]),
        "correlation": np.where(is_correlation, numbers["sdcor"], np.nan),
        "conf_low": numbers["conf_low"],
        "conf_high": numbers["conf_high"],
    }
    return estimate_table({"random effects": _component_names(values)}, shown, level, digits=5)


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """The table of `MixedFit.profile`, to be printed."""

    table: pa.Table
    level: float

    def render(self) -> list[RenderableType]:
        """Parts that rich can print."""
        values = self.table.to_pydict()
        numbers = {name: np.array(values[name], np.float64) for name in ("estimate", "conf_low", "conf_high")}
        return [estimate_table({"profile likelihood": _component_names(values)}, numbers, self.level, digits=5)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"level": self.level, "intervals": self.table.to_pylist()}


def _component_names(values: Mapping[str, Sequence[str | None]]) -> list[str]:
    """Names of the rows of a table of components."""
    rows = zip(values["group"], values["term"], values["with"], strict=True)
    return [":".join(filter(None, row)) for row in rows]


def _quality(fit: MixedFit) -> list[str]:
    """Lines about the likelihood, the intervals and the passes."""
    kind = "restricted log-likelihood" if fit.reml else "log-likelihood"
    lines = [f"{kind} {number(fit.loglik, 8)}, AIC {number(fit.aic, 8)}, BIC {number(fit.bic, 8)}"]
    lines.append("intervals of random effects: Wald, of log standard deviations and atanh correlations")
    return [*lines, describe_work(fit)]
