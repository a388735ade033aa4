"""Analysis of variance: statsmodels, residual sums of squares of nested fits, and its laws."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

import gramian as gm
from gramian.errors import NotIdentifiedError, OptionError
from gramian.fit.linear.anova import anova
from gramian.inference.covariance import Covariance

CLOSE = (
    1e-7  # condition of the columns as statsmodels solves them, up to 1e8, times its rounding, in the worst of these
)
FORMULAS = [
    "y ~ x + z",
    "y ~ f*g + x",
    "y ~ f*x + z",
    "y ~ f*g*h",
    "y ~ f + f:x",
    "y ~ x + f:x",
    "y ~ f + f:g",
    "y ~ x*z*f + g",
    "y ~ 0 + x + z",
    "y ~ 0 + f + x",
    "y ~ I(x^2) + x + z",
    "y ~ x + I(x^2) + f*I(x^2)",
    "y ~ (f + g + h)^2 + x",
    "y ~ 1",
]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 240
    d = pd.DataFrame(
        {
            "x": rng.uniform(5, 9, n),
            "z": rng.normal(10, 2, n),
            "f": rng.choice(list("abc"), n, p=[0.5, 0.3, 0.2]),
            "g": rng.choice(list("uvwx"), n),
            "h": rng.choice(list("pq"), n),
            "w": rng.uniform(0.2, 3, n),
            "n": rng.integers(1, 4, n),
        }
    )
    noise = rng.normal(size=n)
    return d.assign(y=3 + 0.3 * d.x + 0.3 * (d.f == "b") * d.x + (d.g == "u") * (d.f == "c") + noise)


def rows(table: object) -> dict[frozenset[str], tuple[float, ...]]:
    """Term -> numbers, whatever the order of its factors."""
    return {frozenset(r["term"].split(":")): tuple(r.values())[1:] for r in table.to_pylist()}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("formula", "kind"), [(f, k) for f in FORMULAS for k in (2, 3) if (f, k) != ("y ~ 1", 2)])
@pytest.mark.parametrize("weights", [None, "w"])
def test_types_two_and_three_are_those_of_statsmodels(
    frame: pd.DataFrame, formula: str, kind: int, weights: str | None
) -> None:
    theirs = formula.replace("^2)", "**2)").replace(")^2", ")**2")
    if kind == 3:
        for factor in "fgh":
            left, right = theirs.split("~")
            theirs = left + "~" + right.replace(factor, f"C({factor}, Sum)")
    model = smf.ols(theirs, frame) if weights is None else smf.wls(theirs, frame, weights=frame.w)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NaN in its own last line
        expected = anova_lm(model.fit(), typ=kind)
    expected.index = [str(i).replace(", Sum)", "").replace("C(", "").replace(" ** ", "^") for i in expected.index]
    expected = expected.rename(index={"Residual": "Residuals"})
    found = rows(gm.ols(formula, frame, weights=weights).anova(kind))
    assert found.keys() == {frozenset(name.split(":")) for name in expected.index}
    for name, line in expected.iterrows():
        df, total, mean, statistic, p = found[frozenset(str(name).split(":"))]
        assert df == line["df"]
        assert total == pytest.approx(line["sum_sq"], rel=CLOSE)
        assert mean == pytest.approx(line["sum_sq"] / line["df"], rel=CLOSE)
        assert (statistic is None) == np.isnan(line["F"])
        if statistic is not None:
            assert statistic == pytest.approx(line["F"], rel=CLOSE)
            assert p == pytest.approx(line["PR(>F)"], rel=1e-5, abs=1e-300)


@pytest.mark.parametrize("formula", ["y ~ f*g*h", "y ~ g + x*z"])
def test_type_one_is_that_of_statsmodels(frame: pd.DataFrame, formula: str) -> None:
    expected = anova_lm(smf.ols(formula, frame).fit(), typ=1)
    found = gm.ols(formula, frame).anova().to_pandas()
    for ours, theirs in (("df", "df"), ("sum_sq", "sum_sq"), ("mean_sq", "mean_sq"), ("statistic", "F")):
        np.testing.assert_allclose(found[ours].to_numpy(float), expected[theirs].to_numpy(float), rtol=CLOSE)


@pytest.mark.parametrize(
    ("formula", "options"),
    [(f, {}) for f in FORMULAS] + [(f, {"weights": "w"}) for f in FORMULAS[:4]] + [(FORMULAS[1], {"counts": "n"})],
)
def test_type_one_is_what_the_residuals_lose_term_by_term(
    frame: pd.DataFrame, formula: str, options: dict[str, str]
) -> None:
    fit = gm.ols(formula, frame, **options)
    terms = [t.label for t in fit.solved.design.terms.terms]
    first = "1" if "Intercept" in terms else "0"
    terms = [t for t in terms if t != "Intercept"]
    weight = frame[next(iter(options.values()))] if options else 1.0
    nothing = float((weight * frame.y**2).sum())
    written = [" + ".join([first, *terms[:k]]) for k in range(len(terms) + 1)]
    rss = [nothing if w == "0" else gm.ols(f"y ~ {w}", frame, **options).deviance for w in written]
    found = fit.anova("I").to_pandas()
    np.testing.assert_allclose(found.sum_sq, [*-np.diff(rss), fit.deviance], rtol=1e-8, atol=1e-9 * nothing)
    assert found.df.sum() + (first == "1") == fit.rows
    assert found.sum_sq.sum() == pytest.approx(fit.solved.tss, rel=1e-10)


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("shift", [0.0, 1e5])
def test_numbers_far_from_zero_are_tested_as_near_it(frame: pd.DataFrame, kind: int, shift: float) -> None:
    far = frame.assign(x=frame.x + shift)
    found = gm.ols("y ~ poly(x, 5, raw=True)*f + z", far).anova(kind).to_pandas()
    near = gm.ols("y ~ poly(c, 5)*f + z", far.assign(c=far.x - shift)).anova(kind).to_pandas()
    skip = ["Intercept", "f"] if kind == 3 else []  # at x = 0 there, at the mean here
    keep = ~found.term.isin(skip)
    # the shifted numbers themselves are rounded, by 1e-11 of their spread
    np.testing.assert_allclose(found.sum_sq[keep], near.sum_sq[keep], rtol=1e-8)


@pytest.mark.parametrize("kind", [2, 3])
def test_the_order_of_the_terms_does_not_matter(frame: pd.DataFrame, kind: int) -> None:
    a = rows(gm.ols("y ~ f*g + x + z:f", frame).anova(kind))
    b = rows(gm.ols("y ~ f:z + g*f + x", frame).anova(kind))
    assert a.keys() == b.keys()
    for term, numbers in a.items():
        assert numbers[1] == pytest.approx(b[term][1], rel=1e-9)


def test_the_reference_level_does_not_matter(frame: pd.DataFrame) -> None:
    formulas = ["y ~ f*x + g*f", 'y ~ C(f, ref="b")*x + C(g, ref="w")*C(f, ref="b")']
    for kind in (1, 2, 3):
        a, b = (gm.ols(formula, frame).anova(kind).to_pandas() for formula in formulas)
        np.testing.assert_allclose(a.sum_sq, b.sum_sq, rtol=1e-9)


def test_balanced_and_orthogonal_types_agree() -> None:
    rng = np.random.default_rng(1)
    f, g, _ = (a.ravel() for a in np.meshgrid(list("abc"), list("uv"), range(5), indexing="ij"))
    data = {"f": f, "g": g, "y": rng.normal(size=30)}
    fit = gm.ols("y ~ f*g", data)
    one, two, three = (fit.anova(kind).to_pandas() for kind in (1, 2, 3))
    np.testing.assert_allclose(one.sum_sq, two.sum_sq, rtol=1e-12)
    np.testing.assert_allclose(one.sum_sq, three.sum_sq[1:], rtol=1e-12)


def test_a_single_column_is_its_squared_t(frame: pd.DataFrame) -> None:
    fit = gm.ols("y ~ x + z", frame)
    for kind in (2, 3):
        found = {r["term"]: r for r in fit.anova(kind).to_pylist()}
        for name, t, p in zip(fit.names[1:], fit.statistics[1:], fit.p_values[1:], strict=True):
            assert found[name]["statistic"] == pytest.approx(t**2, rel=1e-12)
            assert found[name]["p_value"] == pytest.approx(p, rel=1e-9)


def test_all_terms_together_are_the_overall_test(frame: pd.DataFrame) -> None:
    fit = gm.ols("y ~ f*x + g", frame)
    found = fit.anova(1).to_pandas()
    explained = found.sum_sq[:-1].sum() / found.df[:-1].sum()
    assert explained / fit.sigma**2 == pytest.approx(fit.f_test.statistic, rel=1e-9)


def test_a_robust_covariance_gives_the_wald_tests_of_statsmodels(frame: pd.DataFrame) -> None:
    formula = "y ~ f*x + g"
    fit, reference = gm.ols(formula, frame), smf.ols(formula, frame).fit()
    told = {tidy(name): i for i, name in enumerate(reference.params.index)}
    order = [told[name] for name in map(tidy, fit.names)]
    for recipe, kind in (("HC1", 2), ("HC3", 2)):
        matrix = getattr(reference, f"cov_{recipe}")[np.ix_(order, order)]
        lines = anova(fit.solved, Covariance(recipe, matrix, fit.df_residual), fit.df_residual, kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = anova_lm(reference, typ=kind, robust=recipe.lower())
        found = {frozenset(line.term.split(":")): line for line in lines}
        for name in ("x", "f", "g", "f:x"):
            assert found[frozenset(name.split(":"))].statistic == pytest.approx(expected["F"][name], rel=CLOSE)
        assert all(np.isnan(line.sum_sq) for line in lines[:-1])


def tidy(name: str) -> frozenset[str]:
    return frozenset(name.replace("[T.", "[").split(":"))


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("kind", [2, 3])
def test_wald_tests_with_the_plain_covariance_are_the_f_tests(frame: pd.DataFrame, formula: str, kind: int) -> None:
    fit = gm.ols(formula, frame)
    plain = anova(fit.solved, fit.covariance, fit.df_residual, kind)
    wald = anova(fit.solved, Covariance("named", fit.vcov, fit.df_residual), fit.df_residual, kind)
    for a, b in zip(plain[:-1], wald[:-1], strict=True):
        assert (a.term, a.df) == (b.term, b.df)
        assert b.statistic == pytest.approx(a.statistic, rel=CLOSE)
        assert b.p_value == pytest.approx(a.p_value, rel=1e-5, abs=1e-300)


def test_type_one_needs_the_plain_covariance(frame: pd.DataFrame) -> None:
    fit = gm.ols("y ~ x", frame)
    with pytest.raises(OptionError, match="which the covariance HC1 is not about; use type 2 or 3"):
        anova(fit.solved, Covariance("HC1", fit.vcov, 1.0), fit.df_residual, 1)


def test_a_large_factor_that_was_eliminated(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)
    data = frame.assign(many=rng.integers(0, 40, len(frame)).astype(str))
    fit = gm.ols("y ~ x + many + z", data)
    for kind in (2, 3):
        found = {r["term"]: r["sum_sq"] for r in fit.anova(kind).to_pylist()}
        for term, rest in (("x", "many + z"), ("many", "x + z"), ("z", "x + many")):
            lost = gm.ols(f"y ~ {rest}", data).deviance - fit.deviance
            assert found[term] == pytest.approx(lost, rel=1e-9)


@pytest.mark.parametrize("collinear", ["drop", "min-norm"])
def test_dependent_columns_have_no_degrees_of_freedom(frame: pd.DataFrame, collinear: str) -> None:
    data = frame.assign(x=np.round(frame.x * 8) / 8, z=np.round(frame.z * 8) / 8)  # sums of these are exact
    data = data.assign(v=2 * data.x - 3 * data.z + 1, k=5.0)
    fit, plain = gm.ols("y ~ x + z + v + k + f", data, collinear=collinear), gm.ols("y ~ x + z + f", data)
    for kind in (1, 2):
        found, expected = fit.anova(kind).to_pylist(), plain.anova(kind).to_pylist()
        nothing = {"df": 0.0, "sum_sq": 0.0, "mean_sq": None, "statistic": None, "p_value": None}
        # type 2 compares models, as R's drop1() and car's Anova() do: of x, z and v any two do without the third
        without = "vk" if kind == 1 else "xzvk"
        assert [r for r in found if r["term"] in without] == [{"term": t, **nothing} for t in without]
        rest = [r["sum_sq"] for r in found if r["term"] not in without]
        known = [r["sum_sq"] for r in expected if r["term"] not in without]
        np.testing.assert_allclose(rest, known, rtol=1e-8)
    with pytest.raises(NotIdentifiedError, match=r"type 3 .* do not determine: v is aliased; use type 2"):
        fit.anova(3)


def test_exact_sums_tell_the_same(frame: pd.DataFrame) -> None:
    data = frame.assign(v=np.round(frame.x * 8) / 8)
    data = data.assign(u=2 * data.v + 1)
    a, b = gm.ols("y ~ f*v + u", data, exact=True), gm.ols("y ~ f*v + u", data)
    for kind in (1, 2):
        np.testing.assert_allclose(a.anova(kind)["sum_sq"], b.anova(kind)["sum_sq"], rtol=1e-9)
    assert a.vif()["vif"].to_pylist() == pytest.approx(b.vif()["vif"].to_pylist(), rel=1e-9)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_absorbed_factors_are_in_the_model_before_all_others(frame: pd.DataFrame, kind: int) -> None:
    absorbed, written = "y ~ x*f + z + I(x^2) | g", "y ~ g + x*f + z + I(x^2)"
    found = {r["term"]: r for r in gm.ols(absorbed, frame).anova(kind).to_pylist()}
    expected = {r["term"]: r for r in gm.ols(written, frame).anova(kind).to_pylist()}
    assert found.keys() == expected.keys() - {"g", "Intercept"}
    for term, row in found.items():
        assert row["df"] == expected[term]["df"]
        assert row["sum_sq"] == pytest.approx(expected[term]["sum_sq"], rel=1e-9)


@pytest.mark.parametrize("kind", [2, 3])
def test_the_covariance_in_force_is_used(frame: pd.DataFrame, kind: int) -> None:
    fit = gm.ols("y ~ x + z + f", frame, vcov="HC1")
    found = {r["term"]: r for r in fit.anova(kind).to_pylist()}
    for name in ("x", "z"):
        assert found[name]["statistic"] == pytest.approx(fit.statistics[fit.names.index(name)] ** 2, rel=1e-9)
        assert found[name]["sum_sq"] is None
    both = fit.test("f[b], f[c]")
    assert found["f"]["statistic"] == pytest.approx(both.statistic, rel=1e-9)
    assert found["f"]["p_value"] == pytest.approx(both.p_value, rel=1e-9)
    with pytest.raises(OptionError, match="use type 2 or 3"):
        fit.anova()


def test_empty_cells_leave_type_three_undetermined(frame: pd.DataFrame) -> None:
    data = frame[~((frame.f == "c") & (frame.g == "x"))]
    fit = gm.ols("y ~ f*g", data)
    assert fit.anova(2)["df"].to_pylist()[:3] == [2, 3, 5]
    with pytest.raises(NotIdentifiedError, match="cells of an interaction have no rows"):
        fit.anova(3)


def test_a_saved_fit_is_analysed_as_before(frame: pd.DataFrame, tmp_path: object) -> None:
    fit = gm.ols("y ~ f*x + poly(z, 2)", frame)
    fit.save(f"{tmp_path}/a.fit")
    again = gm.load(f"{tmp_path}/a.fit")
    for kind in (1, 2, 3):
        assert again.anova(kind).equals(fit.anova(kind))


def test_no_residual_degrees_of_freedom_leave_no_test() -> None:
    found = gm.ols("y ~ x", {"x": [1.0, 2.0], "y": [3.0, 5.0]}).anova().to_pylist()
    assert found[0]["sum_sq"] == pytest.approx(2.0)
    assert found[0]["statistic"] is None
    assert found[1]["df"] == 0.0


@pytest.mark.parametrize("kind", [0, 4, "IV", True, 2.5, None])
def test_another_type_is_refused(frame: pd.DataFrame, kind: object) -> None:
    with pytest.raises(OptionError, match="type must be 1, 2 or 3"):
        gm.ols("y ~ x", frame).anova(kind)  # type: ignore[arg-type]


def test_a_penalty_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(OptionError, match="needs a fit without a penalty"):
        gm.ridge("y ~ x + f", frame, 1.0).anova()
