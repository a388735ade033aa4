"""Absorbed factors in generalized linear models: the fit with dummies, without the dummies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.errors import ConvergenceError, DataError, NotIdentifiedError, OptionError, SeparationError

Frame = dict[str, Any]


def panel(n: int = 1500) -> Frame:
    """Outcomes of every family; rows with missing values are spread over it."""
    rng = np.random.default_rng(1)
    firm, year = rng.integers(0, 40, n), rng.integers(0, 6, n)
    x, z = rng.standard_normal(n) + 0.3 * (firm % 5), rng.standard_normal(n)
    eta = 0.3 * x - 0.2 * z + 0.3 * rng.standard_normal(40)[firm] + 0.2 * rng.standard_normal(6)[year] + 0.8
    share = 1.0 / (1.0 + np.exp(0.8 - eta))
    return {
        "x": x,
        "z": np.where(rng.random(n) < 0.02, np.nan, z),
        "firm": firm,
        "year": year,
        "place": np.array(["a", "b", "c"])[rng.integers(0, 3, n)],
        "e": rng.uniform(0.0, 0.5, n),
        "w": rng.uniform(0.5, 2.0, n),
        "five": np.full(n, 5.0),
        "count": rng.poisson(np.exp(eta)).astype(float),
        "yes": (rng.random(n) < share).astype(float),
        "text": np.where(rng.random(n) < share, "yes", "no"),
        "part": rng.binomial(5, share) / 5.0,
        "size": rng.gamma(2.0, np.exp(eta) / 2.0),
        "many": rng.negative_binomial(2, 2.0 / (2.0 + np.exp(eta))).astype(float),
        "wald": rng.wald(np.exp(eta), 3.0),
    }


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("count", "firm", {"family": "poisson"}),
    ("count", "firm + year", {"family": "poisson", "offset": "e", "weights": "w"}),
    ("count", "firm + year + place", {"family": "quasipoisson"}),
    ("count", "firm", {"family": "poisson", "link": "sqrt"}),
    ("yes", "firm + year", {"family": "binomial"}),
    ("text", "year", {"family": "binomial"}),
    ("part", "firm", {"family": "binomial", "weights": "five"}),
    ("yes", "firm", {"family": "binomial", "link": "probit"}),
    ("yes", "year", {"family": "binomial", "link": "cloglog"}),
    ("size", "firm + year", {"family": "gamma", "link": "log"}),
    ("size", "year", {"family": "gamma"}),
    ("many", "firm", {"family": "negative_binomial"}),
    ("many", "firm + year", {"family": "negative_binomial", "theta": 2.0}),
    ("wald", "firm", {"family": "inverse_gaussian", "link": "log"}),
    ("size", "year", {"family": "quasi", "variance": "mu^2", "link": "log"}),
]
SAME = ("deviance", "null_deviance", "pearson", "df_residual", "df_null", "rows", "dispersion", "loglik", "theta")


@pytest.mark.parametrize(("outcome", "absorbed", "options"), CASES)
def test_as_with_dummies(outcome: str, absorbed: str, options: dict[str, Any]) -> None:
    data = panel()
    fit = gm.glm(f"{outcome} ~ x * place + z | {absorbed}", data, **options)
    dummies = " + ".join(f"factor({f})" for f in absorbed.split(" + "))
    full = gm.glm(f"{outcome} ~ x * place + z + {dummies}", data, **options)
    # both stop at 1e-8 standard errors, and what elimination cancels costs three digits of 14
    for name, value, error in zip(fit.names, fit.coefficients, fit.std_errors, strict=True):
        if np.isnan(value):  # place is absorbed, too
            continue
        i = full.names.index(name)
        assert value == pytest.approx(full.coefficients[i], rel=1e-8, abs=1e-8 * error)
        assert error == pytest.approx(full.std_errors[i], rel=1e-7)
    for fact in SAME:
        found, expected = getattr(fit, fact), getattr(full, fact)
        assert found is expected is None or found == pytest.approx(expected, rel=1e-7), fact
    if absorbed != "firm + year + place":
        np.testing.assert_allclose(fit.predict(data), full.predict(data), rtol=1e-7)


@pytest.mark.parametrize("vcov", ["HC0", "HC1", {"cluster": "firm"}, {"cluster": ["firm", "year"]}])
def test_robust_errors_in_the_fit_and_later(vcov: Any) -> None:
    data = panel()
    data["count"] = np.where(np.isin(data["firm"], (3, 30)), 0.0, data["count"])
    fit = gm.glm("count ~ x + z | firm + year", data, family="poisson", vcov=vcov)
    later = gm.glm("count ~ x + z | firm + year", data, family="poisson").with_vcov(vcov, data)
    np.testing.assert_allclose(fit.std_errors, later.std_errors, rtol=1e-9)
    if vcov == "HC0":
        kept = {name: column[~np.isin(data["firm"], (3, 30))] for name, column in data.items()}
        full = gm.glm("count ~ x + z + factor(firm) + factor(year)", kept, family="poisson", vcov=vcov)
        np.testing.assert_allclose(fit.std_errors, full.std_errors[1:3], rtol=1e-8)


def test_leverages_beside_one_factor() -> None:
    data = panel()
    fit = gm.glm("yes ~ x | firm", data, vcov="HC3")
    full = gm.glm("yes ~ x + factor(firm)", data, vcov="HC3")
    assert fit.std_errors[0] == pytest.approx(full.std_errors[1], rel=1e-8)


def test_levels_at_an_end_of_the_range_are_left_out_until_none_is_left() -> None:
    data = panel()
    firm = data["firm"]
    data["yes"] = np.where(firm == 8, 0.0, np.where(firm == 11, 1.0, data["yes"]))
    fit = gm.glm("yes ~ x | firm", data)
    assert fit.dropped_rows == {"separated": int(((firm == 8) | (firm == 11)).sum())}
    assert "separated" in str(fit.summary())


def test_a_second_look_finds_levels_that_the_first_one_emptied() -> None:
    rng = np.random.default_rng(2)
    firm, year = np.repeat(np.arange(12), 20), np.tile(np.arange(20), 12)
    ones = (rng.random(240) < 0.5).astype(float)
    ones[(firm > 0) & (year == 3)] = 0.0  # without firm 0, which has no failure, year 3 has no success
    ones[firm == 0] = 1.0
    data = {"y": ones, "x": rng.standard_normal(240), "firm": firm, "year": year}
    assert gm.glm("y ~ x | firm + year", data).dropped_rows == {"separated": 20 + 11}


def test_effects_are_those_of_the_dummies(tmp_path: Path) -> None:
    data = panel()
    fit = gm.glm("count ~ x + z | firm", data, family="poisson")
    full = gm.glm("count ~ x + z + factor(firm) - 1", data, family="poisson")
    assert fit.absorbed is not None
    np.testing.assert_allclose(fit.absorbed.effects["firm"], full.coefficients[2:], rtol=1e-8)
    assert fit.absorbed.levels == {"firm": 40}
    assert fit.absorbed.rank == 40
    assert fit.to_dict()["absorbed"]["levels"] == {"firm": 40}
    assert "absorbed: firm (40 levels), which cost 40 degrees of freedom" in str(fit.summary())
    fit.save(tmp_path / "fit.gram")
    loaded = gm.load(tmp_path / "fit.gram")
    np.testing.assert_array_equal(loaded.predict(data), fit.predict(data))
    rows = fit.augment(data)
    assert rows[".hat"].null_count == len(rows)
    fitted, expected = (np.array(table[".fitted"].drop_null()) for table in (rows, full.augment(data)))
    np.testing.assert_allclose(fitted, expected)


def test_the_rows_of_the_fit_are_predicted_where_they_entered() -> None:
    data = panel()
    data["count"] = np.where(data["firm"] == 3, 0.0, data["count"])
    fit = gm.glm("count ~ x | firm", data, family="poisson")
    np.testing.assert_array_equal(np.isnan(fit.predict()), data["firm"] == 3)
    assert fit.augment()[".fitted"].null_count == int((data["firm"] == 3).sum())
    with pytest.raises(OptionError, match="intervals and leverages need the covariance of the levels of firm"):
        fit.plot(data, kind="residuals")
    with pytest.raises(DataError, match="the level '3', which the fit has not seen"):
        fit.predict(data)
    with pytest.raises(OptionError, match="intervals and leverages need the covariance of the levels of firm"):
        fit.predict(data, interval="confidence", unseen="null")


@pytest.mark.parametrize("threads", [1, 3])
def test_the_bits_do_not_depend_on_threads_and_cuts(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = panel()
    want = gm.glm("count ~ x + z | firm + year", data, family="poisson")
    monkeypatch.setattr("gramian.data.in_memory.SLICE_ROWS", 100)
    fits = [
        gm.glm("count ~ x + z | firm + year", data, family="poisson", engine=gm.Local(threads=t)) for t in (2, threads)
    ]
    assert fits[0].coefficients.tobytes() == fits[1].coefficients.tobytes()
    np.testing.assert_allclose(fits[0].coefficients, want.coefficients, rtol=1e-12)


def test_dependent_columns_are_explained() -> None:
    data = panel()
    data["kind"] = data["firm"] ** 2
    fit = gm.glm("count ~ x + I(2 * x) + kind | firm", data, family="poisson")
    assert fit.aliased == {
        "I(2 * x)": "2*x, but for the levels of firm",
        "kind": "a combination of the levels of firm",
    }
    with pytest.raises(NotIdentifiedError):
        gm.glm("count ~ x + kind | firm", data, family="poisson", collinear="raise")


def test_columns_that_separate_are_named() -> None:
    data = panel()
    rng = np.random.default_rng(4)
    data["only"] = ((data["count"] == 0.0) & (rng.random(len(data["x"])) < 0.4)).astype(float)
    with pytest.raises(SeparationError, match="separated by only: the likelihood rises"):
        gm.glm("count ~ x + only | firm + year", data, family="poisson")


def test_levels_that_separate_together_are_named() -> None:
    rng = np.random.default_rng(5)
    half = np.arange(400) % 2
    firm, year = half * 5 + rng.integers(0, 5, 400), np.where(half == 1, 2, 0) + rng.integers(0, 2, 400)
    year[:100] = np.where(half[:100] == 0, 2 + year[:100] % 2, year[:100])
    # firms 0 to 4 have no event in years 2 and 3, in which alone the others are: these years may fall without end
    y = rng.poisson(2.0, 400).astype(float) + 1.0
    y[(half == 0) & (year > 1)] = 0.0
    with pytest.raises(SeparationError, match="separated by levels of firm and year together"):
        gm.glm("y ~ x | firm + year", {"y": y, "x": rng.standard_normal(400), "firm": firm, "year": year}, "poisson")


def test_what_is_refused() -> None:
    data = panel()
    with pytest.raises(SeparationError, match="every level of 'firm' has outcomes of one kind only"):
        gm.glm("none ~ x | firm", {**data, "none": np.zeros(len(data["x"]))}, family="poisson")
    with pytest.raises(OptionError, match=r"observed information beside absorbed factors \(firm\)"):
        gm.glm("yes ~ x | firm", data, link="probit", information="observed")
    fit = gm.glm("yes ~ x | firm", data, link="probit")
    with pytest.raises(OptionError, match="observed information beside absorbed factors"):
        fit.with_vcov("HC1", data, information="observed")
    with pytest.raises(DataError, match="the outcome is -1"):
        gm.glm("count ~ x | firm", {**data, "count": data["count"] - 1.0}, family="poisson")
    with pytest.raises(ConvergenceError, match="no convergence after 4 passes"):
        gm.glm("count ~ x | firm", data, family="poisson", max_passes=4)
    assert gm.glm("count ~ 1 | firm", data, family="poisson").names == ()


def test_the_plan_says_what_is_eliminated() -> None:
    text = str(gm.plan("count ~ x | firm + year", panel(), family="poisson"))
    assert "the levels of firm and year are eliminated" in text
    assert "fitted to" not in text


def test_integers_of_short_batches_and_far_levels_are_coded_alike(tmp_path: Path) -> None:
    """Batches with few rows find integers in the range of known levels; separated levels may lie far apart."""
    rng = np.random.default_rng(3)
    n = 4000
    firm = rng.integers(0, 1500, n) * 3
    data = {"x": rng.standard_normal(n), "firm": firm, "far": np.where(firm < 900, firm * 10**9, firm)}
    data["c"] = np.where(firm % 7 == 0, 0.0, rng.poisson(2.0, n))
    whole = gm.glm("c ~ x | firm", data, family="poisson")
    pq.write_table(pa.table(data), tmp_path / "short.parquet", row_group_size=100)
    parts = gm.glm("c ~ x | firm", tmp_path / "short.parquet", family="poisson")
    far = gm.glm("c ~ x | far", data, family="poisson")
    for other in (parts, far):
        assert other.dropped_rows == whole.dropped_rows
        assert other.coefficients == pytest.approx(whole.coefficients, rel=1e-12)


def test_effects_on_the_scale_of_the_link_have_errors_and_others_say_so() -> None:
    rng = np.random.default_rng(4)
    data = {"x": rng.standard_normal(300), "f": rng.integers(0, 10, 300), "c": rng.poisson(2.0, 300)}
    fit = gm.glm("c ~ x | f", data, family="poisson")
    with pytest.raises(OptionError, match=r'slopes and predictions have no standard errors; on scale="link" slopes'):
        fit.slopes("x")
    for found in (fit.slopes("x", scale="link"), fit.comparisons("x", scale="link")):
        assert found.estimates == pytest.approx(fit.coefficients, rel=1e-12)
        assert found.std_errors == pytest.approx(fit.std_errors, rel=1e-12)
