"""Exact planes: an array of dyadic rationals as int64 digits on one absolute binary grid.

Plane t has the weight 2^(32 t). In canonical form every digit lies in [-2^31, 2^31) and the outer planes are not empty,
so equal values have equal bits. Planes are an abelian group under addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes

PLANE = 32  # bits of a plane
HALF = 1 << (PLANE - 1)
TENS = 9  # 10^9 times a digit stays below 2^62
Integers = NDArray[Any]  # Python integers


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """An array of exact values, sum over t of digits[t] 2^(32 (low + t)), in canonical form.

    Attributes
    ----------
    low : int
        Number of the lowest plane.
    digits : (planes, *shape) int64
        Digits, each in [-2^31, 2^31).
    """

    low: int
    digits: Codes

    @classmethod
    def zeros(cls, *shape: int) -> Planes:
        """An array of zeros."""
        return cls(0, np.zeros((0, *shape), np.int64))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return tuple(self.digits.shape[1:])

    def __add__(self, other: Planes, /) -> Planes:
        if not len(self.digits) or not len(other.digits):
            return self if len(self.digits) else other
        low = min(self.low, other.low)
        high = max(self.low + len(self.digits), other.low + len(other.digits))
        total = np.zeros((high - low, *self.shape), np.int64)
        for part in (self, other):
            total[part.low - low : part.low - low + len(part.digits)] += part.digits
        return canonical(low, total)

    def __neg__(self) -> Planes:
        return canonical(self.low, -self.digits)

    def __sub__(self, other: Planes, /) -> Planes:
        return self + -other

    def __getitem__(self, index: Any) -> Planes:
        """Some of the elements, as `array[index]`."""
        where = index if isinstance(index, tuple) else (index,)
        return trimmed(self.low, np.ascontiguousarray(self.digits[(slice(None), *where)]))

    def equals(self, other: Planes) -> bool:
        """Whether shapes and all values are equal."""
        return self.shape == other.shape and (
            (self.low == other.low or not self.digits.size) and np.array_equal(self.digits, other.digits)
        )

    def times_tens(self, powers: Codes) -> Planes:
        """Values times 10^power, elementwise; powers : >= 0, broadcast to the shape."""
        out, rest = self, np.asarray(powers)
        # Nine decimal places at a time: digits below 2^31 times 10^9 stay below 2^62.
        while rest.any() and len(out.digits):
            step = np.minimum(rest, TENS)
            out, rest = canonical(out.low, out.digits * 10**step), rest - step
        return out

    def integers(self, exponent: int) -> Integers:
        """Values / 2^exponent as Python integers; they must be multiples of 2^exponent."""
        out = np.zeros(self.shape, object)
        for t, digits in enumerate(self.digits):
            shift = PLANE * (self.low + t) - exponent
            plane = digits.astype(object)
            out = out + (plane << shift if shift >= 0 else plane >> -shift)
        return out

    def fraction(self, *index: int) -> Fraction:
        """One value."""
        where: tuple[slice | int, ...] = (slice(None), *index)
        planes = enumerate(self.digits[where].tolist())
        return sum((digit * Fraction(2) ** (PLANE * (self.low + t)) for t, digit in planes), Fraction(0))

    def nonempty_planes(self) -> list[tuple[int, bytes]]:
        """Number and bytes (little-endian 32-bit digits) of each plane that is not all zero."""
        planes = ((self.low + t, digits) for t, digits in enumerate(self.digits) if digits.any())
        return [(t, digits.astype("<i4").tobytes()) for t, digits in planes]


def canonical(low: int, digits: Codes) -> Planes:
    """Planes from digits below 2^62, which are overwritten: carry, then drop empty outer planes."""
    over: Codes | None = None
    for t in range(len(digits)):
        if over is not None:
            digits[t] += over
        # An arithmetic shift rounds down, so the digit that is left lies in [-2^31, 2^31), as the canonical form
        # demands.
        over = (digits[t] + HALF) >> PLANE
        digits[t] -= over << PLANE
    more = []
    while over is not None and over.any():
        rest = (over + HALF) >> PLANE
        more.append(over - (rest << PLANE))
        over = rest
    return trimmed(low, np.concatenate([digits, np.stack(more)]) if more else digits)


def trimmed(low: int, digits: Codes) -> Planes:
    """Planes from digits that are in range already, without empty outer planes."""
    used = np.flatnonzero(digits.any(axis=tuple(range(1, digits.ndim))))
    if not len(used):
        return Planes(0, digits[:0])
    return Planes(low + int(used[0]), digits[used[0] : used[-1] + 1])


def split(values: Codes, exponents: Codes) -> tuple[Codes, tuple[Codes, Codes, Codes]]:
    """Split values 2^exponent into digits of a plane and of the two above it.

    values : int64, broadcast with exponents. Returns the number of the plane and three digits below 2^33.
    """
    # Division by PLANE = 32 with rounding down, also for negative exponents.
    plane, shift = exponents >> 5, exponents & 31
    mask = (1 << PLANE) - 1
    lower, upper = (values & mask) << shift, (values >> PLANE) << shift
    return plane, (lower & mask, (lower >> PLANE) + (upper & mask), upper >> PLANE)


def scatter(values: Codes, exponents: Codes, places: Codes, shape: tuple[int, ...]) -> Planes:
    """Planes in which element places[i] (a flat index) is the sum of its values[i] 2^exponents[i]; all (n,)."""
    if not values.size:
        return Planes.zeros(*shape)
    plane, pieces = split(values.ravel(), exponents.ravel())
    low = int(plane.min())
    digits = np.zeros((int(plane.max()) - low + 3, int(np.prod(shape))), np.int64)
    for up, piece in enumerate(pieces):
        np.add.at(digits, (plane - low + up, places.ravel()), piece)
    return canonical(low, digits.reshape(-1, *shape))


def from_columns(values: Codes, exponents: Codes, places: Codes, width: int) -> Planes:
    """Planes (n, width) in which column places[w] is the sum of values[:, w] 2^exponents[w]. values : (n, w)."""
    if not values.size:
        return Planes.zeros(len(values), width)
    low = int(exponents.min()) >> 5
    digits = np.zeros(((int(exponents.max()) >> 5) - low + 3, len(values), width), np.int64)
    for w, (exponent, place) in enumerate(zip(exponents, places, strict=True)):
        plane, pieces = split(values[:, w], exponent)
        for up, piece in enumerate(pieces):
            digits[int(plane) - low + up, :, place] += piece
    return canonical(low, digits)
