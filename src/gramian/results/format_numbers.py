"""Numbers and names as text for people."""

from __future__ import annotations

import math

from gramian.typing import Vector

SMALLEST_P = 2e-16  # as in R: smaller p-values are rounding errors of their distribution function
MAX_WITHOUT_EXPONENT = 1e9  # larger numbers are printed with a power of ten
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))


def number(value: float, digits: int = 6) -> str:
    """A number with `digits` significant digits and commas between thousands; "unknown" for NaN."""
    if math.isnan(value):
        return "unknown"
    as_integer = 10.0**digits <= abs(value) < MAX_WITHOUT_EXPONENT
    return f"{value:,.0f}" if as_integer else f"{value:,.{digits}g}"


def significant(value: float, digits: int) -> str:
    """A number with `digits` significant digits, trailing zeros included; nothing for NaN."""
    if math.isnan(value):
        return ""
    if value == 0 or math.isinf(value):
        return f"{value:g}"
    if 10.0**digits <= abs(value) < MAX_WITHOUT_EXPONENT:
        return f"{value:.0f}"
    # "#" keeps trailing zeros, which say how many digits there are.
    return f"{value:#.{digits}g}".removesuffix(".")


def aligned(values: Vector, digits: int) -> list[str]:
    """Numbers of a column as texts of the same width, with their decimal points below each other."""
    texts = [significant(v, digits) for v in values.tolist()]
    tail = max((len(t) - _point(t) for t in texts), default=0)
    padded = [t + " " * (tail - len(t) + _point(t)) for t in texts]
    width = max(map(len, padded), default=0)
    return [t.rjust(width) for t in padded]


def p_value(p: float) -> str:
    """A p-value as text; "<2e-16" where it is below the smallest that is shown."""
    if math.isnan(p):
        return ""
    return f"<{SMALLEST_P:.0e}" if p < SMALLEST_P else f"{p:.3g}" if p < 1e-4 else f"{p:.4f}"


def share_of_draws(p: float, draws: int) -> str:
    """The p-value of so many draws as text: below one of them, where none is as far out; 0 is no share of draws.

    draws : 0 for a known distribution.
    """
    return p_value(p) if p or not draws else f"<{1 / draws:.2g}"


def stars(p: float) -> str:
    """Mark of significance as in R, from "***" to nothing."""
    return next((mark for limit, mark in STARS if p < limit), "")


def printable(text: str) -> str:
    """A name on one line, with control characters written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _point(text: str) -> int:
    """Position of the decimal point; where there is none, the position after the last digit."""
    position = text.find(".")
    return position if position >= 0 else len(text)
