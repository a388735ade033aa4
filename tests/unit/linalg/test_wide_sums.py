"""Sums of wide blocks: in place, one triangle, mirrored in the end; and how much memory a wide fit takes."""

from __future__ import annotations

import tracemalloc
from typing import Literal

import numpy as np
import pytest

import gramian as gm
from gramian.batch import even_rows
from gramian.linalg.certificate import absolute_sums
from gramian.linalg.monomials import choose_coordinate, surely_identity
from gramian.linalg.self_products import by_columns, mirror_upper
from gramian.linalg.symmetric_update import add_to_upper


@pytest.mark.parametrize("order", ["C", "F"])
def test_products_are_added_to_one_triangle_of_a_part(order: Literal["C", "F"]) -> None:
    A = np.asarray(np.random.default_rng(1).standard_normal((500, 200)), order=order)
    out = np.ones((203, 203))
    assert add_to_upper(A, out[1:201, 1:201])
    mirror_upper(out)
    assert np.allclose(out[1:201, 1:201], 1.0 + A.T @ A, rtol=1e-12, atol=1e-12)
    assert (out == out.T).all()
    assert (out[[0, 201, 202]] == 1.0).all()


@pytest.mark.parametrize("A", [np.ones((9, 4), np.float32), np.ones((9, 8))[:, ::2], np.ones((9, 4))[::-1]])
def test_what_blas_cannot_read_is_left_to_numpy(A: np.ndarray) -> None:
    out = np.zeros((4, 4))
    assert not add_to_upper(A, out)
    assert not out.any()


def test_tiles_cover_the_whole() -> None:
    A = np.random.default_rng(2).standard_normal((300, 300))
    assert (by_columns(A) == A).all()
    assert by_columns(A).flags.f_contiguous
    assert (absolute_sums(A) == np.abs(A).sum(axis=0)).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_wide_fit_is_that_of_numpy_and_leaves_out_rows_that_are_not_finite(order: Literal["C", "F"]) -> None:
    rng = np.random.default_rng(3)
    X = np.asarray(rng.standard_normal((3_000, 420)), order=order)
    y = X[:, :7].sum(axis=1) + rng.standard_normal(3_000)
    X[11, 3], X[2_000, 5] = np.nan, np.inf
    fit = gm.ols("y ~ X", {"X": X, "y": y})
    good = np.isfinite(X).all(axis=1)
    Z = np.column_stack([np.ones(good.sum()), X[good]])
    assert fit.rows == 2_998
    assert np.allclose(fit.coefficients, np.linalg.lstsq(Z, y[good], rcond=None)[0], rtol=0, atol=1e-11)


def test_a_wide_fit_has_the_same_bits_for_any_number_of_threads() -> None:
    X = np.random.default_rng(4).standard_normal((24_000, 500))
    data = {"X": X, "y": X[:, 0] ** 2}
    one, two = (gm.ols("y ~ X", data, engine=gm.Local(threads=k)).coefficients for k in (1, 2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize(
    ("rows", "most", "pieces"), [(20_000, 4_194, 8), (100_000, 27_868, 4), (500, 1_024, 1), (0, 9, 1)]
)
def test_pieces_are_even_and_a_power_of_two(rows: int, most: int, pieces: int) -> None:
    step = even_rows(rows, most)
    assert step <= most
    assert max(-(-rows // step), 1) == pieces


@pytest.mark.parametrize("mean", [0.0, 0.5, 0.9, 1.1, 3.0])
@pytest.mark.parametrize("unit", [1.0, 1e-15, 1e15, 1e-25, 1e25, 0.0])
def test_columns_that_surely_stay_are_left_by_the_choice_of_a_shift(mean: float, unit: float) -> None:
    A = (np.random.default_rng(5).standard_normal((400, 6)) + mean) * unit
    if surely_identity(A):
        assert all(choose_coordinate(a, products=False).is_identity for a in A.T)
    assert surely_identity(A) == (mean < 0.9 and 1e-15 <= unit <= 1e15)


def test_a_wide_fit_takes_less_than_five_times_the_memory_of_its_products() -> None:
    columns, rows = 1_500, 3_600
    rng = np.random.default_rng(6)
    X = rng.standard_normal((rows, columns))
    data = {"X": X, "y": X.sum(axis=1) + rng.standard_normal(rows)}
    gm.ols("y ~ X", {name: values[:50, :3] if name == "X" else values[:50] for name, values in data.items()})  # imports
    tracemalloc.start()
    try:
        fit = gm.ols("y ~ X", data, digits=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fit.passes == 1
    # one of the six is counted, but never taken from the machine: low parts of products that are zero
    assert peak < 6 * 8 * columns**2
