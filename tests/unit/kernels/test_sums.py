"""Compiled sums: the same bits from every instruction set and memory order, and errors within those of their sums."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.kernels import residuals, sums
from gramian.kernels.library import Library, available, load
from gramian.kernels.sums import Part
from gramian.linalg.doubledouble import Pair, quick_two_sum, two_sum
from gramian.typing import Matrix

EPS = 2.0**-53
HEIGHTS = (0, 1, 127, 128, 129, 1000)
WIDTHS = (1, 2, 7, 8, 9, 23, 24, 25, 50, 111)


def normal(n: int, p: int) -> Matrix:
    return np.random.default_rng([n, p]).standard_normal((n, p)) + 0.5


def products(library: Library, *parts: Matrix) -> Matrix:
    return sums.self_products(library, [Part(part) for part in parts])


def laid_out(A: Matrix) -> dict[str, Matrix]:
    return {
        "rows": A,
        "columns": np.asfortranarray(A),
        "every other column": np.repeat(A, 2, axis=1)[:, ::2],
        "every other row": np.repeat(A, 2, axis=0)[::2],
        "rows turned round": A[::-1].copy()[::-1],
        "columns turned round": np.asfortranarray(A[:, ::-1])[:, ::-1],
    }


@pytest.mark.parametrize("n", HEIGHTS)
@pytest.mark.parametrize("p", WIDTHS)
def test_products_have_the_same_bits_everywhere(n: int, p: int, compiled: Library, reference: Library) -> None:
    A = normal(n, p)
    expected = products(reference, A)
    assert np.array_equal(expected, expected.T)
    for name, B in laid_out(A).items():
        assert np.array_equal(products(compiled, B), expected), name


@pytest.mark.parametrize("p", [200, 399, 400])
def test_wide_products_have_the_same_bits_everywhere(p: int, compiled: Library, reference: Library) -> None:
    A = normal(129, p)
    expected = products(reference, A)
    for B in (A, np.asfortranarray(A)):
        assert np.array_equal(products(compiled, B), expected)


@given(cuts=st.lists(st.integers(0, 30), max_size=4), n=st.integers(0, 300))
def test_columns_may_come_from_several_arrays(cuts: list[int], n: int) -> None:
    A = normal(n, 30)
    edges = [0, *sorted(cuts), 30]
    for name in available():
        library = load(name)
        assert library is not None
        parts = [np.asfortranarray(A[:, a:b]) if i % 2 else A[:, a:b] for i, (a, b) in enumerate(pairwise(edges))]
        assert np.array_equal(products(library, *parts), products(library, A))


@pytest.mark.parametrize("n", [1, 129, 2000])
def test_the_error_of_a_product_is_that_of_a_short_sum(n: int, compiled: Library) -> None:
    A = normal(n, 3) * np.logspace(-8.0, 8.0, 3)
    found = products(compiled, A)
    exact = np.array([[sum(map(Fraction.__mul__, map(Fraction, a), map(Fraction, b))) for a in A.T] for b in A.T])
    size = np.abs(A).T @ np.abs(A)
    # a chain of 128 roundings, one more for the sum of the blocks, whose own errors are kept
    assert (np.abs((found.astype(object) - exact).astype(float)) <= (min(n, 128) + 2) * EPS * size).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("row", [0, 127, 128, 300])
def test_what_is_not_finite_reaches_the_diagonal_of_its_column(bad: float, row: int, compiled: Library) -> None:
    for at in (0, 7, 8, 17, 29):
        A = np.ones((301, 30))
        A[row, at] = bad
        for B in (A, np.asfortranarray(A)):
            diagonal = products(compiled, B).diagonal()
            assert not np.isfinite(diagonal[at])
            assert (np.delete(diagonal, at) == 301.0).all()


def test_memory_for_the_result_is_used_where_it_fits(compiled: Library) -> None:
    A = normal(50, 6)
    for out in (np.empty((6, 6)), np.empty((7, 7)), np.empty((6, 6)).T[::-1]):
        found = sums.self_products(compiled, [Part(A)], out)
        assert np.array_equal(found, products(compiled, A))
        assert (found is out) == (out.shape == (6, 6) and out.flags.c_contiguous)


def test_threads_do_not_disturb_each_other(compiled: Library) -> None:
    blocks = [normal(500, p) for p in range(1, 40)]
    alone = [products(compiled, A).tobytes() for A in blocks]
    for threads in (2, 3):
        with ThreadPoolExecutor(threads) as pool:
            assert alone == list(pool.map(lambda A: products(compiled, A).tobytes(), blocks))


def exact(values: np.ndarray) -> np.ndarray:
    return np.vectorize(Fraction, otypes=[object])(values)


@pytest.mark.parametrize("with_low", [False, True])
@pytest.mark.parametrize(("n", "p"), [(1, 1), (7, 3), (8, 8), (9, 17), (40, 5)])
def test_twofold_sums_are_those_of_twice_the_precision(n: int, p: int, with_low: bool, compiled: Library) -> None:
    A, v, w = normal(n, p), normal(p, 1)[:, 0], normal(n, 1)[:, 0]
    low = A * 2.0**-54 if with_low else None
    X = exact(A) + (exact(low) if low is not None else 0)
    size = np.abs(A)
    fraction_v, fraction_w = exact(v) + exact(v * 1e-17), exact(w) + exact(w * 1e-17)
    for (hi, lo), expected, reach in (
        (residuals.twofold_times(compiled, A, low, v, v * 1e-17), X @ fraction_v, size @ np.abs(v)),
        (residuals.twofold_products(compiled, A, low, w, w * 1e-17), X.T @ fraction_w, size.T @ np.abs(w)),
    ):
        error = np.abs((exact(hi) + exact(lo) - expected).astype(float))
        # errors of n products and n sums are added up in float64 (Ogita, Rump and Oishi, 2005)
        assert (error <= (3 * (n + p)) ** 2 * EPS**2 * reach).all()


@pytest.mark.parametrize("n", [0, 1, 7, 8, 255, 256, 257, 600])
@pytest.mark.parametrize("p", [1, 7, 8, 9, 21])
def test_twofold_sums_have_the_same_bits_everywhere(n: int, p: int, compiled: Library, reference: Library) -> None:
    A, v, w = normal(n, p), normal(p, 1)[:, 0], normal(n, 1)[:, 0]

    def bits(library: Library, A: Matrix, low: Matrix | None) -> bytes:
        times = residuals.twofold_times(library, A, low, v, v * 1e-17)
        products = residuals.twofold_products(library, A, low, w, w * 1e-17)
        return b"".join(part.tobytes() for part in (*times, *products))

    for low in (None, A * 1e-17):
        expected = bits(reference, A, low)
        for name, B in laid_out(A).items():
            assert bits(compiled, B, None if low is None else np.asfortranarray(low)) == expected, name


@pytest.mark.parametrize(("n", "p"), [(300, 523), (41, 1040)])
def test_twofold_sums_of_wide_rows_have_the_bits_of_columns(n: int, p: int, compiled: Library) -> None:
    A, v, w = normal(n, p), normal(p, 1)[:, 0], normal(n, 1)[:, 0]
    for rows, columns in (
        (residuals.twofold_times(compiled, B, None, v, v * 1e-17) for B in (A, np.asfortranarray(A))),
        (residuals.twofold_products(compiled, B, None, w, w * 1e-17) for B in (A, np.asfortranarray(A))),
    ):
        assert all(np.array_equal(a, b) for a, b in zip(rows, columns, strict=True))


@pytest.mark.parametrize("n", [1, 255, 256, 600])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_of_a_residual_are_those_of_its_parts(n: int, weighted: bool, compiled: Library) -> None:
    """r = A v + B w, then the products of W r with A, B and r: one call has the bits of one call for each."""
    A, B, (v, w, third) = normal(n, 13), normal(n, 2) * 3.0, (normal(k, 1)[:, 0] for k in (13, 2, n))
    low, weight = np.asfortranarray(B) * 1e-17, Pair(1.0 + third**2, third * 1e-17)
    h, small = residuals.twofold_times(compiled, B, low, w, w * 1e-17)
    rest, rest_small = residuals.twofold_times(compiled, A, None, v, v * 1e-17)
    hi, error = two_sum(h, rest)
    r = Pair(*quick_two_sum(hi, (small + error) + rest_small))
    wr = r * weight if weighted else r
    calls = ((B, low, wr), (A, None, wr), (wr.hi[:, None], wr.lo[:, None], r))
    expected = [residuals.twofold_products(compiled, X, X_low, *by) for X, X_low, by in calls]
    operands = [residuals.Operand(B, low, w, w * 1e-17), residuals.Operand(A, None, v, v * 1e-17)]
    found = residuals.residual_sums(compiled, operands, weight if weighted else None)
    for i in (0, 1):
        assert found[i].tobytes() == np.concatenate([part[i] for part in expected]).tobytes()


def test_what_can_be_read_in_place() -> None:
    A = np.ones((4, 3))
    assert sums.readable(A)
    assert sums.readable(A[::-2, ::2])
    assert sums.readable(A.astype(np.float32))
    assert not sums.readable(A.astype(np.float16))
    assert not sums.readable(A.astype(">f8"))
    packed = np.zeros(4, [("tag", "i4"), ("x", "f8", (3,))])["x"]  # not aligned
    assert not sums.readable(packed)


NUMBER_TYPES = (*sums.TYPES, "?")


@pytest.mark.parametrize("kind", NUMBER_TYPES)
def test_values_are_read_shifted_and_scaled_as_numpy_does(kind: str, compiled: Library, reference: Library) -> None:
    values = (np.random.default_rng(3).standard_normal((300, 5)) * 50.0).astype(np.dtype(kind))
    for shift, scale in ((0.0, 1.0), (0.1, 0.5), (3.0, 2.0**-9)):
        written = (values.astype(np.float64) - shift) * scale
        expected = products(reference, np.ones((300, 1)), written)
        for name, B in laid_out(values).items():
            found = sums.self_products(compiled, [Part(np.ones((300, 1))), Part(B, shift, scale)])
            assert np.array_equal(found, expected), name


@pytest.mark.parametrize("n", [1, 8, 130, 700])
def test_rows_may_be_chosen_and_weighted(n: int, compiled: Library, reference: Library) -> None:
    rng = np.random.default_rng(n)
    A, numbers, factors = normal(1000, 20), np.sort(rng.choice(1000, n, replace=False)), rng.random(n)
    expected = products(reference, A[numbers] * factors[:, None])
    for name, B in laid_out(A).items():
        parts = [Part(B[:, :7]), Part(B[:, 7:8]), Part(B[:, 8:])]
        found = sums.self_products(compiled, parts, numbers=numbers, factors=factors)
        assert np.array_equal(found, expected), name


@pytest.mark.parametrize("seed", range(30))
def test_columns_of_all_kinds_stand_beside_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, cuts = rng.integers(0, 300), rng.integers(0, 13, 4)
    A = rng.standard_normal((n, 12)).astype(np.float32).astype(np.float64)
    parts = []
    for a, b in pairwise([0, *sorted(cuts), 12]):
        values = A[:, a:b].astype(rng.choice(["f4", "f8"]))
        parts.append(Part(np.asfortranarray(values) if rng.random() < 0.5 else values))
    for name in available():
        library = load(name)
        assert library is not None
        assert np.array_equal(sums.self_products(library, parts), products(library, A))
