"""Exact digits: numbers as integers of 22 bits on a binary grid, whose products BLAS sums without rounding.

A number is the sum of d_s 2^(low + 22 s) with whole |d_s| <= 2^21, so a sum of 2,048 products of digits is at most
2^53, and so is every part of it: in whatever order BLAS adds, fused or not, all are whole float64 (error-free slicing
after Ozaki, Ogita, Oishi and Rump, 2012; here on a grid that is fixed for a column rather than for each row).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes, Mask, Matrix, Vector

DIGIT = 22
ROWS = 2048  # 2^(21 + 21 + 11) = 2^53
BASE = 2.0**DIGIT
MAX_DIGITS = 6  # digits of one variable; a block whose values span more is cut
Values: TypeAlias = NDArray[Any]  # float64, int64 below 2^62, or Python integers
SAFE_EXPONENT = 1000  # beyond this exponent a power of two is not safely a float64
NORMAL_DIGITS = 40  # digits whose lowest unit is a normal float64 where the highest is one
OVERFLOW_GUARD = 64  # bits that keep the largest float64 from overflow when its highest digit is rounded up


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the digits of a column lie: whole multiples of 2^low, below 2^(low + reach)."""

    low: int
    bits: int

    @property
    def digits(self) -> int:
        """How many digits there are."""
        return self.bits // DIGIT + 1

    def times(self, other: Grid) -> Grid:
        """The grid of the products."""
        return Grid(self.low + other.low, self.bits + other.bits)


UNITS = Grid(0, 0)  # the constant


def choose_grid(values: Values, share: float, *, tight: bool) -> Grid:
    """The fewest digits that hold all values but `share` of them.

    What is left over of the last digit becomes room for larger values, all of it unless `tight` (variables whose
    products are formed, so that these stay short).
    """
    top, bottom, is_integral = _extent(values, int(share * len(values)))
    bits = max(top - bottom, 1)
    unused = DIGIT * (bits // DIGIT + 1) - 1 - bits
    headroom = min(unused, 1)
    if is_integral:
        return Grid(bottom, bits + (headroom if tight else unused))
    if share and bits // DIGIT + 1 > MAX_DIGITS:
        return Grid(top + 1 - (DIGIT * MAX_DIGITS - 1), DIGIT * MAX_DIGITS - 1)
    return Grid(bottom - unused + headroom, bits + unused)


def _extent(values: Values, ignored: int) -> tuple[int, int, bool]:
    """Exponents of the largest value and of the lowest bit; whether every value is whole on that grid.

    The lowest bits of the `ignored` worst values do not count.
    """
    if values.dtype.kind != "f":
        largest = max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0
        return largest.bit_length(), 0, True
    nonzero = values[np.isfinite(values) & (values != 0.0)]
    if not len(nonzero):
        return 0, 0, True
    top = int(np.frexp(np.abs(nonzero).max())[1])
    bottoms = lowest_bits(nonzero)
    worst = min(ignored, len(nonzero) - 1)
    bottom = int(np.partition(bottoms, worst)[worst])
    return top, bottom, int(bottoms.min()) >= bottom


def lowest_bits(values: Vector) -> Codes:
    """The exponent of the lowest bit that is set; values finite, not zero."""
    fraction, exponent = np.frexp(values)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    lowest = (mantissa & -mantissa).astype(np.float64)
    return np.asarray(exponent.astype(np.int64) - 54 + np.frexp(lowest)[1])


def slice_floats(values: Matrix, lows: Codes, bits: Codes, out: Matrix) -> Mask:
    """Digits of k rows of float64 that have the same number of digits n.

    values : (k, m), overwritten. lows, reaches : (k,). out : (n, k, m), lowest digits first.
    Returns (m,): where a value is not finite, too large, or not a multiple of its grid's unit.
    """
    wrong = (_slice_near if len(out) <= NORMAL_DIGITS else _slice_far)(values, lows, out)
    limit = np.ldexp(1.0, bits - DIGIT * (len(out) - 1))
    top = out[-1]
    if not (np.maximum(top.max(axis=1), -top.min(axis=1)) <= limit).all():
        wrong |= (np.abs(top) > limit[:, None]).any(axis=0)
    return np.asarray(wrong)


def _slice_near(values: Matrix, lows: Codes, out: Matrix) -> Mask:
    """Digits of numbers told in units of the highest digit: all that is on the grid stays clear of underflow."""
    underflowed = _scale(values, lows + DIGIT * (len(out) - 1))
    for s in range(len(out) - 1, -1, -1):
        np.rint(values, out=out[s])
        np.subtract(values, out[s], out=values)
        if s:
            np.multiply(values, BASE, out=values)
    wrong = values.any(axis=0)
    return np.asarray(wrong if underflowed is None else wrong | underflowed)


def _slice_far(values: Matrix, lows: Codes, out: Matrix) -> Mask:
    """The same for spans near that of float64 itself: large numbers scaled down, small ones as they are."""
    large = np.abs(values) >= 1.0
    shift = np.where(large, OVERFLOW_GUARD, 0)
    values = np.ldexp(values, -shift)
    for s in range(len(out) - 1, -1, -1):
        exponent = lows[:, None] + DIGIT * s - shift
        np.rint(np.ldexp(values, -exponent), out=out[s])
        values = values - np.ldexp(out[s], exponent)
    return np.asarray(values.any(axis=0))


def _scale(values: Matrix, shift: Codes) -> Mask | None:
    """Multiply row i by 2^-shift_i in place; where something not zero became zero, None where nothing can have."""
    small = shift > 0  # only a division can reach the end of the exponents
    nonzero = values[small] != 0.0
    if (np.abs(shift) < SAFE_EXPONENT).all():
        np.multiply(values, np.ldexp(1.0, -shift)[:, None], out=values)
    else:
        np.ldexp(values, -shift[:, None], out=values)
    if not small.any():
        return None
    return np.asarray((nonzero & (values[small] == 0.0)).any(axis=0))


def slice_integers(values: Values, grid: Grid, out: Matrix) -> Mask:
    """Digits of whole numbers (m,), the grid's unit 1; `out` (n, m). Returns where one is too large."""
    half, mask = 1 << (DIGIT - 1), (1 << DIGIT) - 1
    for digits in out[:-1]:
        low = ((values + half) & mask) - half
        digits[:] = low
        values = (values - low) >> DIGIT
    wrong = np.abs(values) > 1 << (grid.bits - DIGIT * (grid.digits - 1))
    out[-1] = np.where(wrong, 0, values)
    return np.asarray(wrong, np.bool_)


def multiply(a: Matrix, b: Matrix, out: Matrix) -> None:
    """Digits of the elementwise product: (n, m) times (k, m) into n + k or n + k - 1 digits."""
    out[:] = 0.0
    for s, digit in enumerate(a):
        out[s : s + len(b)] += digit * b
    carry(out)


def carry(digits: Matrix) -> None:
    """Bring whole numbers below 2^53 to digits, in place; the highest takes what is left."""
    for s in range(len(digits) - 1):
        over = np.rint(digits[s] * (1.0 / BASE))
        digits[s] -= over * BASE
        digits[s + 1] += over


def narrowest_type(values: Values) -> Values:
    """Float64 where it holds the values, else int64, else (from 2^62 on) Python integers."""
    if values.dtype.kind in "fb" or (values.dtype.kind in "iu" and values.dtype.itemsize < 8):
        return values.astype(np.float64, copy=False)
    largest = max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0
    return values.astype(np.float64 if largest <= 1 << 53 else np.int64 if largest < 1 << 62 else object)
