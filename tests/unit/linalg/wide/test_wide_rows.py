"""Pieces of wide rows: nothing is copied, and sums do not depend on who adds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse import random as random_sparse

import gramian as gm
from gramian.engines.local import Local
from gramian.linalg.doubledouble import pair
from gramian.linalg.wide import rows as wide_rows
from gramian.linalg.wide.compressed import rows_between, transpose
from gramian.linalg.wide.rows import Rows, pieces, product, transposed
from gramian.linalg.wide.spectrum import MIN_STEPS, start


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide_rows, "PIECE", 128)
    monkeypatch.setattr(wide_rows, "FULL", 1)


def matrix(seed: int = 1) -> csr_array:
    return csr_array(random_sparse(300, 20, density=0.2, random_state=seed))


def test_rows_and_the_transposed_are_views() -> None:
    X = matrix()
    some = rows_between(X, 10, 40)
    for view in (some, transpose(X), transpose(some)):
        assert np.shares_memory(view.data, X.data)
        assert np.shares_memory(view.indices, X.indices)
    np.testing.assert_array_equal(some.toarray(), X.toarray()[10:40])
    np.testing.assert_array_equal(transpose(some).toarray(), X.toarray()[10:40].T)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_pieces_are_all_of_the_rows(kind: Any, small: None) -> None:
    X, D, rng = matrix(), np.arange(600.0).reshape(300, 2), np.random.default_rng(2)
    X = csr_array((X.data, X.indices.astype(kind), X.indptr.astype(kind)), shape=X.shape)
    whole = Rows((D, X), (D * 1e-20, None), pair(rng.standard_normal(300)), pair(rng.uniform(1.0, 2.0, 300)))
    found = list(pieces(whole))
    assert len(found) > 4
    v, u = rng.standard_normal(22), rng.standard_normal(300)
    ends = np.cumsum([0, *(piece.rows for piece in found)])
    assert ends[-1] == 300
    np.testing.assert_array_equal(np.concatenate([product(piece, v) for piece in found]), product(whole, v))
    sums = sum(transposed(p, u[a:b]) for p, a, b in zip(found, ends[:-1], ends[1:], strict=True))
    np.testing.assert_allclose(sums, transposed(whole, u), rtol=0, atol=1e-9)  # 600 * 300 rounded in another order
    assert all(np.shares_memory(piece.parts[1].data, X.data) for piece in found)
    assert all(piece.parts[1].indices.dtype == np.int32 for piece in found)
    np.testing.assert_array_equal(np.concatenate([piece.low[0] for piece in found]), whole.low[0])
    np.testing.assert_array_equal(np.concatenate([piece.weight.hi for piece in found]), whole.weight.hi)


def test_the_same_bits_for_any_number_of_threads(small: None) -> None:
    X = matrix()
    data = {"X": X, "y": np.random.default_rng(3).standard_normal(300)}
    before = X.data.copy(), X.indices.copy(), X.indptr.copy()
    one, three = (gm.ols("y ~ X", data, solver="iterative", engine=Local(n)) for n in (1, 3))
    np.testing.assert_array_equal(one.coefficients, three.coefficients)
    np.testing.assert_array_equal(one.digits, three.digits)
    for left, was in zip((X.data, X.indices, X.indptr), before, strict=True):
        np.testing.assert_array_equal(left, was)


def test_an_iteration_goes_on_until_the_constant_has_its_digits() -> None:
    rng = np.random.default_rng(4)
    X = csr_array(50.0 + 1e-3 * rng.standard_normal((400, 10)))  # the constant is 50,000 deviations away
    y = X @ rng.standard_normal(10) + 1e-6 * rng.standard_normal(400)
    fit = gm.ols("y ~ X", {"X": X, "y": y}, solver="iterative")
    assert fit.digits.min() >= 8


def test_a_penalty_may_tell_all_there_is_to_know() -> None:
    values = np.linspace(1.0, 30.0, 200)
    run = start(len(values), 1e-15, floor=0.9)
    while not run.finished:
        run.advance(values * run.v)
    assert run.bound == 0.9
    assert len(run.diagonal) == MIN_STEPS
