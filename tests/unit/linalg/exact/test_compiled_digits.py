"""Digits by the kernel: those of NumPy to the last bit, and the same rows that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from gramian.kernels import library as libraries
from gramian.linalg.exact import digits, sums
from gramian.linalg.exact.digits import DIGIT, ROWS, slice_floats, slice_in_place
from gramian.linalg.exact.plan import RequestedSums, make_plan
from gramian.linalg.monomials import CONSTANT

pytestmark = pytest.mark.skipif(libraries.library() is None, reason="no kernels here")


@pytest.mark.parametrize("seed", range(40))
def test_digits_are_those_of_numpy(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    n, k, m = int(rng.integers(1, 7)), int(rng.integers(1, 12)), int(rng.integers(1, 700))
    values = rng.standard_normal((k, m)) * 2.0 ** rng.integers(-40, 40, (k, 1))
    if seed % 2:
        values = np.round(values * 2.0**10) / 2.0**10
    if seed % 3 == 0:
        values.flat[rng.integers(0, k * m, 5)] = [np.nan, np.inf, -np.inf, 1e300, 5e-324]
    lows, bits = rng.integers(-60, -20, k), np.full(k, n * DIGIT - 1 - rng.integers(0, DIGIT))
    expected, buffer = np.empty((n, k, m)), np.full((n * k, ROWS), np.nan)
    found = buffer[:, :m].reshape(n, k, m)
    with np.errstate(all="ignore"):
        wrong = slice_floats(values.copy(), lows, bits, expected)
    for name in libraries.available():
        monkeypatch.setattr(digits, "library", lambda name=name: libraries.load(name))
        columns = list(values) if seed % 4 else list(np.asfortranarray(values))
        marked = slice_in_place(columns, lows, bits, found)
        assert marked is not None
        assert np.array_equal(marked, wrong), name
        assert (found == expected)[:, :, ~wrong].all(), name
        assert np.isnan(buffer[:, m:]).all()


def test_what_numpy_does() -> None:
    ones, out = [np.ones(3)], np.empty((2, 1, 3))
    assert slice_in_place(ones, np.array([-1060]), np.array([30]), out) is None  # 2^1060 is no number
    assert slice_in_place([np.ones(3, ">f8")], np.array([-20]), np.array([30]), out) is None
    assert slice_in_place(ones, np.array([-900]), np.array([900]), np.empty((41, 1, 3))) is None


def test_sums_of_products_of_digits_are_those_of_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    values = {name: rng.standard_normal(ROWS) * 2.0 ** rng.integers(-9, 9, ROWS) for name in "abc"}
    monomials = (CONSTANT, *(((name, 1),) for name in "abc"))
    requested = RequestedSums(monomials, monomials, (), ())
    plan = make_plan(requested, values, 0.0)
    found = []
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr(sums, "products_of_parts", lambda parts: None)
        block = sums.BlockSums(requested, plan)
        wrong = block.slice(values)
        assert not wrong.any()
        block.add({}, {}, None, wrong)
        found.append(block.products.copy())
    assert np.array_equal(*found)
