"""Numbers and names as people read them."""

from __future__ import annotations

import math

from gramian.typing import Vector

SMALLEST_P = 2e-16
MAX_WITHOUT_EXPONENT = 1e9  # larger numbers are told with a power of ten
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))


def number(value: float, digits: int = 6) -> str:
    """That many significant digits, thousands apart."""
    if math.isnan(value):
        return "unknown"
    as_integer = 10.0**digits <= abs(value) < MAX_WITHOUT_EXPONENT
    return f"{value:,.0f}" if as_integer else f"{value:,.{digits}g}"


def significant(value: float, digits: int) -> str:
    """That many significant digits, zeros at the end included."""
    if math.isnan(value):
        return ""
    if value == 0 or math.isinf(value):
        return f"{value:g}"
    if 10.0**digits <= abs(value) < MAX_WITHOUT_EXPONENT:
        return f"{value:.0f}"
    return f"{value:#.{digits}g}".removesuffix(".")


def aligned(values: Vector, digits: int) -> list[str]:
    """Numbers of one column, padded to the same width so that their decimal points stand below each other."""
    texts = [significant(v, digits) for v in values.tolist()]
    tail = max((len(t) - _point(t) for t in texts), default=0)
    padded = [t + " " * (tail - len(t) + _point(t)) for t in texts]
    width = max(map(len, padded), default=0)
    return [t.rjust(width) for t in padded]


def p_value(p: float) -> str:
    """A p-value: "<2e-16" below what is worth telling apart."""
    if math.isnan(p):
        return ""
    return f"<{SMALLEST_P:.0e}" if p < SMALLEST_P else f"{p:.3g}" if p < 1e-4 else f"{p:.4f}"


def stars(p: float) -> str:
    """R's marks."""
    return next((mark for limit, mark in STARS if p < limit), "")


def printable(text: str) -> str:
    """A name on one line, with control characters told as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _point(text: str) -> int:
    """Where the decimal point stands, or would."""
    position = text.find(".")
    return position if position >= 0 else len(text)
