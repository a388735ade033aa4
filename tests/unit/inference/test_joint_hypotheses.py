"""Lists and chains of hypotheses, contradictions, and more of them than a covariance by clusters can test."""

import numpy as np
import pytest
from scipy import stats

import gramian as gm
from gramian.errors import NumericalError, OptionError
from gramian.inference.hypothesis import hypotheses

NAMES = ("Intercept", "educ", "age", "x")


def data(rows=60):
    rng = np.random.default_rng(3)
    out = {name: rng.normal(size=rows) for name in ("educ", "age", "x")}
    return out | {"y": out["educ"] + rng.normal(size=rows), "g": np.arange(rows) % 3, "hit": rng.integers(0, 2, rows)}


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("educ = age = 0", "educ - age = 0, age = 0"),
        ("educ == age", "educ = age"),
        ("educ==age==2*x==1", "educ - age = 0, age - 2*x = 0, 2*x = 1"),
        (["educ = 0", "age = x"], "educ = 0, age = x"),
        (("educ", "age = x, x = 2"), "educ = 0, age = x, x = 2"),
    ],
)
def test_lists_chains_and_two_signs_of_equality(text, same):
    for ours, theirs in zip(hypotheses(text, NAMES), hypotheses(same, NAMES), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("text", [[], ["educ", 3], 7, None])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(OptionError, match="a hypothesis is a text of at most"):
        hypotheses(text, NAMES)


def test_a_chain_ends_with_a_side():
    with pytest.raises(OptionError, match="the text ends"):
        hypotheses("educ = age =", NAMES)
    with pytest.raises(OptionError, match="contains no coefficient"):
        hypotheses("educ = 1 = 1", NAMES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("educ = 0, educ = 1", "hypothesis 2 contradicts the ones before it"),
        ("educ = age, age = x, educ = x + 1e-3", "hypothesis 3 contradicts the ones before it"),
        ("educ = 0.1, 3*educ = 0.3", "hypothesis 2 says nothing that the ones before it do not"),
        ("educ = age, age = x, educ = x", "hypothesis 3 says nothing that the ones before it do not"),
        ("educ = 0, educ = 0", "hypothesis 2 says nothing that the ones before it do not"),
    ],
)
def test_a_contradiction_is_no_repetition(text, said):
    with pytest.raises(OptionError, match=said):
        gm.ols("y ~ educ + age + x", data()).test(text)


def test_chi_squared_is_that_of_a_large_sample():
    test = gm.glm("hit ~ educ + age", data(), family="binomial").test("educ = age = 0")
    assert test.chi_squared == 2 * test.statistic
    assert test.p_value == pytest.approx(stats.chi2.sf(test.chi_squared, 2), rel=1e-12)


def test_clusters_limit_how_many_hypotheses_are_tested_at_once():
    fit = gm.ols("y ~ educ + age + x", data(), vcov={"cluster": "g"})
    assert fit.test("educ = age = 0").p_value > 0
    with pytest.raises(NumericalError, match=r"3 hypotheses cannot be .* by 3 clusters has rank 2 at most; test fewer"):
        fit.test(["educ", "age", "x"])
    assert fit.f_test is None
    assert "no F: 3 hypotheses cannot be tested at once: a covariance by 3 clusters has rank 2" in fit.summary()
    assert "no F" not in gm.ols("y ~ educ", data(), vcov={"cluster": "g"}).summary()
