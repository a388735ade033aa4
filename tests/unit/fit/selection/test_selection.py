"""Selections: every number of every candidate is that of a fit of its own; the winner is the best of them."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from unit.fit.selection.stored import stored, table

import gramian as gm
from gramian.errors import NumericalError, OptionError
from gramian.fit.selection.result import selection

FRAME = table()
FORMULAS = [
    "y ~ x*f + z + I(z^2) + g + v0 + v2",
    "y ~ 0 + f + x + z + v2",
    "y ~ 0 + x + z",
    "y ~ poly(x, 3) + f*g + v2",
    "y ~ poly(x, 3, raw=True) + z",
    "y ~ I(x^2) + x:z",
    "y ~ x:z + f",
    "y ~ f:x + f + v1",
    "y ~ log(x) + factor(g) + b + x",
    "y ~ center(x)*z + offset(v0)",
    "log(y) ~ x + v2",
]
VALUES = {"aic": "aic", "bic": "bic", "adj_r2": "adj_r_squared", "cp": "cp"}
CLOSE = 1e-8  # of numbers that come from unit-diagonal products of condition below 1e6


@pytest.mark.parametrize(
    ("formula", "options"),
    [(f, {}) for f in FORMULAS] + [(f, {"weights": "w"}) for f in FORMULAS[:2]] + [(FORMULAS[-1], {"counts": "n"})],
)
def test_every_candidate_is_a_fit(formula, options):
    data = FRAME.assign(b=FRAME.v1 > 0)
    design, done = stored(formula, data, **options)
    full = gm.ols(formula, data, **options)
    for method in ("best", "forward", "backward"):
        for row in selection(design, done, "bic", method).table.to_pylist():
            written = formula_of(formula, row["terms"])
            if written is None:
                continue
            fit = gm.ols(written, data, **options)
            assert fit.rank == row["columns"]
            for name, found in (("rss", fit.deviance), *((n, getattr(fit, n)) for n in ("aic", "bic"))):
                assert row[name] == pytest.approx(found, rel=CLOSE), (written, name)
            assert row["adj_r_squared"] == pytest.approx(fit.adj_r_squared, abs=CLOSE)
            cp = fit.deviance / full.sigma**2 - fit.rows + 2 * fit.rank
            assert row["cp"] == pytest.approx(cp, abs=CLOSE * fit.deviance / full.sigma**2)


def formula_of(formula, terms):
    """The formula with these terms only; None for one without any column."""
    outcome, _, right = formula.partition(" ~ ")
    first = ["0"] if right.startswith("0 ") else []
    offset = ["offset(v0)"] if "offset" in right else []
    if first and not terms:
        return None
    return f"{outcome} ~ " + " + ".join([*first, *terms, *offset] or ["1"])


@pytest.mark.parametrize("formula", ["y ~ x*f + z + v2 | g", "y ~ x*f + v2 | g + h", "y ~ bs(x, 5) + f + v2"])
def test_absorbed_factors_stay_and_splines_enter_whole(formula):
    data = FRAME.assign(h=np.arange(len(FRAME)) % 5).astype({"h": str})
    design, done = stored(formula, data)
    _, bar, factors = formula.partition(" | ")
    found = selection(design, done, "bic")
    for candidate in found.selected.candidates:
        fit = gm.ols("y ~ " + (" + ".join(candidate.terms) or "1") + bar + factors, data)
        assert candidate.columns == fit.effective
        assert candidate.rss == pytest.approx(fit.deviance, rel=CLOSE)
        assert candidate.aic == pytest.approx(fit.aic, rel=CLOSE)
        assert candidate.adj_r_squared == pytest.approx(fit.adj_r_squared, abs=CLOSE)
    assert gm.ols(found.best.formula, data).deviance == pytest.approx(found.best.deviance, rel=CLOSE)


@pytest.mark.parametrize("criterion", VALUES)
@pytest.mark.parametrize("method", ["best", "forward", "backward"])
def test_the_winner_is_the_best_candidate_and_its_fit_the_fit(criterion, method):
    design, done = stored("y ~ x*f + z + g + v0 + v1 + v2", FRAME, weights="w")
    found = selection(design, done, criterion, method)
    rows = found.table.to_pylist()
    values = np.array([r[VALUES[criterion]] for r in rows])
    best = int(np.argmax(values) if criterion == "adj_r2" else np.argmin(values))
    assert [r["best"] for r in rows] == [i == best for i in range(len(rows))]
    assert list(found.terms) == rows[best]["terms"]
    fit = gm.ols(found.best.formula, FRAME, weights="w")
    assert fit.names == found.best.names
    np.testing.assert_allclose(found.best.coefficients, fit.coefficients, rtol=CLOSE)
    np.testing.assert_allclose(found.best.std_errors, fit.std_errors, rtol=CLOSE)
    np.testing.assert_allclose(found.best.predict(FRAME), fit.predict(FRAME), rtol=CLOSE)
    assert found.best.deviance == pytest.approx(rows[best]["rss"], rel=CLOSE)


@pytest.mark.parametrize("criterion", VALUES)
def test_nothing_beats_the_best_subset(criterion):
    terms = ["x", "f", "z", "v0", "v2", "x:f"]
    design, done = stored("y ~ x*f + z + v0 + v2", FRAME)
    found = selection(design, done, criterion)
    (best,) = (r for r in found.table.to_pylist() if r["best"])
    full = gm.ols("y ~ x*f + z + v0 + v2", FRAME)
    for k in range(len(terms) + 1):
        for some in combinations(terms, k):
            if "x:f" in some and not {"x", "f"} <= set(some):
                continue
            fit = gm.ols("y ~ " + (" + ".join(some) or "1"), FRAME)
            cp = fit.deviance / full.sigma**2 - fit.rows + 2 * fit.rank
            value = {"aic": fit.aic, "bic": fit.bic, "adj_r2": -fit.adj_r_squared, "cp": cp}[criterion]
            least = best[VALUES[criterion]] * (-1 if criterion == "adj_r2" else 1)
            assert value >= least - CLOSE * abs(least)


def test_the_several_best_hold_the_best_by_any_criterion():
    design, done = stored("y ~ x + z + v0 + v1 + v2 + v3", FRAME)
    names = ["x", "z", "v0", "v1", "v2", "v3"]
    every = [gm.ols("y ~ " + (" + ".join(s) or "1"), FRAME) for k in range(7) for s in combinations(names, k)]
    rows = selection(design, done, count=3).table.to_pylist()
    for criterion in ("aic", "bic"):
        wanted = sorted(getattr(f, criterion) for f in every)[:3]
        found = sorted(r[criterion] for r in rows)[:3]
        np.testing.assert_allclose(found, wanted, rtol=CLOSE)


def test_an_interaction_comes_with_its_main_effects_and_a_square_with_its_root():
    d = FRAME.assign(y=50 * (FRAME.x - 504) * (FRAME.z - 1000) + 9 * (FRAME.v0) ** 2)
    design, done = stored("y ~ x*z + I(v0^2) + v0 + v1", d)
    for method in ("best", "forward", "backward"):
        for row in selection(design, done, "aic", method, 1 if method != "best" else 5).table.to_pylist():
            terms = set(row["terms"])
            assert "x:z" not in terms or {"x", "z"} <= terms
            assert "I(v0^2)" not in terms or "v0" in terms


def test_factors_enter_whole():
    design, done = stored("y ~ f + g + x", FRAME)
    rows = {tuple(r["terms"]): r["columns"] for r in selection(design, done, count=8).table.to_pylist()}
    width = {"f": 2, "g": 3, "x": 1}
    assert rows == {terms: 1 + sum(width[t] for t in terms) for terms in rows}
    assert len(rows) == 8


def test_dependent_columns_count_once():
    d = FRAME.assign(u=FRAME.x - 2 * FRAME.v2, k=5.0)
    design, done = stored("y ~ x + v2 + u + k + f", d)
    for method in ("best", "forward", "backward"):
        rows = selection(design, done, "bic", method).table.to_pylist()
        assert max(r["columns"] for r in rows) == 5  # intercept, two of the three, two of f
        for row in rows:
            assert gm.ols(formula_of("y ~ .", row["terms"]), d).deviance == pytest.approx(row["rss"], rel=CLOSE)
    assert "k" not in selection(design, done).terms


def test_more_columns_than_rows_are_judged_as_long_as_rows_are_left():
    rng = np.random.default_rng(2)
    data = {f"x{i}": rng.normal(size=8) for i in range(12)} | {"y": rng.normal(size=8)}
    design, done = stored("y ~ " + " + ".join(f"x{i}" for i in range(12)), data)
    for method in ("best", "forward", "backward"):
        found = selection(design, done, "bic", method)
        assert found.best.df_residual > 0
    with pytest.raises(NumericalError, match="Cp needs the residual variance of the full model"):
        selection(design, done, "cp")


def test_a_selection_tells_itself():
    design, done = stored("y ~ x*f + z + v2", FRAME)
    found = selection(design, done, "bic")
    text = found.summary()
    assert text.splitlines()[:3] == ["Selection of terms by BIC, best subsets", "y ~ x*f + z + v2", "300 rows"]
    (marked,) = (line for line in text.splitlines() if line.strip().startswith("* ") and "best:" not in line)
    assert marked.rstrip().endswith("x + f + v2 + x:f")
    assert "* best: y ~ x + f + v2 + x:f" in text
    assert repr(found) == "Selection('y ~ x*f + z + v2', criterion='bic', best='y ~ x + f + v2 + x:f')"
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["schema"] == "gramian.selection/1"
    assert told["best"]["formula"] == found.best.formula
    assert [row["terms"] for row in told["table"]] == found.table["terms"].to_pylist()


def test_a_winner_is_saved_and_loaded(tmp_path):
    design, done = stored("y ~ x*f + z + g + v2", FRAME)
    best = selection(design, done, "bic").best
    best.save(tmp_path / "best.fit")
    again = gm.load(tmp_path / "best.fit")
    assert again.formula == best.formula
    np.testing.assert_array_equal(again.predict(FRAME[["x", "f", "v2"]]), best.predict(FRAME))


def test_only_the_columns_of_the_winner_are_needed_to_predict():
    design, done = stored("y ~ x*f + z + g + v2", FRAME)
    best = selection(design, done, "bic").best
    assert set(best.solved.design.columns) == {"x", "f", "v2", "y"}
    assert np.isfinite(best.predict(FRAME[["x", "f", "v2"]])).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"criterion": "BIC"},
            "criterion must be one of 'aic', 'bic', 'adj_r2', 'cp', found 'BIC'; did you mean 'bic'",
        ),
        ({"method": "both"}, "method must be one of 'best', 'forward', 'backward', found 'both'"),
        ({"count": 0}, "count must be a whole number from 1 on, found 0"),
        ({"count": True}, "count must be a whole number from 1 on, found True"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    design, done = stored("y ~ x", FRAME)
    with pytest.raises(OptionError, match=message):
        selection(design, done, **options)


def test_too_many_terms_are_refused_by_the_exact_search_only():
    rng = np.random.default_rng(0)
    data = {f"x{i}": rng.normal(size=50) for i in range(31)} | {"y": rng.normal(size=50)}
    design, done = stored("y ~ .", data)
    with pytest.raises(OptionError, match='up to 30 terms, found 31; use method="forward" or "backward"'):
        selection(design, done)
    assert len(selection(design, done, method="forward").table) == 32


def test_a_constant_outcome_selects_nothing():
    design, done = stored("y ~ x + z", FRAME.assign(y=4.0))
    with pytest.raises(NumericalError, match="the outcome does not vary"):
        selection(design, done, "adj_r2")
    assert selection(design, done, "aic").terms == ()


@pytest.mark.parametrize("method", ["best", "forward", "backward"])
@pytest.mark.parametrize("criterion", ["aic", "bic", "adj_r2"])
def test_of_perfect_fits_the_smallest_wins(method, criterion):
    d = FRAME.assign(y=2 * FRAME.x - 3 * FRAME.v2 + 1)
    found = selection(*stored("y ~ v0 + v1 + x + v3 + v2 + z", d), criterion, method)
    assert found.terms == ("x", "v2")
    assert "its fit is perfect to rounding" in found.summary()
    json.dumps(found.to_dict(), allow_nan=False)
    found.plot()


def test_mallows_needs_residuals():
    d = FRAME.assign(y=2 * FRAME.x - 3 * FRAME.v2 + 1)
    with pytest.raises(NumericalError, match="Cp needs the residual variance"):
        selection(*stored("y ~ x + v2 + z", d), "cp")


def test_no_rows_are_refused():
    design, done = stored("y ~ x", {"x": [np.nan], "y": [1.0]})
    with pytest.raises(NumericalError, match="no rows are left to select a model"):
        selection(design, done)
