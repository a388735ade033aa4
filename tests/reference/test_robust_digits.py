"""Robust standard errors have the digits that they certify, beside exact rationals."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from reference.ill_conditioned import PROBLEMS
from reference.rational_rows import RationalFit

import gramian as gm
from gramian.errors import AccuracyWarning

KINDS = ("HC0", "HC1", "HC2", "HC3", "CR0", "CR1", "CR3")
SINGLE = 12  # rows of the levels but one


def covariance(kind):
    return kind if kind.startswith("HC") else {"cluster": "k", "type": kind}


def truth_of(fit: RationalFit, kind, clusters):
    return fit.by_row(kind) if kind.startswith("HC") else fit.by_cluster(kind, clusters)


def correct_digits(values, truth):
    error = np.abs(np.asarray(values) - truth) / np.abs(truth)
    return -np.log10(np.maximum(error, 2.0**-53))


@pytest.mark.parametrize("condition", [1e1, 1e4, 1e6, 5e6, 1e8])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_standard_errors_have_their_certified_digits(problem, condition):
    data, formula, truth = problem(condition)
    plain = gm.ols(formula, data)
    for kind in KINDS:
        fit = plain.with_vcov(covariance(kind), data)
        assert (fit.std_error_digits >= 4).all(), kind
        exact = truth_of(truth, kind, data["k"])
        assert (correct_digits(fit.std_errors, exact) >= fit.std_error_digits).all(), kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_number_costs_its_digits_once(kind):
    data, formula, truth = PROBLEMS[0](1e6)
    fit = gm.ols(formula, data, vcov=covariance(kind), exact=True)
    # sixteen digits, less six of the condition, less one and a half for sums of forty rows
    assert correct_digits(fit.std_errors, truth_of(truth, kind, data["k"])).min() > 8.5
    # bounds add what roundings would mostly cancel
    assert fit.std_error_digits.min() > 6.5


def test_weights_counts_and_offsets():
    data, _, _ = PROBLEMS[0](1e3, rows=25)
    rng = np.random.default_rng(4)
    data |= {"w": rng.uniform(0.5, 2.0, 25), "o": rng.normal(size=25) * 1e3, "n": rng.integers(1, 4, 25)}
    fractions = {name: [Fraction(float(v)) for v in data[name]] for name in ("x", "z", "y", "w", "o")}
    X = [[Fraction(1), x, z] for x, z in zip(fractions["x"], fractions["z"], strict=True)]
    y = [a - b for a, b in zip(fractions["y"], fractions["o"], strict=True)]
    weighted = RationalFit(X, y, fractions["w"])
    repeated = [i for i, n in enumerate(data["n"]) for _ in range(n)]
    counted = RationalFit([X[i] for i in repeated], [y[i] for i in repeated])
    for kind in ("HC1", "HC3"):
        fit = gm.ols("y ~ x + z + offset(o)", data, weights="w", vcov=kind)
        found = correct_digits(fit.std_errors, weighted.by_row(kind))
        assert (found >= fit.std_error_digits).all()
        assert fit.std_error_digits.min() >= 4
        fit = gm.ols("y ~ x + z + offset(o)", data, counts="n", vcov=kind)
        assert (correct_digits(fit.std_errors, counted.by_row(kind)) >= fit.std_error_digits).all()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("vcov", ["HC0", "HC1", {"cluster": "k"}, {"cluster": ["k", "f"]}], ids=str)
def test_the_variance_of_a_level_of_one_row_is_zero(vcov, exact):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        f = np.repeat(["a", "b", "c"], [1, SINGLE, SINGLE])
        data = {"f": f, "y": 100 + 5 * rng.normal(size=len(f)), "k": rng.integers(0, 5, len(f))}
        fit = gm.ols("y ~ f", data, vcov=vcov, exact=exact)
        assert fit.std_errors[0] == 0.0
        assert (fit.std_errors[1:] > 0.1).all()
        # the others are those of the means of their levels, which need no reference
        means = gm.ols("y ~ f - 1", data, vcov=vcov, exact=exact)
        np.testing.assert_allclose(fit.std_errors[1:], means.std_errors[1:], rtol=1e-12)


def test_a_saved_fit_certifies_as_much(tmp_path):
    data, formula, _ = PROBLEMS[0](1e6)
    fit = gm.ols(formula, data, vcov="HC3")
    fit.save(tmp_path / "fit")
    again = gm.load(tmp_path / "fit")
    assert np.array_equal(again.std_error_digits, fit.std_error_digits)
    assert again.predict(data, interval="confidence").equals(fit.predict(data, interval="confidence"))
    assert np.array_equal(again.with_vcov("HC1", data).vcov, fit.with_vcov("HC1", data).vcov)


def test_clusters_of_a_gram_are_certified_or_warned_of():
    data, formula, truth = PROBLEMS[1](1e2)
    gram = gm.gram(formula, data, cluster="k")
    for kind in ("CR0", "CR1", "CR3"):
        fit = gram.ols(formula, vcov={"cluster": "k", "type": kind})
        found = correct_digits(fit.std_errors, truth.by_cluster(kind, data["k"]))
        assert (found >= fit.std_error_digits).all()
        assert fit.std_error_digits.min() >= 4
    data, formula, truth = PROBLEMS[1](5e4)
    gram = gm.gram(formula, data, cluster="k")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = gram.ols(formula, vcov={"cluster": "k"})
    assert fit.std_error_digits.min() < 4
    assert (correct_digits(fit.std_errors, truth.by_cluster("CR1", data["k"])) >= fit.std_error_digits).all()
    warned = [str(w.message) for w in caught if issubclass(w.category, AccuracyWarning)]
    assert any("digits of standard errors (CR1 by k)" in m and "a Gram has no rows" in m for m in warned)


def test_what_is_not_certified_is_said():
    data, _, _ = PROBLEMS[0](1e2)
    fit = gm.ols("y ~ x | k", data, vcov="HC1")
    assert np.isnan(fit.std_error_digits).all()
    assert "\nstandard errors not certified: what absorbed factors cost robust ones has no bound" in fit.summary()
    assert fit.to_dict()["accuracy"]["std_error_digits"] is None
    assert fit.to_dict()["accuracy"]["not_certified"] in fit.summary()
    certified = gm.ols("y ~ x", data, vcov="HC1")
    assert "not certified" not in certified.summary()
    assert certified.to_dict()["accuracy"]["std_error_digits"] == certified.std_error_digits.min()
    assert certified.to_dict()["accuracy"]["not_certified"] is None
    curved = gm.curve("y ~ a + b * x", data, start={"a": 0.0, "b": 0.0})
    for fit in (gm.glm("y ~ x", data, "gaussian"), gm.glm("y ~ x", data, "gaussian", vcov="HC1"), curved):
        assert fit.to_dict()["accuracy"]["not_certified"] in fit.summary()
        assert "digits not certified: the iterations stop" in fit.summary()


def test_a_repaired_covariance_has_no_certified_digits():
    pairs = [(i % 3, (5 * i + i // 7) % 10) for i in range(60)]
    data = {"y": [float((7 * i * i + 3 * i) % 23) for i in range(60)], "x": [float((11 * i) % 17) for i in range(60)]}
    data |= {"a": [f"a{i}" for i, _ in pairs], "b": [f"b{j}" for _, j in pairs]}
    fit = gm.ols("y ~ x + a", data, vcov={"cluster": ["a", "b"]})
    assert "set to zero" in fit.summary()  # otherwise this tests nothing
    assert "\nstandard errors not certified: negative eigenvalues" in fit.summary()
    assert np.isnan(fit.std_error_digits).all()
