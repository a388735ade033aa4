"""Residuals in double-double: X v, X'Wr and r'Wr against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from gramian.linalg.doubledouble import Pair, pair, split
from gramian.linalg.monomials import Coordinate
from gramian.linalg.residuals.double_double import (
    SplitColumn,
    dot,
    extract_leading,
    product,
    scaled,
    shifted,
    split_column,
)

RNG = np.random.default_rng(11)


def exactly(values: np.ndarray) -> list[Fraction]:
    return [Fraction(v) for v in values.tolist()]


def wild(n: int) -> np.ndarray:
    return RNG.standard_normal(n) * 10.0 ** RNG.integers(-8, 9, n)


def told(x: SplitColumn) -> list[Fraction]:
    low = [Fraction(0)] * len(x.hi) if x.lo is None else exactly(x.lo)
    return [a + b for a, b in zip(exactly(x.hi), low, strict=True)]


def test_a_shift_loses_nothing() -> None:
    x, known = wild(200), Coordinate(shift=1234567.1, exponent=7)
    u = shifted(x, known)
    for a, hi, lo in zip(exactly(x), exactly(u.hi), exactly(u.lo), strict=True):
        assert hi + lo == (a - Fraction(known.shift)) / 128


def test_products_carry_their_error() -> None:
    a, b = wild(300), wild(300)
    p, e = product(split_column(pair(a)), split_column(pair(b)))
    for x, y, hi, lo in zip(exactly(a), exactly(b), exactly(p), exactly(e), strict=True):
        assert hi + lo == x * y
    high, low = (float(half[0]) for half in split(np.array([0.1])))
    p, e = scaled(split_column(pair(a)), 0.1, 1e-19, high, low)
    for x, hi, lo in zip(exactly(a), exactly(p), exactly(e), strict=True):
        truth = x * (Fraction(0.1) + Fraction(1e-19))
        assert abs(hi + lo - truth) <= abs(truth) * Fraction(1, 2**100)


@pytest.mark.parametrize("n", [1, 2, 1000, 4096])
def test_the_large_parts_of_a_sum_add_without_rounding(n: int) -> None:
    p = wild(n)
    whole, rest = extract_leading(p)
    assert (whole + rest == p).all()
    assert Fraction(float(whole.sum())) == sum(exactly(whole))


def test_a_sum_that_cancels_keeps_its_digits() -> None:
    x = wild(2000)
    y = np.concatenate([x, -x, [1e-9]])
    hi, lo = dot(split_column(pair(y)), split_column(pair(np.ones(len(y)))))
    assert hi + lo == pytest.approx(1e-9, rel=1e-15 * 1e8 * 2**-39 * 1e9)  # 2^-39 of the largest, times its rounding


def test_pairs_times_pairs() -> None:
    a, b = Pair(wild(50), np.zeros(50)), Pair(wild(50), np.zeros(50))
    x = split_column(a * Pair(b.hi, b.hi * 1e-17))
    hi, lo = dot(x, split_column(b))
    truth = sum(u * v for u, v in zip(told(x), exactly(b.hi), strict=True))
    size = sum(abs(u * v) for u, v in zip(told(x), exactly(b.hi), strict=True))
    assert abs(Fraction(hi) + Fraction(lo) - truth) <= size * Fraction(1, 2**85)
