"""The trust region by itself: steps within radius and bounds, and how the radius changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from gramian.fit.curve.trust_region import Region, damped, gain, next_radius


def region(size, low=-np.inf, high=np.inf, radius=np.inf):
    n = len(size)
    return Region(np.array(size), np.full(n, float(low)), np.full(n, float(high)), radius)


def random(seed, n=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(8, n)), rng.normal(size=8)


@given(st.integers(0, 2**31))
def test_without_limits_it_is_least_squares(seed):
    J, r = random(seed)
    step = damped(J, r, region([1.0, 1e-3, 1e6]))
    assert step == pytest.approx(np.linalg.lstsq(J, r, rcond=None)[0], rel=1e-7, abs=1e-9)


@given(st.integers(0, 2**31), st.floats(1e-6, 0.5))
def test_a_short_radius_is_reached_and_the_loss_falls(seed, radius):
    J, r = random(seed)
    size = np.array([0.5, 2.0, 30.0])
    full = damped(J, r, region(size))
    radius = radius * np.linalg.norm(full / size)
    step = damped(J, r, region(size, radius=radius))
    assert np.linalg.norm(step / size) <= radius * (1 + 1e-9)
    assert np.linalg.norm(step / size) >= 0.99 * radius
    assert 0 < gain(J, r, step) <= gain(J, r, full) * (1 + 1e-9)
    rival = full * radius / np.linalg.norm(full / size)
    assert gain(J, r, step) >= gain(J, r, rival) * (1 - 2e-2)


@given(st.integers(0, 2**31), st.floats(0.01, 1.0))
def test_bounds_give_the_constrained_least_squares(seed, reach):
    J, r = random(seed, 4)
    step = damped(J, r, region(np.ones(4), -reach, reach / 2))
    expected = lsq_linear(J, r, (-reach, reach / 2), method="bvls", tol=1e-14)
    assert np.linalg.norm(J @ step - r) == pytest.approx(np.linalg.norm(J @ expected.x - r), rel=1e-6)
    assert (step >= -reach).all()
    assert (step <= reach / 2).all()


def test_a_column_without_effect_does_not_move():
    J, r = random(1)
    J[:, 1] = 0.0
    assert damped(J, r, region(np.ones(3)))[1] == 0.0


def test_nothing_to_search_is_an_empty_step():
    assert damped(np.zeros((5, 0)), np.ones(5), region([])).shape == (0,)


@pytest.mark.parametrize(
    ("predicted", "actual", "radius"),
    [
        (1.0, 0.9, 2.0),  # good and at the border: twice the length
        (1.0, 0.5, 1.0),  # fair
        (1.0, -9.0, 0.1),  # the parabola's minimum is nearer still
        (1.0, -0.5, 1 / 3),
        (1.0, -np.inf, 0.1),  # not defined there
    ],
)
def test_the_radius_follows_what_a_step_brought(predicted, actual, radius):
    assert next_radius(1.0, 1.0, predicted, actual) == pytest.approx(radius)
