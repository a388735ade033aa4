"""Standard errors of predictions, exponentiated tables, and progress bars."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

import gramian as gm
from gramian.engines import bar
from gramian.errors import OptionError

RNG = np.random.default_rng(2)
DATA: dict[str, Any] = {"x": RNG.normal(size=80), "g": RNG.choice(list("ab"), 80)}
DATA["y"] = DATA["x"] + RNG.normal(size=80)
DATA["hit"] = (DATA["y"] > 0) * 1.0


def test_errors_of_linear_predictions() -> None:
    for vcov in ("iid", "HC1"):
        fit = gm.ols("y ~ x + g", DATA, vcov=vcov)
        known = smf.ols("y ~ x + g", pd.DataFrame(DATA)).fit(cov_type={"iid": "nonrobust"}.get(vcov, vcov), use_t=True)
        table = fit.predict(se=True)
        assert_allclose(table["fit"].to_numpy(), known.fittedvalues, rtol=1e-9, atol=1e-12)
        assert_allclose(table["std_error"].to_numpy(), known.get_prediction().se_mean, rtol=1e-8)


@pytest.mark.parametrize("scale", ["link", "response"])
def test_errors_of_means(scale: str) -> None:
    fit = gm.glm("hit ~ x + g", DATA, "binomial")
    X = np.column_stack([np.ones(80), DATA["x"], DATA["g"] == "b"])
    eta, se = X @ fit.coefficients, np.sqrt(np.einsum("ij,jk,ik->i", X, fit.vcov, X))
    mu = 1 / (1 + np.exp(-eta))
    expected = (eta, se) if scale == "link" else (mu, mu * (1 - mu) * se)
    table = fit.predict(DATA, scale, se=True)
    assert_allclose([table["fit"].to_numpy(), table["std_error"].to_numpy()], expected, rtol=1e-8)


def test_odds_ratios() -> None:
    fit = gm.glm("hit ~ x + g", DATA, "binomial")
    plain, ratio = fit.tidy(), fit.tidy(exponentiate=True)
    assert_allclose(ratio["estimate"].to_numpy(), np.exp(fit.coefficients))
    assert_allclose(ratio["conf_high"].to_numpy(), np.exp(plain["conf_high"].to_numpy()))
    assert_allclose(ratio["std_error"].to_numpy(), np.exp(fit.coefficients) * fit.std_errors)
    assert ratio["p_value"].equals(plain["p_value"])
    assert "digits" not in ratio.column_names


def test_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gm.ols("y ~ x", DATA, progress=True)["x"] == gm.ols("y ~ x", DATA, progress=False)["x"]
    shown: list[tuple[str, Any]] = []

    class Recorder:
        def __init__(self, title: str, rows: int | None) -> None:
            shown.append((title, rows))

        def update(self, rows: int) -> None:
            shown.append(("rows", rows))

        def close(self) -> None:
            shown.append(("closed", None))

    monkeypatch.setattr(bar, "RichBar", Recorder)
    gm.ols("y ~ x", DATA, progress=True)
    assert shown[0] == ("pass 1", 80)
    assert sum(rows for name, rows in shown if name == "rows") % 80 == 0
    assert shown[-1] == ("closed", None)
    monkeypatch.setattr(bar, "TqdmBar", Recorder)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert bar.in_notebook()
    with pytest.raises(OptionError, match="progress is True, False, or has start, advance and stop; found str"):
        gm.ols("y ~ x", DATA, progress="yes")  # type: ignore[call-overload]


def test_predictions_term_by_term() -> None:
    data = {**DATA, "z": np.where(np.arange(80) < 2, np.nan, RNG.uniform(1, 2, 80))}
    for fit in (
        gm.ols("y ~ x*g + I(x^2) + log(z)", data),
        gm.glm("hit ~ x*g + I(x^2) + log(z)", data, "binomial"),
    ):
        table = fit.predict_terms(se=True)
        terms = [name for name in table.column_names if "std_error" not in name]
        assert terms == ["x", "g", "I(x^2)", "log(z)", "x:g", "constant"]
        assert table["x"].null_count == 2
        link = {"scale": "link"} if fit.statistic == "z" else {}
        total = sum(table[name].to_numpy() for name in terms)
        assert_allclose(total[2:], fit.predict(**link)[2:], rtol=1e-9, atol=1e-10)
        assert_allclose(np.nansum(table["I(x^2)"].to_numpy()), 0.0, atol=1e-9)
        square = DATA["x"] ** 2
        centred = square - square[2:].mean()
        at = fit.names.index("I(x^2)")
        assert_allclose(table["I(x^2)"].to_numpy()[2:], (centred * fit.coefficients[at])[2:], rtol=1e-8, atol=1e-12)
        errors = table["I(x^2) std_error"].to_numpy()[2:]
        assert_allclose(errors, (np.abs(centred) * fit.std_errors[at])[2:], rtol=1e-8)
