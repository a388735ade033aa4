"""Differences of Grams: Chow's test, means and coefficients, against the same from rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

import gramian as gm
from gramian.errors import DataError, NumericalError, OptionError, SchemaError

RANDOM = np.random.default_rng(17)


def rows(count: int, slope: float, levels: str = "abc") -> pd.DataFrame:
    data = pd.DataFrame({"x": RANDOM.normal(3.0, 2.0, count), "f": RANDOM.choice(list(levels), count)})
    return data.assign(y=1 + slope * data["x"] + (data["f"] == "b") + RANDOM.normal(size=count))


OLD, NEW = rows(200, 1.0), rows(150, 1.3)


def test_chow_is_the_f_test_of_interactions() -> None:
    found = gm.compare_grams(gm.gram("y ~ x + f", OLD), gm.gram("y ~ x + f", NEW))
    both = pd.concat([OLD.assign(g=0), NEW.assign(g=1)])
    small, large = smf.ols("y ~ x + f", both).fit(), smf.ols("y ~ (x + f) * C(g)", both).fit()
    statistic, p_value, df = large.compare_f_test(small)
    assert found.chow.statistic == pytest.approx(statistic, rel=1e-9)
    assert found.chow.p_value == pytest.approx(p_value, rel=1e-8)
    assert found.chow.df == (df, large.df_resid) == (4.0, 342.0)


def test_means_and_coefficients_are_compared_by_welch() -> None:
    found = gm.compare_grams(gm.gram("y ~ x + f", OLD), gm.gram("y ~ x + f", NEW))
    means = {row["name"]: row for row in found.means.to_pylist()}
    for name in ("x", "y"):
        expected = stats.ttest_ind(NEW[name], OLD[name], equal_var=False)
        assert means[name]["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
        assert means[name]["p_value"] == pytest.approx(expected.pvalue, rel=1e-8)
        assert means[name]["df"] == pytest.approx(expected.df, rel=1e-9)
    assert list(means) == ["x", "f[a]", "f[b]", "f[c]", "y"]
    coefficients = {row["term"]: row for row in found.coefficients.to_pylist()}
    old, new = gm.ols("y ~ x + f", OLD), gm.ols("y ~ x + f", NEW)
    slope = coefficients["x"]
    assert slope["difference"] == pytest.approx(new["x"] - old["x"], rel=1e-9)
    assert slope["std_error"] == pytest.approx(np.hypot(old.std_errors[1], new.std_errors[1]), rel=1e-9)
    assert slope["p_value"] < 0.01
    text = found.summary()
    assert text.splitlines()[0] == "y ~ x + f: 200 and 150 rows"
    assert "Chow's test of equal coefficients: F = " in text
    assert "<table" in found._repr_html_()


def test_the_same_rows_twice_do_not_differ() -> None:
    a, b = gm.gram("y ~ x", OLD[:100]), gm.gram("y ~ x", OLD[100:])
    assert gm.compare_grams(a, b).chow.p_value > 0.001
    with pytest.raises(DataError, match=r"in both: .*; each must have its own rows: where one holds"):
        gm.compare_grams(a, a)
    total = gm.add(a, b)
    assert gm.compare_grams(a, gm.subtract(total, a)).chow.p_value == pytest.approx(gm.compare_grams(a, b).chow.p_value)


def test_levels_that_only_one_of_them_has() -> None:
    new = rows(80, 1.0, "abd")
    found = gm.compare_grams(gm.gram("y ~ x + f", OLD), gm.gram("y ~ x + f", new))
    means = {row["name"]: row for row in found.means.to_pylist()}
    assert means["f[c]"]["mean_second"] == 0.0
    assert means["f[d]"]["mean_first"] == 0.0
    assert [row["term"] for row in found.coefficients.to_pylist()] == ["Intercept", "x", "f[b]"]
    # levels c and d have no counterpart: they are no restriction
    assert found.chow.df[0] == 3.0


@pytest.mark.parametrize(
    ("first", "second", "formula", "error", "message"),
    [
        (gm.gram("y ~ x", OLD), gm.gram("y ~ x + f", NEW), None, SchemaError, "different terms"),
        (gm.gram("c(y, x) ~ f", OLD), gm.gram("c(y, x) ~ f", NEW), None, OptionError, "takes one outcome"),
        (gm.gram("y ~ x", OLD[:2]), gm.gram("y ~ x", NEW[:2]), None, NumericalError, "too few to compare"),
        (gm.gram("y ~ x", OLD), 3, None, OptionError, "expected two Grams, found int"),
    ],
)
def test_what_cannot_be_compared(
    first: Any, second: Any, formula: str | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gm.compare_grams(first, second, formula)
