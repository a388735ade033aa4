"""Random weights of the wild bootstrap: one number for each cluster and draw, with mean 0 and variance 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from gramian.errors import OptionError, one_of
from gramian.typing import Matrix

Weights: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], Matrix]
ROOT5 = math.sqrt(5.0)
NUMBERS_AT_A_TIME = 1 << 16  # of the weights that are held at once: as many as stay in a cache


def _rademacher(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return np.asarray(2.0 * generator.integers(0, 2, shape) - 1.0)


def _mammen(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    is_small = generator.random(shape) < (ROOT5 + 1.0) / (2.0 * ROOT5)
    return np.where(is_small, (1.0 - ROOT5) / 2.0, (1.0 + ROOT5) / 2.0)


def _webb(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    sizes = np.sqrt([0.5, 1.0, 1.5])
    return np.concatenate([-sizes, sizes])[generator.integers(0, 6, shape)]


def _normal(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return generator.standard_normal(shape)


WEIGHTS: Mapping[str, Weights] = MappingProxyType(
    {"rademacher": _rademacher, "mammen": _mammen, "webb": _webb, "normal": _normal}
)


def enumerated(kind: str, clusters: int, draws: int) -> bool:
    """Whether all patterns of signs are taken in place of random ones: there are 2^clusters, no more than draws."""
    return kind == "rademacher" and clusters < 63 and 2**clusters <= draws


def drawn(kind: str, clusters: int, draws: int, seed: int | None) -> Iterator[Matrix]:
    """Weights (clusters, d), the draws in parts of d, the same for the same seed whatever the parts.

    Raises OptionError for an unknown kind, or fewer than one draw.
    """
    one_of("weights", kind, tuple(WEIGHTS))
    check_draws(draws)
    if not enumerated(kind, clusters, draws):
        yield from in_parts(WEIGHTS[kind], clusters, draws, seed)
        return
    size = max(1, NUMBERS_AT_A_TIME // max(1, clusters))
    for start in range(0, 2**clusters, size):
        pattern = np.arange(start, min(start + size, 2**clusters))
        yield np.where((pattern >> np.arange(clusters)[:, None]) & 1, -1.0, 1.0)


def check_draws(draws: int) -> None:
    """Raise OptionError for fewer than one draw."""
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise OptionError(f"draws must be a whole number above 0, found {draws!r}")


def check_seed(seed: object) -> None:
    """Raise OptionError for a seed that is no whole number from 0 on; None stands for any."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0):
        raise OptionError(f"seed must be a whole number from 0 on, found {seed!r}")


def in_parts(make: Weights, clusters: int, draws: int, seed: int | None, *, numbers: int = 1) -> Iterator[Matrix]:
    """Weights (clusters, d) of a distribution, the draws in parts of d.

    numbers : that are held at once for each weight.
    """
    generator = np.random.default_rng(seed)
    size = max(1, NUMBERS_AT_A_TIME // max(1, clusters * numbers))
    for start in range(0, draws, size):
        # a draw after the other, so that their numbers do not depend on the size of the parts
        yield np.ascontiguousarray(make(generator, (min(size, draws - start), clusters)).T)
