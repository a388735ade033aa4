"""poly(), center() and scale() are of the rows that have their variable, whichever way the rows are read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gramian as gm
from gramian.errors import NumericalError, SchemaError

FORMULA = "y ~ scale(x) + z"
WAYS = {
    "ols": lambda formula, data: gm.ols(formula, data),
    "careful": lambda formula, data: gm.ols(formula, data, digits=15),
    "exact": lambda formula, data: gm.ols(formula, data, exact=True),
    "read once": lambda formula, data: gm.ols(formula, iter([data.slice(0, 30), data.slice(30)])),
    "gram": lambda formula, data: gm.gram(formula, data).ols(),
    "gram of more": lambda formula, data: gm.gram(f"{formula} + x:z", data).ols(formula),
    "sum of grams": lambda formula, data: (gm.gram(formula, data[:30]) + gm.gram(formula, data[30:])).ols(),
    "exact grams": lambda formula, data: (
        gm.gram(formula, data[:30], exact=True) + gm.gram(formula, data[30:], exact=True)
    ).ols(),
    "folds": lambda formula, data: gm.gram(formula, data, folds=3).ols(),
    "several outcomes": lambda formula, data: gm.ols(formula.replace("y", "c(y, y2)", 1), data, digits=15)["y"],
    "gaussian glm": lambda formula, data: gm.glm(formula, data, "gaussian"),
    "glm without a cache": lambda formula, data: gm.glm(formula, iter_frames(data), "gaussian"),
}


def iter_frames(data: pa.Table) -> list[pa.Table]:
    """Ten units of few rows."""
    return [data.slice(k, 6) for k in range(0, 60, 6)]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"x": rng.normal(50, 2, 60), "z": rng.normal(size=60), "g": list("abc") * 20})
    d["y"] = d.x + d.z + rng.normal(size=60)
    d["y2"] = d.y + 1
    d["w"], d["n"] = rng.uniform(1, 2, 60), rng.integers(1, 4, 60).astype(float)
    return d


def with_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Missing and infinite values of every kind; x is missing in two rows."""
    d = frame.copy()
    d.loc[[3, 11], "y"], d.loc[[5, 40], "z"], d.loc[[7, 33], "x"] = np.nan, np.nan, np.nan
    d.loc[[20, 50], "z"] = np.inf
    return d


def coefficients(d: pd.DataFrame, x: np.ndarray) -> np.ndarray:
    """Least squares over the complete rows."""
    used = np.isfinite(d[["x", "y", "z"]]).all(axis=1).to_numpy()
    X = np.column_stack([np.ones(len(d)), x, d.z])[used]
    return np.linalg.lstsq(X, d.y.to_numpy()[used], rcond=None)[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nulls", [True, False])
def test_every_way_standardizes_over_the_rows_that_have_the_variable(frame, way, nulls):
    d = with_gaps(frame)
    data = pa.Table.from_pandas(d.replace(np.inf, np.nan) if nulls else d, preserve_index=False)
    if not nulls:
        data = pa.table({name: pa.array(column.to_numpy()) for name, column in d.items()})
    known = coefficients(d, (d.x - d.x.mean()) / d.x.std())
    fit = WAYS[way](FORMULA, data)
    np.testing.assert_allclose(fit.coefficients, known, rtol=1e-9)
    complete = d[np.isfinite(d[["x", "y", "z"]]).all(axis=1)]
    assert (
        abs(fit.coefficients[1] / known[1] * d.x.std() / complete.x.std() - 1) > 1e-3
    )  # those of complete rows differ


def test_zero_weights_and_frequencies(frame):
    d = frame.copy()
    d.loc[:9, "w"], d.loc[10:19, "n"], d.loc[20, "z"] = 0.0, 0.0, np.nan
    # as in R, a weight of zero leaves a row out of the fit only
    scaled = d.assign(s=(d.x - d.x.mean()) / d.x.std())
    fit, known = (gm.ols(f, data, weights="w") for f, data in ((FORMULA, d), ("y ~ s + z", scaled)))
    np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-10)
    # a frequency says how many rows a row stands for: none, where it is zero
    repeated = d.loc[d.index.repeat(d.n.astype(int))]
    for options in ({}, {"exact": True}):
        fit, known = gm.ols(FORMULA, d, counts="n", **options), gm.ols(FORMULA, repeated)
        np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-10)


def test_groups_have_their_own_rows(frame):
    d = with_gaps(frame)
    fits = gm.ols(FORMULA, d, by="g")
    for name, fit in fits.items():
        alone = gm.ols(FORMULA, d[d.g == name])
        np.testing.assert_allclose(fit.coefficients, alone.coefficients, rtol=1e-9)
    apart = d.assign(x=d.x + (d.g == "b") * 1e9)  # means so far apart that groups get centres
    alone = gm.ols(FORMULA, apart[apart.g == "b"])
    np.testing.assert_allclose(gm.ols(FORMULA, apart, by="g")["b"].coefficients, alone.coefficients, rtol=1e-6)


def test_orthogonal_polynomials_and_a_matrix(frame):
    d = with_gaps(frame)
    has = d.x.notna()
    P = np.full((60, 2), np.nan)
    Q, R = np.linalg.qr(np.vander(d.x[has] - d.x.mean(), 3, increasing=True))
    P[has] = (Q * np.sign(np.diag(R)))[:, 1:]
    used = np.isfinite(d[["x", "y", "z"]]).all(axis=1).to_numpy()
    known = np.linalg.lstsq(np.column_stack([np.ones(60), P])[used], d.y[used], rcond=None)[0]
    for options in ({}, {"exact": True}):
        fit = gm.ols("y ~ poly(x, 2)", d.assign(y=d.y.where(used)), **options)
        np.testing.assert_allclose(fit.coefficients, known, rtol=1e-8)
    arrays = {"X": frame[["x", "z"]].to_numpy(), "y": d.y.to_numpy()}
    fit = gm.ols("y ~ scale(X[0]) + X[1]", arrays)
    np.testing.assert_allclose(fit.coefficients, gm.ols(FORMULA, frame.assign(y=d.y)).coefficients, rtol=1e-12)


def test_a_derivation_has_the_same_columns(frame):
    d = pd.DataFrame({"x": [1.0, 2.0, 4.0, 9.0], "z": [1.0, 0.0, 2.0, np.inf], "y": [1.0, 2.0, np.nan, 3.0]})
    derived = gm.derive("y ~ center(x)", d.drop(columns="z"))
    assert [row[0] for row in derived.table.X] == [1 - Fraction(4), 2 - Fraction(4), 9 - Fraction(4)]
    derived = gm.derive("y ~ center(x) + z", d.assign(y=[1.0, 2.0, 3.0, 3.0]))
    assert [row[0] for row in derived.table.X] == [-3, -2, 0]


def test_a_gram_without_these_sums_refuses_what_it_would_get_wrong(frame):
    d = with_gaps(frame)
    gram = gm.gram("y ~ x + z", d)
    with pytest.raises(SchemaError, match=r"scale\(x\) is of all rows that have x, and 8 rows were left out") as error:
        gram.ols(FORMULA)
    assert 'make the Gram of "y ~ x + z + scale(x)"' in str(error.value)
    only = frame.assign(x=d.x)  # all rows that were left out have no x
    fit, known = gm.gram("y ~ x + z", only).ols(FORMULA), gm.ols(FORMULA, only)
    np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-10)


def test_sums_that_overflow_in_rows_that_are_left_out(frame):
    d = frame.copy()
    d.loc[3, ["x", "y"]] = 1e200, np.nan
    with pytest.raises(NumericalError, match=r"scale\(x\): sums of powers of its variable overflow; rescale"):
        gm.ols(FORMULA, d)
