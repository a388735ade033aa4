"""Products of columns that are read in place: the bits of those that are written first, and the same rows left out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

import gramian as gm
from gramian.errors import DataError, NumericalError
from gramian.fit.passes import accumulate
from gramian.fit.passes.accumulate import UnitAccumulator
from gramian.kernels.library import library
from gramian.linalg.columns import Layout
from gramian.linalg.in_place import in_place
from gramian.linalg.monomials import Coordinate

N = 5000
pytestmark = pytest.mark.skipif(library() is None, reason="no kernels here")


def data(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, 9))
    return {
        "X": X,
        "F": X.astype(np.float32),
        "K": rng.integers(-3, 4, (N, 4)).astype(np.int16),
        "Z": X + 100.0,  # columns with a shift are not summed as one matrix, but read together
        "a": (X[:, 0] * 50).astype(np.int32),
        "b": X[:, 1].astype(np.float32) + 7.0,
        "c": np.repeat(X[:, 2] * 1e-30, 2)[::2],
        "y": X.sum(axis=1) + rng.standard_normal(N) + 3.0,
        "w": rng.random(N) + 0.5,
        "k": rng.integers(1, 4, N),
    }


FORMULAS: dict[str, Mapping[str, str]] = {
    "y ~ X": {},
    "y ~ Z": {},
    "y ~ F": {},
    "y ~ K": {},
    "y ~ F + a": {},
    "y ~ a + b + c": {},
    "y ~ Z + a + offset(b)": {},
    "y ~ X + a - 1": {"weights": "w"},
    "y ~ Z + a": {"weights": "w", "counts": "k"},
    "y ~ 1": {},
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_bits_are_those_of_written_columns(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    directly = gm.gram(formula, data(), **FORMULAS[formula])
    written: list[int] = []

    class Writing(UnitAccumulator):
        in_place = None

        def __init__(self, *args: object, **options: object) -> None:
            # a block of all rows: the kernel adds the sums of 128 rows without rounding within a block
            super().__init__(*args, **options, height=N)  # type: ignore[arg-type]
            written.append(1)

    monkeypatch.setattr(accumulate, "LinearAccumulator", Writing)
    by_blocks = gm.gram(formula, data(), **FORMULAS[formula])
    assert written
    assert directly.gram_data.moments.dense.tobytes() == by_blocks.gram_data.moments.dense.tobytes()
    assert directly.gram_data.moments.rows == by_blocks.gram_data.moments.rows
    assert directly.gram_data.moments.log_weight == by_blocks.gram_data.moments.log_weight


@pytest.mark.parametrize(("outcome", "family"), [("y", "gaussian"), ("hit", "binomial")])
@pytest.mark.parametrize("name", ["F", "K"])
def test_a_matrix_of_another_type_gives_the_bits_of_float64(name: str, outcome: str, family: str) -> None:
    plain = data()
    plain["hit"] = (plain["y"] > 3.0).astype(float)
    formula, converted = f"{outcome} ~ {name}", plain | {name: plain[name].astype(np.float64)}
    found, expected = (gm.glm(formula, d, family=family) for d in (plain, converted))
    assert found.coefficients.tobytes() == expected.coefficients.tobytes()
    assert gm.ols(formula, plain).coefficients.tobytes() == gm.ols(formula, converted).coefficients.tobytes()


@pytest.mark.parametrize("formula", ["y ~ X", "y ~ Z + a", "y ~ b", "y ~ F"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_left_out(formula: str, bad: float) -> None:
    spoiled = data()
    spoiled["y"] = spoiled["y"].copy()
    spoiled["y"][[3, 4000]] = bad
    spoiled["X"][17, 8] = spoiled["Z"][17, 0] = spoiled["b"][17] = spoiled["F"][17, 2] = bad
    kept = np.setdiff1d(np.arange(N), [3, 17, 4000])
    found = gm.ols(formula, spoiled, na="drop")
    expected = gm.ols(formula, {name: values[kept] for name, values in data().items()})
    assert found.rows == N - 3
    assert np.allclose(found.coefficients, expected.coefficients, rtol=1e-9, atol=1e-12)
    with pytest.raises(DataError, match="row 4: 'y' is not finite"):
        gm.ols(formula, spoiled, na="raise")


def test_products_that_overflow_are_refused() -> None:
    X = np.random.default_rng(0).standard_normal((10_000, 2))
    X[9_999, 1] = 1e200  # behind the rows that choose the scale
    with pytest.raises(NumericalError, match="overflow"):
        gm.ols("y ~ X", {"X": X, "y": X[:, 0].copy()})


def test_what_is_written_first() -> None:
    plain = {name: Coordinate() for name in ("x", "z", "~y")}
    constant, x, z = (), (("x", 1),), (("z", 1),)
    assert in_place(Layout((constant, x, z), ("~y",), ()), plain, ()) is not None
    for layout in (
        Layout((constant, x, (("x", 2),)), ("~y",), ()),  # a power
        Layout((constant, x, z, (("x", 1), ("z", 1))), ("~y",), ()),  # a product
        Layout((constant, x), ("~y",), ((("f",), (constant, x)),)),  # sums over cells
        Layout((constant, *((((f"x{i}", 1),)) for i in range(400))), ("~y",), ()),  # wide: BLAS is quicker
    ):
        assert in_place(layout, plain | {f"x{i}": Coordinate() for i in range(400)}, ()) is None
    tiny = Coordinate(0.0, -1040)  # 2^1040 is no number
    assert in_place(Layout((constant, x), ("~y",), ()), plain | {"x": tiny}, ()) is None
