"""Where the passes begin: a sample that says little, or nothing, about the data."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from unit.fit.glm.pieces import cut

import gramian as gm
from gramian.data.source import source_of
from gramian.fit.glm.design import glm_design
from gramian.fit.glm.null_model import intercept
from gramian.fit.glm.options import glm_options
from gramian.fit.glm.start import subsample_start
from gramian.fit.passes.options import Options
from gramian.fit.passes.subsample import MAX_UNITS, case_control, draw, subsample

PIECES = 20
SKIPPED = 2  # of 20 units 16 are looked into, and this one is not


def table_with(level_in_one_unit: str) -> tuple[pa.Table, list[int]]:
    """600 rows in 20 pieces; one level of f has rows in a single piece only."""
    rng = np.random.default_rng(3)
    rows = 30 * PIECES
    f = rng.choice(["b", "c", "d"], rows)
    x = rng.normal(5.0, 1.0, rows)
    here = slice(30 * SKIPPED, 30 * (SKIPPED + 1))
    f[here] = np.where(rng.random(30) < 0.7, level_in_one_unit, f[here])
    eta = 0.3 * (x - 5) + 0.4 * (f == "c")
    y = rng.poisson(np.exp(eta))
    return pa.table({"x": x, "f": f, "y": y}), [30 * i for i in range(1, PIECES)]


@pytest.mark.parametrize("level", ["a", "bb", "z"])
@pytest.mark.parametrize("formula", ["y ~ x + f", "y ~ f * x", "y ~ 0 + f + x", "y ~ poly(x, 2) * f", "y ~ f:I(x^2)"])
def test_a_level_that_the_sample_has_not_seen(formula: str, level: str) -> None:
    table, edges = table_with(level)
    source = cut(table, edges)
    options = glm_options("poisson", common=Options())
    design = glm_design(formula, source, options)
    sample = draw(source, design)
    assert level not in sample.levels["f"]
    assert subsample_start(sample, design, options) is not None
    pieces, whole = gm.glm(formula, source, "poisson"), gm.glm(formula, table, "poisson")
    assert pieces.names == whole.names
    np.testing.assert_allclose(pieces.coefficients, whole.coefficients, rtol=1e-9, atol=1e-8 * whole.std_errors.min())
    np.testing.assert_allclose(pieces.std_errors, whole.std_errors, rtol=1e-7)
    assert pieces.passes <= 8  # the sample is small, and says nothing of that level


def test_the_sample_is_spread_over_the_units() -> None:
    table, edges = table_with("a")
    source = cut(table, edges)
    design = glm_design("y ~ x", source, glm_options("poisson", common=Options()))
    assert len(draw(source, design).parts) == MAX_UNITS
    assert draw(source, design).rows == 30 * MAX_UNITS


def test_the_rows_of_a_sample_stand_side_by_side() -> None:
    X = np.random.default_rng(0).standard_normal((300_000, 3))
    source = source_of({"X": X, "y": (X[:, 0] > 0.0).astype(float)})
    sample = draw(source, glm_design("y ~ X", source, glm_options("binomial", common=Options())))
    thinned = subsample(sample, sample.rows // 5 + 1).parts
    assert all(v.flags.c_contiguous for part in thinned for v in part.values.values())
    units = [X[at : at + 131_072, 2][::5] for at in range(0, len(X), 131_072)]
    assert [part.values["X[2]"].tolist() for part in thinned] == [unit.tolist() for unit in units]


def test_case_control_keeps_all_events_and_says_how_much_too_often() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200_000)
    y = (rng.random(200_000) < 1 / (1 + np.exp(7.5 - x))).astype(float)
    source = source_of({"x": x, "y": y})
    design = glm_design("y ~ x", source, glm_options("binomial", common=Options()))
    sample = draw(source, design)
    thin, shift = case_control(sample, "~y")
    kept = np.concatenate([p.values["~y"] for p in thin.parts])
    whole = np.concatenate([p.values["~y"] for p in sample.parts])
    assert kept.sum() == whole.sum()
    assert np.exp(shift) == pytest.approx((len(whole) - whole.sum()) / (len(kept) - kept.sum()), rel=1e-3)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
@pytest.mark.parametrize("rare", [0.0, 1.0])
def test_a_rare_outcome_takes_few_passes(link: str, rare: float) -> None:
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=300_000), rng.normal(1e6, 1.0, 300_000)
    y = rng.random(300_000) < 1 / (1 + np.exp(9.0 - 2.0 * x - 0.5 * (z - 1e6)))
    fit = gm.glm("y ~ x + z", {"x": x, "z": z, "y": np.where(y, 1 - rare, rare)}, link=link)
    assert fit.passes <= 6
    assert fit.solved.lengths[0] < 20.0


def test_without_a_sample_that_varies_it_starts_from_the_outcome() -> None:
    rng = np.random.default_rng(2)
    rows = 20 * 50
    x = rng.normal(size=rows)
    y = np.zeros(rows)
    y[50 * SKIPPED : 50 * (SKIPPED + 1)] = rng.random(50) < 0.5
    table = pa.table({"x": x, "y": y})
    source = cut(table, [50 * i for i in range(1, 20)])
    pieces, whole = gm.glm("y ~ x", source), gm.glm("y ~ x", table)
    np.testing.assert_allclose(pieces.coefficients, whole.coefficients, rtol=1e-9)


def test_an_outcome_that_its_link_cannot_tell_starts_from_the_intercept() -> None:
    """log(y) of a negative y is no start."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=500)
    y = np.exp(0.2 * x) + rng.normal(0, 0.6, 500)
    assert (y < 0).any()
    fit = gm.glm("y ~ x", {"x": x, "y": y}, "gaussian", "log")
    assert fit["x"] == pytest.approx(0.2, abs=0.1)


def test_the_null_model_beside_large_offsets() -> None:
    rng = np.random.default_rng(5)
    o = rng.normal(8, 2, 1000)
    y = rng.poisson(np.exp(o + 0.5))
    source = source_of({"y": y, "o": o})
    design = glm_design("y ~ 1", source, glm_options("poisson", common=Options(), offset="o"))
    eta = intercept(glm_options("poisson", common=Options()).model, draw(source, design), "~y")
    assert eta == pytest.approx(np.log(y.sum() / np.exp(o).sum()), rel=1e-12)
    fit = gm.glm("y ~ 1", {"y": y, "o": o}, "poisson", offset="o")
    assert fit.null_deviance == pytest.approx(fit.deviance, rel=1e-10)
    assert fit.passes <= 3
