import math

import numpy as np
import pytest

from gramian.inference.covariance import iid
from gramian.inference.goodness import adjusted, r_squared, residual_sigma
from gramian.inference.likelihood import aic, bic, log_likelihood


def test_the_likelihood_is_the_sum_of_the_logarithms_of_densities():
    rng = np.random.default_rng(2)
    r, w = rng.normal(size=40), rng.uniform(0.5, 2, 40)
    rss = float(w @ r**2)
    variance = rss / 40 / w
    by_hand = float(np.sum(-0.5 * np.log(2 * np.pi * variance) - r**2 / variance / 2))
    assert log_likelihood(rss, 40, float(np.log(w).sum())) == pytest.approx(by_hand, rel=1e-13)


def test_a_perfect_fit_is_infinitely_likely():
    assert log_likelihood(0.0, 10) == math.inf
    assert aic(math.inf, 2) == -math.inf


def test_criteria_count_sigma():
    assert aic(-10.0, 3) == 28
    assert bic(-10.0, 3, 100) == pytest.approx(20 + 4 * math.log(100))


def test_goodness():
    assert r_squared(1.0, 4.0) == 0.75
    assert math.isnan(r_squared(0.0, 0.0))
    assert adjusted(0.75, 11, 8, intercept=True) == pytest.approx(1 - 0.25 * 10 / 8)
    assert adjusted(0.75, 11, 8, intercept=False) == pytest.approx(1 - 0.25 * 11 / 8)
    assert math.isnan(adjusted(0.75, 2, 0, intercept=True))
    assert residual_sigma(8.0, 2) == 2.0
    assert math.isnan(residual_sigma(8.0, 0))


def test_covariance_without_freedom_is_unknown():
    covariance = iid(np.eye(2), math.nan, 0)
    assert np.isnan(covariance.matrix[0, 0])
    assert np.isnan(covariance.std_errors).all()
    assert iid(np.diag([4.0, 9.0]), 0.75, 3).std_errors.tolist() == [1.0, 1.5]
