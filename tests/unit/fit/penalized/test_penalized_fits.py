"""From a formula and moments to paths: columns, terms, shifts, folds, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from unit.fit.penalized.systems import folded, houses, moments_of, whole, written_out

import gramian as gm
from gramian.errors import NumericalError, OptionError
from gramian.fit.penalized.cross_validation import training_sets
from gramian.fit.penalized.problem import Sums
from gramian.fit.penalized.result_cv import cross_validation_of
from gramian.fit.penalized.result_path import path_of
from gramian.linalg.doubledouble import pair

FORMULA = "y ~ f + x + z + u + I(z^2)"


@pytest.mark.parametrize("formula", [FORMULA, "y ~ 0 + f:x + z", "y ~ poly(x, 3) + f", "y ~ I(z^2) + u:z", "y ~ u * f"])
@pytest.mark.parametrize("alpha", [0.5, 40.0])
def test_ridge_on_a_path_is_ridge(formula: str, alpha: float) -> None:
    """One by Cholesky in shifted columns, the other by eigenvalues (or Cholesky) in the model's own."""
    data = houses()
    path = path_of(*whole(formula, data), l1_ratio=0.0, alphas=[alpha])
    fit = gm.ridge(formula, data, alpha)
    assert path[0].names == fit.names
    np.testing.assert_allclose(path[0].coefficients, fit.coefficients, rtol=1e-9, atol=1e-12)
    assert path.df[0] == pytest.approx(fit.effective, rel=1e-9)
    assert path.rss[0] == pytest.approx(fit.deviance, rel=1e-9)
    np.testing.assert_allclose(path[0].predict(data), fit.predict(data), rtol=1e-9)


@pytest.mark.parametrize("formula", [FORMULA, "y ~ 0 + x + z + u", "y ~ poly(z, 2) + u", "y ~ log(x) + f:z"])
def test_a_lasso_path_ends_at_least_squares(formula: str) -> None:
    data = houses()
    path, fit = path_of(*whole(formula, data, weights="w")), gm.ols(formula, data, weights="w")
    np.testing.assert_allclose(path[-1].predict(data), fit.predict(data), rtol=1e-9)
    assert path.rss[-1] == pytest.approx(fit.deviance)
    assert path.df[-1] == fit.rank


def test_powers_far_from_zero_keep_the_conditions_of_their_own_columns() -> None:
    """x and x^2 around 10,000 are parallel to 7 digits; the conditions are evaluated in rational arithmetic."""
    rng = np.random.default_rng(4)
    x = np.round(rng.normal(1e4, 10.0, 40), 2)
    y = np.round(0.5 * (x - 1e4) + 0.01 * (x - 1e4) ** 2 + rng.normal(size=40), 3)
    path = path_of(*whole("y ~ x + I(x^2)", {"x": x, "y": y}))
    assert path.method == "homotopy, every knot"
    n, X = 40, [[Fraction(v), Fraction(v) ** 2] for v in x.tolist()]
    outcome = [Fraction(v) for v in y.tolist()]
    for alpha, slopes in zip(path.alphas.tolist(), path.coefficients.tolist(), strict=True):
        b = [Fraction(v) for v in slopes]
        rest = [v - sum(c * s for c, s in zip(row, b, strict=True)) for v, row in zip(outcome, X, strict=True)]
        mean = sum(rest) / n
        for j in range(2):
            g = sum(row[j] * (r - mean) for row, r in zip(X, rest, strict=True)) / n
            sd = float(np.std(x ** (j + 1)))
            wanted = alpha * np.sign(slopes[j])
            off = abs(float(g) - wanted) if slopes[j] else max(abs(float(g)) - alpha, 0.0)
            assert off <= 1e-8 * sd * float(np.std(y))


def test_intercepts_keep_their_digits_far_from_zero() -> None:
    data = houses()
    near = path_of(*whole("y ~ x + u", {**data, "x": data["x"] - 2000.0}))
    far = path_of(*whole("y ~ x + u", {**data, "x": (data["x"] - 2000.0) + 2.0**30}))
    exact = [
        float(Fraction(a) - Fraction(b) * 2**30) for a, b in zip(near.intercepts, near.coefficients[:, 0], strict=True)
    ]
    # x itself is rounded to 2^-22 when 2^30 is added
    np.testing.assert_allclose(far.intercepts, exact, rtol=1e-8)


def test_factors_enter_with_all_levels_unless_asked_otherwise() -> None:
    design, done = whole("y ~ f + x", houses())
    assert path_of(design, done).names == ("f[a]", "f[b]", "f[c]", "f[d]", "x")
    assert path_of(design, done, drop_first=True).names == ("f[b]", "f[c]", "f[d]", "x")
    assert path_of(design, done, penalties={"f": 0.0}).names == ("f[b]", "f[c]", "f[d]", "x")


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_what_is_not_penalised_is_in_from_the_start(l1_ratio: float) -> None:
    data = houses()
    path = path_of(*whole("y ~ x + z + u", data), l1_ratio=l1_ratio, penalties={"z": 0.0}, alphas=[1e12])
    alone = gm.ols("y ~ z", data)
    assert path[0]["z"] == pytest.approx(alone["z"], rel=1e-6)
    assert path.df[0] == pytest.approx(2.0, abs=1e-6)


def test_larger_factors_enter_later() -> None:
    design, done = whole("y ~ z + u + x", houses())
    plain, late = path_of(design, done), path_of(design, done, penalties={"x": 1000.0})
    first = [int(np.flatnonzero(p.coefficients[:, 2])[0]) for p in (plain, late)]
    assert first[0] < first[1]


def test_the_order_of_alphas_does_not_matter() -> None:
    design, done = whole(FORMULA, houses())
    for l1_ratio in (0.0, 0.5, 1.0):
        up, down = (path_of(design, done, l1_ratio=l1_ratio, alphas=a) for a in ([0.1, 1.0, 0.3], [1.0, 0.3, 0.1]))
        assert up.alphas.tolist() == [1.0, 0.3, 0.1]
        np.testing.assert_array_equal(up.coefficients, down.coefficients)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1_ratio": 1.5}, "l1_ratio must lie between 0 (ridge) and 1 (lasso), found 1.5"),
        ({"l1_ratio": -0.5}, "l1_ratio must be a number that is not negative, found -0.5"),
        ({"alphas": [1.0, float("nan")]}, "alphas must be a number that is not negative, found nan"),
        ({"alphas": 0.5}, "alphas must be numbers in a list or an array, found 0.5"),
        ({"alphas": []}, "alphas is empty; leave it out for the knots of the lasso, or a grid"),
        ({"alphas": [0.0], "l1_ratio": 0.5}, "alphas must be above 0 for an elastic net"),
        ({"penalties": {"xx": 2.0}}, "penalties: no term 'xx'; did you mean 'x'? (terms: f, x)"),
        ({"penalties": {"x": -1.0}}, "penalties['x'] must be a number that is not negative, found -1.0"),
        ({"penalties": {"x": "much"}}, "penalties['x'] must be a number that is not negative, found 'much'"),
        ({"penalties": {"Intercept": 1.0}}, "the intercept is never penalised; leave it out of penalties"),
        ({"penalties": {"x": 0.0, "f": 0}}, "nothing is penalised: every term is unpenalised, or there is none"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    design, done = whole("y ~ f + x", houses())
    with pytest.raises(OptionError) as caught:
        path_of(design, done, **options)
    assert str(caught.value).startswith(message)


def test_no_rows_and_no_terms_are_refused() -> None:
    data = {"y": [None, None], "x": [1.0, 2.0]}
    with pytest.raises(NumericalError, match="no rows are left to fit 'y ~ x'"):
        path_of(*whole("y ~ x", data))
    with pytest.raises(OptionError, match="nothing is penalised"):
        path_of(*whole("y ~ 1", houses()))


def test_absorbed_factors_are_refused() -> None:
    design, done = whole("y ~ x", houses())
    absorbing = replace(design, terms=replace(design.terms, absorbed=("f",)))
    with pytest.raises(
        OptionError, match=r"cannot absorb 'f': write it as a term, unpenalised by penalties={'f': 0.0}"
    ):
        path_of(absorbing, done)


def test_folds_are_refused_where_there_is_nothing_to_measure() -> None:
    design, parts = folded("y ~ x", {"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 4.0]}, 5)
    moments = [p.moments for p in parts]
    with pytest.raises(NumericalError, match="fold 3, 4 of 5 has no rows to measure an error on; use fewer folds"):
        cross_validation_of(design, moments)
    with pytest.raises(OptionError, match="cross-validation needs two folds or more, found 1"):
        cross_validation_of(design, moments[:1])


def test_training_parts_are_sums_of_the_others() -> None:
    parts = [Sums(pair(np.full((1, 1), 10.0**k)), np.full(1, 10.0**k), 10**k, 10.0**k) for k in range(4)]
    told = [(train.rows, float(train.products.hi[0, 0]), test.rows) for train, test in training_sets(parts)]
    assert told == [(1110, 1110.0, 1), (1101, 1101.0, 10), (1011, 1011.0, 100), (111, 111.0, 1000)]


@pytest.mark.parametrize("l1_ratio", [0.0, 0.7, 1.0])
def test_groups_are_left_out_in_turn(l1_ratio: float) -> None:
    """A level that no other group has is a column of zeros for the fit to them."""
    data = houses(150)
    data["f"][:7] = "a"
    group = np.where(data["f"] == "d", 2, np.arange(150) % 2)
    every, parts = [], []
    design, _ = whole(FORMULA, data)
    for g in range(3):
        parts.append(moments_of(design, {name: v[group == g] for name, v in data.items()}))
    found = cross_validation_of(design, parts, l1_ratio=l1_ratio, alphas=[2.0, 0.2], names=["x", "y", "d"])
    X, y = written_out(data), data["y"]
    for alpha in found.alphas:
        model = {
            0.0: Ridge(alpha, solver="cholesky"),
            0.7: ElasticNet(alpha, l1_ratio=0.7, tol=1e-14, max_iter=10**6),
            1.0: Lasso(alpha, tol=1e-14, max_iter=10**6),
        }[l1_ratio]
        fits = [model.fit(X[group != g], y[group != g]).predict(X[group == g]) for g in range(3)]
        every.append([np.mean((y[group == g] - fit) ** 2) for g, fit in enumerate(fits)])
    np.testing.assert_allclose(found.errors, np.array(every).T, rtol=1e-8)
    assert found.folds == ("x", "y", "d")


def test_choices_follow_the_errors() -> None:
    design, parts = folded(FORMULA, houses(), 6)
    moments = [p.moments for p in parts]
    for l1_ratio, alphas in ((0.0, 100), (0.5, 100), (1.0, None)):
        found = cross_validation_of(design, moments, l1_ratio=l1_ratio, standardize=True)
        assert alphas is None or len(found.alphas) == alphas
        best = int(np.argmin(found.mean_error))
        assert found.best_alpha == found.alphas[best] == found.fit.alpha
        within = found.mean_error <= found.mean_error[best] + found.std_error[best]
        assert found.one_se_alpha == found.alphas[within].max() == found.one_se_fit.alpha


def test_a_fold_far_larger_than_the_others_loses_nothing() -> None:
    """Subtracting it from the whole would leave 16 - 12 digits of the others."""
    data = houses(40)
    huge = {"y": np.array([1e9, -1e9, 3e9]), "x": np.array([1e9, 2e9, -1e9]), "u": np.array([1e9, -2e9, 0.0])}
    both = {name: np.concatenate([data[name], huge[name]]) for name in huge}
    design, _ = whole("y ~ x + u", data)
    parts = [moments_of(design, d) for d in ({k: data[k] for k in huge}, huge)]
    found = cross_validation_of(design, parts, alphas=[1.0])
    X = np.column_stack([both["x"], both["u"]])
    fit = Ridge(1.0, solver="cholesky").fit(X[:40], both["y"][:40])
    assert found.errors[1, 0] == pytest.approx(np.mean((both["y"][40:] - fit.predict(X[40:])) ** 2), rel=1e-9)
