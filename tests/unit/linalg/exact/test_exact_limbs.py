"""Products of whole matrices in BLAS against Python's integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.linalg.doubledouble import from_fraction
from gramian.linalg.exact import limbs as module
from gramian.linalg.exact.limbs import from_limbs, limbs_of, to_limbs
from gramian.linalg.exact.products import ExactGram, pairs

EDGES = [0, 1, -1, 2**15 - 1, 2**15, -(2**15), -(2**15) - 1, 2**16 - 1, 2**16, 2**63, -(2**63), 2**400, -(2**400) - 1]


def whole(rows: int, columns: int, numbers: list[int]) -> np.ndarray:
    out = np.empty(rows * columns, object)
    out[:] = numbers
    return out.reshape(rows, columns)


@given(data=st.data())
def test_products_are_exact(data: st.DataObject) -> None:
    k, width, m = (data.draw(st.integers(0, 4)) for _ in range(3))
    bits = data.draw(st.sampled_from([1, 15, 16, 17, 64, 300]))
    number = st.one_of(st.sampled_from(EDGES), st.integers(-(2**bits), 2**bits))
    A, B = (
        whole(*shape, data.draw(st.lists(number, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1])))
        for shape in ((k, width), (width, m))
    )
    truth = [[sum(A[i, t] * B[t, j] for t in range(width)) for j in range(m)] for i in range(k)]
    assert limbs_of(A).times(B).tolist() == truth
    np.testing.assert_array_equal(from_limbs(to_limbs(A).astype(np.int64)), A)


def test_sums_too_long_for_float64_are_formed_in_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    A = whole(2, 3, [2**200 - 1, -(2**199), 7, 2**16 - 1, 0, -1])
    known = limbs_of(A).times(A.T.copy())
    monkeypatch.setattr(module, "MAX_TERMS", 2)
    assert limbs_of(A).times(A.T.copy()).tolist() == known.tolist() == A.dot(A.T).tolist()


def test_the_largest_limbs_fill_a_float64_and_no_more() -> None:
    A = whole(1, 3000, [2**256 - 1] * 3000)
    assert limbs_of(A).times(A.T.copy()).tolist() == [[3000 * (2**256 - 1) ** 2]]


@pytest.mark.parametrize("exponent", [0, -300, -2500])
@pytest.mark.parametrize("units", [(1, 1, 1), (1, 10, 1000)])
def test_products_as_pairs_are_rounded_once(exponent: int, units: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    W = whole(5, 3, [int(v) ** 5 for v in rng.integers(-(2**50), 2**50, 15)])
    gram = ExactGram(W.T.dot(W), exponent, units)
    found = pairs(gram)
    for i in range(3):
        for j in range(3):
            assert (found.hi[i, j], found.lo[i, j]) == from_fraction(gram.fraction(i, j))
            assert isinstance(gram.fraction(i, j), Fraction)
