"""Exact digits: numbers as digits of 22 bits on a binary grid, whose products BLAS sums without rounding.

A number is the sum of d_s 2^(low + 22 s) with integers |d_s| <= 2^21, so a sum of 2,048 products of digits is at most
2^53, and so is every partial sum: in whatever order BLAS adds, with or without fused multiply-add, all are integers
that float64 holds (error-free splitting after Ozaki, Ogita, Oishi and Rump, 2012; here on a grid that is fixed for a
column rather than for each row).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gramian.kernels.library import library
from gramian.kernels.sums import Part, readable
from gramian.kernels.sums import digits as compiled_digits
from gramian.typing import Codes, Mask, Matrix, Vector

DIGIT = 22  # bits of a digit, with sign
ROWS = 2048  # 2^(21 + 21 + 11) = 2^53
BASE = 2.0**DIGIT
MAX_DIGITS = 6  # digits of a variable in a plan; rows with values beyond are summed separately
Values: TypeAlias = NDArray[Any]  # float64, int64 below 2^62, or Python integers
SAFE_EXPONENT = 1000  # beyond this exponent a power of two is not safely a float64
NORMAL_DIGITS = 40  # digits up to which 2^(-22 digits) is a normal float64
OVERFLOW_GUARD = 64  # bits by which large numbers are scaled down, so that rounding up cannot overflow


@dataclass(frozen=True, slots=True)
class Grid:
    """The range of the digits of a column: multiples of 2^low below 2^(low + bits).

    Attributes
    ----------
    low : int
        Exponent of the unit.
    bits : int
        Bits of the largest multiple.
    digit : int
        Bits of a digit, with sign.
    """

    low: int
    bits: int
    digit: int = DIGIT

    @property
    def digits(self) -> int:
        """Number of digits."""
        return self.bits // self.digit + 1

    @property
    def highest(self) -> int:
        """Exponent of the unit of the highest digit."""
        return self.low + self.digit * (self.digits - 1)

    @property
    def limit(self) -> float:
        """The largest highest digit."""
        return 2.0 ** (self.bits - self.digit * (self.digits - 1))

    def times(self, other: Grid) -> Grid:
        """The grid of products."""
        return Grid(self.low + other.low, self.bits + other.bits)


UNITS = Grid(0, 0)  # the constant


def choose_grid(values: Values, share: float, *, tight: bool, digit: int = DIGIT) -> Grid:
    """The grid with fewest digits that holds all values but a share of them.

    Parameters
    ----------
    values : (n,)
        Values of a variable.
    share : float
        Share of the rows that may be left out.
    tight : bool
        For variables whose products are formed: keep the grid short, so that products have few digits.
    digit : int
        Bits of a digit.

    Notes
    -----
    The last digit has bits to spare. If all values are multiples of the unit, these bits allow for larger values (only
    one of them if tight); else one allows for larger values, and the others lower the unit.
    """
    top, bottom, is_integral = _extent(values, int(share * len(values)))
    bits = max(top - bottom, 1)
    unused = digit * (bits // digit + 1) - 1 - bits
    headroom = min(unused, 1)
    if is_integral:
        return Grid(bottom, bits + (headroom if tight else unused), digit)
    # Few rows have so many bits: the highest digits are kept, and rows with lower bits are summed separately.
    if share and bits // digit + 1 > MAX_DIGITS:
        return Grid(top + 1 - (digit * MAX_DIGITS - 1), digit * MAX_DIGITS - 1, digit)
    return Grid(bottom - unused + headroom, bits + unused, digit)


def _extent(values: Values, ignored: int) -> tuple[int, int, bool]:
    """Exponents of the largest value and of the lowest bit; whether every value is a multiple of that bit.

    The lowest bits of the `ignored` values with the smallest ones do not count.
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
    """Exponent of the lowest bit that is set in each value; values : (n,), finite, not zero."""
    fraction, exponent = np.frexp(values)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    # In two's complement m & -m isolates the lowest bit.
    lowest = (mantissa & -mantissa).astype(np.float64)
    return np.asarray(exponent.astype(np.int64) - 54 + np.frexp(lowest)[1])


def slice_floats(values: Matrix, lows: Codes, bits: Codes, out: Matrix) -> Mask:
    """Digits of k rows of float64 values with the same number of digits.

    Parameters
    ----------
    values : (k, m)
        Values, overwritten.
    lows, bits : (k,) int
        The grid of each row.
    out : (n, k, m)
        The digits, lowest first.

    Returns
    -------
    wrong : (m,) bool
        Where a value is not finite, too large, or not a multiple of its grid's unit.
    """
    wrong = (_slice_near if len(out) <= NORMAL_DIGITS else _slice_far)(values, lows, out)
    # Only the highest digit can be too large; NaN and infinities reach it, too, and leave a remainder.
    limit = np.ldexp(1.0, bits - DIGIT * (len(out) - 1))
    top = out[-1]
    if not (np.maximum(top.max(axis=1), -top.min(axis=1)) <= limit).all():
        wrong |= (np.abs(top) > limit[:, None]).any(axis=0)
    return np.asarray(wrong)


def slice_in_place(columns: Sequence[Vector], lows: Codes, bits: Codes, out: Matrix) -> Mask | None:
    """As `slice_floats`, compiled, for k columns (m,) that are read where they are; None where NumPy has to do it."""
    compiled, digits = library(), len(out)
    exponents = -(lows + DIGIT * (digits - 1))
    if compiled is None or digits > NORMAL_DIGITS or not (np.abs(exponents) < SAFE_EXPONENT).all():
        return None
    if not all(readable(column) for column in columns):
        return None
    limits = np.ldexp(1.0, bits - DIGIT * (digits - 1))
    return compiled_digits(compiled, [Part(column) for column in columns], np.ldexp(1.0, exponents), limits, out)


def _slice_near(values: Matrix, lows: Codes, out: Matrix) -> Mask:
    """Digits of values in units of the highest digit: nothing on the grid can underflow."""
    underflowed = _scale(values, lows + DIGIT * (len(out) - 1))
    for s in range(len(out) - 1, -1, -1):
        np.rint(values, out=out[s])
        np.subtract(values, out[s], out=values)
        if s:
            np.multiply(values, BASE, out=values)
    wrong = values.any(axis=0)
    return np.asarray(wrong if underflowed is None else wrong | underflowed)


def _slice_far(values: Matrix, lows: Codes, out: Matrix) -> Mask:
    """Digits of values whose grid spans nearly the range of float64: only large values are scaled down."""
    large = np.abs(values) >= 1.0
    shift = np.where(large, OVERFLOW_GUARD, 0)
    values = np.ldexp(values, -shift)
    for s in range(len(out) - 1, -1, -1):
        exponent = lows[:, None] + DIGIT * s - shift
        np.rint(np.ldexp(values, -exponent), out=out[s])
        values = values - np.ldexp(out[s], exponent)
    return np.asarray(values.any(axis=0))


def _scale(values: Matrix, shift: Codes) -> Mask | None:
    """Multiply row i by 2^-shift_i in place; mask of values that became zero, None where none can have."""
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
    """Digits of integers (m,) on a grid of unit 1, to out : (n, m). Returns the mask (m,) of too large values."""
    half, mask = 1 << (DIGIT - 1), (1 << DIGIT) - 1
    for digits in out[:-1]:
        # The lowest 22 bits as a signed number in [-2^21, 2^21).
        low = ((values + half) & mask) - half
        digits[:] = low
        values = (values - low) >> DIGIT
    wrong = np.abs(values) > 1 << (grid.bits - DIGIT * (grid.digits - 1))
    out[-1] = np.where(wrong, 0, values)
    return np.asarray(wrong, np.bool_)


def multiply(a: Matrix, b: Matrix, out: Matrix) -> None:
    """Digits of the elementwise product: (n, m) times (k, m), to out : (n + k or n + k - 1, m)."""
    out[:] = 0.0
    for s, digit in enumerate(a):
        out[s : s + len(b)] += digit * b
    carry(out)


def carry(digits: Matrix) -> None:
    """Reduce integers below 2^53 to digits, in place, lowest first; the highest takes the last carry."""
    for s in range(len(digits) - 1):
        over = np.rint(digits[s] * (1.0 / BASE))
        digits[s] -= over * BASE
        digits[s + 1] += over


def narrowest_type(values: Values) -> Values:
    """Values as float64 if that is exact, else as int64, else (from 2^62 on) as Python integers."""
    if values.dtype.kind in "fb" or (values.dtype.kind in "iu" and values.dtype.itemsize < 8):
        return values.astype(np.float64, copy=False)
    largest = max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0
    return values.astype(np.float64 if largest <= 1 << 53 else np.int64 if largest < 1 << 62 else object)
