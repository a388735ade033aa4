"""Monomials in shifted variables: the numeric half of every stored column.

A monomial is a sorted tuple of (variable, power) pairs; the empty tuple is the constant. Variables are in the
coordinate u = (x - shift) / 2^exponent, so a power of x is a polynomial in u and conversely, both with exact
coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product as cartesian
from math import comb
from typing import Annotated

import numpy as np

from gramian.typing import Finite, Matrix, Vector

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]  # monomial -> coefficient

CONSTANT: Monomial = ()
ONE = Fraction(1)
MAX_UNSCALED_EXPONENT = 64  # up to this binary exponent no scaling: products of a few stay far from overflow
SHIFT_BITS = 24  # of the range of a variable, to which a shift near its mean is rounded
MAX_SQUARABLE = 1e100  # sums of squares of such numbers are finite, and those of their inverses above zero


@dataclass(frozen=True, slots=True)
class Coordinate:
    """u = (x - shift) / 2^exponent: a fixed shift, and a power of two as scale, for one variable."""

    shift: Finite = 0.0
    exponent: Annotated[int, range(-4096, 4096)] = 0

    @property
    def is_identity(self) -> bool:
        """Whether u is x itself."""
        return self.shift == 0.0 and self.exponent == 0

    def stored(self, values: Vector) -> Vector:
        """The values u of x (n,)."""
        return np.ldexp(values - self.shift, -self.exponent)

    @property
    def inverse(self) -> Coordinate:
        """The coordinate that leads from u back to x, as x = (u - shift') / 2^exponent'."""
        return Coordinate(float(np.ldexp(-self.shift, -self.exponent)), -self.exponent)


def monomial(powers: Mapping[str, int] | Iterable[tuple[str, int]] = ()) -> Monomial:
    """The canonical form of a product of powers."""
    return tuple(sorted((v, p) for v, p in dict(powers).items() if p))


def times(a: Monomial, b: Monomial) -> Monomial:
    """The product of two monomials."""
    if not a or not b:
        return a or b
    powers = dict(a)
    for variable, power in b:
        powers[variable] = powers.get(variable, 0) + power
    return tuple(sorted(powers.items()))


def degree(m: Monomial) -> int:
    """Total degree."""
    return m[0][1] if len(m) == 1 else sum(p for _, p in m)


def highest_degree(monomials: Iterable[Monomial]) -> int:
    """The largest total degree of some monomials."""
    return max(map(degree, monomials))


def lower_monomials(m: Monomial) -> Iterable[Monomial]:
    """All monomials that divide `m`: those that appear when its variables are shifted, `m` included."""
    if len(m) == 1 and m[0][1] == 1:
        return CONSTANT, m
    shares = cartesian(*(range(p + 1) for _, p in m))
    return (tuple((v, q) for (v, _), q in zip(m, powers, strict=True) if q) for powers in shares)


def downward_closure(monomials: Iterable[Monomial]) -> list[Monomial]:
    """The monomials and all that divide them, by degree, then in the order given."""
    seen = {low: None for m in monomials for low in lower_monomials(m)}
    return sorted(seen, key=degree)


def power_of(coordinate: Coordinate, variable: str, power: int) -> Polynomial:
    """x^power as a polynomial in u: (2^exponent u + shift)^power."""
    if power == 1:
        return _line(coordinate, variable)
    scale, shift = Fraction(2) ** coordinate.exponent, Fraction(coordinate.shift)
    terms = ((q, comb(power, q) * scale**q * shift ** (power - q)) for q in range(power + 1))
    return {monomial({variable: q}): c for q, c in terms if c}


def multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    """The product of two polynomials; terms that cancel are left out."""
    out: Polynomial = {}
    for (m, c), (n, d) in cartesian(a.items(), b.items()):
        out[times(m, n)] = out.get(times(m, n), Fraction(0)) + c * d
    return {m: c for m, c in out.items() if c}


def raw_monomial(m: Monomial, coordinates: Mapping[str, Coordinate]) -> Polynomial:
    """A product of powers of the variables x themselves, as a polynomial in their coordinates u."""
    if len(m) == 1:
        return power_of(coordinates[m[0][0]], *m[0])
    out: Polynomial = {CONSTANT: Fraction(1)}
    for variable, power in m:
        out = multiply(out, power_of(coordinates[variable], variable, power))
    return out


@lru_cache(4096)
def _line(coordinate: Coordinate, variable: str) -> Polynomial:
    """x as a polynomial in u, cached: many models of one Gram ask for the same ones."""
    line: Polynomial = {((variable, 1),): Fraction(2) ** coordinate.exponent if coordinate.exponent else ONE}
    return {CONSTANT: Fraction(coordinate.shift), **line} if coordinate.shift else line


def choose_coordinate(values: Vector, *, products: bool) -> Coordinate:
    """Shift and scale of a variable from its first rows: a round number near the mean, and a power of two.

    Parameters
    ----------
    values : (n,)
        Values; NaN and infinities are ignored.
    products : bool
        Whether products of the variable with others are stored.

    Notes
    -----
    Sums of squares about t lose up to log10(1 + (mean - t)^2 / variance) digits when they are centred. Where |mean| is
    below the standard deviation there is nothing to gain and the shift is 0. The scale, the power of two above the
    largest distance from the shift, only guards against overflow: it is 1 unless products are stored or the magnitude
    is extreme.
    """
    values = np.ascontiguousarray(values)
    # A finite sum proves that all values are finite, without a mask; an overflowing sum only costs the mask.
    if not math.isfinite(values.sum()):
        values = values[np.isfinite(values)]
    if not values.size:
        return Coordinate()
    low, high = float(values.min()), float(values.max())
    shift = low if low == high else _round_shift(values, max(-low, high))
    return _scaled_about(shift, low, high, products=products)


def coordinate_about(mean: float, low: float, high: float, *, products: bool) -> Coordinate:
    """Shift and scale of a variable from the mean, the lowest and the highest of all its values.

    The shift is the mean on a grid of 2^-24 of the range, so that the differences of most data are exact; products as
    of `choose_coordinate`.
    """
    spread = high - low
    if spread == 0.0 or not math.isfinite(spread):
        return _scaled_about(low if spread == 0.0 else 0.0, low, high, products=products)
    grid = math.ldexp(1.0, max(math.frexp(spread)[1] - SHIFT_BITS, -1000))
    # a shift beyond the range would gain nothing: the mean of a server has rounding errors of its own
    shift = min(max(round(mean / grid) * grid, low), high) if abs(mean) < MAX_SQUARABLE * grid else mean
    return _scaled_about(shift, low, high, products=products)


def _scaled_about(shift: float, low: float, high: float, *, products: bool) -> Coordinate:
    """The coordinate of values from low to high about a shift."""
    half_range = max(shift - low, high - shift)
    exponent = math.frexp(half_range)[1] if 0.0 < half_range < math.inf else 0
    return Coordinate(shift, exponent if products or abs(exponent) > MAX_UNSCALED_EXPONENT else 0)


def surely_identity(A: Matrix) -> bool:
    """Whether `choose_coordinate` surely leaves every column of A (n, k) as it is, seen from their sums alone."""
    if not len(A):
        return False
    with np.errstate(all="ignore"):
        mean, square = A.sum(axis=0) / len(A), np.einsum("ij,ij->j", A, A) / len(A)
    within = (square < 4.0 ** (MAX_UNSCALED_EXPONENT - 1) / len(A)) & (square > 4.0 ** (1 - MAX_UNSCALED_EXPONENT))
    # the shift is 0 where |mean| <= std, that is 2 mean^2 <= square; a tenth is left for rounding
    return bool((within & (2.2 * mean * mean <= square)).all())


def _round_shift(values: Vector, top: float) -> float:
    """The multiple of a power of two nearest to the mean, for the largest power up to the standard deviation.

    top : largest magnitude, by which extreme values are scaled so that their squares neither overflow nor underflow.
    """
    scale = 1.0 if 1.0 / MAX_SQUARABLE < top < MAX_SQUARABLE else 2.0 ** min(math.frexp(top)[1], 1023)
    scaled = values if scale == 1.0 else values / scale
    mean = float(scaled.mean())
    deviations = scaled - mean
    deviations *= deviations
    std = math.sqrt(deviations.mean())
    if std == 0.0:
        return float(values[0])
    if abs(mean) <= std:
        return 0.0
    # A shift with few significant bits makes x - shift exact for most data.
    grid = 2.0 ** (math.frexp(std)[1] - 1)
    return round(mean / grid) * grid * scale


def power_sums(u: Vector, count: Vector | None, size: int) -> Vector:
    """Sums of u^0, u^1, ..., (size,). count : frequency weights of the rows, or None."""
    power = np.ones(len(u)) if count is None else count
    sums = [power.sum()]
    for _ in range(size - 1):
        power = power * u
        sums.append(power.sum())
    return np.array(sums)
