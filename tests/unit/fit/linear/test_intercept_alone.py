"""A model with nothing but an intercept explains nothing, to the last bit and by every way to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gramian as gm

ROWS = 200
Table = dict[str, Any]
WEIGHED: list[dict[str, str]] = [{}, {"weights": "w"}, {"counts": "n"}]
PRECISE: list[dict[str, Any]] = [{}, {"digits": 0}, {"digits": 13}, {"exact": True}, {"collinear": "min-norm"}]
FAMILIES = [
    ("hit", {"family": "binomial"}),
    ("hit", {"family": "binomial", "link": "probit"}),
    ("n", {"family": "poisson"}),
    ("size", {"family": "gamma"}),
    ("size", {"family": "inverse_gaussian", "link": "log"}),
    ("y", {"family": "gaussian"}),
    ("many", {"family": "negative_binomial"}),
    ("n", {"family": "quasipoisson"}),
]


@pytest.fixture(params=range(8))
def table(request: pytest.FixtureRequest) -> Table:
    """Rows of one seed; the sums of some of them round, whatever the processor."""
    rng = np.random.default_rng(request.param)
    y = rng.normal(size=ROWS) + 10.0 ** (request.param - 2)
    return {
        "y": y,
        "y2": y**2,
        "x": rng.normal(size=ROWS),
        "five": np.full(ROWS, 5.3),
        "level": np.full(ROWS, "a"),
        "g": rng.integers(0, 3, ROWS),
        "h": rng.integers(0, 4, ROWS),
        "w": rng.uniform(0.2, 3.0, ROWS),
        "n": rng.integers(1, 6, ROWS),
        "hit": rng.random(ROWS) < 0.4,
        "size": rng.uniform(0.5, 2.0, ROWS),
        "many": rng.negative_binomial(1, 0.2, ROWS),
        "o": rng.normal(size=ROWS) / 4,
    }


@pytest.mark.parametrize("options", PRECISE)
@pytest.mark.parametrize("formula", ["y ~ 1", "y ~ five", "y ~ level + five", "y ~ 1 + offset(o)"])
def test_of_the_rows(table: Table, formula: str, options: dict[str, Any]) -> None:
    for weighed in WEIGHED:
        fit = gm.ols(formula, table, **options, **weighed)
        assert (fit.r_squared, fit.adj_r_squared, fit.within_r_squared) == (0.0, 0.0, 0.0)
        assert fit.f_test is None


def test_of_every_group_and_outcome(table: Table) -> None:
    for weighed in WEIGHED:
        fits = gm.ols("c(y, y2) ~ 1", table, by="g", **weighed)
        assert [fit.r_squared for fit in fits.values()] == [0.0] * 6


def test_from_a_gram(table: Table) -> None:
    half = {name: values[: ROWS // 2] for name, values in table.items()}
    for weighed in WEIGHED:
        gram, less = (gm.gram("y ~ x + level", rows, **weighed) for rows in (table, half))
        grouped = gm.gram("y ~ x + level", table, by="g", **weighed)
        fits = [gram.ols("y ~ 1"), gram.ols("y ~ level"), gm.subtract(gram, less, force=True).ols("y ~ 1")]
        fits += grouped.ols("y ~ 1", each=True).values()
        assert [fit.r_squared for fit in fits] == [0.0] * 6
        assert gram.path(1.0).r_squared[0] == 0.0
        assert gram.select().table["adj_r_squared"][0].as_py() == 0.0


def test_beside_absorbed_factors(table: Table) -> None:
    """Within the levels nothing is explained without slopes; one level alone is an intercept."""
    for weighed in WEIGHED:
        for formula in ("y ~ 1 | g", "y ~ 1 | g + h", "y ~ five | g", "y ~ factor(g) | g"):
            fit = gm.ols(formula, table, **weighed)
            assert fit.within_r_squared == 0.0
            assert fit.f_test is None
        fit = gm.ols("y ~ 1 | level", table, **weighed)
        assert (fit.r_squared, fit.adj_r_squared, fit.within_r_squared) == (0.0, 0.0, 0.0)


def test_of_a_wide_fit(table: Table) -> None:
    for weighed in WEIGHED:
        for formula in ("y ~ 1", "y ~ five"):
            assert gm.ols(formula, table, solver="iterative", **weighed).r_squared == 0.0


@pytest.mark.parametrize(("outcome", "options"), FAMILIES)
def test_the_null_model_is_the_intercept_alone(table: Table, outcome: str, options: dict[str, Any]) -> None:
    for more in ({}, {"weights": "w"}, {"offset": "o"}):
        if more == {"offset": "o"} and options == {"family": "gamma"}:
            more = {"offset": "o", "link": "log"}  # an inverse of about zero has no mean
        fit = gm.glm(f"{outcome} ~ 1", table, **options, **more)
        assert fit.null_deviance == fit.deviance
