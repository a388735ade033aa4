"""Rows that columns separate are left out: those that a linear program finds, and the fit is that of the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import gramian as gm
from gramian.errors import OptionError, SeparationError
from gramian.fit.glm import separated

KNOWN = json.loads((Path(__file__).parents[3] / "reference" / "pyfixest_separation.json").read_text())


@pytest.mark.parametrize("name", KNOWN["cases"])
def test_as_fepois_with_the_iterated_rectifier(name: str) -> None:
    case = KNOWN["cases"][name]
    fit = gm.glm(case["formula"], KNOWN["data"], "poisson", separation="drop", vcov={"cluster": "firm"}, like="fixest")
    assert fit.rows == case["rows"] < 120
    assert fit["x"] == pytest.approx(case["estimate"], abs=1e-8)
    assert fit.std_errors[fit.names.index("x")] == pytest.approx(case["std_error"], rel=1e-6)
    with pytest.raises(SeparationError):
        gm.glm(case["formula"], KNOWN["data"], "poisson")


def problem(seed: int) -> tuple[str, str, pd.DataFrame]:
    """A family, a formula and rows of which some may be separated by a combination of columns and firms."""
    rng = np.random.default_rng(1000 + seed)
    n, family, k = int(rng.integers(20, 60)), ("poisson", "binomial")[seed % 2], int(rng.integers(1, 5))
    names = [f"x{i}" for i in range(k)]
    data = pd.DataFrame({name: rng.integers(-2, 3, n) if i % 2 else rng.normal(size=n) for i, name in enumerate(names)})
    data["firm"] = rng.integers(0, 4, n)
    eta = data[names].to_numpy() @ rng.normal(size=k) - 0.5
    chance = 1.0 / (1.0 + np.exp(-eta))
    data["y"] = rng.poisson(np.exp(np.minimum(eta, 3.0))) if family == "poisson" else rng.uniform(size=n) < chance
    data["y"] = data["y"].astype(int)
    moved = ((data.y == 0) & (rng.uniform(size=n) < 0.3)) * rng.uniform(0.5, 3.0, n)
    data["x0"] = moved + data[names].to_numpy() @ np.array([0.0, *rng.integers(-2, 3, k - 1)])
    return family, f"y ~ {' + '.join(names)}" + (" | firm" if seed % 3 == 0 else ""), data


def most_that_separate(family: str, formula: str, data: pd.DataFrame) -> Any:
    """The largest set of separated rows (n,), by a linear program: a direction with as many moves as there can be."""
    firms = [(data.firm == firm).astype(float) for firm in sorted(data.firm.unique())] if "firm" in formula else []
    X = np.column_stack([np.ones(len(data)), *(data[c] for c in data.columns if c.startswith("x")), *firms])
    up = data.y.to_numpy() >= (1 if family == "binomial" else np.inf)
    ends, (n, p) = up | (data.y.to_numpy() == 0), X.shape
    m, signed = int(ends.sum()), X * np.where(up, 1.0, -1.0)[:, None]
    found = linprog(
        np.concatenate([np.zeros(p), -np.ones(m)]),
        A_ub=np.hstack([-signed[ends], np.eye(m)]),
        b_ub=np.zeros(m),
        A_eq=np.hstack([X[~ends], np.zeros((n - m, m))]),
        b_eq=np.zeros(n - m),
        bounds=[(None, None)] * p + [(0, 1)] * m,
    )
    out = np.zeros(n, bool)
    out[np.flatnonzero(ends)[found.x[p:] > 1e-6]] = True
    return out


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5, 6, 8, 9])
def test_the_largest_set_of_rows_is_left_out(seed: int) -> None:
    family, formula, data = problem(seed)
    separated_rows = most_that_separate(family, formula, data)
    if separated_rows.sum() >= len(data) - 1:
        with pytest.raises(SeparationError):
            gm.glm(formula, data, family, separation="drop")
        return
    fit = gm.glm(formula, data, family, separation="drop")
    other = gm.glm(formula.replace("| firm", "+ factor(firm)"), data[~separated_rows], family)
    assert fit.rows == other.rows == len(data) - separated_rows.sum()
    assert fit.deviance == pytest.approx(other.deviance, abs=1e-8)
    for name in set(fit.names) & set(other.names):
        if not (np.isnan(fit[name]) or np.isnan(other[name])):
            assert fit[name] == pytest.approx(other[name], rel=1e-8, abs=1e-8)


def test_directions_are_looked_for_until_there_is_none() -> None:
    # pyfixest's rectifier finds rows of the first direction only
    data = pd.DataFrame(KNOWN["data"])
    own = data[["y", "x", "firm"]].assign(x1=data.s, x2=data.v)
    rows = most_that_separate("poisson", "y ~ x + x1 + x2 | firm", own)
    fit = gm.glm("y ~ x + s + v | firm", data, "poisson", separation="drop")
    assert fit.rows == 120 - rows.sum() == 92
    assert fit["x"] == pytest.approx(gm.glm("y ~ x | firm", data[~rows], "poisson")["x"], rel=1e-9)


def test_a_direction_that_steps_only_approach_is_made_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    # without any exact candidate
    def rough(run: Any, found: Any) -> Any:
        noise = np.random.default_rng(1).normal(size=len(found.direction)) * 1e-4
        found.direction, found.ratio = found.direction + found.largest * noise, 1e-4
        return exact(run, found)

    exact = separated.exact_direction
    monkeypatch.setattr(separated, "exact_direction", rough)
    case = KNOWN["cases"]["a combination of regressors"]
    fit = gm.glm(case["formula"], KNOWN["data"], "poisson", separation="drop")
    assert fit.rows == case["rows"]
    assert fit["x"] == pytest.approx(case["estimate"], abs=1e-8)


def test_weights_offsets_counts_clusters_and_cuts() -> None:
    data = pd.DataFrame(KNOWN["data"]).assign(o=lambda d: 0.1 * d.z)
    data.loc[[3, 50], "o"] = np.nan
    formula, options = "y ~ x + s | firm", {"offset": "o", "counts": "w", "vcov": {"cluster": "year"}}
    fit = gm.glm(formula, data, "poisson", separation="drop", **options)
    kept = data[(data.s == 0) & data.o.notna()]
    other = gm.glm("y ~ x | firm", kept, "poisson", **options)
    assert fit.dropped_rows["separated by s"] == data.w[(data.s > 0) & (data.firm != 11) & data.o.notna()].sum()
    assert fit["x"] == pytest.approx(other["x"], rel=1e-9)
    assert fit.std_errors[0] == pytest.approx(other.std_errors[0], rel=1e-8)
    import pyarrow as pa

    pieces = pa.Table.from_pandas(data).to_batches(17)
    np.testing.assert_allclose(
        gm.glm(formula, pieces, "poisson", separation="drop", **options)["x"], fit["x"], rtol=1e-9
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"separation": "drop", "ridge": 1.0}, "with a ridge penalty nothing is separated"),
        ({"separation": "leave"}, "separation must be one of|separation must be 'error' or 'drop'"),
    ],
)
def test_what_does_not_go_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        gm.glm("y ~ x", KNOWN["data"], "poisson", **options)


def test_another_covariance_needs_another_fit() -> None:
    fit = gm.glm("y ~ x + s | firm", KNOWN["data"], "poisson", separation="drop")
    with pytest.raises(OptionError, match=r"rows that s separates were left out .* fit again with vcov="):
        fit.with_vcov("HC1", KNOWN["data"])
