"""Report of fits by group and outcome: title and rows of all fits, then one block for each, or one line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from gramian.fit.groups.overview import overview
from gramian.fit.groups.tables import linear_part
from gramian.fit.passes.keys import format_key
from gramian.formula.coding import level_name
from gramian.linalg.keyed.moments import Key
from gramian.results import report
from gramian.results.format_numbers import printable

if TYPE_CHECKING:
    from gramian.fit.groups.result import Fits

MAX_BLOCKS = 6  # fits that are shown in full; more of them have a line each
MAX_NAMED = 12  # groups without rows that are named


def text(fits: Fits, level: float = 0.95) -> str:
    """The report as plain text."""
    return report.to_text(render(fits, level))


def render(fits: Fits, level: float = 0.95) -> list[RenderableType]:
    """The parts of the report, from top to bottom."""
    out: list[RenderableType] = [_title(fits), *map(Text, describe_rows(fits))]
    if len(fits) > MAX_BLOCKS:
        keyed_fits = dict(zip(fits.grouped.fits, fits.values(), strict=True))
        return [*out, *overview(fits.key_names, keyed_fits, level)]
    has_legend = False
    for key, fit in zip(fits.grouped.fits, fits.values(), strict=True):
        parts = fit.render(level)[1:]  # without the title, which is the same for all
        body = [part for part in parts if not _is_legend(part)]
        has_legend |= len(body) < len(parts)
        out += [Text(""), Text(key_heading(fits, key), style="bold"), *body]
    return [*out, *([Text(""), Text(report.LEGEND, style="dim")] if has_legend else [])]


def key_heading(fits: Fits, key: Key) -> str:
    """A key as a heading: "outcome = y1, group = a"."""
    return printable(format_key(fits.key_names, key))


def describe_rows(fits: Fits) -> Iterator[str]:
    """Lines about the number of fits, passes, rows and dropped rows of all fits, and about groups without a fit."""
    dropped = sum(fits.dropped_rows.values())
    passes = max(fits.grouped.passes, *(fit.passes for fit in fits.values()))
    passes_text = "one pass" if passes == 1 else f"{passes} passes"
    rows = [fit.rows for fit in fits.values()]
    each = f"; each with those that have its columns, {min(rows):,} to {max(rows):,}"
    own_rows = fits.by is None and len(set(rows)) > 1
    yield f"{len(fits):,} fits from {passes_text}, {fits.rows:,} rows{each if own_rows else ''}"
    if dropped:
        causes = ", ".join(f"{n:,} {printable(cause)}" for cause, n in fits.dropped_rows.items())
        by_column = ", ".join(f"{printable(column)} {n:,}" for column, n in islice(fits.missing.items(), MAX_NAMED))
        yield f"{dropped:,} rows left out: {causes}" + (f" ({by_column})" if by_column else "")
    if fits.grouped.empty:
        names = [", ".join(map(level_name, key)) for key in islice(fits.grouped.empty, MAX_NAMED)]
        more = len(fits.grouped.empty) - len(names)
        others = f", {more:,} more" if more else ""
        yield f"without a complete row, so without a fit: {printable('; '.join(names))}{others}"


def _title(fits: Fits) -> Text:
    """Kind of model, parts of the key, weights, and the formula."""
    first = next(iter(fits.values()))
    family = getattr(first, "family", None)
    kind = "Linear regressions" if family is None else f"Generalized linear models, {family},"
    if isinstance(getattr(first, "estimator", None), str):
        kind = "Regressions with instruments"
    elif family is None and first.alpha is not None:
        kind = f"Ridge regressions, alpha = {first.alpha:g}"
    weight = linear_part(first).design.weight
    weights = f", weights: {printable(weight)}" if weight else ""
    by = ", ".join(map(printable, fits.key_names))
    return Text.assemble((f"{kind} by {by}{weights}", "bold"), "\n", printable(fits.formula))


def _is_legend(part: RenderableType) -> bool:
    """Whether a part is the legend of significance marks, which the report shows once."""
    return isinstance(part, Text) and part.plain == report.LEGEND
