"""Linear regressions against R's `lm` and `car`; r/linear.R and r/coding.R have made the values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from reference.r_values import EPS, Array, Case, as_r, cases, close

import gramian as gm

KNOWN = {**cases("linear"), **cases("coding")}
MODELS = [name for name, case in KNOWN.items() if "formula" in case]
TESTS = [name for name, case in KNOWN.items() if "hypothesis" in case]
ANALYSES = [(name, kind) for name in MODELS for kind in (1, 2, 3) if f"anova_{kind}" in KNOWN[name]]
CARS = "mpg ~ wt + hp + qsec"


def fitted(case: Case) -> Any:
    """The fit of a case; "entering" ones are of the rows that enter, for poly() and scale() are of more."""
    data = case.data
    if case.name.endswith("_entering"):
        data = data.filter(pc.field(case.weights) > 0) if case.weights else data.filter(pc.field("Ozone").is_valid())
    return gm.ols(case.formula, data, weights=case.weights)


def tolerance(case: Case, fit: Any) -> float:
    """What rounding may do: R's QR loses the condition of its columns, a Gram the square of its own, centred ones.

    Both as many units of the last place as sums over the rows round at worst.
    """
    return 4 * fit.rows * EPS * (case.number("condition") + float(fit.condition) ** 2)


def numbers(table: Any, *names: str) -> Array:
    """Columns of an Arrow table as (rows, columns), NaN where null."""
    return np.column_stack([table[name].to_numpy(zero_copy_only=False).astype(float) for name in names])


def test_every_case_is_tested() -> None:
    assert set(KNOWN) == {*MODELS, *TESTS, "anova_hc1_2", "anova_hc1_3"}


@pytest.mark.parametrize("name", MODELS)
def test_coefficients_with_their_errors(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    ours, theirs = as_r(fit.names), case.texts("names")
    if "contrast" in name:  # R counts contrasts, and here they have the names of levels
        ours = theirs
    at = [theirs.index(n) for n in ours]
    assert at == sorted(at)
    b = case.numbers("coefficients")
    # R names columns for levels and cells without rows, and says NA: here they have no name
    assert np.isnan(np.delete(b, at)).all()
    rtol, errors = tolerance(case, fit), np.nan_to_num(fit.std_errors)
    close(fit.coefficients, b[at], rtol, errors)
    close(fit.std_errors, case.numbers("std_errors")[at], rtol)
    # d log p / d log t is at most the degrees of freedom
    close(fit.p_values, case.numbers("p_values")[at], rtol * (1 + fit.df_residual))
    close(fit.conf_int(0.9), case.numbers("confidence_interval").reshape(-1, 2)[at], 4 * rtol, errors[:, None])


@pytest.mark.parametrize("name", MODELS)
def test_figures_of_the_whole(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    rtol = tolerance(case, fit)
    for figure in ("rows", "df_residual"):
        assert getattr(fit, figure) == case.number(figure)
    for figure in ("sigma", "deviance"):
        close(getattr(fit, figure), case.number(figure), rtol)
    for figure in ("loglik", "aic", "bic"):  # rows times half the logarithm of the deviance
        close(getattr(fit, figure), case.number(figure), rtol, fit.rows)
    if name == "offset":
        # R takes the sum of squares of what is fitted, the offset in it, and so divides by what no model leaves; here
        # the offset is taken from the outcome first, which is the test of the slopes that R's anova() makes
        close(fit.r_squared, case.number("r_squared_of_rest"), rtol)
        _same_test(fit.f_test, case.numbers("f_of_slopes"), rtol)
        assert abs(fit.r_squared - case.number("r_squared")) > 0.01
        return
    for figure in ("r_squared", "adj_r_squared"):
        close(getattr(fit, figure), case.number(figure), rtol, 1.0)
    assert (fit.f_test is not None) == ("f_test" in case)
    if fit.f_test is not None:
        _same_test(fit.f_test, case.numbers("f_test"), rtol)


def _same_test(found: Any, known: Array, rtol: float) -> None:
    assert found.df == (known[1], known[2])
    close(found.statistic, known[0], 4 * rtol)
    close(found.p_value, known[3], 4 * rtol * (1 + known[2]))


@pytest.mark.parametrize("name", MODELS)
def test_predictions_with_their_intervals(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    new = case.data.take(case.numbers("rows_predicted").astype(int) - 1)
    for kind, level, columns in (("confidence", 0.95, ("fit", "low", "high")), ("prediction", 0.8, ("low", "high"))):
        found = numbers(fit.predict(new, kind, level), *columns)
        known = case.numbers(kind).reshape(-1, len(columns))
        size = np.abs(known).max(axis=1, keepdims=True)  # an end near zero is a difference of what is not
        close(found, known, 4 * tolerance(case, fit), size)


@pytest.mark.parametrize(("name", "kind"), ANALYSES)
def test_analysis_of_variance(name: str, kind: int) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    table = fit.anova(kind)
    found = numbers(table, "df", "sum_sq", "statistic", "p_value")
    # R leaves a term out that has only aliased columns, or gives it no degree of freedom, as here
    there, known = found[:, 0] > 0, case.numbers(f"anova_{kind}").reshape(-1, 4)
    theirs = [t for t, df in zip(case.texts(f"anova_{kind}_terms"), known[:, 0], strict=True) if df > 0]
    contrasts = re.compile(r'C\((\w+), contrast="\w+"\)')  # R keeps them beside the formula
    terms = [
        contrasts.sub(r"factor(\1)", t).replace(" ", "").replace("Intercept", "(Intercept)")
        for t in table["term"].to_pylist()
    ]
    assert there.all() or "aliased" in name
    assert [t for t, yes in zip(terms, there, strict=True) if yes] == [t.replace(" ", "") for t in theirs]
    known, found = known[known[:, 0] > 0], found[there]
    # a sum of squares is that of a projection of the outcome, and rounding goes with the outcome's length
    length = np.sqrt(fit.solved.tss + fit.solved.weight * fit.solved.mean**2)
    with np.errstate(divide="ignore"):
        rtol = 4 * tolerance(case, fit) * (1 + length / np.sqrt(known[:, 1]))
    np.testing.assert_array_equal(found[:, 0], known[:, 0])
    close(found[:, 1], known[:, 1], rtol)
    close(found[:, 2], known[:, 2], 2 * rtol)
    close(found[:, 3], known[:, 3], 2 * rtol * (1 + fit.df_residual))


@pytest.mark.parametrize("kind", [2, 3])
def test_robust_analysis_of_variance(kind: int) -> None:
    data = KNOWN["numeric"].data
    fit = gm.ols("mpg ~ factor(cyl) * factor(am) + wt", data, vcov="HC1")
    known = KNOWN[f"anova_hc1_{kind}"].numbers("lines").reshape(-1, 3)
    found = numbers(fit.anova(kind), "df", "statistic", "p_value")
    rtol = 16 * tolerance(KNOWN["unbalanced"], fit)  # squares of coefficients over their variances
    close(found, known, rtol * np.array([0.0, 1.0, 1.0 + fit.df_residual]))


@pytest.mark.parametrize("name", [name for name in MODELS if "vif" in KNOWN[name]])
def test_variance_inflation(name: str) -> None:
    case = KNOWN[name]
    fit = fitted(case)
    found = fit.vif()
    assert found["term"].to_pylist() == case.texts("vif_terms")
    close(numbers(found, "vif", "df", "scaled"), case.numbers("vif").reshape(-1, 3), 4 * tolerance(case, fit))


@pytest.mark.parametrize("name", TESTS)
def test_hypotheses(name: str) -> None:
    case = KNOWN[name]
    data = KNOWN["numeric"].data
    fit = gm.ols(CARS, data, vcov="HC3" if name == "test_hc3" else "iid")
    _same_test(fit.test(case.figures["hypothesis"]), case.numbers("test"), 4 * tolerance(KNOWN["numeric"], fit))
