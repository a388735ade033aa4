"""Double-double arithmetic on arrays: a number is the unevaluated sum of two float64, about 32 digits.

Error-free transformations after Dekker (1971) and Knuth; sums and products after Hida, Li and Bailey (2001).
"""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import NamedTuple

import numpy as np

from gramian.typing import Vector

SPLIT = 134217729.0  # 2^27 + 1 halves a 53-bit significand


class Pair(NamedTuple):
    """Arrays hi + lo with |lo| at most half an ulp of hi."""

    hi: Vector
    lo: Vector

    def __add__(self, other: Pair) -> Pair:  # type: ignore[override]
        s, e = two_sum(self.hi, other.hi)
        t, f = two_sum(self.lo, other.lo)
        s, e = quick_two_sum(s, e + t)
        return Pair(*quick_two_sum(s, e + f))

    def __sub__(self, other: Pair) -> Pair:
        return self + Pair(-other.hi, -other.lo)

    def __mul__(self, other: Pair) -> Pair:  # type: ignore[override]
        p, e = two_product(self.hi, other.hi)
        return Pair(*quick_two_sum(p, e + (self.hi * other.lo + self.lo * other.hi)))

    def __truediv__(self, other: Pair) -> Pair:
        first = self.hi / other.hi
        rest = self - other * pair(first)
        second = rest.hi / other.hi
        rest = rest - other * pair(second)
        return pair(first) + pair(second) + pair(rest.hi / other.hi)

    @property
    def value(self) -> Vector:
        """Rounded to float64."""
        return self.hi + self.lo


def pair(values: Vector | float) -> Pair:
    """A float64 array as a pair."""
    hi = np.asarray(values, np.float64)
    return Pair(hi, np.zeros_like(hi))


def from_fraction(value: Fraction) -> tuple[float, float]:
    """The nearest pair to a rational number. Raises OverflowError beyond the range of float64."""
    above, below = value.numerator, value.denominator
    hi = above / below
    return (hi, 0.0) if hi.as_integer_ratio() == (above, below) else (hi, float(value - Fraction(hi)))


def nearest_pair(value: Fraction) -> tuple[float, float]:
    """The nearest pair to a rational number, infinite beyond the range of float64."""
    try:
        return from_fraction(value)
    except OverflowError:
        return (inf if value > 0 else -inf), 0.0


def two_sum(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Sum and its rounding error, exactly."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def quick_two_sum(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Sum and its rounding error where |a| >= |b|."""
    s = a + b
    return s, b - (s - a)


def split(a: Vector) -> tuple[Vector, Vector]:
    """Two halves of a significand whose products are exact."""
    t = SPLIT * a
    high = t - (t - a)
    return high, a - high


def two_product(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Product and its rounding error, exactly."""
    p = a * b
    ah, al = split(a)
    bh, bl = split(b)
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


def total(terms: Pair) -> Pair:
    """Sum over the first axis, pairwise."""
    while len(terms.hi) > 1:
        if len(terms.hi) % 2:
            tail = Pair(terms.hi[-1:], terms.lo[-1:])
            half = Pair(terms.hi[:-1:2], terms.lo[:-1:2]) + Pair(terms.hi[1:-1:2], terms.lo[1:-1:2])
            terms = Pair(np.concatenate([half.hi, tail.hi]), np.concatenate([half.lo, tail.lo]))
        else:
            terms = Pair(terms.hi[::2], terms.lo[::2]) + Pair(terms.hi[1::2], terms.lo[1::2])
    return Pair(terms.hi[0], terms.lo[0]) if len(terms.hi) else pair(np.zeros(terms.hi.shape[1:]))
