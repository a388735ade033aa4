"""Products of a block's columns: the same sums whichever way they are formed."""

from __future__ import annotations

import numpy as np
import pytest

from gramian.linalg import self_products as module
from gramian.linalg.self_products import PANEL_WIDTHS, STACK_ROWS, self_products
from gramian.typing import Matrix

HEIGHTS = (0, 1, STACK_ROWS - 1, STACK_ROWS, STACK_ROWS + 1, 4 * STACK_ROWS, 5 * STACK_ROWS + 37)
COUNTS = (1, PANEL_WIDTHS.start - 1, PANEL_WIDTHS.start, 32, 33, 48, 50, PANEL_WIDTHS.stop - 1, PANEL_WIDTHS.stop)


@pytest.fixture(params=["as installed", "NumPy alone"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "NumPy alone":
        monkeypatch.setattr(module, "library", lambda: None)


def laid_out(A: Matrix) -> dict[str, Matrix]:
    """The same numbers in other places of the memory."""
    return {
        "rows contiguous": A,
        "columns contiguous": np.asfortranarray(A),
        "every other column": np.repeat(A, 2, axis=1)[:, ::2],
        "every other row": np.repeat(A, 2, axis=0)[::2],
        "rows turned round": A[::-1].copy()[::-1],
    }


@pytest.mark.parametrize("p", COUNTS)
@pytest.mark.parametrize("n", HEIGHTS)
def test_whole_numbers_are_summed_exactly(n: int, p: int) -> None:
    A = np.random.default_rng(1).integers(-9, 10, (n, p))
    for name, block in laid_out(A.astype(np.float64)).items():
        found = self_products(block)
        assert np.array_equal(found, A.T @ A), name
        assert found.shape == (p, p), name


@pytest.mark.parametrize("p", COUNTS)
def test_rounding_is_that_of_a_sum_and_symmetric(p: int) -> None:
    n = 5 * STACK_ROWS + 37
    A = np.random.default_rng(2).standard_normal((n, p)) * np.logspace(-8.0, 8.0, p)
    found = self_products(A)
    exact = np.array([[np.multiply(a, b, dtype=np.longdouble).sum() for a in A.T] for b in A.T])
    size = np.abs(A).T @ np.abs(A)
    assert np.array_equal(found, found.T)
    assert (np.abs(found - exact) <= n * np.finfo(float).eps / 2 * size).all()  # n u bounds any order of adding


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("row", [0, 3 * STACK_ROWS])
def test_what_is_not_finite_reaches_the_diagonal(bad: float, row: int) -> None:
    for at in (0, 17, 49):
        A = np.ones((3 * STACK_ROWS + 5, 50))
        A[row, at] = bad
        with np.errstate(invalid="ignore"):
            diagonal = self_products(A).diagonal()
        assert not np.isfinite(diagonal[at])
        assert np.isfinite(np.delete(diagonal, at)).all()


def test_rows_that_overlap_in_memory() -> None:
    series = np.random.default_rng(3).integers(-9, 10, 3 * STACK_ROWS + 60).astype(np.float64)
    lags = np.lib.stride_tricks.sliding_window_view(series, 50)
    assert np.array_equal(self_products(lags), lags.copy().T @ lags.copy())
