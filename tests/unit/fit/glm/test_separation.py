"""Separation is found, named, and not seen where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

import gramian as gm
from gramian.errors import ConvergenceError, SeparationError
from gramian.fit.glm.iterate import slow_steps
from gramian.fit.glm.separation import LargestMoves, separating_index

ROWS = 400
LINKS = ["logit", "probit", "cloglog", "cauchit"]


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "x": rng.normal(size=ROWS),
        "z": rng.normal(size=ROWS),
        "k": rng.integers(0, 5, ROWS).astype(float),
        "f": rng.choice(list("abcd"), ROWS),
        "g": rng.choice(["u", "v"], ROWS),
        "y": (rng.random(ROWS) < 0.4).astype(float),
        "n": rng.poisson(2.0, ROWS).astype(float),
    }


def named(formula: str, data: dict[str, Any], **options: Any) -> tuple[str, ...]:
    with pytest.raises(SeparationError, match="ridge=1") as caught:
        gm.glm(formula, data, **options)
    for column in caught.value.columns:
        assert column in str(caught.value)
    return caught.value.columns


@pytest.mark.parametrize("link", LINKS)
def test_complete(data: dict[str, Any], link: str) -> None:
    assert named("y ~ x + z", data | {"y": data["x"] > 0}, link=link) == ("x",)
    assert set(named("y ~ x + z", data | {"y": data["x"] + 2 * data["z"] > 0.3}, link=link)) == {"x", "z"}


@pytest.mark.parametrize("link", LINKS)
def test_quasi_complete(data: dict[str, Any], link: str) -> None:
    k = data["k"]
    y = np.where(k > 2, 1.0, np.where(k < 2, 0.0, data["y"]))
    assert named("y ~ k + z", data | {"y": y}, link=link) == ("k",)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("level", list("abcd"))
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_level_the_reference_too(data: dict[str, Any], link: str, level: str, value: float) -> None:
    y = np.where(data["f"] == level, value, data["y"])
    assert named("y ~ x + f", data | {"y": y}, link=link) == (f"f[{level}]",)


@pytest.mark.parametrize("family", ["poisson", "quasipoisson", "negative_binomial"])
@pytest.mark.parametrize("level", ["a", "b"])
def test_a_level_without_any_count(data: dict[str, Any], family: str, level: str) -> None:
    n = np.random.default_rng(0).negative_binomial(2, 0.5, ROWS)
    assert named("n ~ x + f", data | {"n": np.where(data["f"] == level, 0, n)}, family=family) == (f"f[{level}]",)


def test_other_shapes(data: dict[str, Any]) -> None:
    f, g, y = data["f"], data["g"], data["y"]
    assert named("y ~ f * g", data | {"y": np.where((f == "c") & (g == "v"), 1.0, y)}) == ("f[c]:g[v]",)
    assert named("y ~ 0 + f + x", data | {"y": np.where(f == "b", 0.0, y)}) == ("f[b]",)
    assert named("y ~ x + f", data | {"y": np.where((f == "b") | (f == "c"), 0.0, y)}) == ("f[b]", "f[c]")
    shares = np.where(f == "b", 0.0, np.round(5 * np.random.default_rng(2).random(ROWS)) / 5)
    assert named("y ~ x + f", data | {"y": shares, "w": np.full(ROWS, 5.0)}, weights="w") == ("f[b]",)


def test_columns_of_any_size(data: dict[str, Any]) -> None:
    moved = data | {"x": data["x"] + 1e6, "z": data["z"] * 1e5, "y": data["x"] > 0}
    assert named("y ~ x + z", moved) == ("x",)
    assert named("y ~ x + z", moved | {"x": data["x"] * 1e-6}) == ("x",)


@pytest.mark.parametrize(("value", "family"), [(1.0, "binomial"), (0.0, "binomial"), (0.0, "poisson")])
def test_an_outcome_that_does_not_vary(data: dict[str, Any], value: float, family: str) -> None:
    with pytest.raises(SeparationError, match=f"does not vary: it is {value:g} in every row"):
        gm.glm("y ~ x", data | {"y": np.full(ROWS, value)}, family)


def test_a_constant_inside_the_range_is_fine(data: dict[str, Any]) -> None:
    assert gm.glm("y ~ x", data | {"y": np.full(ROWS, 0.5)})["x"] == pytest.approx(0.0, abs=1e-12)
    assert gm.glm("y ~ x", data | {"y": np.full(ROWS, 3.0)}, "poisson").null_deviance == pytest.approx(0.0, abs=1e-12)


def test_a_penalty_is_the_remedy(data: dict[str, Any]) -> None:
    assert gm.glm("y ~ x", data | {"y": data["x"] > 0}, ridge=1.0)["x"] > 5.0


def is_separated(X: np.ndarray, y: np.ndarray) -> bool:
    """Konis (2007): a linear program, exact."""
    signed = X * np.where(y == 1, 1.0, -1.0)[:, None]
    best = linprog(-signed.sum(0), A_ub=-signed, b_ub=np.zeros(len(y)), bounds=[(-1, 1)] * X.shape[1], method="highs")
    return bool(-best.fun > 1e-7)


@pytest.mark.parametrize("start", range(0, 240, 40))
def test_no_false_alarm_and_no_miss(start: int) -> None:
    """Random problems, many of them nearly separated; a linear program says which are."""
    for number in range(start, start + 40):
        rng = np.random.default_rng(number)
        rows, width, scale = int(rng.integers(12, 300)), int(rng.integers(1, 5)), 10 ** rng.uniform(-1, 1.3)
        Z = rng.normal(size=(rows, width))
        if number % 3 == 0:
            Z[:, 0] = rng.standard_t(1, size=rows)
        if number % 4 == 0:
            Z[:, 0] = rng.integers(0, 3, rows)
        eta = Z @ rng.normal(size=width) * scale - rng.normal()
        y = (rng.random(rows) < 1 / (1 + np.exp(-np.clip(eta, -500, 500)))).astype(float)
        if y.min() == y.max():
            continue
        truth = is_separated(np.column_stack([np.ones(rows), Z]), y)
        try:
            gm.glm("y ~ .", {"y": y, **{f"z{i}": Z[:, i] for i in range(width)}}, link=LINKS[number % 3])
            assert not truth, number
        except SeparationError:
            assert truth, number


def test_how_a_verdict_is_reached() -> None:
    assert slow_steps([1.0]) == 0
    assert slow_steps([1.0, 0.1]) == 0
    assert slow_steps([1.0, 0.1, 0.06, 0.04]) == 2
    exact, close, none = LargestMoves(0.0, 1.0), LargestMoves(5e-4, 1.0), LargestMoves(0.5, 1.0)
    assert separating_index([none, exact], []) == 1
    assert separating_index([close, none], [0.5, 5e-4]) is None
    fading, still = [0.5**k for k in range(2, 12)], [0.5, *[5e-4] * 9]
    assert separating_index([close, none], fading) == 0
    assert separating_index([close, none], still) is None  # a narrow overlap, but one
    assert separating_index([none, close], fading[:5]) is None
    assert separating_index([LargestMoves()], []) is None


@pytest.mark.parametrize("start", [0, 40])
def test_verdicts_do_not_need_a_good_start(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From far away many steps are long, and nearly all right, although there is an answer."""
    monkeypatch.setattr("gramian.fit.glm.loop.subsample_start", lambda *given: None)
    test_no_false_alarm_and_no_miss(start)


def test_no_convergence_says_why(data: dict[str, Any]) -> None:
    with pytest.raises(ConvergenceError, match=r"no convergence after 1 passes.*max_passes="):
        gm.glm("y ~ x", data, link="cauchit", max_passes=1)
    counts = np.random.default_rng(0).binomial(5, 0.5, ROWS)
    with pytest.raises(ConvergenceError, match='family="poisson"'):
        gm.glm("y ~ x", data | {"y": counts}, "negative_binomial")
