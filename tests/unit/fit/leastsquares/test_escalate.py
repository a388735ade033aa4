"""Escalation of precision as people meet it: how far it goes, what is said, what is certified."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from reference.exact import least_squares, rational

import gramian as gm
from gramian.errors import AccuracyWarning, NotIdentifiedError, OptionError
from gramian.fit.leastsquares import escalate as ladder
from gramian.fit.leastsquares.escalate import reached

RNG = np.random.default_rng(5)
X, Z = RNG.standard_normal(40), RNG.standard_normal(40)
DATA = {"x": X, "z": Z, "y": X - 2 * Z + RNG.standard_normal(40)}
T = np.linspace(0, 1, 20)
NEAR = {"t": T, "u": T + 1e-5 * np.cos(T), "y": np.sin(T)}


def once(data: dict[str, np.ndarray]) -> Any:
    """The same rows, readable once."""
    return iter([pa.record_batch({name: pa.array(v) for name, v in data.items()})])


def truth(*columns: np.ndarray) -> np.ndarray:
    """Exact coefficients of the last column on a constant and the others, each rounded once."""
    A = np.column_stack([np.ones(len(columns[0])), *columns])
    y = [row[-1] for row in rational(A)]
    return np.array([float(b) for b in least_squares([row[:-1] for row in rational(A)], y)])


def test_few_values_are_refined_and_correctly_rounded() -> None:
    fit = gm.ols("y ~ x + z", DATA)
    assert (fit.tier, fit.passes) == ("refined", 2)
    assert fit.coefficients.tolist() == truth(X, Z, DATA["y"]).tolist()
    assert (fit.digits > 15.9).all()


def test_more_values_need_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "MAX_SMALL_VALUES", 0)
    fit = gm.ols("y ~ x + z", DATA)
    assert (fit.tier, fit.passes) == ("fast", 1)
    assert (fit.digits > 12).all()
    assert gm.ols("y ~ x + z", DATA, digits=15).tier == "refined"


def test_nearly_dependent_columns_climb_to_exact_sums() -> None:
    fit = gm.ols("y ~ t + u", NEAR)
    assert fit.tier == "exact"
    assert fit.coefficients.tolist() == truth(T, NEAR["u"], NEAR["y"]).tolist()
    assert not fit.aliased


@pytest.mark.parametrize(
    ("name", "limit", "told"), [("MAX_EXACT_COLUMNS", 2, "up to 2 columns"), ("MAX_EXACT_WORK", 100.0, r"1e\+02 rows")]
)
def test_exact_sums_that_cost_too_much_are_taken_when_asked_for(
    name: str, limit: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(gm.plan("y ~ t + u", NEAR)).count("residual in higher precision, then exact sums") == 1
    monkeypatch.setattr(ladder, name, limit)
    with pytest.warns(AccuracyWarning, match=told + r".*here are 3 and 2e\+02: ask for exact=True") as caught:
        fit = gm.ols("y ~ t + u", NEAR)
    assert len(caught) == 1
    assert fit.tier != "exact"
    assert not reached(fit.solved)
    exact = gm.ols("y ~ t + u", NEAR, exact=True)
    assert exact.coefficients.tolist() == truth(T, NEAR["u"], NEAR["y"]).tolist()
    assert "so many rows and columns are taken with exact=True only" in str(gm.plan("y ~ t + u", NEAR))
    assert "exact sums" not in str(gm.plan("y ~ t + u", NEAR, collinear="min-norm"))


def test_doubt_beyond_the_limit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "MAX_EXACT_COLUMNS", 2)
    data = {**DATA, "sum": X + 2 * Z}
    with pytest.warns(AccuracyWarning, match=r"cannot tell whether sum \(= x \+ 2\*z\).*ask for exact=True"):
        fit = gm.ols("y ~ x + z + sum", data)
    assert fit.solved.accuracy is not None
    assert fit.solved.accuracy.fewest_digits == 0.0
    with pytest.warns(AccuracyWarning, match="centre or leave out some") as caught:
        gm.ols("y ~ x + z + sum", data, collinear="min-norm")
    assert "exact" not in str(caught[0].message).split(";")[-1]


def test_more_columns_than_rows_need_no_exact_sums() -> None:
    wide = sp.random(40, 300, density=0.1, format="csr", random_state=1)
    y = np.random.default_rng(2).standard_normal(40)
    fit = gm.ols("y ~ X", {"X": wide, "y": y})
    assert (fit.tier, fit.rank, len(fit.aliased)) == ("refined", 40, 261)
    np.testing.assert_allclose(fit.predict({"X": wide, "y": y}), y, atol=1e-9)  # condition below 1e4


def test_data_that_are_read_once_say_what_they_have() -> None:
    with pytest.warns(AccuracyWarning, match=r"Intercept has .*, t has 2\.1.* read once only") as caught:
        fit = gm.ols("y ~ t + u", once(NEAR))
    assert len(caught) == 1
    assert fit.tier == "fast"
    assert (fit.digits < 8).all()
    assert gm.ols("y ~ t + u", once(NEAR), digits=0).passes == 1
    assert gm.ols("y ~ t + u", once(NEAR), exact=True).coefficients.tolist() == truth(T, NEAR["u"], NEAR["y"]).tolist()


def test_a_column_that_is_a_combination_but_for_rounding_is_left_out() -> None:
    data = {**DATA, "sum": X + 2 * Z}
    fit = gm.ols("y ~ x + z + sum", data)
    assert fit.aliased == {"sum": "x + 2*z"}
    assert fit.tier == "exact"
    np.testing.assert_array_equal(fit.coefficients[:3], truth(X, Z, DATA["y"]))
    strict = gm.ols("y ~ x + z + sum", data, exact=True)
    assert strict.aliased == {}
    assert strict.coefficients.tolist() == truth(X, Z, data["sum"], DATA["y"]).tolist()
    with pytest.raises(NotIdentifiedError, match=r"sum = x \+ 2\*z"):
        gm.ols("y ~ x + z + sum", data, collinear="raise")


def test_doubt_that_cannot_be_resolved_is_said() -> None:
    data = {**DATA, "sum": X + 2 * Z}
    with pytest.warns(AccuracyWarning, match=r"cannot tell whether sum \(= x \+ 2\*z\) depends on others exactly"):
        fit = gm.ols("y ~ x + z + sum", once(data))
    assert fit.solved.accuracy is not None
    assert fit.solved.accuracy.fewest_digits == 0.0


@pytest.mark.parametrize("data", ["whole", "levels", "constant", "twice"])
def test_plain_dependences_need_no_exact_sums(data: str) -> None:
    whole = np.round(10 * X)
    more = {
        "whole": {"x": whole, "v": 3 * whole - 2},
        "levels": {"v": np.where(X > 0, "a", "b"), "x": (X > 0).astype(int)},
        "constant": {"v": np.full(40, 0.1)},
        "twice": {"v": 4 * X},
    }[data]
    fit = gm.ols("y ~ x + z + v", {**DATA, **more})
    assert fit.tier == "refined"
    assert len(fit.aliased) == 1


def test_weights_are_those_that_were_given() -> None:
    w = RNG.uniform(0.1, 9.0, 40)
    fit = gm.ols("y ~ x + z", {**DATA, "w": w}, weights="w")
    A = rational(np.column_stack([np.ones(40), X, Z, DATA["y"], w]))
    rows = [[row[4] * v for v in row[:3]] for row in A]
    G = [[sum(r[i] * a[j] for r, a in zip(rows, A, strict=True)) for j in range(4)] for i in range(3)]
    from reference.exact import solve_exact

    b = solve_exact([row[:3] for row in G], [row[3] for row in G])
    assert fit.coefficients.tolist() == [float(v) for v in b]
    exact = gm.ols("y ~ x + z", {**DATA, "w": w}, weights="w", exact=True)
    error = np.array([float(abs(v - t) / abs(t)) for v, t in zip(map(float, exact.coefficients), b, strict=True)])
    assert (-np.log10(np.maximum(error, 2.0**-53)) >= exact.digits - 1e-9).all()


def test_a_ridge_fit_is_refined_too() -> None:
    fit = gm.ridge("y ~ poly(x, 2, raw=True) + z", DATA, 0.7)
    A = rational(np.column_stack([np.ones(40), X, X, Z, DATA["y"]]))
    for row in A:
        row[2] = row[1] * row[1]
    G = [[sum(row[i] * row[j] for row in A) for j in range(5)] for i in range(4)]
    from fractions import Fraction

    from reference.exact import solve_exact

    for i in range(1, 4):
        G[i][i] += Fraction(0.7)
    b = solve_exact([row[:4] for row in G], [row[4] for row in G])
    assert fit.tier == "refined"
    np.testing.assert_allclose(fit.coefficients, [float(v) for v in b], rtol=4e-16)


def test_exact_predictions_and_tables() -> None:
    exact, plain = gm.ols("y ~ poly(x, 3) + z", DATA, exact=True), gm.ols("y ~ poly(x, 3) + z", DATA)
    for interval in (None, "confidence"):
        a, b = (f.predict(DATA, interval) for f in (exact, plain))
        a, b = (v.to_pandas().to_numpy() if interval else v for v in (a, b))
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(exact.std_errors, plain.std_errors, rtol=1e-12)
    assert exact.tidy().column("digits").to_pylist() == exact.digits.tolist()
    assert "certified digits: 15.9 in every coefficient, 15.0 in standard errors (exact sums)" in exact.summary()


def test_decimals_as_they_are_written(tmp_path: Any) -> None:
    path = tmp_path / "tenths.csv"
    path.write_text("x,y\n0.1,0.3\n0.2,0.5\n0.4,0.9\n")
    fit = gm.ols("y ~ x", path, decimal="exact")
    assert fit.coefficients.tolist() == [0.1, 2.0]
    assert fit.deviance == 0.0
    table = pa.table({"x": pa.array(["0.1", "0.2", "0.4"]).cast(pa.decimal128(5, 2)), "y": [0.5, 1.0, 2.0]})
    assert gm.ols("y ~ x", table, decimal="exact").coefficients.tolist() == [0.0, 5.0]


def test_what_exact_sums_do_not_give() -> None:
    with pytest.raises(OptionError, match="exact sums give unpenalised fits"):
        gm.ols("y ~ x", DATA, exact=True, collinear="min-norm")
    for wrong in (-1, 16, "8", True, float("nan")):
        with pytest.raises(OptionError, match="digits must be a number from 0 to 15"):
            gm.ols("y ~ x", DATA, digits=wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="decimal must be one of 'float64', 'exact'"):
        gm.ols("y ~ x", DATA, decimal="yes")


def test_the_plan_tells_the_ladder() -> None:
    assert "2, after a look at the first rows for shift and scale: the sums, then a careful residual" in str(
        gm.plan("y ~ x", DATA)
    )
    assert "sums without rounding" in str(gm.plan("y ~ x", DATA, exact=True))
    assert "fewer than 12 digits cannot be made more" in str(gm.plan("y ~ x", once(DATA), digits=12))
    long = {"x": np.zeros(600_000), "y": np.zeros(600_000)}
    assert "more only where fewer than 8 digits are certified" in str(gm.plan("y ~ x", long))


def test_no_columns_and_perfect_fits() -> None:
    fit = gm.ols("y ~ x", {"x": [0.0, 1.0, 2.0], "y": [1.0, 3.0, 5.0]})
    assert fit.coefficients.tolist() == [1.0, 2.0]
    assert (fit.digits > 15).all()
    assert gm.ols("y ~ 0", DATA).digits.shape == (0,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gm.ols("y ~ x", {"x": [1.0, 2.0], "y": [0.0, 0.0]}).coefficients.tolist() == [0.0, 0.0]


def test_as_many_independent_columns_as_rows_determine_the_others() -> None:
    """No sums have to be exact to know that: rows are counted."""
    rng = np.random.default_rng(11)
    wide = rng.standard_normal((12, 50))
    y = rng.standard_normal(12)
    fit = gm.ols("y ~ X", {"X": wide, "y": y})
    assert (fit.tier, fit.rank, len(fit.aliased)) == ("refined", 12, 39)
    kept = ~np.isnan(fit.coefficients)
    known = truth(*wide.T[kept[1:]], y)
    off = np.abs(fit.coefficients[kept] - known) / np.abs(known)
    assert (-np.log10(np.maximum(off, 1e-17)) >= fit.digits[kept]).all()


def test_no_more_columns_than_rows_are_kept_and_their_digits_are_in_doubt() -> None:
    rng = np.random.default_rng(92)  # sums alone would keep four columns of these three rows
    rows, far = rng.integers(2, 5), 10.0 ** rng.integers(0, 7)
    x = rng.normal(size=rows) + far
    z = rng.normal(size=rows) * 10.0 ** rng.integers(-3, 4) + far
    gram = gm.gram(
        "y ~ poly(x, 2, raw=TRUE) + poly(z, 2, raw=TRUE) + x:z", {"x": x, "z": z, "y": rng.normal(size=rows)}
    )
    with pytest.warns(gm.errors.AccuracyWarning, match="float64 sums cannot tell|certified digits: Intercept has 0.0"):
        assert gram.ols().rank <= rows


def test_a_level_of_rows_that_are_not_finite_alone_is_no_new_level_in_a_later_pass():
    rng = np.random.default_rng(0)
    rows = {"y": rng.normal(size=40), "x": rng.normal(size=40), "f": np.array(["p", "q"] * 20, object)}
    rows["f"][5], rows["x"][5] = "r", np.nan
    kept = {name: np.delete(values, 5) for name, values in rows.items()}
    fit = gm.ols("y ~ x + f", rows)
    assert fit.passes == 2
    assert (fit.names, fit.dropped_rows) == (("Intercept", "x", "f[q]"), {"nan": 1})
    assert fit.coefficients.tolist() == gm.ols("y ~ x + f", kept).coefficients.tolist()


def test_a_column_that_is_zero_in_its_only_row_is_aliased():
    fit = gm.ols("y ~ a:f + center(b) | h", {"y": [1.0], "a": [2.0], "f": ["p"], "b": [3.0], "h": [1]})
    assert (fit.rows, fit.rank) == (1, 0)
