"""Double-double arithmetic on arrays: a number is the unevaluated sum of two float64, about 32 decimal digits.

Error-free transformations after Dekker (1971) and Knuth ("The Art of Computer Programming", volume 2); sums and
products of pairs after Hida, Li and Bailey (2001). With u = 2^-53 the relative error of an addition is at most about 3
u^2 and that of a multiplication about 7 u^2 (Joldes, Muller and Popescu, 2017). All functions work elementwise and
broadcast as NumPy does. They need round-to-nearest and no overflow: `split` overflows above about 2^996, and the error
of a product is not exact where it falls below the smallest normal number.
"""

from __future__ import annotations

import math
from fractions import Fraction
from math import inf
from typing import NamedTuple

import numpy as np

from gramian.typing import Vector

SPLIT = 134217729.0  # 2^27 + 1 halves a 53-bit significand


class Pair(NamedTuple):
    """An array of double-double numbers, hi + lo with |lo| at most half an ulp of hi.

    Attributes
    ----------
    hi : (...)
        Leading parts.
    lo : (...)
        Trailing parts, of the same shape (or one that broadcasts).
    """

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
        """Quotient by two steps of long division, each with the remainder in double-double."""
        first = self.hi / other.hi
        rest = self - other * pair(first)
        second = rest.hi / other.hi
        rest = rest - other * pair(second)
        return pair(first) + pair(second) + pair(rest.hi / other.hi)

    @property
    def value(self) -> Vector:
        """The numbers rounded to float64."""
        return self.hi + self.lo


def pair(values: Vector | float) -> Pair:
    """A float64 array as double-double numbers with trailing parts of zero."""
    hi = np.asarray(values, np.float64)
    return Pair(hi, np.zeros(hi.shape))  # of a large array no memory is taken before it is written to


def from_fraction(value: Fraction) -> tuple[float, float]:
    """The double-double number nearest to a rational number, as (hi, lo).

    Raises
    ------
    OverflowError
        Where the number is outside the range of float64.
    """
    above, below = value.numerator, value.denominator
    hi = above / below
    return (hi, 0.0) if hi.as_integer_ratio() == (above, below) else (hi, float(value - Fraction(hi)))


def nearest_pair(value: Fraction) -> tuple[float, float]:
    """As `from_fraction`, but (+-inf, 0) outside the range of float64 instead of an error."""
    try:
        return from_fraction(value)
    except OverflowError:
        return (inf if value > 0 else -inf), 0.0


def two_sum(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """The rounded sum s of a and b, and its rounding error e: a + b = s + e exactly (Knuth, six operations)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def quick_two_sum(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """As `two_sum` in three operations, exact where |a| >= |b| (Dekker)."""
    s = a + b
    return s, b - (s - a)


def split(a: Vector) -> tuple[Vector, Vector]:
    """The high 26 and the low 26 bits of a significand: a = high + low, and products of such halves are exact."""
    t = SPLIT * a
    high = t - (t - a)
    return high, a - high


def two_product(a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """The rounded product p of a and b, and its rounding error e: a b = p + e exactly (Dekker, 17 operations)."""
    p = a * b
    ah, al = split(a)
    bh, bl = split(b)
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


def total(terms: Pair) -> Pair:
    """Sum over the first axis, pairwise: the error grows with the logarithm of the length. Zero for an empty axis."""
    while len(terms.hi) > 1:
        # An odd item is carried to the next round unchanged.
        if len(terms.hi) % 2:
            tail = Pair(terms.hi[-1:], terms.lo[-1:])
            half = Pair(terms.hi[:-1:2], terms.lo[:-1:2]) + Pair(terms.hi[1:-1:2], terms.lo[1:-1:2])
            terms = Pair(np.concatenate([half.hi, tail.hi]), np.concatenate([half.lo, tail.lo]))
        else:
            terms = Pair(terms.hi[::2], terms.lo[::2]) + Pair(terms.hi[1::2], terms.lo[1::2])
    return Pair(terms.hi[0], terms.lo[0]) if len(terms.hi) else pair(np.zeros(terms.hi.shape[1:]))


def less_product(total: float, a: Vector, b: Vector) -> float:
    """total - a'b, rounded once; NaN where a product leaves the range of float64."""
    high, low = two_product(a, -b)
    terms = np.concatenate([high, low, [total]])
    return math.fsum(terms.tolist()) if np.isfinite(terms).all() else math.nan
