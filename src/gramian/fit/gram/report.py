"""What a Gram holds, as text and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from gramian.errors import DataError, NumericalError, OptionError
from gramian.results.format_numbers import number
from gramian.results.html import in_page, paragraph, table_html

if TYPE_CHECKING:
    from gramian.fit.gram.stored import StoredSums

MAX_COLUMNS = 60  # longer tables scroll off the screen


def text(gram: StoredSums) -> str:
    """Facts, then the columns with their means and standard deviations, or why these cannot be had."""
    facts, (headings, rows) = facts_of(gram), columns_of(gram)
    lines = [f"Gram of {gram.formula}", *aligned([(f"{name}:", value) for name, value in facts], right=False)]
    if rows:
        lines += ["", *aligned([headings, *rows], right=True)]
    return "\n".join([*lines, *notes_of(gram)])


def html(gram: StoredSums) -> str:
    """Facts, and the columns with their means and standard deviations."""
    headings, rows = columns_of(gram)
    blocks = [paragraph([f"Gram of {gram.formula}"], "title"), table_html(("", ""), facts_of(gram))]
    blocks += [table_html(headings, rows)] if rows else []
    return in_page([*blocks, *(paragraph([note], "dim") for note in notes_of(gram))])


def facts_of(gram: StoredSums) -> list[tuple[str, str]]:
    """Rows, dropped rows, columns, inputs, and what is stored besides."""
    facts = [
        ("rows", f"{gram.rows:,}"),
        ("left out", ", ".join(f"{n:,} {cause}" for cause, n in gram.dropped_rows.items() if n) or "none"),
        ("columns", ", ".join(gram.columns)),
        ("inputs", f"{len(gram.inputs):,}"),
    ]
    facts += [("folds", str(gram.folds))] if gram.folds else []
    facts += [("groups by", f"{', '.join(gram.by)} ({len(gram.groups):,})")] if gram.by else []
    return facts + ([("clusters by", ", ".join(gram.cluster))] if gram.cluster else [])


def columns_of(gram: StoredSums) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Headings, and a row for each of the first columns: name, mean, standard deviation; no rows without these."""
    try:
        names, means, deviations = gram.names, gram.means, np.sqrt(np.maximum(gram.covariance().diagonal(), 0.0))
    except (DataError, NumericalError, OptionError):  # too many columns, no rows, or several outcomes
        return (), []
    rows = [(name, number(m), number(s)) for name, m, s in zip(names, means, deviations, strict=True)]
    return ("column", "mean", "std. deviation"), list(islice(rows, MAX_COLUMNS))


def notes_of(gram: StoredSums) -> list[str]:
    """How many columns are not shown, where there are more."""
    rows = columns_of(gram)[1]
    left = len(gram.names) - len(rows) if rows else 0
    return [f"... {left:,} more columns"] if left else []


def aligned(rows: Sequence[Sequence[str]], *, right: bool) -> list[str]:
    """Cells in columns: the first to the left, the others to the right or left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if right and at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
