"""The pairs cluster bootstrap and the jackknife: against loops on rows, for any order of rows, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import gramian as gm
from gramian.errors import NumericalError, OptionError
from gramian.inference.draws.cluster_weights import cluster_draws
from gramian.inference.draws.intervals import DrawnEstimates

N, G = 300, 12
RNG = np.random.default_rng(0)
FIRM = RNG.integers(0, G, N)
X = RNG.normal(size=N) + 0.3 * FIRM
F = RNG.choice(list("abc"), N)
W = RNG.uniform(0.5, 2.0, N)
Y = 1 + 0.2 * X + RNG.normal(size=N) * (1 + 0.1 * FIRM) + RNG.normal(size=G)[FIRM]
DATA = pd.DataFrame({"y": Y, "x": X, "f": F, "w": W, "firm": FIRM, "x2": 2 * X + 1})
COLUMNS = np.column_stack([np.ones(N), X, F == "b", F == "c"]).astype(float)
CLUSTERED = {"cluster": "firm"}


def loop(v: Any, w: Any) -> tuple[Any, Any]:
    """Coefficients and standard errors by cluster of draws v (d, G), each from a regression on the rows drawn."""
    found = []
    for draw in v:
        taken = np.concatenate([np.flatnonzero(g == FIRM) for g in range(G) for _ in range(int(draw[g]))])
        drawn = np.concatenate(
            [np.full((g == FIRM).sum(), k) for k, g in enumerate(np.repeat(range(G), draw.astype(int)))]
        )
        A = np.linalg.inv(COLUMNS[taken].T @ (COLUMNS[taken] * w[taken, None]))
        b = A @ COLUMNS[taken].T @ (w * Y)[taken]
        scores = COLUMNS[taken] * (w[taken] * (Y[taken] - COLUMNS[taken] @ b))[:, None]
        sums = np.array([scores[g == drawn].sum(axis=0) for g in range(G)])
        n = len(taken)
        found.append((b, np.sqrt(np.diag(A @ sums.T @ sums @ A) * G / (G - 1) * (n - 1) / (n - 4))))
    return tuple(np.array(each) for each in zip(*found, strict=True))


@pytest.mark.parametrize("weights", [None, "w"])
def test_draws_equal_regressions_on_the_rows_drawn(weights: str | None) -> None:
    fit = gm.ols("y ~ x + f", DATA, weights=weights, vcov=CLUSTERED)
    found = fit.bootstrap(draws=60, seed=4)
    (v,) = cluster_draws("multinomial", G, 60, 4)
    b, errors = loop(v.T, np.ones(N) if weights is None else W)
    assert_allclose(found.coefficients, b, rtol=1e-10, atol=1e-10)
    assert_allclose(found.drawn.draw_errors, errors, rtol=1e-9)
    assert_allclose(found.drawn.std_errors, fit.std_errors, rtol=1e-10)
    assert_allclose(found.std_errors, b.std(axis=0, ddof=1), rtol=1e-9)
    assert_allclose(found.bias, b.mean(axis=0) - fit.coefficients, rtol=1e-7, atol=1e-11)


def test_from_any_order_of_rows_and_from_a_gram() -> None:
    fit = gm.ols("y ~ x + f", DATA, vcov=CLUSTERED)
    expected = fit.bootstrap(draws=50, seed=9)
    shuffled = DATA.sample(frac=1.0, random_state=3)
    parts = [shuffled.iloc[:71], shuffled.iloc[71:]]
    gram = gm.gram("y ~ x + f + w", DATA, cluster="firm")
    for again in (fit.bootstrap(parts, draws=50, seed=9), gram.ols("y ~ x + f").bootstrap(gram, draws=50, seed=9)):
        assert_allclose(again.coefficients, expected.coefficients, rtol=1e-9, atol=1e-10)
        assert_allclose(again.conf_int(0.9), expected.conf_int(0.9), rtol=1e-8, atol=1e-9)
    assert_allclose(
        gram.ols("y ~ x + f").jackknife(gram).coefficients, fit.jackknife().coefficients, rtol=1e-9, atol=1e-10
    )


def test_an_interval_and_a_p_value_decide_alike() -> None:
    rng = np.random.default_rng(1)
    b = np.array([0.5, 1.5, 2.4])
    drawn = DrawnEstimates(b, b + rng.normal(size=(199, 3)), np.ones(3), rng.uniform(0.8, 1.2, (199, 3)))
    for kind in ("percentile", "basic", "t"):
        for j, p in enumerate(drawn.p_values(kind)):
            # an order statistic further out zero is inside: the tails have steps of 1 / 200
            for level, outside in ((1 - p - 1e-4, True), (1 - p + 0.0101, False)):
                if 0 < level < 0.99:
                    low, high = drawn.interval(kind, level)[j]
                    assert (low > 0 or high < 0) == outside
    wide = np.diff(DrawnEstimates(b, drawn.draws, np.ones(3), np.ones((199, 3))).interval("t", 0.9))
    assert_allclose(wide, np.diff(drawn.interval("basic", 0.9)))


def test_draws_that_do_not_identify_the_coefficients_are_counted() -> None:
    only = DATA.assign(rare=((FIRM == 3) * X))  # a slope of one cluster: draws without it have none
    found = gm.ols("y ~ x + rare", only).bootstrap(cluster="firm", draws=400, seed=1)
    (v,) = cluster_draws("multinomial", G, 400, 1)
    assert found.failed == int((v[3] == 0).sum()) > 100
    assert found.draws == 400 - found.failed
    assert f"{found.failed} of 400 draws are left out" in str(found)
    assert gm.ols("y ~ x + rare", only).bootstrap(cluster="firm", draws=40, weights="exponential").failed == 0
    with pytest.raises(NumericalError, match="firm 3 cannot be left out"):
        gm.ols("y ~ x + rare", only).jackknife(cluster="firm")


def test_the_jackknife_is_cr3_and_says_which_clusters_weigh() -> None:
    fit = gm.ols("y ~ x + x2 + f", DATA, weights="w", vcov={**CLUSTERED, "type": "CR3"})
    found = fit.jackknife()
    assert_allclose(found.std_errors, fit.std_errors, rtol=1e-10)
    assert_allclose(found.conf_int(), fit.conf_int(), rtol=1e-9)
    one = gm.ols("y ~ x + x2 + f", DATA[DATA.firm != 5], weights="w")
    assert_allclose(found.coefficients[5], one.coefficients, rtol=1e-9)
    assert_allclose(found.leverages.sum(), 4)
    assert_allclose(np.nansum(found.partial_leverages, axis=0), [1, 1, 0, 1, 1])
    table = found.influence()
    assert table.column_names[:3] == ["firm", "rows", "leverage"]
    assert table["rows"].to_pylist() == np.bincount(FIRM).tolist()
    heavy = DATA.assign(x=np.where(FIRM == 2, 10 * X, X))
    assert "x rests on as if " in str(gm.ols("y ~ x", heavy).jackknife(cluster="firm"))
    assert found.to_dict()["clusters"] == G


def test_what_it_says() -> None:
    found = gm.ols("y ~ x + x2", DATA).bootstrap(cluster="firm", draws=39, seed=2)
    assert str(found).startswith("bootstrap: 39 draws of 12 clusters (multinomial weights)")
    assert found.tidy().column_names == ["term", "estimate", "bias", "std_error", "p_value", "conf_low", "conf_high"]
    assert found.to_dict()["coefficients"][2]["estimate"] is None
    together, single = found.conf_int(together=True), found.conf_int(0.9)
    assert (np.diff(together)[:2] > np.diff(single)[:2]).all()
    with pytest.raises(OptionError, match="take draws=1999 or more"):
        found.conf_int(0.999)


@pytest.mark.parametrize(
    ("fit", "options", "message"),
    [
        ({"formula": "y ~ x"}, {"by": "cluster"}, "this fit has none"),
        ({"formula": "y ~ x"}, {"by": "firm"}, "by"),
        ({"formula": "y ~ x | f", "vcov": CLUSTERED}, {}, "absorbed levels of f"),
        ({"formula": "y ~ x", "vcov": CLUSTERED}, {"weights": "webb"}, "weights"),
        ({"formula": "y ~ x", "vcov": CLUSTERED}, {"draws": 0}, "draws"),
        ({"formula": "y ~ x", "vcov": CLUSTERED}, {"seed": -1}, "seed must be a whole number from 0 on, found -1"),
        ({"formula": "y ~ x"}, {"seed": "a"}, "seed must be a whole number"),
    ],
)
def test_what_is_refused(fit: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gm.ols(data=DATA, **fit).bootstrap(**options)
