"""Instrumental variables: formulas, coefficients against dense algebra and exact rationals, laws, files, messages."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import gramian as gm
from gramian.errors import AccuracyWarning, FormulaError, GramianError, NotIdentifiedError, OptionError


def rows(n=400, seed=1, offset=0.0):
    """Two endogenous columns, three instruments, an exogenous column, a factor, weights, counts and clusters."""
    rng = np.random.default_rng(seed)
    z1, z2, z3, w, u, v = rng.normal(size=(6, n))
    f = rng.integers(0, 4, n)
    x1 = z1 + 0.5 * z2 + 0.3 * w + u + offset
    x2 = z2 - z1 + 0.4 * z3 + u + rng.normal(size=n)
    y = 1 + 2 * (x1 - offset) - w + u + 0.5 * x2 + v * (1 + np.abs(z1)) + f
    return pd.DataFrame(
        {
            "z1": z1, "z2": z2, "z3": z3, "w": w, "x1": x1, "x2": x2, "y": y, "f": np.array(list("abcd"))[f],
            "g": rng.integers(0, 30, n), "h": rng.integers(0, 25, n), "p": rng.uniform(0.5, 2, n),
            "c": rng.integers(1, 4, n),
        }
    )  # fmt: skip


def dense(X, Z, y, weights=None):
    """Coefficients and (X'PX)^-1 s^2 by dense algebra."""
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    X, Z, y = X * root[:, None], Z * root[:, None], y * root
    P = Z @ np.linalg.lstsq(Z, np.column_stack([X, y]), rcond=None)[0]
    b = np.linalg.lstsq(P[:, :-1], P[:, -1], rcond=None)[0]
    r = y - X @ b
    return b, np.linalg.inv(P[:, :-1].T @ P[:, :-1]) * (r @ r) / (len(y) - X.shape[1])


def columns(data, *names):
    return np.column_stack([np.ones(len(data)) if n == "1" else data[n] for n in names])


@pytest.mark.parametrize(
    ("formula", "X", "Z"),
    [
        ("y ~ w + [x1 ~ z1]", ("1", "w", "x1"), ("1", "w", "z1")),
        ("y ~ w + [x1 ~ z1 + z2]", ("1", "w", "x1"), ("1", "w", "z1", "z2")),
        ("y ~ [x1 + x2 ~ z1 + z2 + z3]", ("1", "x1", "x2"), ("1", "z1", "z2", "z3")),
        ("y ~ w - 1 + [x1 ~ z1 + z2]", ("w", "x1"), ("w", "z1", "z2")),
    ],
)
@pytest.mark.parametrize("weights", [None, "p"])
def test_two_stage_least_squares_is_that_of_dense_algebra(formula, X, Z, weights):
    data = rows()
    fit = gm.iv(formula, data, weights=weights)
    b, V = dense(
        columns(data, *X), columns(data, *Z), data.y.to_numpy(), None if weights is None else data[weights].to_numpy()
    )
    np.testing.assert_allclose(fit.coefficients, b, rtol=1e-11)
    np.testing.assert_allclose(fit.vcov, V, rtol=1e-10, atol=1e-14)
    assert fit.passes == 1
    assert fit.estimator == "2sls"


SAME = (
    "y ~ w + [x1 + x2 ~ z1 + z2 + z3]",
    "y ~ w | x1 + x2 ~ z1 + z2 + z3",
    "y ~ [x1 ~ z1] + w + [x2 ~ z2 + z3]",
)


@pytest.mark.parametrize("formula", SAME[1:])
def test_spellings_of_a_formula_are_one_model(formula):
    first, other = gm.iv(SAME[0], rows()), gm.ols(formula, rows())
    assert (first.endogenous, first.instruments) == (("x1", "x2"), ("z1", "z2", "z3"))
    assert first.names == other.names
    assert first.coefficients.tobytes() == other.coefficients.tobytes()


def test_absorbed_factors_are_dummies():
    data = rows()
    absorbed, dummies = gm.iv("y ~ w | f | x1 ~ z1 + z2", data), gm.iv("y ~ w + f + [x1 ~ z1 + z2]", data)
    for name in ("w", "x1"):
        assert absorbed[name] == pytest.approx(dummies[name], rel=1e-11)
        assert absorbed.std_errors[absorbed.names.index(name)] == pytest.approx(
            dummies.std_errors[dummies.names.index(name)], rel=1e-10
        )
    assert absorbed.df_residual == dummies.df_residual


def test_counts_are_repeated_rows():
    data = rows()
    counted, repeated = (
        gm.iv("y ~ w + [x1 ~ z1 + z2]", frame, counts=count)
        for frame, count in ((data, "c"), (data.loc[data.index.repeat(data.c)], None))
    )
    np.testing.assert_allclose(counted.coefficients, repeated.coefficients, rtol=1e-11)
    np.testing.assert_allclose(counted.std_errors, repeated.std_errors, rtol=1e-11)


def test_order_of_rows_and_terms_and_an_own_instrument_do_not_matter():
    data = rows()
    first = gm.iv("y ~ w + f + [x1 ~ z1 + z2]", data)
    other = gm.iv("y ~ f + w + [x1 ~ z2 + z1]", data.sample(frac=1.0, random_state=1))
    for name in first.names:
        assert first[name] == pytest.approx(other[name], rel=1e-9)
    # with the regressors as their own instruments it is least squares
    with_copy = data.assign(copy=data.x1)
    np.testing.assert_allclose(
        gm.iv("y ~ w + [x1 ~ copy]", with_copy).coefficients, gm.ols("y ~ w + x1", data).coefficients, rtol=1e-10
    )


def exactly(X, Z, y):
    """Two-stage least squares in fractions."""
    X, Z = ([[Fraction(v) for v in row] for row in A.tolist()] for A in (X, Z))
    Y = [Fraction(v) for v in y.tolist()]
    ZZ, ZX = _product(Z, Z), _product(Z, X)
    Zy = _product(Z, [[v] for v in Y])
    Pi = _solved(ZZ, [a + b for a, b in zip(ZX, Zy, strict=True)])
    A = [[sum(Pi[i][a] * ZX[i][b] for i in range(len(ZZ))) for b in range(len(X[0]))] for a in range(len(X[0]))]
    c = [[sum(Pi[i][a] * Zy[i][0] for i in range(len(ZZ)))] for a in range(len(X[0]))]
    return [row[0] for row in _solved(A, c)]


def _product(A, B):
    return [[sum(r[i] * s[j] for r, s in zip(A, B, strict=True)) for j in range(len(B[0]))] for i in range(len(A[0]))]


def _solved(A, B):
    M = [[*a, *b] for a, b in zip(A, B, strict=True)]
    for i in range(len(M)):
        pivot = next(r for r in range(i, len(M)) if M[r][i])
        M[i], M[pivot] = M[pivot], M[i]
        M[i] = [v / M[i][i] for v in M[i]]
        for r in range(len(M)):
            if r != i and M[r][i]:
                M[r] = [a - M[r][i] * b for a, b in zip(M[r], M[i], strict=True)]
    return [row[len(A) :] for row in M]


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
@pytest.mark.parametrize("near", [1.0, 1e-3, 1e-5])
def test_certified_digits_are_right(offset, near):
    data = rows(40, seed=int(np.log10(near)) + 9, offset=offset)
    data["z2"] = data.z1 + near * data.z2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        fit = gm.iv("y ~ w + [x1 ~ z1 + z2]", data)
    truth = exactly(columns(data, "1", "w", "x1"), columns(data, "1", "w", "z1", "z2"), data.y.to_numpy())
    for b, exact, digits, error in zip(fit.coefficients, truth, fit.digits, fit.std_errors, strict=True):
        right = abs(Fraction(float(b)) - exact) / Fraction(max(abs(float(exact)), float(error)))
        assert float(right) <= 10.0**-digits
    assert fit.digits.max() > 9 + np.log10(near)  # one pass


def test_a_saved_fit_is_the_same(tmp_path):
    fit = gm.iv("y ~ w + [x1 + x2 ~ z1 + z2 + z3]", rows())
    fit.save(tmp_path / "fit")
    loaded = gm.load(tmp_path / "fit")
    assert loaded.summary() == fit.summary()
    assert loaded.to_dict() == fit.to_dict()
    assert list(loaded.first_stage) == ["x1", "x2"]
    np.testing.assert_array_equal(loaded.predict(rows()), fit.predict(rows()))


def test_predictions_take_the_endogenous_columns_themselves():
    data = rows()
    fit = gm.iv("y ~ w + [x1 ~ z1]", data)
    np.testing.assert_allclose(fit.predict(data.drop(columns="z1")), columns(data, "1", "w", "x1") @ fit.coefficients)
    assert fit.augment(data).column_names[-4:] == [".fitted", ".resid", ".hat", ".std_resid"]


def test_first_stages_are_least_squares():
    fit, data = gm.iv("y ~ w + [x1 + x2 ~ z1 + z2 + z3]", rows()), rows()
    for name, first in fit.first_stage.items():
        assert first.formula == f"{name} ~ w + z1 + z2 + z3"
        np.testing.assert_allclose(first.coefficients, gm.ols(first.formula, data).coefficients, rtol=1e-11, atol=1e-13)


def test_dependent_instruments_are_left_out_and_named():
    data = rows().assign(same=lambda d: 2 * d.z1)
    fit = gm.iv("y ~ w + [x1 ~ z1 + same + z2]", data)
    assert (fit.instruments, fit.unused_instruments) == (("z1", "z2"), ("same",))
    np.testing.assert_allclose(fit.coefficients, gm.iv("y ~ w + [x1 ~ z1 + z2]", data).coefficients, rtol=1e-10)
    assert "instruments that depend on others, not used: same" in fit.summary()


@pytest.mark.parametrize(
    ("formula", "error", "said"),
    [
        ("y ~ w", FormulaError, "names no instruments"),
        ("y ~ w + [x1 + x2 ~ z1]", NotIdentifiedError, "2 endogenous columns (x1, x2) and 1 excluded instrument that"),
        (
            "y ~ w + [x1 ~ I(2 * w)]",
            NotIdentifiedError,
            "(I(2 * w) depends on other instruments): name at least as many",
        ),
        ("y ~ x1 + [x1 ~ z1]", FormulaError, "'x1' is both an exogenous and an endogenous term"),
        ("y ~ w + [x1 ~ w]", FormulaError, "'w' is an exogenous term, and so an instrument already"),
        ("y ~ w + [x1 ~ x1]", FormulaError, "'x1' is an endogenous term and cannot be its own instrument"),
        ("y ~ w + [x1 ~ z1 - 1]", FormulaError, "the intercept belongs to the exogenous terms"),
        ("y ~ w:[x1 ~ z1]", FormulaError, "between '+' signs"),
        ("y ~ w + [x1 ~ z1", FormulaError, "this '[' is not closed"),
        ("y ~ w + [x1]", FormulaError, "'~' stands between endogenous columns and their instruments"),
        ("y ~ w ~ z1", FormulaError, "a second '~'"),
        ("y ~ w | z1 + f | z2", FormulaError, "'|' stands once"),
    ],
)
def test_what_is_wrong_is_said(formula, error, said):
    with pytest.raises(error) as raised:
        gm.iv(formula, rows())
    assert said in str(raised.value)


def test_irrelevant_instruments_do_not_identify():
    data = {"y": [1.0, 2, 3, 5], "x": [1.0, 2, 1, 2], "z": [1.0, 1, -1, -1]}
    with pytest.raises(NotIdentifiedError, match="do not determine the coefficient of x"):
        gm.iv("y ~ [x ~ z]", data)


def test_other_models_take_no_instruments():
    for call in (
        lambda: gm.glm("y ~ [x1 ~ z1]", rows()),
        lambda: gm.ridge("y ~ [x1 ~ z1]", rows(), 1.0),
        lambda: gm.gram("y ~ [x1 ~ z1]", rows()),
        lambda: gm.ridge("y ~ [x1 ~ z1]", rows(), 1.0, by="g"),
        lambda: gm.gram("y ~ w + x1 + z1", rows()).iv("c(y, w) ~ [x1 ~ z1]"),
        lambda: gm.gram("y ~ w + x1 + z1", rows()).iv("y ~ sw(w, 1) + [x1 ~ z1]"),
        lambda: gm.ols("y ~ [x1 ~ z1]", rows(), by="g", exact=True),
    ):
        with pytest.raises(GramianError):
            call()
    for option in ({"collinear": "min-norm"}, {"solver": "dual"}):
        with pytest.raises(OptionError, match="does not go with instruments"):
            gm.ols("y ~ [x1 ~ z1]", rows(), **option)
    with pytest.raises(OptionError, match="exact=True does not go with instruments"):
        gm.ols("y ~ [x1 ~ z1]", rows(), exact=True)


def test_columns_that_depend_on_others_are_left_out_of_the_model_as_in_least_squares():
    data = rows().assign(w2=lambda d: 2 * d.w)
    for formula in ("y ~ w + w2 + [x1 ~ z1 + z2]", "y ~ w + w2 | f | x1 ~ z1 + z2"):
        fit, own = (gm.iv(f, data, vcov="HC1") for f in (formula, formula.replace(" + w2", "")))
        assert fit.aliased == {"w2": "2*w" if "f" not in formula else fit.aliased["w2"]}
        np.testing.assert_allclose(fit.std_errors[~np.isnan(fit.std_errors)], own.std_errors, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::gramian.errors.AccuracyWarning")  # nothing is left of the residuals
@pytest.mark.parametrize("n", [3, 4, 5])
@pytest.mark.parametrize("vcov", ["iid", "HC1"])
def test_very_few_rows_say_that_there_are_no_tests(n, vcov):
    fit = gm.iv("y ~ w + [x1 ~ z1 + z2]" if n > 3 else "y ~ w + [x1 ~ z1]", rows(5).head(n), vcov=vcov)
    assert fit.summary().startswith("Two-stage least squares")
    if n < 5:
        with pytest.raises(gm.errors.NumericalError):
            fit.weak_instruments()


def test_a_fit_is_drawn_with_its_rows(tmp_path):
    fit = gm.iv("y ~ w + [x1 ~ z1]", rows())
    for figure in (fit.plot(), fit.plot(rows())):
        figure.savefig(tmp_path / "figure.png")


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ w + [x1 ~ ]", "no instrument is named"),
        ("y ~ w + [ ~ z1]", "no endogenous column is named"),
        ("y ~ w | x1 ~ ", "no instrument is named"),
        (
            "y ~ w | f | x1 ~ level",
            r"0 excluded instruments .* \(level depends on other instruments, or on the levels of f",
        ),
    ],
)
def test_what_instruments_lack_is_said(formula, said):
    data = rows().assign(level=lambda d: d.f.map({"a": 1.0, "b": 2.5, "c": 4.0, "d": 5.0}))
    with pytest.raises(GramianError, match=said):
        gm.iv(formula, data)


def test_weak_instruments_and_such_that_may_depend_on_others_are_named():
    data = rows().assign(noise=np.random.default_rng(77).normal(size=400), twice=lambda d: 2 * d.z1 + 1)
    summary = gm.iv("y ~ w + [x1 ~ noise]", data).summary()
    assert "weak instruments, with which standard errors mislead" in " ".join(summary.split())
    assert "weak instruments" not in gm.iv("y ~ w + [x1 ~ z1]", data).summary()
    with pytest.warns(AccuracyWarning, match="whether twice, not used, depends on other instruments exactly or only"):
        gm.iv("y ~ w + [x1 ~ z1 + twice]", data)
