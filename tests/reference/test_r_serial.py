"""Newey-West, Driscoll-Kraay and HC4 against R's sandwich and plm; r/serial.R has made the values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.r_values import cases, close

import gramian as gm

CASE = cases("serial")["rows"]
SERIAL: dict[str, Any] = {
    **{f"hac {lag}": {"hac": lag} for lag in (0, 1, 4)},
    "hac auto": {"hac": "auto"},
    "HC4": "HC4",
    **{f"driscoll_kraay {lag}": {"driscoll_kraay": "year", "lags": lag} for lag in (0, 2, 5)},
    **{f"panel {lag}": {"hac": lag, "time": "year", "panel": "firm"} for lag in (0, 2, 5)},
}


@pytest.mark.parametrize("name", SERIAL)
def test_covariances(name: str) -> None:
    fit = gm.ols(CASE.formula, CASE.data, vcov=SERIAL[name], like="R")
    close(fit.vcov.reshape(-1), CASE.numbers(name), 1e-9, np.outer(fit.std_errors, fit.std_errors).reshape(-1))


def test_automatic_lags() -> None:
    fit = gm.ols(CASE.formula, CASE.data, vcov={"hac": "auto"}, like="R")
    assert fit.covariance.name == f"NW with {CASE.number('bandwidth'):g} lags"
