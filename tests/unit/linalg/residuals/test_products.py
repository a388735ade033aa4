"""Residuals by products of slices: X v, X'Wr and r'Wr against exact fractions, and the error that is left."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from gramian.kernels.library import library
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.monomials import Coordinate, Monomial
from gramian.linalg.products import ColumnGroup
from gramian.linalg.residuals import products as sliced_products
from gramian.linalg.residuals.double_double import LinearCombination, ResidualProducts, ResidualRows
from gramian.linalg.residuals.products import SlicedResidualProducts
from gramian.linalg.residuals.slices import SlicedColumns, slices_of_pair, vector_slices


@pytest.fixture(params=["as installed", "NumPy alone"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "NumPy alone":
        monkeypatch.setattr(sliced_products, "library", lambda: None)


@pytest.fixture
def numpy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliced_products, "library", lambda: None)


X1: Monomial = (("x", 1),)
X2: Monomial = (("x", 2),)
XZ: Monomial = (("x", 1), ("z", 1))
M1: Monomial = (("m", 1),)
Y: Monomial = (("y", 1),)
COORDINATES = {
    "x": Coordinate(3.1, 2),
    "z": Coordinate(-1e5, -3),
    "m": Coordinate(),
    "y": Coordinate(0.7),
}
SIZES = {"f": 3}


def exact(values: np.ndarray) -> np.ndarray:
    return np.array([Fraction(v) for v in values.tolist()], object)


def problem(n: int, seed: int, scale: float) -> tuple[list[ColumnGroup], Pair, ResidualRows]:
    rng = np.random.default_rng(seed)
    groups = [
        ColumnGroup((), np.zeros((1, 0), np.int64), ((), X1, X2, XZ, M1, Y), np.array([0, 1, 4, 5, 7, 8])),
        ColumnGroup(("f",), np.array([[1], [2]]), ((), X1), np.array([2, 3, 6, 9])),
    ]
    v = Pair(rng.standard_normal(10) * 10.0 ** rng.integers(-3, 3, 10), rng.standard_normal(10) * 1e-19)
    values = {"x": rng.standard_normal(n) + 3.0, "z": rng.standard_normal(n) - 1e5, "m": rng.standard_t(2, n) * scale}
    values["y"] = rng.standard_normal(n)
    weight = Pair(rng.random(n), rng.random(n) * 1e-18) if seed % 2 else None
    codes = {"f": rng.integers(0, 3, n)}
    y = Pair(values["y"], rng.standard_normal(n) * 1e-18)
    return groups, v, ResidualRows(n, values, values["m"][:, None], codes, "y", y, weight)


def in_fractions(v: Pair, rows: ResidualRows) -> tuple[np.ndarray, Fraction, np.ndarray]:
    """X'Wr, r'Wr and the columns of X, exactly."""
    u = {n: (exact(rows.values[n]) - Fraction(c.shift)) / Fraction(2) ** c.exponent for n, c in COORDINATES.items()}
    u["y"] = exact(rows.values["y"]) + exact(rows.response.lo) - Fraction(0.7)
    one, cell = np.array([Fraction(1)] * rows.rows, object), rows.codes["f"]
    first, second = (np.array([Fraction(int(c == k)) for c in cell], object) for k in (1, 2))
    x = u["x"]
    X = np.stack([one, x, first, first * x, x * x, x * u["z"], second, u["m"], u["y"], second * x], axis=1)
    r = X @ (exact(v.hi) + exact(v.lo))
    wr = r if rows.weight is None else r * (exact(rows.weight.hi) + exact(rows.weight.lo))
    return X.T @ wr, r @ wr, X


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1.0, 1e60, 1e-60])
def test_products_with_a_residual_keep_seventy_bits(seed: int, scale: float) -> None:
    groups, v, rows = problem(150, seed, scale)
    sums = SlicedResidualProducts(groups, v, SIZES, COORDINATES, ("m",))
    sums.rows = 64  # three blocks, the last one shorter
    sums.add(rows)
    products, square, X = in_fractions(v, rows)
    w = np.ones(rows.rows) if rows.weight is None else rows.weight.hi
    lengths = np.sqrt(w @ X.astype(float) ** 2)
    reach = float(lengths @ np.abs(v.hi))
    lost = float(np.sqrt(w.sum()) * sums.grid @ np.abs(v.hi)) * 2.0**-53 + reach * 2.0**-85
    for i in range(10):
        found = Fraction(float(sums.sums.hi[i])) + Fraction(float(sums.sums.lo[i]))
        bound = lengths[i] * lost + np.sqrt(w.sum()) * sums.grid[i] * np.sqrt(float(square)) * 2.0**-53
        assert abs(float(found - products[i])) <= 64.0 * bound
    found = Fraction(float(sums.square.hi[0])) + Fraction(float(sums.square.lo[0]))
    assert abs(float(found - square)) <= 64.0 * lost * np.sqrt(float(square)) + 2.0**-80 * float(square)


def test_compiled_products_lose_nothing() -> None:
    if library() is None:
        pytest.skip("no kernels are compiled here")
    groups, v, rows = problem(600, 1, 1.0)
    sums = SlicedResidualProducts(groups, v, SIZES, COORDINATES, ("m",))
    sums.add(rows)
    assert (sums.grid == 0.0).all()
    careful = ResidualProducts(LinearCombination(groups, v, SIZES, COORDINATES))
    careful.add(rows)
    assert rows.weight is not None
    _, _, X = in_fractions(v, rows)
    lengths = np.sqrt(rows.weight.hi @ X.astype(float) ** 2)
    reach = float(lengths @ np.abs(v.hi))  # of the summands of a residual, which is shorter
    error = 2.0 * (rows.rows + len(lengths)) ** 2 * 2.0**-106 * reach  # of each way: sums of products in two parts
    assert (np.abs((sums.sums - careful.sums).value) <= error * lengths).all()
    assert abs((sums.square - careful.square).value[0]) <= error * reach


@pytest.mark.usefixtures("numpy_alone")
def test_the_grid_is_fine_beside_the_values() -> None:
    groups, v, rows = problem(150, 0, 1.0)
    sums = SlicedResidualProducts(groups, v, SIZES, COORDINATES, ("m",))
    sums.add(rows)
    assert (sums.grid[[2, 3, 6, 9]] == 0.0).all()  # columns of cells are in double-double
    assert sums.grid[7] <= np.abs(rows.values["m"]).max() * 2.0**-20


@pytest.mark.parametrize("width", [1, 7, 300])
def test_products_of_high_slices_are_exact(width: int) -> None:
    rng = np.random.default_rng(width)
    A = rng.standard_normal((256, width)) * 10.0 ** rng.integers(-5, 5, width)
    columns = SlicedColumns(pair(rng.standard_normal(width) / np.abs(A).max(axis=0)), 256)
    columns.cut(A)
    assert (columns.high + columns.low == A).all()
    assert (np.abs(columns.low) <= columns.grid).all()
    leading, _ = columns.times()
    for weights, values in zip(columns.weights[:-1], leading[:-1], strict=True):
        assert Fraction(float(values[9])) == exact(columns.high[9]) @ exact(weights)


def test_a_coarser_grid_is_chosen_when_a_larger_value_comes() -> None:
    columns = SlicedColumns(pair(np.ones(1)), 64)
    columns.cut(np.ones((64, 1)))
    fine = columns.grid[0]
    columns.cut(np.full((64, 1), 1e6))
    assert columns.grid[0] > fine * 1e5
    assert columns.times()[0][0].sum() + columns.times()[0][1].sum() == pytest.approx(64e6, rel=1e-15)


def test_slices_of_a_vector_add_up_to_it() -> None:
    v = np.random.default_rng(5).standard_normal(100) * 1e-200
    assert (sum(vector_slices(v, 22, 3)) == v).all()
    assert (vector_slices(np.zeros(3), 22, 2)[0] == 0.0).all()
    assert slices_of_pair(pair(v), 22).sum(axis=0) == pytest.approx(v, rel=1e-15)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("in_matrix", [(), ("m",)])
def test_a_column_may_stand_in_several_places(in_matrix: tuple[str, ...]) -> None:
    groups, _, rows = problem(300, 4, 1.0)
    groups = [groups[0], ColumnGroup((), np.zeros((1, 0), np.int64), ((), X1, M1), np.array([2, 3, 6]))]
    rng = np.random.default_rng(9)
    v = Pair(rng.standard_normal(9), rng.standard_normal(9) * 1e-19)
    sums = SlicedResidualProducts(groups, v, {}, COORDINATES, in_matrix)
    expected = ResidualProducts(LinearCombination(groups, v, {}, COORDINATES))
    for products in (sums, expected):
        products.add(rows)
    length = np.sqrt(expected.square.value * 300)
    np.testing.assert_allclose(sums.square.value, expected.square.value, rtol=1e-14)
    np.testing.assert_allclose(sums.sums.value, expected.sums.value, rtol=1e-14, atol=1e-14 * float(length[0]))
