"""What a generalized linear fit says."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian.errors import ArtifactError, DataError, OptionError
from gramian.fit.glm.accumulate import Linearize, Totals
from gramian.fit.glm.iterate import PastIterate, anderson_step, linear_convergence, quadratic_convergence
from gramian.fit.glm.step import next_theta

ROWS = 300


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    rng = np.random.default_rng(8)
    x, z = rng.normal(size=ROWS), rng.uniform(1, 2, ROWS)
    mu = np.exp(0.3 + 0.4 * x)
    return {
        "x": x,
        "z": z,
        "f": rng.choice(["a", "b"], ROWS),
        "y": (rng.random(ROWS) < 1 / (1 + np.exp(-x))).astype(float),
        "n": rng.poisson(mu).astype(float),
        "nb": rng.negative_binomial(2, 2 / (2 + mu)).astype(float),
        "g": rng.gamma(3, mu / 3),
        "w": rng.integers(1, 4, ROWS).astype(float),
    }


FITS: list[tuple[str, dict[str, Any]]] = [
    ("y ~ x + f", {}),
    ("n ~ x * f", {"family": "poisson", "vcov": "HC1"}),
    ("nb ~ x", {"family": "negative_binomial"}),
    ("g ~ poly(x, 2)", {"family": "gamma", "link": "log", "weights": "w"}),
    ("g ~ x", {"family": "quasi", "link": "log", "variance": "mu^2", "offset": "z"}),
    ("y ~ x + I(2 * x) + f", {"link": "probit"}),
    ("y ~ x + f", {"ridge": 3.0}),
]


@pytest.mark.parametrize(("formula", "options"), FITS)
def test_a_saved_fit_is_the_same(data: dict[str, Any], formula: str, options: dict[str, Any], tmp_path: Path) -> None:
    fit = gm.glm(formula, data, **options)
    fit.save(tmp_path / "a.fit")
    again = gm.load(tmp_path / "a.fit")
    assert again.summary() == fit.summary()
    assert again.to_dict() == fit.to_dict()
    np.testing.assert_array_equal(again.vcov, fit.vcov)
    assert again.predict(data, interval="confidence").equals(fit.predict(data, interval="confidence"))


@pytest.mark.parametrize(("formula", "options"), FITS)
def test_it_tells_itself(data: dict[str, Any], formula: str, options: dict[str, Any]) -> None:
    fit = gm.glm(formula, data, **options)
    told = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert told["schema"] == "gramian.fit/1"
    assert (told["family"], told["link"]) == (fit.family, fit.link)
    assert fit.link in fit.summary()
    assert [c["term"] for c in told["coefficients"]] == fit.tidy()["term"].to_pylist() == list(fit.names)
    assert fit.glance()["deviance"].to_pylist() == [fit.deviance]
    assert fit.converged
    assert "GlmFit" in repr(fit)
    assert "<table>" in fit._repr_html_()
    assert fit.df_null == ROWS - 1
    np.testing.assert_allclose(fit.df_residual, ROWS - fit.effective)


def test_z_where_the_dispersion_is_known_t_where_it_is_not(data: dict[str, Any]) -> None:
    poisson, quasi = gm.glm("n ~ x", data, "poisson"), gm.glm("n ~ x", data, "quasipoisson")
    assert (poisson.statistic, quasi.statistic) == ("z", "t")
    np.testing.assert_allclose(poisson.coefficients, quasi.coefficients, rtol=1e-10)
    np.testing.assert_allclose(quasi.std_errors, poisson.std_errors * math.sqrt(quasi.dispersion), rtol=1e-9)
    assert quasi.dispersion == pytest.approx(quasi.pearson / (ROWS - 2))
    assert (quasi.loglik, quasi.aic, quasi.bic) == (None, None, None)
    assert "z" in poisson.summary()
    assert (poisson.conf_int()[:, 1] - poisson.coefficients) / poisson.std_errors == pytest.approx(
        [1.959963984540054] * 2
    )


def test_a_test_of_one_coefficient_is_its_z(data: dict[str, Any]) -> None:
    fit = gm.glm("n ~ x + f", data, "poisson")
    test = fit.test("x = 0")
    assert test.statistic == pytest.approx(fit.statistics[1] ** 2)
    assert test.p_value == pytest.approx(fit.p_values[1], rel=1e-9)
    assert test.df == (1, math.inf)
    gamma = gm.glm("g ~ x", data, "gamma", "log")
    assert gamma.test("x = 0").p_value == pytest.approx(gamma.p_values[1], rel=1e-9)


def test_predictions_on_both_scales(data: dict[str, Any]) -> None:
    fit = gm.glm("y ~ x + f", data)
    rows = {"x": [0.0, 1.0, None], "f": ["a", "b", "a"]}
    eta, mu = fit.predict(rows, scale="link"), fit.predict(rows)
    assert np.isnan([eta[2], mu[2]]).all()
    expected = fit["Intercept"] + np.array([0.0, fit["x"] + fit["f[b]"]])
    np.testing.assert_allclose(eta[:2], expected, rtol=1e-12)
    np.testing.assert_allclose(mu[:2], 1 / (1 + np.exp(-expected)), rtol=1e-12)
    link, response = (fit.predict(rows, scale=s, interval="confidence", level=0.9) for s in ("link", "response"))
    row = np.array([1.0, 1.0, 1.0])
    reach = 1.6448536269514722 * math.sqrt(row @ fit.vcov @ row)
    assert link["high"][1].as_py() - link["fit"][1].as_py() == pytest.approx(reach, rel=1e-9)
    np.testing.assert_allclose(
        response["low"].to_numpy()[:2], 1 / (1 + np.exp(-link["low"].to_numpy()[:2])), rtol=1e-12
    )
    assert response["low"].null_count == 1


def test_intervals_are_ordered_and_stay_in_range(data: dict[str, Any]) -> None:
    for family, link, outcome in (("gamma", "inverse", "g"), ("poisson", "sqrt", "n"), ("poisson", "identity", "w")):
        told = gm.glm(f"{outcome} ~ z", data, family, link).predict({"z": [1.5, -40.0, 60.0]}, interval="confidence")
        fit, low, high = (told[c].to_numpy(zero_copy_only=False) for c in ("fit", "low", "high"))
        known = ~np.isnan(fit)
        assert known[0]
        assert (low[known] <= fit[known]).all()
        assert (fit[known] <= high[known]).all()
        assert (low[known] >= 0).all()
        assert np.isnan(low[~known]).all()


def test_robust_intervals_use_the_sandwich(data: dict[str, Any]) -> None:
    fit = gm.glm("n ~ x", data, "poisson", vcov="HC0")
    told = fit.predict({"x": [0.0]}, scale="link", interval="confidence")
    reach = (told["high"][0].as_py() - told["low"][0].as_py()) / 2
    assert reach == pytest.approx(1.959963984540054 * fit.std_errors[0], rel=1e-9)


@pytest.mark.parametrize("y", [["yes", "no"], [True, False], [1, 0]])
def test_outcomes_of_all_kinds_are_the_same(data: dict[str, Any], y: list[Any]) -> None:
    told = [y[0] if v else y[1] for v in data["y"]]
    fit = gm.glm("y ~ x", data | {"y": told})
    np.testing.assert_allclose(fit.coefficients, gm.glm("y ~ x", data).coefficients, rtol=1e-12)
    assert fit.outcomes == (("no", "yes") if isinstance(y[0], str) else None)
    if fit.outcomes:
        assert "outcome: 'yes' against 'no'" in fit.summary()


def test_proportions_with_weights_are_the_rows_they_stand_for() -> None:
    rng = np.random.default_rng(0)
    x = np.arange(20.0) / 10
    trials = rng.integers(2, 9, 20)
    success = np.minimum(rng.binomial(trials, 1 / (1 + np.exp(1 - x))), trials)
    shares = gm.glm("y ~ x", {"x": x, "y": success / trials, "w": trials}, weights="w")
    y = np.concatenate([np.arange(t) < s for t, s in zip(trials, success, strict=True)])
    rows = gm.glm("y ~ x", {"x": np.repeat(x, trials), "y": y})
    np.testing.assert_allclose(shares.coefficients, rows.coefficients, rtol=1e-9)
    np.testing.assert_allclose(shares.std_errors, rows.std_errors, rtol=1e-7)
    assert shares.null_deviance - shares.deviance == pytest.approx(rows.null_deviance - rows.deviance, rel=1e-9)
    assert shares.rows == 20


def test_rows_of_weight_zero_do_not_count(data: dict[str, Any]) -> None:
    weight = (np.arange(ROWS) % 3 > 0).astype(float)
    fit = gm.glm("y ~ x", data | {"v": weight}, weights="v")
    kept = gm.glm("y ~ x", {k: v[weight > 0] for k, v in data.items()})
    np.testing.assert_allclose(fit.coefficients, kept.coefficients, rtol=1e-9)
    assert fit.rows == kept.rows
    assert fit.df_residual == kept.df_residual
    assert fit.dropped_rows == {"zero weight": 100}


@pytest.mark.parametrize(
    ("outcome", "family", "message"),
    [
        (-1.0, "poisson", r"row 18: the outcome is -1, but for the family 'poisson' it must be 0 or above"),
        (0.0, "gamma", r"row 18: the outcome is 0, but for the family 'gamma' it must be above 0"),
        (2.0, "binomial", r"row 18: the outcome is 2, but for the family 'binomial' it must be between 0 and 1"),
    ],
)
def test_an_impossible_outcome_is_named(data: dict[str, Any], outcome: float, family: str, message: str) -> None:
    y = np.where(np.arange(ROWS) == 17, outcome, 1.0)
    with pytest.raises(DataError, match=message):
        gm.glm("y ~ x", data | {"y": y}, family)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "binomal"}, "did you mean 'binomial'"),
        ({"link": "logitt"}, "did you mean 'logit'"),
        ({"theta": 2.0}, "negative_binomial"),
        ({"family": "negative_binomial", "theta": True}, "theta must be a number"),
        ({"variance": "mu"}, "only 'quasi' takes one"),
        ({"vcov": "HC9"}, "vcov must be one of 'iid', 'HC0', 'HC1', 'HC2', 'HC3', 'HC4', or name clusters"),
        ({"vcov": "HC1", "ridge": 1.0}, "no meaning for a penalised fit"),
        ({"offset": 3}, "offset must be the name of a column"),
        ({"tolerance": 0.0}, "tolerance must be a number of standard errors"),
        ({"max_passes": 0}, "max_passes must be a whole number above 0"),
        ({"ridge": -1.0}, "not negative"),
    ],
)
def test_options_that_make_no_sense(data: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        gm.glm("y ~ x", data, **options)


def test_other_refusals(data: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must have two values, found 'a', 'b', 'c'"):
        gm.glm("y ~ x", {"x": [1, 2, 3], "y": ["a", "b", "c"]})
    fit = gm.glm("y ~ x", data)
    with pytest.raises(OptionError, match="no prediction intervals"):
        fit.predict(data, interval="prediction")
    with pytest.raises(OptionError, match="scale must be one of"):
        fit.predict(data, scale="mean")
    with pytest.raises(OptionError, match="no coefficient 'X'; did you mean 'x'"):
        fit["X"]
    with pytest.raises(OptionError, match="link goes with a family"):
        gm.plan("y ~ x", data, link="logit")
    fit.save(tmp_path / "a.fit")
    from gramian.serialize import file as store

    kind, manifest, arrays = store.load(tmp_path / "a.fit")
    linear = {**manifest["linear"], "robust": {"kind": "HC0"}}
    store.save(tmp_path / "b.fit", kind, {**manifest, "linear": linear}, arrays)
    with pytest.raises(ArtifactError, match="makes no sense"):
        gm.load(tmp_path / "b.fit")


def test_the_plan_says_how_many_passes(data: dict[str, Any]) -> None:
    told = str(gm.plan("nb ~ x", data, family="negative_binomial", vcov="HC1", max_passes=9))
    assert "about 5, 9 at most" in told
    assert "theta is estimated" in told
    assert "HC1: one more pass for the scores" in told


def test_a_saturated_fit_has_no_dispersion() -> None:
    fit = gm.glm("y ~ x", {"x": [0.0, 1.0], "y": [1.0, 2.0]}, "gamma")
    assert math.isnan(fit.dispersion)
    assert fit.tidy()["std_error"].null_count == 2
    assert gm.glm("y ~ x", {"x": [0.0, 1.0], "y": [0.0, 1.0]}, "gaussian").to_dict()["loglik"] is None


def test_a_dependent_column_is_left_out_and_explained(data: dict[str, Any]) -> None:
    fit = gm.glm("y ~ x + x2", data | {"x2": 2 * data["x"]})
    assert fit.aliased == {"x2": "2*x"}
    assert np.isnan(fit["x2"])
    np.testing.assert_allclose(fit.predict(data | {"x2": data["x"]}), gm.glm("y ~ x", data).predict(data), rtol=1e-9)


def test_the_pass_can_be_pickled(data: dict[str, Any]) -> None:
    fit = gm.glm("y ~ x + f", data)
    task = Linearize(fit.solved.linear.design, fit.solved.model, null=0.5)
    assert pickle.loads(pickle.dumps(task)).model.family.name == "binomial"


def test_mixed_steps_solve_a_linear_iteration_at_once() -> None:
    """Where each step is M times the error, as many steps as there are columns give the fixed point."""
    rng = np.random.default_rng(0)
    M, target, b = np.diag([0.9, 0.5, -0.3]), rng.normal(size=3), np.zeros(3)
    past: list[PastIterate] = []
    for _ in range(4):
        past.append(PastIterate(b, (np.eye(3) - M) @ (target - b)))
        b = b + past[-1].move
    np.testing.assert_allclose(past[-1].b + anderson_step(past, np.eye(3)), target, rtol=1e-8)
    np.testing.assert_array_equal(anderson_step(past[:1], np.eye(3)), past[0].move)


def test_predicted_errors() -> None:
    assert quadratic_convergence([1e-3]) == 1e-3
    assert quadratic_convergence([1e-2, 1e-4]) == pytest.approx(1e-8)
    assert quadratic_convergence([1e-2, 6e-3]) == 6e-3
    assert linear_convergence([1e-2, 1e-3]) == pytest.approx(1e-3 / 9)
    assert linear_convergence([1e-2, 1e-6]) == pytest.approx(1e-6 * 0.05 / 0.95)


def test_theta_moves_by_a_factor_of_five_at_most() -> None:
    assert next_theta(2.0, Totals(theta_score=1e9, theta_information=1.0)) == pytest.approx(10.0)
    assert next_theta(2.0, Totals(theta_score=-1.0, theta_information=-3.0)) == pytest.approx(0.4)
    assert next_theta(2.0, Totals(theta_information=1.0)) == pytest.approx(2.0)
    half = next_theta(2.0, Totals(theta_score=1e9, theta_information=1.0), share=0.5)
    assert half == pytest.approx(math.sqrt(20.0))


@pytest.mark.parametrize(
    ("family", "link", "outcome"),
    [("poisson", "log", "count"), ("gamma", "log", "size"), ("gamma", "identity", "size"), ("gaussian", "log", "size")],
)
def test_the_plan_expects_the_passes_that_are_run(family: str, link: str, outcome: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal(5000)
    mean = np.exp(0.5 + 0.2 * x) if link == "log" else 3.0 + 0.2 * x
    rows = {"x": x, "count": rng.poisson(mean).astype(float), "size": rng.gamma(9.0, mean / 9.0)}
    fit = gm.glm(f"{outcome} ~ x", rows, family, link=link)
    assert abs(fit.passes - gm.plan(f"{outcome} ~ x", rows, family=family, link=link).passes) <= 1
