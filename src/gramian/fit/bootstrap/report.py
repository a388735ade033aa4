"""Tables of bootstraps and of the jackknife as parts that rich can print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gramian.results.format_numbers import aligned, printable, share_of_draws, stars
from gramian.results.report import LEGEND, MAX_COEFFICIENTS

if TYPE_CHECKING:
    from gramian.fit.bootstrap.draws import Bootstrap
    from gramian.fit.bootstrap.jackknife import Jackknife
    from gramian.fit.bootstrap.wild_table import WildTests

HEADINGS = {
    "estimate": "estimate",
    "bias": "bias",
    "std_error": "std. error",
    "statistic": "t",
    "p_value": "p-value",
    "conf_low": "low",
    "conf_high": "high",
}
LONG = ("estimate", "conf_low", "conf_high")


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
    shown = slice(0, MAX_COEFFICIENTS)
    columns = {n: np.array(v[shown], np.float64) for n, v in values.items() if n in HEADINGS}
    table = Table(box=box.HORIZONTALS, show_edge=True, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    cells = [[printable(str(term)) for term in terms[shown]]]
    for name, v in columns.items():
        heading = f"{100 * level:.6g} % low" if name == "conf_low" else HEADINGS[name]
        is_p = name == "p_value"
        table.add_column(Text(heading, justify="right"), justify="right" if is_p else "left", no_wrap=True)
        cells.append([share_of_draws(p, draws) for p in v] if is_p else aligned(v, 6 if name in LONG else 4))
        if is_p:
            table.add_column("", no_wrap=True)
            cells.append([stars(p) for p in v])
    for row in zip(*cells, strict=True):
        table.add_row(*(Text(cell) for cell in row))
    more = len(terms) - MAX_COEFFICIENTS
    notes = [*notes, f"... {more:,} more; tidy() has all of them"] if more > 0 else notes
    marks = [Text(LEGEND, style="dim")] if (columns["p_value"] < 0.1).any() else []
    return [Text(title, style="bold"), table, *marks, *map(Text, notes)]
