"""Grams against truth from outside: exact rationals for + and -, statsmodels on the rows for sub-models."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from reference.exact import Row, least_squares

import gramian as gm
from gramian.fit.gram.result import Gram

ROWS = 60


def piece(seed: int, offset: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(offset, 1.0, ROWS)
    return {"x": x, "z": rng.normal(-offset / 3, 2.0, ROWS), "y": 1 + 2 * x + rng.normal(size=ROWS)}


def truth(pieces: list[dict[str, np.ndarray]], columns: str) -> Row:
    rows = [[Fraction(1), *(Fraction(float(p[c][i])) for c in columns)] for p in pieces for i in range(len(p["y"]))]
    return least_squares(rows, [Fraction(float(v)) for p in pieces for v in p["y"]])


def error(gram: Gram, formula: str, exact: Row) -> float:
    """Largest error, in parts of the larger of the coefficient and its standard error."""
    fit = gram.ols(formula, digits=0)
    pairs = zip(fit.coefficients, exact, fit.std_errors, strict=True)
    errors = np.array([abs(float(Fraction(float(b)) - t)) / max(abs(float(t)), s) for b, t, s in pairs])
    assert (fit.digits <= -np.log10(errors + 1e-17)).all(), "no certificate above the truth"
    return float(errors.max())


def amplification(gram: Gram) -> float:
    """Squares that ever entered, relative to what centring leaves of them, at most over the columns."""
    moments = gram.gram_data.moments
    dense, removed = moments.dense, moments.removed
    ever = dense.diagonal() + (0.0 if removed is None else 2 * removed.dense.diagonal())
    centred = dense.diagonal() - dense[0] ** 2 / dense[0, 0]
    return float((ever[1:] / centred[1:]).max())


# a sum of n products has a relative error below n u of what entered, coefficients n u times the amplification and the
# squared condition (pieces that lie apart make x and z all but dependent); 30 is for the constants in between
LIMIT = 30 * 5 * ROWS * 2.0**-53


@pytest.mark.parametrize("far", [0.0, 5.0, 1e2, 1e4])
def test_sums_and_differences_of_pieces_that_lie_apart(far: float) -> None:
    pieces = [piece(i, 100.0 + far * i) for i in range(3)]
    a, b, c = (gm.gram("y ~ x + z", p) for p in pieces)
    for made, kept in (
        (a + b + c, pieces),
        ((a + b + c) - b, [pieces[0], pieces[2]]),
        ((c + a) - c, pieces[:1]),
        ((b + (a + c)) - a - c, pieces[1:2]),
    ):
        limit = LIMIT * amplification(made) * made.condition**2
        assert error(made, "y ~ x + z", truth(kept, "xz")) < limit
        assert error(made, "y ~ z", truth(kept, "z")) < limit


def test_polynomials_survive_another_shift() -> None:
    pieces = [piece(i, 5.0 + 2.0 * i) for i in range(2)]
    total = gm.gram("y ~ poly(x, 3, raw=TRUE)", pieces[0]) + gm.gram("y ~ poly(x, 3, raw=TRUE)", pieces[1])
    rows = [[Fraction(float(v)) ** k for k in range(4)] for p in pieces for v in p["x"]]
    exact = least_squares(rows, [Fraction(float(v)) for p in pieces for v in p["y"]])
    fit = total.ols(digits=0)
    pairs = zip(fit.coefficients, exact, fit.std_errors, strict=True)
    # n u times the squared condition of the scaled columns, as the fit tells it
    assert max(abs(float(Fraction(float(b)) - t)) / s for b, t, s in pairs) < LIMIT * fit.condition**2 * 100


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 500
    d = pd.DataFrame(
        {
            "x": rng.normal(3, 1, n),
            "z": rng.normal(size=n),
            "f": rng.choice(list("abc"), n),
            "g": rng.choice(["u", "v"], n),
            "w": rng.uniform(0.5, 2.0, n),
        }
    )
    d["y"] = 1 + d.x - d.z + (d.f == "b") * d.x + rng.normal(size=n)
    return d


MODELS = {
    "y ~ x + z": "y ~ x + z",
    "y ~ f*x": "y ~ C(f) * x",
    "y ~ f*x + g": "y ~ C(f)*x + C(g)",
    'y ~ C(f, ref="c") + z': 'y ~ C(f, Treatment("c")) + z',
    "y ~ poly(x, 2, raw=TRUE)": "y ~ x + I(x**2)",
    "z ~ x + g": "z ~ x + C(g)",
    "x ~ y + f": "x ~ y + C(f)",
    "y ~ 0 + f + z": "y ~ 0 + C(f) + z",
}


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("formula", MODELS)
def test_sub_models_as_statsmodels(frame: pd.DataFrame, formula: str, weights: str | None) -> None:
    parts = np.array_split(np.arange(len(frame)), 3)
    gram = sum(gm.gram("y ~ poly(x, 3)*f + z + g", frame.iloc[rows], weights=weights) for rows in parts)
    fit = gram.ols(formula)
    known = smf.wls(MODELS[formula], frame, weights=frame[weights] if weights else np.ones(len(frame))).fit()
    # both solve well-conditioned problems of 500 rows: 1e-10 is n u times a condition of a hundred, squared
    assert np.sort(fit.coefficients) == pytest.approx(np.sort(known.params), abs=1e-10 * np.abs(known.params).max())
    assert np.sort(fit.std_errors) == pytest.approx(np.sort(known.bse), rel=1e-9)
    if fit.intercept:  # without, R squared is about zero here and in R; statsmodels looks for a constant in the span
        assert fit.r_squared == pytest.approx(known.rsquared, rel=1e-10)
        assert fit.f_test.statistic == pytest.approx(known.fvalue, rel=1e-9)
    assert fit.loglik == pytest.approx(known.llf, rel=1e-10)


def test_a_bad_day_taken_away_as_statsmodels(frame: pd.DataFrame) -> None:
    day = frame.assign(y=frame.y * 50, x=frame.x + 20)[:80]
    whole = gm.gram("y ~ x*f + z", frame) + gm.gram("y ~ x*f + z", day)
    rest = whole - gm.gram("y ~ x*f + z", day)
    known = smf.ols("y ~ x*C(f) + z", frame).fit()
    fit = rest.ols(digits=0)
    limit = LIMIT * 10 * amplification(rest) * fit.condition**2
    assert np.sort(fit.coefficients) == pytest.approx(np.sort(known.params), abs=limit * np.abs(known.params).max())
