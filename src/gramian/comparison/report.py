"""Text of a comparison: a table of counted and predicted steps for each scaling, and conclusions."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gramian.comparison.conclusions import conclusions, format_count
from gramian.comparison.history import Entry
from gramian.comparison.methods import TITLES
from gramian.results.format_numbers import number, printable
from gramian.results.html import in_page, paragraph, table_html

if TYPE_CHECKING:
    from gramian.comparison.result import Comparison

CENTRED = "mean 0, standard deviation 1"
UNCENTRED = "mean square 1, not centred: there is no intercept"
WIDTH = 104  # characters of a line; a table of four targets has about as many
WORDS = ("diverges", "stalled", "stopped", "not run", "left out")
LEGEND = (
    "iterations (predicted from the condition number) to so many digits of ||b_k - b|| / ||b||, from zero;",
    "seconds of the steps on the moments, for the most digits reached (sgd: with reading its rows)",
)


def text(comparison: Comparison) -> str:
    """The comparison as plain text."""
    scales = [s for s in (False, True) if _label(s) in comparison.condition]
    blocks = [_title(comparison), *(_block(comparison, scaled=s) for s in scales)]
    blocks += [list(LEGEND), [wrapped(line) for line in conclusions(comparison)]]
    if comparison.sweep is not None:
        blocks.append([wrapped(line) for line in str(comparison.sweep).splitlines()])
    return "\n\n".join("\n".join(block) for block in blocks)


def html(comparison: Comparison) -> str:
    """The comparison for a notebook: a table for each scaling, the rest as paragraphs."""
    title, *facts = _title(comparison)
    blocks = [paragraph([title], "title"), paragraph(facts)]
    for scaled in (False, True):
        if _label(scaled) in comparison.condition:
            heading, rows, notes = _parts(comparison, scaled=scaled)
            blocks += [paragraph([heading]), table_html(rows[0], rows[1:]), paragraph(notes, "dim")]
    sweep = [] if comparison.sweep is None else str(comparison.sweep).splitlines()
    blocks += [paragraph(LEGEND, "dim"), paragraph(conclusions(comparison)), paragraph(sweep)]
    return in_page(filter(None, blocks))


def wrapped(line: str) -> str:
    """A line as it is where it fits, else as several that are no wider than a table, the later ones indented."""
    if len(line) <= WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    return fill(line.strip(), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", **options)


def _label(scaled: bool) -> str:
    """Key of a scaling in a comparison."""
    return "scaled" if scaled else "raw"


def _title(comparison: Comparison) -> list[str]:
    """Lines about the formula, the rows and the pass."""
    dropped = sum(comparison.dropped_rows.values())
    dropped_text = f" ({dropped:,} left out)" if dropped else ""
    return [
        "Ways to the least squares solution",
        printable(comparison.formula),
        f"{comparison.rows:,} rows{dropped_text}, {len(comparison.names):,} coefficients; "
        f"one pass over the rows, {comparison.pass_seconds:.2g} s, gave the moments that all but sgd work on",
    ]


def _block(comparison: Comparison, *, scaled: bool) -> list[str]:
    """Lines of one scaling: heading, table and notes."""
    heading, rows, notes = _parts(comparison, scaled=scaled)
    return [heading, *_aligned(rows), *map(wrapped, notes)]


def _parts(comparison: Comparison, *, scaled: bool) -> tuple[str, list[list[str]], list[str]]:
    """Heading, rows of the table (its head first) and notes of one scaling."""
    how = CENTRED if comparison.intercept else UNCENTRED
    name = f"columns standardised ({how})" if scaled else "columns as they are"
    condition = number(comparison.condition[_label(scaled)], 3)
    at_least = "" if comparison.is_condition_known(_label(scaled)) else "at least "
    heading = f"{name}: condition number of X'X/n {at_least}{condition}"
    methods = list(dict.fromkeys(e.method for e in comparison.entries if e.scaled == scaled))
    entries = [[e for e in comparison.entries if (e.method, e.scaled) == (m, scaled)] for m in methods]
    head = ["", *(f"{d:g} digits" for d in comparison.digits), "seconds"]
    return heading, [head, *map(_row, entries)], [note for e in entries for note in _note(e)]


def _row(entries: list[Entry]) -> list[str]:
    """Cells of one method: an entry for each target, and the seconds for the last target that was reached."""
    reached = [e for e in entries if e.reached]
    seconds = "" if not reached or reached[-1].seconds is None else f"{reached[-1].seconds:.1e}"
    return [TITLES[entries[0].method], *map(_cell, entries), seconds]


def _cell(entry: Entry) -> str:
    """Number of steps, or a word for why there is none; in parentheses the predicted number."""
    word = next((w for w in WORDS if entry.status.startswith(w)), "-")
    counted = format_count(entry.iterations) if entry.reached and entry.iterations is not None else word
    predicted = entry.predicted_iterations
    return counted if predicted is None else f"{counted} ({format_count(predicted)})"


def _note(entries: list[Entry]) -> Iterator[str]:
    """What had to be chosen by hand, and the status where a target was not simply reached."""
    status = next((e.status for e in entries if e.status != "reached"), "")
    chosen = entries[0].chosen_by_hand
    parts = ([f"chosen: {chosen}"] if chosen != "nothing" else []) + ([status] if status else [])
    if parts:
        yield f"  {TITLES[entries[0].method]}: {'; '.join(parts)}"


def _aligned(rows: list[list[str]]) -> list[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(_padded(row, widths)).rstrip() for row in rows]


def _padded(row: list[str], widths: list[int]) -> Iterator[str]:
    """Cells of a row, padded to the widths of the columns."""
    yield row[0].ljust(widths[0])
    yield from (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
