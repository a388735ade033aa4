"""Text columns that become factors by mistake: nearly every row has a level of its own, or the levels are numbers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from gramian.errors import DataError, DataWarning
from gramian.schema import Field
from gramian.typing import Level

if TYPE_CHECKING:
    from gramian.formula.terms import Terms

FEWEST_ROWS = 20  # of fewer nothing can be said
DISTINCT = 0.8  # share of rows with a level of their own, from which on a factor is no help
FEWEST_NUMBERS = 10  # levels: fewer that look like numbers may well be groups, such as doses
LOOKED_AT = 1000  # levels
SHARE = 0.9  # of levels that look alike
BEYOND_INT64 = re.compile(r"\s*[+-]?\d{19,}\s*")
CURRENCY = r"[$\u20ac\u00a3\u00a5]"
NUMBERS = (
    (r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", 'numbers with thousands: gm.csv(path, thousands=",") reads them'),
    (r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?", 'numbers: gm.csv(path, thousands=".", decimal=",") reads them'),
    (r"[+-]?\d+,\d+", 'numbers with decimal commas: gm.csv(path, decimal=",") reads them'),
    (r"[+-]?[\d.,]+\s?%", "numbers with a percent sign: write them without it"),
    (rf"{CURRENCY}\s?[\d.,]+|[\d.,]+\s?{CURRENCY}", "amounts with a sign of currency: write them without it"),
    (r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", "dates: write them as 2024-12-31, and use as_number()"),
)
PLAIN = (r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "numbers that are stored as text: convert the column")


def check_text_factors(terms: Terms, levels: Mapping[str, Sequence[Level]], rows: int) -> None:
    """Warn of text that is a factor although nothing in the formula says so, and hardly can be meant.

    Parameters
    ----------
    terms : Terms
        The terms of the formula.
    levels : Mapping
        Factor -> its levels in the first rows.
    rows : int
        Number of these rows.

    Raises
    ------
    DataError
        The levels are integers that no type of numbers holds.
    """
    for name in sorted(terms.coefficient_factors):
        factor = terms.factors[name]
        texts = [level for level in levels[name][:LOOKED_AT] if isinstance(level, str)]
        # factor(x), C(x) and a declared order say that a factor is meant
        if factor.label == factor.column and factor.order is None and texts and rows >= FEWEST_ROWS:
            _check(factor.column, texts, len(levels[name]), rows)


def _check(column: str, texts: Sequence[str], count: int, rows: int) -> None:
    """Warn of one column, or raise DataError. count : number of its levels."""
    distinct = count >= DISTINCT * rows
    reasons = (*NUMBERS, PLAIN) if distinct else NUMBERS if count >= FEWEST_NUMBERS else ()
    reason = next((why for pattern, why in reasons if _share(re.compile(pattern), texts) >= SHARE), "")
    if distinct and _share(BEYOND_INT64, texts) >= SHARE:
        raise DataError(
            f"column '{column}' holds integers such as {texts[0].strip()}, beyond 2^63, which no number here holds; "
            f"use factor({column}) if it is an identifier, or subtract an offset first"
        )
    if distinct or reason:
        why = f"; they are {reason}" if reason else ""
        message = (
            f"column '{column}' is text with {count:,} different values in the first {rows:,} rows, so it is a "
            f"factor with a coefficient for each{why}; factor({column}) says that this is meant"
        )
        warnings.warn(DataWarning(message), stacklevel=2)


def number_hint(field: Field) -> str:
    """What to do with a column of text that is used as a number, after a semicolon; empty where nobody can say."""
    texts = field.examples
    whys = (why for pattern, why in (*NUMBERS, PLAIN) if texts and _share(re.compile(pattern), texts) >= SHARE)
    return "".join(f"; its values are {why}" for why in islice(whys, 1))


def _share(pattern: re.Pattern[str], texts: Sequence[str]) -> float:
    """Share of the texts that a pattern matches."""
    return sum(pattern.fullmatch(text.strip()) is not None for text in texts) / len(texts)
