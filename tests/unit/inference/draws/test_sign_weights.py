"""Weights of the wild bootstrap: their moments, the same for any parts, all patterns once."""

from __future__ import annotations

import numpy as np
import pytest

from gramian.errors import OptionError
from gramian.inference.draws import sign_weights
from gramian.inference.draws.sign_weights import WEIGHTS, drawn


@pytest.mark.parametrize("kind", WEIGHTS)
def test_mean_zero_and_variance_one(kind: str) -> None:
    v = np.concatenate([part.ravel() for part in drawn(kind, 50, 4000, 3)])
    assert abs(v.mean()) < 5 / np.sqrt(v.size)
    assert abs(np.square(v).mean() - 1) < 5 * np.std(np.square(v)) / np.sqrt(v.size) + 1e-12


@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_seed_gives_the_same_draws_in_any_parts(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(drawn(kind, 17, 100, 5)), axis=1)
    monkeypatch.setattr(sign_weights, "NUMBERS_AT_A_TIME", 64)
    np.testing.assert_array_equal(np.concatenate(list(drawn(kind, 17, 100, 5)), axis=1), whole)


def test_all_patterns_of_few_clusters_are_taken_once() -> None:
    v = np.concatenate(list(drawn("rademacher", 6, 64, None)), axis=1)
    assert v.shape == (6, 64)
    assert len(np.unique(v, axis=1).T) == 64
    assert np.concatenate(list(drawn("rademacher", 6, 63, 1)), axis=1).shape == (6, 63)


@pytest.mark.parametrize("draws", [0, -1, 1.5, True])
def test_a_number_of_draws_that_is_none(draws: int) -> None:
    with pytest.raises(OptionError, match="draws must be a whole number above 0"):
        list(drawn("rademacher", 5, draws, 1))


def test_an_unknown_kind() -> None:
    with pytest.raises(OptionError, match="weights"):
        list(drawn("rademacker", 5, 10, 1))
