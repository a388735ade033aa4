"""Exact sums against fractions, on values chosen to break them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.linalg.exact.rational import CELLS, LARGEST, PLAIN, POWERS, columns, exactly, products, sums_of, told

from gramian.linalg.exact.accumulator import ExactAccumulator
from gramian.linalg.factors.cell_accumulator import CellAccumulator
from gramian.linalg.monomials import monomial

RNG = np.random.default_rng(7)


@given(data=columns())
def test_products_are_those_of_fractions(data: dict[str, np.ndarray]) -> None:
    assert told(sums_of(PLAIN, data).dense) == products(PLAIN, data)


@given(data=columns(12))
def test_powers_are_formed_exactly(data: dict[str, np.ndarray]) -> None:
    assert told(sums_of(POWERS, data).dense) == products(POWERS, data)


@given(data=columns(12), seed=st.integers(0, 2**32 - 1))
def test_weights_and_counts_multiply_exactly(data: dict[str, np.ndarray], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = len(data["x"])
    weight, count = rng.uniform(0.1, 3.0, rows), rng.integers(1, 9, rows).astype(float)
    both = [a * b for a, b in zip(exactly(weight), exactly(count), strict=True)]
    moments = sums_of(PLAIN, data, weight=weight, count=count)
    assert told(moments.dense) == products(PLAIN, data, both)
    assert moments.rows == int(count.sum())
    assert moments.weight == sum(both)


KINDS = {
    "normal": lambda n: RNG.standard_normal(n),
    "wild": lambda n: RNG.standard_normal(n) * 10.0 ** RNG.integers(-300, 300, n),
    "heavy tails": lambda n: RNG.standard_cauchy(n),
    "growing": lambda n: np.exp(np.arange(n) / 8.0),
    "denormals": lambda n: RNG.integers(-9, 9, n) * 5e-324,
    "largest": lambda n: np.where(np.arange(n) % 2, LARGEST, -LARGEST),
    "squares beyond float64": lambda n: RNG.standard_normal(n) * 1e200,
    "large integers": lambda n: RNG.integers(-(2**63), 2**63 - 1, n),
    "one outlier": lambda n: np.where(np.arange(n) == n // 2, 1e250, RNG.standard_normal(n)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_many_blocks(kind: str) -> None:
    rows = 5000
    data = {"x": KINDS[kind](rows), "z": RNG.integers(0, 2, rows).astype(bool), "~y": RNG.standard_normal(rows)}
    x, y = exactly(data["x"]), exactly(data["~y"])
    dense = sums_of(PLAIN, data).dense
    assert dense.fraction(1, 1) == sum(v * v for v in x)
    assert dense.fraction(1, 3) == sum(v * w for v, w in zip(x, y, strict=True))
    assert dense.fraction(1, 2) == sum(v for v, one in zip(x, data["z"], strict=True) if one)


@given(data=columns(25), seed=st.integers(0, 2**32 - 1))
def test_sums_over_cells(data: dict[str, np.ndarray], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = len(data["x"])
    codes = {"f": rng.integers(0, 3, rows), "g": rng.integers(0, 2, rows)}
    accumulator = ExactAccumulator(CELLS)
    accumulator.add(data, codes, {"f": 3, "g": 2})
    moments = accumulator.finish({"f": ["c", "a", "b"], "g": ["u", "v"]})
    exact = {v: exactly(a) for v, a in data.items()}
    for factors, monomials in CELLS.tables:
        table = moments.tables[factors]
        names = [["cab"[c] if f == "f" else "uv"[c] for c in codes[f]] for f in factors]
        for at, cell in enumerate(table.cells.tolist()):
            wanted = tuple(moments.levels[f][c] for f, c in zip(factors, cell, strict=True))
            inside = [i for i in range(rows) if tuple(column[i] for column in names) == wanted]
            assert table.rows[at] == len(inside) > 0
            for k, m in enumerate(monomials):
                truth = Fraction(0)
                for i in inside:
                    part = Fraction(1)
                    for variable, power in m:
                        part *= exact[variable][i] ** power
                    truth += part
                assert table.sums.fraction(at, k) == truth


def test_power_sums_have_no_weights() -> None:
    data = {"x": RNG.standard_normal(50), "z": RNG.standard_normal(50), "~y": RNG.standard_normal(50)}
    weight, count = RNG.uniform(1, 2, 50), RNG.integers(1, 4, 50).astype(float)
    accumulator = ExactAccumulator(PLAIN, {"x": 4}, weighted=True, counted=True)
    accumulator.add(data, {}, {}, weight=weight, count=count)
    moments = accumulator.finish({})
    for power in range(5):
        truth = sum(c * v**power for v, c in zip(exactly(data["x"]), exactly(count), strict=True))
        assert moments.power_sums("x", 4)[power] == truth
        assert moments.unweighted.fraction(moments.singles.index(monomial({"x": power}))) == truth


def test_rows_that_are_not_finite_are_counted_by_column_and_kind() -> None:
    data = {"x": np.array([1.0, np.nan, np.inf, 2.0]), "z": np.array([1.0, -np.inf, 1.0, 1.0]), "~y": np.ones(4)}
    accumulator = ExactAccumulator(PLAIN)
    assert accumulator.add(data, {}, {}).tolist() == [1, 2]
    moments = accumulator.finish({})
    assert moments.not_finite == {"x": (1, 1, 0), "z": (0, 0, 1)}
    assert (moments.rows, moments.dropped_rows) == (2, 2)
    assert moments.dense.fraction(1, 1) == 5


def test_blocks_with_and_without_counts_wait_together() -> None:
    for counts in ([None, np.array([0.0, 1.0])], [np.array([0.0, 1.0]), None]):
        table = CellAccumulator(2, 1)
        for count in counts:
            codes = [np.array([0, 1]), np.array([1, 0])]
            table.add(codes, [2, 2], lambda i: np.array([1.0, 2.0]), count)
        assert table.finish().rows.tolist() == [1, 2]
