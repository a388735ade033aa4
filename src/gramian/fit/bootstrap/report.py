"""Tables of bootstraps and of the jackknife as parts that rich can print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from gramian.results.format_numbers import printable
from gramian.results.report import HEADINGS, MAX_COEFFICIENTS, estimate_table, legend

if TYPE_CHECKING:
    from gramian.fit.bootstrap.draws import Bootstrap
    from gramian.fit.bootstrap.jackknife import Jackknife
    from gramian.fit.bootstrap.wild_table import WildTests


def render_draws(found: Bootstrap, level: float, kind: str) -> list[RenderableType]:
    """Title, table and notes of a bootstrap."""
    title = f"bootstrap: {found.draws:,} draws of {found.units:,} {found.unit} ({found.weights} weights)"
    notes = [f"{kind} intervals and p-values; standard errors are standard deviations of the draws{_seed(found.seed)}"]
    if found.failed:
        notes.append(
            f"{found.failed:,} of {found.requested:,} draws are left out: their {found.unit} do not determine the "
            "coefficients"
        )
    return _render(title, found.tidy(level, kind).to_pydict(), level, notes, found.draws)


def render_wild(found: WildTests) -> list[RenderableType]:
    """Title, table and notes of the wild bootstrap."""
    one = found.tests[0]
    title = f"wild cluster bootstrap: {one.draws:,} draws of {one.weights} weights for {one.clusters:,} clusters"
    residuals = "under each hypothesis" if one.restricted else "of the fit"
    notes = [f"residuals {residuals}; intervals are of the values that are not rejected{_seed(found.seed)}"]
    return _render(title, found.tidy().to_pydict(), one.level, notes, one.draws)


def _seed(seed: int | None) -> str:
    """The seed, for a note."""
    return "" if seed is None else f"; seed {seed}"


def render_jackknife(found: Jackknife, level: float) -> list[RenderableType]:
    """Title, table and notes of a jackknife."""
    title = f"jackknife: {found.clusters:,} clusters by {printable(found.cluster)}, each left out once"
    notes = [f"standard errors CR3, t with {found.df:g} degrees of freedom"]
    notes += map(printable, found.concerns())
    return _render(title, found.tidy(level).to_pydict(), level, notes)


def _render(
    title: str, values: dict[str, list[float]], level: float, notes: list[str], draws: int = 0
) -> list[RenderableType]:
    """Title, table and notes; `values` are columns by name, the first one texts. draws : 0 for a known distribution."""
    terms, *_ = values.values()
    columns = {n: np.array(v, np.float64) for n, v in values.items() if n in HEADINGS}
    table = estimate_table({"": list(map(str, terms))}, columns, level, draws=draws)
    more = len(terms) - MAX_COEFFICIENTS
    notes = [*notes, f"... {more:,} more; tidy() has all of them"] if more > 0 else notes
    return [Text(title, style="bold"), table, *legend(columns["p_value"]), *map(Text, notes)]
