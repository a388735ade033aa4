"""Fractions of any size as float64: roots and values that may lie beyond its range."""

from __future__ import annotations

from fractions import Fraction
from math import inf, isqrt, ldexp

PRECISION = 128  # bits of the integer under the root


def nearest(value: Fraction) -> float:
    """The nearest float64, infinite where there is none."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def square_root(value: Fraction) -> float:
    """Square root of a fraction that is not negative, to the last bit but for 2^-64 of an ulp."""
    size = value.numerator.bit_length() - value.denominator.bit_length()
    half = (PRECISION - size) // 2
    integer_root = isqrt(int(value * Fraction(4) ** half))
    return (
        nearest(Fraction(integer_root) / Fraction(2) ** half) if abs(half) > 900 else ldexp(float(integer_root), -half)
    )
