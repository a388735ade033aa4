"""Randomization inference: against a fit for each assignment, for any cuts and orders, and what is refused."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import gramian as gm
from gramian.errors import DataError, NumericalError, OptionError
from gramian.inference.draws.assignments import all_assignments, count_assignments, random_assignments

N, G = 120, 15
RNG = np.random.default_rng(3)
FIRM = RNG.integers(0, G, N)
BLOCK = np.array(["p", "q", "r"])[np.arange(G) % 3][FIRM]
T, TG = RNG.integers(0, 2, N), (np.arange(G) % 2)[FIRM]
X, W = RNG.normal(size=N) + 0.5 * T, RNG.uniform(0.5, 2.0, N)
Y = 1 + 0.3 * T + 0.4 * TG + 0.2 * X + RNG.normal(size=N)
DATA = pd.DataFrame({"y": Y, "t": T, "tg": TG, "x": X, "w": W, "firm": FIRM, "block": BLOCK})
DATA["arm"] = np.where(T == 1, "yes", "no")


def refits(assignments: Any, *, effect: float = 0.0, own: Any = T, weights: Any = None) -> Any:
    """Coefficients of a regression for each assignment (d, N), of outcomes with the effect moved to it."""
    root = np.sqrt(np.ones(N) if weights is None else weights)
    found = []
    for t in assignments:
        columns = np.column_stack([np.ones(N), t, X, BLOCK == "q", BLOCK == "r"]) * root[:, None]
        found.append(np.linalg.lstsq(columns, (Y - effect * own + effect * t) * root, rcond=None)[0][1])
    return np.array(found)


@pytest.mark.parametrize(("weights", "name"), [(None, "t"), ("w", "t"), (None, "arm[yes]")])
def test_rows_within_strata(weights: str | None, name: str) -> None:
    fit = gm.ols(f"y ~ {name.split('[')[0]} + x + block", DATA, weights=weights)
    found = fit.randomization(f"{name} = 0.1", strata="block", draws=60, seed=5)
    strata = np.unique(BLOCK, return_inverse=True)[1]
    (drawn,) = random_assignments(T.astype(float), strata, 60, 5)
    assert all((np.bincount(strata, t) == np.bincount(strata, T)).all() for t in drawn)
    expected = refits(drawn, effect=0.1, weights=None if weights is None else W)
    assert_allclose(found.coefficients, expected, rtol=1e-9, atol=1e-10)
    assert found.count == int((np.abs(expected - 0.1) >= abs(fit[name] - 0.1) * (1 - 1e-9)).sum())
    assert found.p_value == found.count / 60
    low, high = found.p_value_interval()
    assert low <= found.p_value <= high


def test_clusters_from_sums_for_any_order_of_rows() -> None:
    fit = gm.ols("y ~ tg + x + block", DATA)
    found = fit.randomization("tg = 0", cluster="firm", draws=80, seed=5)
    (drawn,) = random_assignments((np.arange(G) % 2).astype(float), np.zeros(G, np.int64), 80, 5)
    assert_allclose(found.coefficients, refits(drawn[:, FIRM], own=TG), rtol=1e-9, atol=1e-10)
    shuffled = DATA.sample(frac=1.0, random_state=1)
    again = fit.randomization("tg = 0", [shuffled.iloc[:50], shuffled.iloc[50:]], cluster="firm", draws=80, seed=5)
    assert_allclose(again.coefficients, found.coefficients, rtol=1e-9, atol=1e-10)
    rows = gm.ols("y ~ t + x", DATA).randomization("t = 0", draws=20, seed=1)
    cut = gm.ols("y ~ t + x", DATA).randomization("t = 0", [DATA.iloc[:7], DATA.iloc[7:]], draws=20, seed=1)
    assert_allclose(cut.coefficients, rows.coefficients, rtol=1e-9, atol=1e-10)


def test_all_assignments_where_they_are_few() -> None:
    few = DATA[DATA.firm < 8]
    fit = gm.ols("y ~ tg + x", few)
    found = fit.randomization("tg = 0", cluster="firm", draws=999)
    assert found.enumerated
    assert found.draws == comb(8, 4)
    assert found.ties >= 1  # the assignment that was
    assert found.p_value_interval() == (found.p_value, found.p_value)
    assert "all, of 8 units" in str(found)
    treatment, strata = np.array([0.0, 1, 1, 2, 0, 0]), np.array([0, 0, 0, 0, 1, 1])
    every = all_assignments(treatment, strata)
    assert len(every) == count_assignments(treatment, strata) == 12
    assert len(np.unique(every, axis=0)) == 12
    assert count_assignments(np.arange(1000) % 2 * 1.0, np.zeros(1000, np.int64)) > 1e200


def test_the_interval_has_the_effects_that_are_not_rejected() -> None:
    fit = gm.ols("y ~ tg + x", DATA)
    options: dict[str, Any] = {"cluster": "firm", "draws": 400, "seed": 2}
    found = fit.randomization("tg = 0", **options)
    for edge, inward in ((found.conf_low, 1.0), (found.conf_high, -1.0)):
        for step, is_rejected in ((-1e-6, True), (1e-6, False)):
            assert (fit.randomization(f"tg = {edge + step * inward!r}", **options).p_value < 0.05) == is_rejected
    sides = [fit.randomization("tg = 0", alternative=side, **options).count for side in ("greater", "less")]
    assert sum(sides) >= 400


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y ~ t * x", {}, OptionError, "would change 't:x', too"),
        ("y ~ block", {"hypothesis": "block[q] = 0"}, OptionError, "would change 'block"),
        ("y ~ t + x", {"hypothesis": "t = x"}, OptionError, "about one coefficient"),
        ("y ~ t", {"hypothesis": "Intercept = 0"}, OptionError, "the intercept is not assigned"),
        ("y ~ t | block", {}, OptionError, "absorbed levels of block"),
        ("y ~ t", {"cluster": "firm"}, DataError, "t varies within"),
        ("y ~ tg", {"hypothesis": "tg = 0", "cluster": "block", "strata": "firm"}, DataError, "varies|several strata"),
        ("y ~ tg", {"hypothesis": "tg = 0", "cluster": "firm", "strata": "firm"}, NumericalError, "nothing can be"),
        ("y ~ t", {"alternative": "both"}, OptionError, "alternative"),
    ],
)
def test_what_is_refused(formula: str, options: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        gm.ols(formula, DATA).randomization(**({"hypothesis": "t = 0"} | options))


def test_what_it_says() -> None:
    found = gm.ols("y ~ t", DATA).randomization("t = 0", draws=99, seed=4)
    assert str(found).startswith("randomization inference of t = 0: p ")
    assert "random (seed 4), of 120 units" in str(found)
    assert found.tidy().column_names == ["term", "estimate", "p_value", "conf_low", "conf_high", "count", "draws"]
    assert found.to_dict()["seed"] == 4
