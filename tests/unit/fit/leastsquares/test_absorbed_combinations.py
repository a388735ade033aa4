"""Combinations of factors that are absorbed, `| f^g` and `| f:g`: those that occur, as if they were a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian.errors import FormulaError

TEXTS = np.array(["a", "a^b", "b", "b^c", "\\", "c"])


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    n = 2000
    f, g, h = rng.integers(0, 30, n), rng.integers(0, 6, n), rng.integers(0, 9, n)
    x = rng.standard_normal(n) + 0.1 * f
    y = x + f * g + rng.standard_normal(n)
    c = np.where((f == 3) & (g == 2), 0.0, rng.poisson(np.exp(0.1 * g)))
    return {"x": x, "y": y, "c": c, "f": f, "g": TEXTS[g], "h": h, "pair": 10 * f + g}


@pytest.mark.parametrize("written", ["f^g", "f:g", "g:f", "factor(f):g", "f^g + h", "h + f:g + f"])
def test_they_are_a_column_of_combinations(data: dict[str, Any], written: str) -> None:
    same = written.replace("factor(f)", "f").replace("f^g", "pair").replace("f:g", "pair").replace("g:f", "pair")
    for options in ({}, {"vcov": "HC1"}, {"vcov": {"cluster": "f"}, "like": "fixest"}):
        found, expected = (gm.ols(f"y ~ x | {absorbed}", data, **options) for absorbed in (written, same))
        assert found.coefficients == pytest.approx(expected.coefficients, rel=1e-10)
        assert found.std_errors == pytest.approx(expected.std_errors, rel=1e-10)
        assert found.df_residual == expected.df_residual


def test_in_generalized_models_separated_combinations_are_left_out(data: dict[str, Any]) -> None:
    found, expected = (gm.glm(f"c ~ x | {absorbed} + h", data, family="poisson") for absorbed in ("f^g", "pair"))
    assert found.dropped_rows == expected.dropped_rows
    assert found.dropped_rows["separated"] > 0
    assert found.coefficients == pytest.approx(expected.coefficients, rel=1e-9)


def test_they_are_saved_and_predicted_and_stand_in_lists_of_models(data: dict[str, Any], tmp_path: Path) -> None:
    fit = gm.ols("y ~ x | f^g", data)
    fit.save(tmp_path / "fit.gramian")
    assert gm.load(tmp_path / "fit.gramian").predict(data) == pytest.approx(gm.ols("y ~ x | pair", data).predict(data))
    fits = gm.ols("y ~ x | sw(f, f^g)", data)
    assert [one.absorbed.levels for one in fits.values()] == [{"f": 30}, {"f^g": len(np.unique(data["pair"]))}]
    missing = {**data, "g": np.where(data["h"] == 1, None, data["g"])}
    assert gm.ols("y ~ x | f^g", missing).rows == int((data["h"] != 1).sum())


def test_other_signs_between_absorbed_factors_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(FormulaError, match=r"their combinations are firm\^year"):
        gm.ols("y ~ x | f * g", data)
    with pytest.raises(FormulaError, match="a factor to absorb"):
        gm.ols("y ~ x | f^2", data)
