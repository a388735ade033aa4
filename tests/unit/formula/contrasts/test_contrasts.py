"""Contrasts change what coefficients say, not the fit: against patsy's matrices and statsmodels' fits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.formula.api as smf

import gramian as gm
from gramian.errors import FormulaError, NumericalError
from gramian.formula.contrasts.matrices import CONTRASTS

PATSY = {"sum": "Sum", "helmert": "Helmert", "poly": "Poly"}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    d = pd.DataFrame(
        {
            "x": rng.normal(50, 1, n),
            "z": rng.normal(size=n),
            "f": rng.choice(list("abcd"), n),
            "g": rng.choice(list("uvw"), n),
        }
    )
    d["y"] = d.z + (d.f == "b") * d.z + (d.g == "v") + rng.normal(size=n)
    return d


@pytest.mark.parametrize("kind", PATSY)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_matrices_are_r_s_and_the_inverses_are_inverses(kind, count):
    levels = [f"l{i}" for i in range(count)]
    made = CONTRASTS[kind](levels)
    C = np.array(made.C, float).reshape(count, count - 1)
    if count > 1:
        known = getattr(patsy.contrasts, PATSY[kind])().code_without_intercept(levels).matrix
        np.testing.assert_allclose(C, known, atol=1e-13)
    whole = np.column_stack([np.ones(count), C])
    np.testing.assert_allclose(whole @ np.array(made.D, float), np.eye(count), atol=1e-14)
    if kind != "poly":  # its norms are irrational
        columns = [[Fraction(1), *row] for row in made.C]
        product = [[sum(a * d[j] for a, d in zip(row, made.D, strict=True)) for j in range(count)] for row in columns]
        assert product == [[Fraction(i == j) for j in range(count)] for i in range(count)]


def test_polynomials_of_many_levels_stay_orthonormal():
    C = np.array(CONTRASTS["poly"]([str(i) for i in range(40)]).C, float)
    np.testing.assert_allclose(C.T @ C, np.eye(39), atol=1e-13)
    with pytest.raises(NumericalError, match="polynomial contrasts go up to 95 levels, found 96"):
        CONTRASTS["poly"]([str(i) for i in range(96)])


MODELS = ("{f}", "{f}*z", "{f}*g + x", "{f}*{g}", "{f}:z + z", "{f}*{g}*z", "g + {f}:g")


@pytest.mark.parametrize("kind", PATSY)
@pytest.mark.parametrize("model", MODELS)
def test_coefficients_as_statsmodels(frame, kind, model):
    ours = "y ~ " + model.format(f=f'C(f, contrast="{kind}")', g=f'C(g, contrast="{kind}")')
    theirs = "y ~ " + model.format(f=f"C(f, {PATSY[kind]})", g=f"C(g, {PATSY[kind]})")
    fit, known = gm.ols(ours, frame), smf.ols(theirs, frame).fit()
    order, other = np.argsort(fit.coefficients), np.argsort(known.params.to_numpy())  # they order terms differently
    # their pseudo-inverse has errors of condition 1e4 times u in columns of mean 50
    scale = known.bse.to_numpy().max()
    np.testing.assert_allclose(fit.coefficients[order], known.params.to_numpy()[other], atol=1e-8 * scale)
    np.testing.assert_allclose(fit.std_errors[order], known.bse.to_numpy()[other], rtol=1e-8)
    assert fit.deviance == pytest.approx(known.ssr, rel=1e-12)
    treatment = gm.ols("y ~ " + model.format(f="f", g="g"), frame)
    np.testing.assert_allclose(fit.predict(frame), treatment.predict(frame), atol=1e-10)
    table, same = (f.predict(frame[:5], interval="confidence") for f in (fit, treatment))
    np.testing.assert_allclose(table["low"].to_numpy(), same["low"].to_numpy(), atol=1e-9)


def test_names(frame):
    names = {kind: gm.ols(f'y ~ C(f, contrast="{kind}")*z', frame).names for kind in PATSY}
    assert names["sum"][1:4] == tuple(f'C(f, contrast="sum")[{level}]' for level in "abc")
    assert names["helmert"][1:4] == tuple(f'C(f, contrast="helmert")[{level}]' for level in "bcd")
    assert names["poly"][-3:] == tuple(f'C(f, contrast="poly")[{power}]:z' for power in (".L", ".Q", ".C"))
    assert gm.ols('y ~ C(f, contrast="treatment")', frame).names[1] == "C(f)[b]"


def test_the_order_of_an_ordered_categorical_is_that_of_the_scores(frame):
    ordered = frame.assign(f=pd.Categorical(frame.f, list("dbca"), ordered=True))
    fit = gm.ols('y ~ C(f, contrast="poly")', ordered)
    renamed = frame.assign(f=frame.f.map(dict(zip("dbca", "1234", strict=True))))
    np.testing.assert_allclose(fit.coefficients, gm.ols('y ~ C(f, contrast="poly")', renamed).coefficients, atol=1e-13)


def test_where_nothing_is_left_out_there_is_a_column_a_level_as_in_r(frame):
    fit = gm.ols('y ~ 0 + C(f, contrast="sum") + z', frame)
    np.testing.assert_array_equal(fit.coefficients, gm.ols("y ~ 0 + f + z", frame).coefficients)
    ridge = gm.ridge('y ~ C(f, contrast="sum") + z', frame, 1.0)
    np.testing.assert_array_equal(ridge.coefficients, gm.ridge("y ~ f + z", frame, 1.0).coefficients)


def test_models_that_a_shift_would_change(frame):
    """A power without its lower powers: contrasts are part of the subspace then."""
    fit = gm.ols('y ~ C(f, contrast="sum") + I(x^2)', frame)
    plain = gm.ols("y ~ f + I(x^2)", frame)
    np.testing.assert_allclose(fit.predict(frame), plain.predict(frame), atol=1e-9)
    means = np.append(0.0, [plain[f"f[{level}]"] for level in "bcd"])
    effects = [fit[f'C(f, contrast="sum")[{level}]'] for level in "abc"]
    np.testing.assert_allclose(effects, (means - means.mean())[:3], atol=1e-9)


def test_aliased_columns_and_saved_fits(frame, tmp_path):
    fit = gm.ols('y ~ C(f, contrast="helmert")*z + I(2*z)', frame)
    assert list(fit.aliased) == ["I(2 * z)"]
    fit.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    np.testing.assert_array_equal(again.predict(frame), fit.predict(frame))
    assert again.names == fit.names


@pytest.mark.parametrize("kind", PATSY)
@pytest.mark.parametrize("model", ["{f}", "{f}*z + x", "{f}*{g}", "{f}*z + I(2*z)", "{f} + I(x^2)"])
def test_exact_sums_are_told_in_the_same_contrasts(frame, kind, model):
    formula = "y ~ " + model.format(f=f'C(f, contrast="{kind}")', g=f'C(g, contrast="{kind}")')
    fit, exact = gm.ols(formula, frame), gm.ols(formula, frame, exact=True)
    assert exact.tier == "exact"
    assert exact.aliased == fit.aliased
    # eight certified digits are promised, relative to the larger of a coefficient and its error
    np.testing.assert_allclose(exact.coefficients, fit.coefficients, rtol=1e-8, atol=1e-8 * np.nanmax(fit.std_errors))
    np.testing.assert_allclose(exact.std_errors, fit.std_errors, rtol=1e-8)
    np.testing.assert_allclose(exact.predict(frame), fit.predict(frame), rtol=1e-10, atol=1e-10)
    stored = gm.gram(f"y ~ f + g + x + z + f:g + f:z + I(x^2){' + I(2*z)' * ('2*z' in model)}", frame, exact=True)
    np.testing.assert_array_equal(stored.ols(formula).coefficients, exact.coefficients)


def test_generalized_models_and_grams(frame):
    counts = frame.assign(n=np.random.default_rng(1).poisson(np.exp(0.3 * (frame.f == "b") + 0.1 * frame.z)))
    fit, plain = (gm.glm(f"n ~ {f} * z", counts, "poisson") for f in ('C(f, contrast="sum")', "f"))
    assert fit.deviance == pytest.approx(plain.deviance, rel=1e-10)
    np.testing.assert_allclose(fit.predict(counts), plain.predict(counts), rtol=1e-7)
    gram = gm.gram("y ~ f*z + g", frame)
    for kind in PATSY:
        formula = f'y ~ C(f, contrast="{kind}") + z'
        np.testing.assert_allclose(gram.ols(formula).coefficients, gm.ols(formula, frame).coefficients, atol=1e-12)


@pytest.mark.parametrize("kind", PATSY)
def test_analysis_of_variance_does_not_depend_on_contrasts(frame, tmp_path, kind):
    fit = gm.ols(f'y ~ C(f, contrast="{kind}")*C(g, contrast="{kind}") + x', frame)
    plain = gm.ols("y ~ f*g + x", frame)
    fit.save(tmp_path / "a.fit")
    for made in (fit, gm.load(tmp_path / "a.fit")):
        for number in (1, 2, 3):
            one, other = (f.anova(number)["sum_sq"].to_numpy() for f in (made, plain))
            np.testing.assert_allclose(one, other, rtol=1e-8)
    told, known = (gm.ols(f"y ~ {f} + g + x", frame).vif() for f in (f'C(f, contrast="{kind}")', "f"))
    np.testing.assert_allclose(told["vif"].to_numpy(), known["vif"].to_numpy(), rtol=1e-10)


def test_what_is_refused(frame):
    with pytest.raises(FormulaError, match=r"'contrast' of C\(\) must be one of 'treatment', 'sum', 'helmert', 'poly'"):
        gm.ols('y ~ C(f, contrast="some")', frame)
    with pytest.raises(FormulaError, match="only treatment contrasts have a reference level"):
        gm.ols('y ~ C(f, ref="b", contrast="sum")', frame)
    empty = frame[~((frame.f == "a") & (frame.g == "v"))]
    with pytest.raises(NumericalError, match=r"no row has .* and these contrasts compare all combinations"):
        gm.ols('y ~ C(f, contrast="sum")*g', empty)
    assert gm.ols('y ~ C(f, contrast="sum") + g', empty).rank == 6
    with pytest.raises(FormulaError, match="a derivation shows treatment contrasts only"):
        gm.derive('y ~ C(f, contrast="sum")', frame[:20])
