"""Exact power sums of variables in rows that enter no other sum."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from gramian.linalg.exact.digits import Values
from gramian.typing import Vector

MANTISSA = 53  # bits of the significand of a float64
PowerSums = Mapping[str, tuple[Fraction, ...]]  # variable -> sums of x^0, x^1, ...


def exact_power_sums(values: Values, places: int, count: Vector | None, size: int) -> tuple[Fraction, ...]:
    """Sums of x^0, x^1, ... without rounding, (size,).

    Parameters
    ----------
    values : ndarray of shape (n,)
        Finite floats, or integers that stand for x 10^places.
    places : int
        Decimal places of integers.
    count : ndarray of shape (n,) or None
        Frequency weights, whole numbers.
    size : int
        Number of sums.
    """
    integers, unit = _integers(values, places)
    power = np.ones(len(integers), object) if count is None else count.astype(np.int64).astype(object)
    sums = [Fraction(int(power.sum()))]
    for k in range(1, size):
        power = power * integers
        sums.append(int(power.sum()) * unit**k)
    return tuple(sums)


def added(a: PowerSums, b: PowerSums) -> dict[str, tuple[Fraction, ...]]:
    """Sums of both, without those that are zero."""
    both = {v: (a.get(v), b.get(v)) for v in {**a, **b}}
    total = {v: _total(mine, theirs) for v, (mine, theirs) in both.items()}
    return {v: sums for v, sums in total.items() if any(sums)}


def _total(a: tuple[Fraction, ...] | None, b: tuple[Fraction, ...] | None) -> tuple[Fraction, ...]:
    """Sums of one or two sequences of the same length."""
    return tuple(x + y for x, y in zip(a, b, strict=True)) if a and b else a or b or ()


def _integers(values: Values, places: int) -> tuple[Values, Fraction]:
    """Values as Python integers times a common unit."""
    if values.dtype.kind != "f":
        return values.astype(object), Fraction(1, 10**places)
    significand, exponent = np.frexp(values.astype(np.float64))
    lowest = int(exponent.min(initial=0))
    shifts = np.array([1 << s for s in (exponent - lowest).tolist()], object)
    whole = np.ldexp(significand, MANTISSA).astype(np.int64).astype(object)
    return whole * shifts, Fraction(2) ** (lowest - MANTISSA)
