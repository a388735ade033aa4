"""The score of the negative binomial's theta against its likelihood and against the textbook's formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from gramian.models.families import negative_binomial
from gramian.models.glm import score_theta, start_theta

N = 50
WEIGHT = np.random.default_rng(8).uniform(0.5, 3.0, N)
COUNTS = np.random.default_rng(21).poisson(2.0, N).astype(float)


@pytest.mark.parametrize("theta", [0.05, 1.3, 15.0, 17.0, 400.0])
def test_the_score_of_theta_is_the_slope_of_the_likelihood(theta):
    y, mu, w, h = 2.0 * COUNTS, np.full(N, 4.2), WEIGHT, 1e-3 * theta
    low, mid, high = (negative_binomial(theta + e).loglik(y, mu, w) for e in (-h, 0.0, h))
    score, information = score_theta(y, mu, w, theta)
    assert score == pytest.approx((high - low) / (2 * h), rel=1e-4, abs=1e-9)
    assert information == pytest.approx(-(high - 2 * mid + low) / h**2, rel=1e-2, abs=1e-7)


def test_the_score_of_theta_is_that_of_mass():
    y, mu, w, t = 2.0 * COUNTS, np.full(N, 4.2), WEIGHT, 2.2
    psi = special.psi
    score = w * (psi(t + y) - psi(t) + np.log(t) + 1 - np.log(t + mu) - (y + t) / (mu + t))
    curvature = -special.polygamma(1, t + y) + special.polygamma(1, t) - 1 / t + 2 / (mu + t) - (y + t) / (mu + t) ** 2
    assert score_theta(y, mu, w, t) == pytest.approx((score.sum(), np.sum(w * curvature)), rel=1e-12)


def test_a_large_theta_keeps_the_sign_of_its_score():
    y, mu, theta = np.array([0.0, 3.0, 9.0]), np.array([2.0, 4.0, 6.0]), 1e7
    limit = np.sum(y - (y - mu) ** 2) / (2 * theta**2)  # the leading term of the expansion in 1 / theta
    assert score_theta(y, mu, np.ones(3), theta)[0] == pytest.approx(limit, rel=1e-3)


def test_theta_is_found_by_newton():
    y = np.random.default_rng(3).negative_binomial(2.0, 2.0 / (2.0 + 5.0), 4000).astype(float)
    mu, w = np.full(y.size, y.mean()), np.ones(y.size)
    rows, spread = start_theta(y, mu, w)
    theta = rows / spread
    for _ in range(25):
        score, information = score_theta(y, mu, w, theta)
        theta = abs(theta + score / information)
    assert score_theta(y, mu, w, theta)[0] == pytest.approx(0.0, abs=1e-9)
    assert theta == pytest.approx(2.0, rel=0.1)
