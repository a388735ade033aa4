"""Digits by the kernel: those of NumPy to the last bit, and the same rows that do not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gramian.kernels import library as libraries
from gramian.kernels.exact import MAX_ROWS, MAX_SUM_ROWS
from gramian.linalg.exact import compiled, digits, sums
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
        vectors = list(values) if seed % 4 else list(np.asfortranarray(values))
        marked = slice_in_place(vectors, lows, bits, found)
        assert marked is not None
        assert np.array_equal(marked, wrong), name
        assert (found == expected)[:, :, ~wrong].all(), name
        assert np.isnan(buffer[:, m:]).all()


def test_what_numpy_does() -> None:
    ones, out = [np.ones(3)], np.empty((2, 1, 3))
    assert slice_in_place(ones, np.array([-1060]), np.array([30]), out) is None  # 2^1060 is no number
    assert slice_in_place([np.ones(3, ">f8")], np.array([-20]), np.array([30]), out) is None
    assert slice_in_place(ones, np.array([-900]), np.array([900]), np.empty((41, 1, 3))) is None


COLUMNS = "abcdefghij"
REQUESTED = RequestedSums(
    (CONSTANT, *(((name, 1),) for name in COLUMNS)), (CONSTANT, *(((name, 1),) for name in COLUMNS)), (), ()
)


def columns(seed: int) -> dict[str, np.ndarray]:
    """Columns of some magnitudes, some of them whole numbers, and rows that do not fit."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((int(rng.integers(1, 300)), len(COLUMNS))) * 2.0 ** rng.integers(-300, 300, len(COLUMNS))
    A[:, 1] = rng.integers(-(2**40), 2**40, len(A))
    A[:, 2] = np.round(A[:, 0] * 2.0**-300)
    A[:, 3] = 2.0**23 - 1.0  # the largest digit of every kind
    A[:, 4] = 2.0**47 - 2.0**23 - 1.0
    if seed % 2:
        A.flat[rng.integers(0, A.size, 5)] = [np.nan, np.inf, -np.inf, 1e300, 5e-324]
    return dict(zip(COLUMNS, A.T if seed % 3 else np.ascontiguousarray(A.T), strict=True))


def summed(values: dict[str, np.ndarray], share: float) -> tuple[bytes, bytes, bool]:
    """Planes of the sums of products over rows that fit, which do not, and whether the kernel made them."""
    plan = make_plan(REQUESTED, values, share)
    block = sums.BlockSums(REQUESTED, plan)
    with np.errstate(all="ignore"):
        wrong = np.zeros(0, np.bool_)
        for start in range(0, len(values["a"]), ROWS):
            part = {name: x[start : start + ROWS] for name, x in values.items()}
            here = block.slice(part)
            block.add({}, {}, None, here)
            wrong = np.append(wrong, here)
    fits = [np.where(wrong, 0.0, x) for x in (np.ones(len(wrong)), *values.values())]
    exact = np.array([integers(x) for x in fits])
    total = block.take().dense
    assert np.array_equal(total.integers(-4000), exact @ exact.T << 4000 - 2 * SHIFT)
    return total.digits.tobytes(), wrong.tobytes(), plan.compiled is not None


SHIFT = 1200


def integers(values: np.ndarray) -> list[int]:
    """Values 2^SHIFT, exactly."""
    ratios = (x.as_integer_ratio() for x in values.tolist())
    return [number * (2**SHIFT // denominator) for number, denominator in ratios]


@pytest.mark.parametrize("seed", range(12))
def test_products_are_those_of_integers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = columns(seed)
    share = 0.0 if seed % 4 == 0 else 0.02
    found = set()
    for name in libraries.available():
        monkeypatch.setattr(sums, "library", lambda name=name: libraries.load(name))
        found.add(summed(values, share))
    assert len(found) == 1
    monkeypatch.setattr(compiled, "library", lambda: None)
    assert not summed(values, share)[2]  # by shorter digits: other rows may fit, but what is summed is exact, too


def test_most_rows_of_a_call_with_the_largest_digits() -> None:
    largest = np.full(MAX_ROWS, 2.0**47 - 1.0)
    values = {name: largest * (-1.0) ** (i // 2) for i, name in enumerate(COLUMNS)}
    plan = make_plan(REQUESTED, values, 0.0)
    assert plan.compiled is not None
    assert plan.block == MAX_ROWS
    block, wrong = sums.BlockSums(REQUESTED, plan), np.zeros(MAX_ROWS, np.bool_)
    rows = 0
    while not block.full:
        assert not block.slice(values).any()
        block.add({}, {}, None, wrong)
        rows += MAX_ROWS
    assert rows == MAX_SUM_ROWS
    total = block.take().dense.integers(0)
    assert total[1, 1] == rows * (2**47 - 1) ** 2
    assert total[1, 3] == -total[1, 1]
    assert total[0, 1] == rows * (2**47 - 1)


def test_which_sums_the_kernel_makes_at_once() -> None:
    values = {name: np.arange(5.0) for name in COLUMNS}
    assert make_plan(REQUESTED, values, 0.0).compiled is not None
    assert make_plan(REQUESTED, values | {"b": np.arange(5)}, 0.0).compiled is None
    for changed in (
        {"left": REQUESTED.left[:-1]},
        {"unweighted": ((("a", 1),),)},
        {"tables": ((("f",), (CONSTANT,)),)},
        {"left": (*REQUESTED.left, (("a", 2),)), "right": (*REQUESTED.right, (("a", 2),))},
    ):
        assert make_plan(replace(REQUESTED, **changed), values, 0.0).compiled is None
