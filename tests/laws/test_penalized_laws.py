"""The optimality conditions of the lasso at every knot and between knots, on small numbers full of ties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.fit.penalized.systems import system_from

from gramian.linalg.penalized.paths import elastic_net, grid, lasso
from gramian.linalg.penalized.ridge import ridge
from gramian.linalg.penalized.system import Penalty, System

# Small whole numbers make exact ties and exact dependencies; what is left is the rounding of sums of less than a
# hundred products, whose combinations have coefficients up to some thousands: 1e-9 of the lengths is far above it,
# and far below what a wrong active set leaves.
TOLERANCE = 1e-9
ENOUGH = 1e-10  # relative duality gap; the square of a distance, so looser than the coefficients


@st.composite
def problems(draw: st.DrawFn) -> tuple[System, Penalty]:
    rows, columns = draw(st.integers(2, 11)), draw(st.integers(1, 7))
    size = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X, y = rng.integers(-size, size + 1, (rows, columns)).astype(float), rng.integers(-3, 4, rows).astype(float)
    if draw(st.booleans()):
        X[:, rng.integers(columns)] = X[:, rng.integers(columns)]
    factors = rng.choice([0.0, 1.0, 1.0, 1.0, 2.0], columns)
    factors = factors if factors.any() else np.ones(columns)
    system = system_from(X, y, intercept=draw(st.booleans()))
    return system, Penalty(factors, standardize=draw(st.booleans()))


def subgradient(system: System, penalty: Penalty, alpha: float, b: np.ndarray) -> float:
    """The largest violation of the conditions, in the columns as they are, relative to the lengths."""
    rest = system.c - system.S @ b
    scale = np.sqrt(system.S.diagonal() / system.weight) if penalty.standardize else np.ones(len(b))
    t = alpha * system.weight * penalty.factors * scale
    size = system.length * (system.y_length + np.abs(b) @ system.length)
    off = np.where(b != 0, np.abs(rest - t * np.sign(b)), np.maximum(np.abs(rest) - t, 0.0))
    return float(np.max(off / np.where(size > 0, size, 1.0)))


@given(problem=problems())
def test_every_knot_is_optimal(problem: tuple[System, Penalty]) -> None:
    system, penalty = problem
    path = lasso(system, penalty)
    assert path.exact == len(path.alphas)
    assert path.alphas[-1] == 0.0
    assert (np.diff(path.alphas) < 0).all()
    for alpha, b in zip(path.alphas, path.coefficients, strict=True):
        assert subgradient(system, penalty, alpha, b) <= TOLERANCE


@given(problem=problems(), share=st.floats(0.01, 0.99))
def test_between_knots_are_straight_lines(problem: tuple[System, Penalty], share: float) -> None:
    system, penalty = problem
    path = lasso(system, penalty)
    alphas = path.alphas[:-1] * share + path.alphas[1:] * (1.0 - share)
    if len(alphas):
        between = lasso(system, penalty, alphas)
        for alpha, b in zip(alphas, between.coefficients, strict=True):
            assert subgradient(system, penalty, alpha, b) <= TOLERANCE


@given(problem=problems())
def test_descent_takes_over_where_homotopy_is_given_up(problem: tuple[System, Penalty]) -> None:
    """The residuals of all minima are the same, whether the coefficients are determined or not."""
    system, penalty = problem
    alphas = np.array([0.9, 0.6, 0.3]) * lasso(system, penalty).alphas[0]
    if alphas.all():
        exact, descended = lasso(system, penalty, alphas), lasso(system, penalty, alphas, max_changes=1)
        assert descended.exact == 0
        assert (descended.certificate <= ENOUGH).all()
        np.testing.assert_allclose(descended.rss, exact.rss, atol=1e-4 * system.y_length**2)


@given(problem=problems(), power=st.integers(-30, 30))
def test_powers_of_two_change_units_only(problem: tuple[System, Penalty], power: int) -> None:
    system, penalty = problem
    unit = 2.0**power
    other = replace(system, c=system.c * unit, yy=system.yy * unit**2, y_length=system.y_length * unit)
    path, scaled = lasso(system, penalty), lasso(other, penalty)
    np.testing.assert_array_equal(scaled.alphas, path.alphas * unit)
    np.testing.assert_array_equal(scaled.coefficients, path.coefficients * unit)


@given(problem=problems())
def test_sums_of_squares_fall_and_degrees_count_what_is_in(problem: tuple[System, Penalty]) -> None:
    system, penalty = problem
    path = lasso(system, penalty)
    assert (np.diff(path.rss) <= TOLERANCE * system.y_length**2).all()
    used = np.count_nonzero(path.coefficients[:, penalty.factors > 0], axis=1)
    assert (path.df - used == path.df[0]).all()


@given(problem=problems())
def test_the_elastic_net_has_no_gap(problem: tuple[System, Penalty]) -> None:
    system, penalty = problem
    alphas = grid(system, replace(penalty, l1_ratio=0.5))[::20]
    if alphas.all():
        path = elastic_net(system, replace(penalty, l1_ratio=0.5), alphas)
        assert (path.certificate <= ENOUGH).all()


@given(problem=problems(), alpha=st.floats(0.01, 100.0))
def test_ridge_solves_its_normal_equations(problem: tuple[System, Penalty], alpha: float) -> None:
    system, penalty = problem
    (b,) = ridge(system, penalty, np.array([alpha])).coefficients
    square = system.S.diagonal() / system.weight if penalty.standardize else np.ones(len(b))
    rest = system.c - system.S @ b - alpha * penalty.factors * square * b
    assert np.abs(rest) == pytest.approx(
        np.zeros(len(b)), abs=TOLERANCE * (1.0 + system.y_length * system.length.max())
    )
