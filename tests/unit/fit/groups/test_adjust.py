"""One hypothesis in many fits: against a plain loop over draws on rows, and what holds of every adjustment."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gramian as gm
from gramian.errors import OptionError
from gramian.inference.draws.sign_weights import drawn
from gramian.inference.multiplicity import step_down

N, G = 240, 10
RNG = np.random.default_rng(6)
FIRM = RNG.integers(0, G, N)
SHOCK = RNG.normal(size=N)
DATA = pd.DataFrame({"firm": FIRM, "x": RNG.normal(size=N) + RNG.normal(size=G)[FIRM], "z": RNG.normal(size=N)})
for i in range(3):
    DATA[f"y{i}"] = 0.05 * i * DATA.x + SHOCK + RNG.normal(size=N) + 0.4 * RNG.normal(size=G)[FIRM]
DATA.loc[FIRM == 3, "y2"] = np.nan  # a cluster that one outcome does not have
DATA.loc[::17, "y1"] = np.nan
CLUSTERED = {"cluster": "firm"}


def statistics(outcome: str, columns: list[str], v: np.ndarray) -> tuple[float, np.ndarray]:
    """t of x, and those of draws v (d, G) with the hypothesis imposed, by regressions on rows."""
    rows = DATA[[outcome, "firm", *columns]].dropna()
    X = np.column_stack([np.ones(len(rows)), rows[columns]])
    y, firm = rows[outcome].to_numpy(), rows.firm.to_numpy()
    groups, p = np.unique(firm), X.shape[1]
    A, others = np.linalg.inv(X.T @ X), np.delete(X, 1, axis=1)
    factor = np.sqrt(len(groups) / (len(groups) - 1) * (len(y) - 1) / (len(y) - p))

    def t(own: np.ndarray) -> float:
        b = A @ X.T @ own
        scores = X * (own - X @ b)[:, None]
        sums = np.array([scores[firm == g].sum(axis=0) for g in groups])
        return float(b[1] / (factor * np.sqrt((A @ sums.T @ sums @ A)[1, 1])))

    fitted = others @ np.linalg.lstsq(others, y, rcond=None)[0]
    return t(y), np.array([t(fitted + draw[firm] * (y - fitted)) for draw in v])


def test_romano_wolf_equals_a_loop_on_the_rows() -> None:
    fits = gm.ols("c(y0, y1, y2) ~ x + sw0(z)", DATA, vcov=CLUSTERED)
    found = fits.adjust("x", "romano-wolf", draws=150, seed=3, weights="webb")
    (v,) = drawn("webb", G, 150, 3)
    pairs = [statistics(f"y{i}", columns, v.T) for i in range(3) for columns in (["x"], ["x", "z"])]
    t, draws = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    np.testing.assert_allclose(found.statistics, t, rtol=1e-9)
    np.testing.assert_allclose(found.std_errors, [fit.std_errors[1] for fit in fits.values()], rtol=1e-9)
    remaining, low = list(np.argsort(-np.abs(t))), 0.0
    for at in list(remaining):
        largest = np.abs(draws[remaining]).max(axis=0)
        low = max(low, (np.sum(largest >= np.abs(t[at]) * (1 - 1e-9)) + 1) / 151)
        assert found.adjusted_p_values[at] == low
        remaining.remove(at)
    critical = np.sort(np.abs(draws).max(axis=0))[int(np.ceil(0.95 * 150)) - 1]
    np.testing.assert_allclose(found.intervals[:, 1], found.estimates + critical * found.std_errors, rtol=1e-8)
    gram = gm.gram("c(y0, y1) ~ x + z", DATA, cluster="firm")
    same = gm.ols("c(y0, y1) ~ x + z", DATA.dropna(subset=["y0", "y1"]), vcov=CLUSTERED)
    from_sums = gram.ols(vcov=CLUSTERED).adjust("x", "romano-wolf", gram, draws=99, seed=1)
    np.testing.assert_allclose(
        from_sums.adjusted_p_values, same.adjust("x", "romano-wolf", draws=99, seed=1).adjusted_p_values
    )


def test_adjusted_p_values_are_between_single_ones_and_bonferroni() -> None:
    fits = gm.ols("c(y0, y1, y2) ~ csw(x, z)", DATA)
    single, most = fits.adjust("x", "none"), fits.adjust("x", "bonferroni")
    own_p = [fit.p_values[fit.names.index("x")] for fit in fits.values()]
    assert single.adjusted_p_values == pytest.approx(own_p, rel=1e-12)
    np.testing.assert_allclose(most.adjusted_p_values, np.minimum(6 * single.p_values, 1))
    for method in ("holm", "sidak"):
        own = fits.adjust("x = 0", method).adjusted_p_values
        assert (own >= single.p_values).all()
        assert (own <= most.adjusted_p_values + 1e-15).all()
    fit = fits["y1", "x"]
    assert single.intervals[2] == pytest.approx(fit.conf_int(0.95)[1])
    assert most.intervals[2] == pytest.approx(fit.conf_int(1 - 0.05 / 6)[1])


def test_fits_without_the_coefficient_are_left_out_and_told() -> None:
    fits = gm.ols("y0 ~ sw(x, z, x + z)", DATA)
    found = fits.adjust("z")
    assert found.keys == (("z",), ("x + z",))
    assert found.left_out == (("x",),)
    assert found.tidy().column_names[:3] == ["right_side", "estimate", "std_error"]
    assert found.tidy().num_rows == len(found.to_dict()["tests"]) == 2
    assert "1 fits have no such coefficient" in repr(found)
    assert fits.adjust("x = 2*z").keys == (("x + z",),)
    with pytest.raises(OptionError, match="no coefficient 'w'"):
        fits.adjust("w")
    with pytest.raises(OptionError, match="method must be one of"):
        fits.adjust("x", "tukey")
    with pytest.raises(OptionError, match="one equation at a time"):
        fits.adjust("x = 0, z = 0")
    with pytest.raises(OptionError, match="needs one column of clusters"):
        fits.adjust("x", "romano-wolf")


def test_step_down_is_rising_and_counts_ties() -> None:
    draws = np.array([[3.0, 1.0, 0.5, 0.1], [0.2, 2.0, 0.3, 1.0]])
    assert step_down(np.array([-2.0, 1.0]), draws, 1e-9).tolist() == [3 / 5, 3 / 5]
    assert step_down(np.array([4.0, 1.0]), draws, 1e-9).tolist() == [1 / 5, 3 / 5]
