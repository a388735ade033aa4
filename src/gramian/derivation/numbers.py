"""Exact numbers as people read them: rounded once."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

PLACES = 8
LARGEST = 10**15  # from here on a power of ten is told
SMALLEST = Fraction(1, 10**4)  # below, eight decimals would show fewer than five digits


def shown(value: Fraction) -> str:
    """Whole numbers as they are, others with up to 8 decimals; very large and very small ones as 1.5e-7."""
    scaled = value * 10**PLACES
    tiny = abs(value) < SMALLEST and scaled.denominator != 1
    if tiny or abs(value) >= LARGEST:
        return _scientific(value)
    whole, decimals = divmod(abs(round(scaled)), 10**PLACES)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{decimals:0{PLACES}}".rstrip("0").rstrip(".")


def factor(value: Fraction) -> str:
    """A number within a product: a negative one stands in parentheses."""
    return f"({shown(value)})" if value < 0 else shown(value)


def _scientific(value: Fraction) -> str:
    with localcontext() as context:
        context.prec = 60
        mantissa, _, exponent = f"{Decimal(value.numerator) / Decimal(value.denominator):.{PLACES}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
