"""Digits of values, planes of sums, and the test of the machine's BLAS."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.linalg.exact.rational import floats

from gramian.linalg.exact import selftest
from gramian.linalg.exact.digits import BASE, DIGIT, Grid, choose_grid, lowest_bits, multiply, slice_floats
from gramian.linalg.exact.planes import Planes, canonical, scatter
from gramian.linalg.exact.selftest import blas_product, integer_product, is_exact


def sliced(values: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    out = np.empty((grid.digits, 1, len(values)))
    with np.errstate(all="ignore"):
        wrong = slice_floats(values[None, :].copy(), np.array([grid.low]), np.array([grid.bits]), out)
    return out[:, 0], wrong


def back(digits: np.ndarray, low: int) -> list[Fraction]:
    powers = [Fraction(2) ** (low + DIGIT * s) for s in range(len(digits))]
    return [sum((int(d) * p for d, p in zip(row, powers, strict=True)), Fraction(0)) for row in digits.T]


@given(values=st.lists(floats, min_size=1, max_size=20).map(np.array))
def test_digits_are_the_value(values: np.ndarray) -> None:
    grid = choose_grid(values, 0.0, tight=True)
    digits, wrong = sliced(values, grid)
    assert not wrong.any()
    assert np.abs(digits).max() <= BASE / 2
    assert back(digits, grid.low) == [Fraction(v) for v in values.tolist()]


@given(values=st.lists(floats, min_size=1, max_size=20).map(np.array), low=st.integers(-80, 40), n=st.integers(1, 4))
def test_what_does_not_fit_is_marked(values: np.ndarray, low: int, n: int) -> None:
    grid = Grid(low, DIGIT * n - 1)
    digits, wrong = sliced(values, grid)
    for exact, value, bad in zip(back(np.where(wrong, 0.0, digits), low), values.tolist(), wrong, strict=True):
        assert bad or exact == Fraction(value)
        fits = (Fraction(value) / Fraction(2) ** low).denominator == 1 and abs(value) < 2.0 ** (low + grid.bits - 1)
        assert not (fits and bad)


@given(values=st.lists(floats, min_size=2, max_size=20).map(np.array))
def test_products_of_digits(values: np.ndarray) -> None:
    a, b = values, values[::-1].copy()
    grids = [choose_grid(v, 0.0, tight=True) for v in (a, b)]
    both = grids[0].times(grids[1])
    out = np.empty((both.digits, len(a)))
    multiply(sliced(a, grids[0])[0], sliced(b, grids[1])[0], out)
    assert np.abs(out).max() <= BASE / 2
    assert back(out, both.low) == [Fraction(x) * Fraction(y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]


def test_lowest_bits() -> None:
    values = np.array([1.0, 0.5, 3.0, 6.0, 5e-324, 2.0**1000, 1 + 2.0**-52])
    assert lowest_bits(values).tolist() == [0, -1, 0, 1, -1074, 1000, -52]


@given(
    values=st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-2200, 2000)), min_size=1, max_size=12),
    split=st.integers(0, 12),
)
def test_planes_are_their_sum_in_one_form(values: list[tuple[int, int]], split: int) -> None:
    def planes(pairs: list[tuple[int, int]]) -> Planes:
        numbers, exponents = (np.array([p[i] for p in pairs], np.int64) for i in (0, 1))
        return scatter(numbers, exponents, np.zeros(len(pairs), np.int64), (1,))

    truth = sum((n * Fraction(2) ** e for n, e in values), Fraction(0))
    whole = planes(values)
    assert whole.fraction(0) == truth
    assert whole.equals(planes(values[::-1]))
    assert whole.equals(planes(values[:split]) + planes(values[split:]))
    assert (whole - whole).digits.size == 0
    assert (whole + -planes(values[split:])).equals(planes(values[:split]))
    assert whole.times_tens(np.array([25])).fraction(0) == truth * 10**25


def test_the_largest_digits_carry() -> None:
    planes = canonical(0, np.full((3, 1), (1 << 31) - 1, np.int64))
    assert (-planes).fraction(0) == -planes.fraction(0)
    assert (planes + planes).fraction(0) == 2 * planes.fraction(0)


@pytest.mark.parametrize("width", [1, 3, 40, 150, 500])
def test_blas_sums_the_worst_digits_exactly(width: int) -> None:
    assert is_exact(blas_product, width)


def in_single(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a.astype(np.float32) @ b.T.astype(np.float32)).astype(np.int64)


def reassociated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    shift = float(1 << 31)  # as Strassen's products of sums do, it needs more than 53 bits on the way
    return ((a + shift) @ b.T - shift * b.sum(axis=1)).astype(np.int64)


@pytest.mark.parametrize("wrong", [in_single, reassociated])
def test_arithmetic_that_rounds_is_found(wrong, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    assert not is_exact(wrong, 40)
    monkeypatch.setattr(selftest, "blas_product", wrong)
    assert selftest.product.__wrapped__() is integer_product
