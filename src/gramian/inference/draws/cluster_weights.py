"""Random weights of a bootstrap that draws clusters: how often each of them is in a draw, 1 on average."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from gramian.errors import one_of
from gramian.inference.draws.sign_weights import Weights, check_draws, in_parts
from gramian.typing import Matrix


def _multinomial(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """So many clusters with replacement as there are."""
    draws, clusters = shape
    taken = generator.integers(0, clusters, shape) + clusters * np.arange(draws)[:, None]
    return np.bincount(taken.ravel(), minlength=draws * clusters).reshape(shape).astype(np.float64)


def _poisson(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return generator.poisson(1.0, shape).astype(np.float64)


def _exponential(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    """The Bayesian bootstrap, up to a factor of each draw: no cluster is ever left out."""
    return generator.standard_exponential(shape)


DRAW_WEIGHTS: Mapping[str, Weights] = MappingProxyType(
    {"multinomial": _multinomial, "poisson": _poisson, "exponential": _exponential}
)


def cluster_draws(kind: str, clusters: int, draws: int, seed: int | None, *, numbers: int = 1) -> Iterator[Matrix]:
    """Weights (clusters, d), the draws in parts of d, the same for the same seed whatever the parts.

    numbers : that the user of a part holds at once for each weight. Raises OptionError for an unknown kind, or fewer
    than one draw.
    """
    one_of("weights", kind, tuple(DRAW_WEIGHTS))
    check_draws(draws)
    yield from in_parts(DRAW_WEIGHTS[kind], clusters, draws, seed, numbers=numbers)
