"""Several fits as a report: what they share, then one block for each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.fit.keys import keyed
from gramian.formula.coding import level_name
from gramian.linalg.keyed import Key
from gramian.results import report
from gramian.results.numbers import printable

if TYPE_CHECKING:
    from gramian.results.fits import Fits

SHOWN = 20  # fits that are written out
NAMED = 12  # groups without rows that are named


def text(fits: Fits, level: float = 0.95) -> str:
    """The report as plain text."""
    return report.plain(render(fits, level))


def render(fits: Fits, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    out: list[RenderableType] = [_title(fits), *map(Text, rows_told(fits))]
    marked = False
    for key, fit in islice(zip(fits.several.fits, fits.values(), strict=True), SHOWN):
        parts = report.render(fit, level)[1:]  # without the title, which is the same for all
        kept = [part for part in parts if not _is_legend(part)]
        marked |= len(kept) < len(parts)
        out += [Text(""), Text(key_told(fits, key), style="bold"), *kept]
    if len(fits) > SHOWN:
        out += [Text(""), Text(f"... {len(fits) - SHOWN:,} more fits; tidy() and glance() have all of them")]
    return [*out, *([Text(""), Text(report.LEGEND, style="dim")] if marked else [])]


def key_told(fits: Fits, key: Key) -> str:
    """A key for people: outcome = y1, group = a."""
    return printable(keyed(fits.key_names, key))


def rows_told(fits: Fits) -> Iterator[str]:
    """How many rows were used and left out, together; which groups have none."""
    left_out = sum(fits.dropped_rows.values())
    together = " in which all outcomes are present" if len(fits.outcomes) > 1 else ""
    passes = max(fit.passes for fit in fits.values())
    told = "one pass" if passes == 1 else f"{passes} passes"
    yield f"{len(fits):,} fits from {told}, {fits.rows:,} rows{together}"
    if left_out:
        causes = ", ".join(f"{n:,} {printable(cause)}" for cause, n in fits.dropped_rows.items())
        blamed = ", ".join(f"{printable(column)} {n:,}" for column, n in islice(fits.missing.items(), NAMED))
        yield f"{left_out:,} rows left out: {causes}" + (f" ({blamed})" if blamed else "")
    if fits.several.empty:
        names = [", ".join(map(level_name, key)) for key in islice(fits.several.empty, NAMED)]
        more = len(fits.several.empty) - len(names)
        beyond = f", {more:,} more" if more else ""
        yield f"without a complete row, so without a fit: {printable('; '.join(names))}{beyond}"


def _title(fits: Fits) -> Text:
    first = next(iter(fits.values()))
    kind = "Linear regressions" if first.alpha is None else f"Ridge regressions, alpha = {first.alpha:g}"
    weight = first.solved.design.weight
    how = f", weights: {printable(weight)}" if weight else ""
    by = ", ".join(map(printable, fits.key_names))
    return Text.assemble((f"{kind} by {by}{how}", "bold"), "\n", printable(fits.formula))


def _is_legend(part: RenderableType) -> bool:
    return isinstance(part, Text) and part.plain == report.LEGEND
