"""bs() and ns(): R's columns, whatever the knots, the cuts and the threads."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import DataError, FormulaError
from gramian.linalg import sketch as sketches
from gramian.linalg.sketch import Sketch, keys_of, numbers_of
from gramian.linalg.splines import b_basis, bsplines, natural_basis

patsy = pytest.importorskip("patsy")  # comes with statsmodels

ROUNDING = 1e-12  # bases of degree 3 take some twenty operations; their columns have a condition below 100


def table(rows: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.gamma(2.0, 3.0, rows)
    return {"x": x, "z": rng.normal(size=rows), "y": np.sin(x) + 0.1 * rng.normal(size=rows)}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("bs(x, 6)", "bs(x, df=6)"),
        ("bs(x, 3)", "bs(x, df=3)"),
        ("bs(x, df=7, degree=2)", "bs(x, df=7, degree=2)"),
        ("bs(x, knots=c(2, 5, 9.5))", "bs(x, knots=(2, 5, 9.5))"),
        (
            "bs(x, knots=5, boundary=c(-1, 60), degree=1)",
            "bs(x, knots=(5,), degree=1, lower_bound=-1, upper_bound=60)",
        ),
        ("bs(log(x), 5)", "bs(np.log(x), df=5)"),
    ],
)
def test_bs_has_the_columns_of_patsy(ours: str, theirs: str) -> None:
    data = table()
    X = np.asarray(patsy.dmatrix(theirs, data))
    want, *_ = np.linalg.lstsq(X, data["y"], rcond=None)
    fit = gm.ols(f"y ~ {ours}", data)
    np.testing.assert_allclose(fit.coefficients, want, rtol=1e-10, atol=1e-10)
    assert fit.names[1:] == tuple(f"{fit.names[1][:-3]}[{k}]" for k in range(1, len(want)))
    np.testing.assert_allclose(fit.predict(data), X @ want, rtol=1e-10, atol=1e-10)


def test_ns_spans_the_natural_cubic_splines() -> None:
    data = table()
    X = np.asarray(patsy.dmatrix("cr(x, df=6) - 1", data))
    want = X @ np.linalg.lstsq(X, data["y"], rcond=None)[0]
    np.testing.assert_allclose(gm.ols("y ~ ns(x, 5)", data).predict(data), want, rtol=1e-10, atol=1e-10)


def test_ns_has_the_columns_of_r() -> None:
    """`lm(weight ~ ns(height, df = 5), data = women)`, the example of R's help page, to the digits that it prints."""
    weight = [115, 117, 120, 123, 126, 129, 132, 135, 139, 142, 146, 150, 154, 159, 164]
    fit = gm.ols("weight ~ ns(height, df=5)", {"height": list(range(58, 73)), "weight": weight})
    assert fit.coefficients.round(4).tolist() == [114.7447, 15.9474, 25.1695, 33.2582, 50.7894, 45.0363]
    assert fit.names[1] == "ns(height, 5)[1]"


@given(
    inner=st.lists(st.integers(1, 99), max_size=6, unique=True),
    degree=st.integers(1, 5),
    x=st.lists(st.floats(-50.0, 150.0), min_size=1, max_size=20),
)
def test_bases_add_up_to_one_and_go_on_as_polynomials(inner, degree, x) -> None:
    knots, x = tuple(float(k) for k in sorted(inner)), np.array(x)
    B = bsplines(x, knots, (0.0, 100.0), degree)
    inside = (x >= 0) & (x <= 100)
    assert (B[:, inside] >= -ROUNDING).all()
    size = np.abs(B).sum(axis=0)
    assert (np.abs(B.sum(axis=0) - 1.0) <= 1e-13 * size * (degree + 1)).all()
    np.testing.assert_array_equal(b_basis(x, knots, (0.0, 100.0), degree), B[1:])


def test_natural_splines_are_straight_outside_and_smooth_at_the_boundary() -> None:
    x = np.array([-30.0, -20.0, -10.0, 0.0 - 1e-6, 0.0, 1e-6, 9.0, 10.0, 10.0 + 1e-6, 20.0, 30.0])
    N = natural_basis(x, (2.0, 4.0, 7.0), (0.0, 10.0))
    np.testing.assert_allclose(N[:, 0] - N[:, 1], N[:, 1] - N[:, 2], atol=1e-12)
    np.testing.assert_allclose(N[:, 10] - N[:, 9], (N[:, 9] - N[:, 7]), atol=1e-12)
    left, right = N[:, 4] - N[:, 3], N[:, 5] - N[:, 4]
    np.testing.assert_allclose(left, right, atol=1e-15)  # no second derivative at the end: only x^3 is left


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_keys_sort_as_numbers_do(values) -> None:
    array = np.array(values)
    np.testing.assert_array_equal(np.argsort(keys_of(array), kind="stable"), np.argsort(array, kind="stable"))
    np.testing.assert_array_equal(numbers_of(keys_of(array), 0), array)


@given(data=st.data(), most=st.sampled_from([4, 16, 1 << 16]))
def test_sketches_do_not_depend_on_cuts_or_order(data, most) -> None:
    numbers = np.array(data.draw(st.lists(st.floats(-1e9, 1e9) | st.integers(0, 3).map(float), min_size=1)))
    edges = sorted(data.draw(st.lists(st.integers(0, len(numbers)), max_size=4)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketches, "MAX_KEYS", most)
        whole, total = Sketch.of(numbers), Sketch.of(np.zeros(0))
        for a, b in pairwise([0, *edges, len(numbers)]):
            total = Sketch.of(numbers[::-1][a:b]) + total
    assert (total.dropped_bits, total.low, total.high) == (whole.dropped_bits, whole.low, whole.high)
    assert total.keys.tolist() == whole.keys.tolist()
    assert total.counts.tolist() == whole.counts.tolist()
    assert total.rows == len(numbers)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0.0, 1.0))
def test_quantiles_are_exact_for_few_numbers(values, p) -> None:
    want = np.quantile(np.array(values), p)
    assert Sketch.of(np.array(values)).quantile(p) == pytest.approx(want, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.0), (1e6, 1.0), (5.0, 1e-3)])
def test_quantiles_of_many_numbers_are_near(mean: float, spread: float) -> None:
    values = np.random.default_rng(1).normal(mean, spread, 200_000)
    sketch = Sketch.of(values)
    assert sketch.dropped_bits > 0
    for p in (0.01, 0.25, 0.5, 0.9):
        # cells hold at most 1/1000 of a standard deviation: 65,536 of them over some ten, and more where zero is near
        assert sketch.quantile(p) == pytest.approx(np.quantile(values, p), abs=2e-3 * spread)


def test_counts_are_repeated_rows() -> None:
    data = table()
    data["k"] = np.random.default_rng(2).integers(0, 4, 300)
    rows = np.repeat(np.arange(300), data["k"])
    fit = gm.ols("y ~ bs(x, 5)", data, counts="k")
    again = gm.ols("y ~ bs(x, 5)", {c: v[rows] for c, v in data.items()})
    np.testing.assert_allclose(fit.coefficients, again.coefficients, rtol=1e-10)


def test_cuts_and_threads_do_not_matter() -> None:
    data = pa.table(table(3000))
    whole = gm.ols("y ~ bs(x, 6) * z + ns(z, 3)", data)
    cut = [data.slice(0, 7), data.slice(7, 1000), data.slice(1007)]
    fit = gm.ols("y ~ bs(x, 6) * z + ns(z, 3)", cut, engine=gm.Local(threads=3))
    assert fit.solved.design.terms.splines == whole.solved.design.terms.splines
    np.testing.assert_allclose(fit.coefficients, whole.coefficients, rtol=1e-9, atol=1e-9)
    assert fit.passes == gm.ols("y ~ bs(x, knots=4, boundary=c(0, 50))", data).passes + 1


def test_missing_values_have_no_part_in_the_knots() -> None:
    data = table()
    holes = pa.table({"x": pa.array([*data["x"], None, None]), "y": [*data["y"], 1.0, 2.0]})
    fit = gm.ols("y ~ bs(x, 5)", holes)
    assert fit.dropped_rows == {"null": 2}
    np.testing.assert_allclose(fit.coefficients, gm.ols("y ~ bs(x, 5)", data).coefficients, rtol=1e-10)


def test_predictions_and_saved_fits_keep_the_knots(tmp_path) -> None:
    data = table()
    fit = gm.ols("y ~ bs(x, 5) + ns(z, 3)", data)
    fit.save(tmp_path / "s.fit")
    again = gm.load(tmp_path / "s.fit")
    new = {"x": np.array([-2.0, 1.0, 90.0]), "z": np.array([-9.0, 0.0, 9.0])}
    np.testing.assert_array_equal(again.predict(new), fit.predict(new))
    assert again.solved.design.terms.splines["bs(x, 5)"].knots == fit.solved.design.terms.splines["bs(x, 5)"].knots
    one = gm.ols("y ~ bs(x, 5) + ns(z, 3)", data).predict({c: v[:1] for c, v in data.items()})
    # the sum over columns of one row and of many may be added in another order
    np.testing.assert_allclose(one, fit.predict(data)[:1], rtol=1e-13)


def test_splines_in_other_models_and_beside_absorbed_factors() -> None:
    data = table()
    data["late"], data["f"] = data["y"] > 0, (data["x"] * 3).astype(int) % 5
    fit = gm.glm("late ~ ns(x, 4)", data)
    assert fit.names[-1] == "ns(x, 4)[4]"
    swept, dummies = gm.ols("y ~ bs(x, 5) | f", data), gm.ols("y ~ bs(x, 5) + factor(f)", data)
    np.testing.assert_allclose(swept.coefficients, dummies.coefficients[1:6], rtol=1e-9)
    assert str(gm.plan("y ~ bs(x, 5)", data)).count("a light one over what splines are of, for their knots")


@pytest.mark.parametrize(
    ("formula", "error", "words"),
    [
        ("y ~ bs(x)", FormulaError, r"bs\(\) takes df or knots"),
        ("y ~ bs(x, 5, knots=2)", FormulaError, r"bs\(\) takes df or knots"),
        ("y ~ bs(x, 2)", FormulaError, "df must be at least 3"),
        ("y ~ ns(x, knots=c(3, 2))", FormulaError, "knots rise"),
        ("y ~ bs(x, knots=3, boundary=c(4, 9))", FormulaError, "knots rise"),
        ("y ~ bs(x, 5, boundary=1)", FormulaError, "boundary takes two numbers"),
        ("y ~ bs(few, 9)", DataError, "do not rise from 0 to 1: 0, "),
        ("y ~ bs(x, knots=c(-9, 3))", DataError, "do not rise from"),
        ("y ~ ns(gone, 3)", DataError, "no row has a value"),
    ],
)
def test_what_cannot_be_a_spline(formula: str, error: type[Exception], words: str) -> None:
    data = table() | {"few": np.arange(300) % 2.0, "gone": np.full(300, np.nan)}
    with pytest.raises(error, match=words):
        gm.ols(formula, data)


def test_data_that_are_read_once_need_declared_knots() -> None:
    data = pa.table(table())
    with pytest.raises(DataError, match="can be read once only; declare knots"):
        gm.ols("y ~ bs(x, 5)", iter([data]))
    assert not source_of(iter([data])).rereadable
    fit = gm.ols("y ~ bs(x, knots=c(2, 5), boundary=c(0, 50))", iter([data]))
    assert fit.rank == 6
    with pytest.raises(FormulaError, match="cannot be derived by hand"):
        gm.derive("y ~ bs(x, 5)", data.slice(0, 20))
