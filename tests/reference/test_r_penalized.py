"""Penalised paths and subsets against R's MASS, glmnet, leaps and step(); r/penalized.R has made the values."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from reference.r_values import EPS, cases, close, data

import gramian as gm
from gramian.fit.gram.result import Gram

KNOWN = cases("penalized")
NETS = [name for name, case in KNOWN.items() if "spread" in case]
METHODS = {"exhaustive": "best", "forward": "forward", "backward": "backward"}
STEPS = [name for name in KNOWN if name.startswith("step")]
FORMULA = "mpg ~ wt + hp + qsec + disp + drat"


@cache
def gram(formula: str, weights: str | None = None) -> Gram:
    return gm.gram(formula, data("mtcars"), weights=weights)


def rounding(made: Gram) -> float:
    return 64 * made.rows * EPS * made.condition**2


def test_ridge_of_standardized_columns() -> None:
    """lm.ridge's lambda is alpha with columns that are standardised by n, not n - 1."""
    case, made = KNOWN["ridge"], gram(FORMULA)
    path = made.path(0.0, alphas=case.numbers("alphas"), standardize=True)
    known = case.numbers("coefficients").reshape(-1, 6)[::-1]
    close(np.column_stack([path.intercepts, path.coefficients]), known, rounding(made))


@pytest.mark.parametrize("name", NETS)
def test_nets(name: str) -> None:
    """lambda (alpha |b| + (1 - alpha) / 2 b^2 / s), s the outcome's spread, which glmnet divides by without a word.

    `Ridge`'s alpha, which stands before the sum of squares, is that times the sum of weights.
    """
    case = KNOWN[name]
    weights = case.figures.get("weights")
    made = gram(FORMULA if case.number("intercept") else FORMULA.replace("~", "~ 0 +"), weights)
    share = case.number("alpha")
    known = case.numbers("coefficients").reshape(len(case.numbers("lambdas")), -1)
    weight = float(np.sum(data("mtcars")[weights].to_numpy())) if weights else made.rows
    for penalty, expected in zip(case.numbers("lambdas"), known, strict=True):
        first, second = penalty * share, penalty * (1 - share) / case.number("spread")
        alpha, ratio = (second * weight, 0.0) if share == 0 else (first + second, first / (first + second))
        path = made.path(ratio, alphas=[alpha], standardize=bool(case.number("standardize")))
        found = np.append(path.intercepts, path.coefficients)
        # at thresh=1e-30 glmnet's descent ends where rounding stops it, which is the squared condition away
        close(found, expected, rounding(made), np.abs(expected).max() * 1e-2)


@pytest.mark.parametrize("method", METHODS)
def test_subsets(method: str) -> None:
    case, made = KNOWN[method], gram("mpg ~ .")
    names = case.texts("names")
    which = case.numbers("which").reshape(-1, len(names)) > 0
    table = made.select("cp", method=METHODS[method]).table.to_pylist()
    found = {len(row["terms"]): row for row in table}
    rtol = rounding(made)
    for k, chosen in enumerate(which):
        row = found[k + 1]
        assert set(row["terms"]) == {n for n, yes in zip(names, chosen, strict=True) if yes}
        close(row["rss"], case.numbers("rss")[k], rtol)
        close(row["adj_r_squared"], case.numbers("adj_r_squared")[k], rtol, 1.0)
        close(row["cp"], case.numbers("cp")[k], rtol, made.rows)


@pytest.mark.parametrize("name", STEPS)
def test_the_choice_of_step(name: str) -> None:
    _, method, criterion = name.split()
    chosen = gram("mpg ~ .").select(criterion, method=method).terms
    assert sorted(chosen) == KNOWN[name].texts("terms")
