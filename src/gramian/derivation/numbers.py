"""Exact numbers as text, rounded once."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

MAX_DECIMALS = 8  # enough to recompute a step by hand
LARGEST = 10**15  # numbers from here on are printed with a power of ten
SMALLEST = Fraction(1, 10**4)  # below, eight decimals would show fewer than five digits


def format_fraction(value: Fraction) -> str:
    """An integer in full, other numbers with up to 8 decimals; very large and very small ones as 1.5e-7."""
    scaled = value * 10**MAX_DECIMALS
    tiny = abs(value) < SMALLEST and scaled.denominator != 1
    if tiny or abs(value) >= LARGEST:
        return _scientific(value)
    integer, decimals = divmod(abs(round(scaled)), 10**MAX_DECIMALS)
    sign = "-" if value < 0 else ""
    return f"{sign}{integer}.{decimals:0{MAX_DECIMALS}}".rstrip("0").rstrip(".")


def format_factor(value: Fraction) -> str:
    """A number as a factor of a product: in parentheses where it is negative."""
    return f"({format_fraction(value)})" if value < 0 else format_fraction(value)


def _scientific(value: Fraction) -> str:
    """A number with 8 decimals and a power of ten."""
    with localcontext() as context:
        # Many more digits than are shown, so that the number is rounded once, by the format.
        context.prec = 60
        mantissa, _, exponent = f"{Decimal(value.numerator) / Decimal(value.denominator):.{MAX_DECIMALS}e}".partition(
            "e"
        )
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
