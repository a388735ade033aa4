"""Random weights of rows in the draws of a bootstrap, made of nothing but the seed, the number of a row, and a draw.

A generator that counts (Philox; J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) gives each
row eight numbers of 32 bits, one for each of eight draws, under a key of these draws. So a weight depends neither on
how the rows are cut or ordered in time, nor on how many draws there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Matrix

DRAWS_PER_KEY = 8
_BITS = 32
_HIGH = 16  # bits by which a table is looked up


def _poisson_bounds() -> NDArray[np.uint64]:
    """Numbers of 32 bits from which on a Poisson variable of mean 1 is larger than 0, 1, 2, ...

    Its probabilities are exp(-1) / k!; from 12 on they are below 2^-32 together.
    """
    probabilities = np.exp(-1.0) / np.cumprod([1.0, *range(1, 12)])
    return np.rint(np.cumsum(probabilities) * 2.0**_BITS).astype(np.uint64)


_BOUNDS = _poisson_bounds()
_CUT = 255  # in place of a value, where a bound lies between the numbers with these high bits
_TABLE = np.searchsorted(_BOUNDS, np.arange(1 << _HIGH, dtype=np.uint64) << np.uint64(_HIGH), side="right")
_TABLE = np.where(np.isin(np.arange(1 << _HIGH), _BOUNDS >> np.uint64(_HIGH)), _CUT, _TABLE).astype(np.uint8)


def _poisson(numbers: NDArray[np.uint32]) -> NDArray[Any]:
    """Poisson variables of mean 1, by inversion."""
    out = np.take(_TABLE, numbers >> np.uint32(_HIGH))
    cut = np.flatnonzero(out == _CUT)
    out[cut] = np.searchsorted(_BOUNDS, numbers[cut].astype(np.uint64), side="right")
    return out


def _exponential(numbers: NDArray[np.uint32]) -> NDArray[Any]:
    """Exponential variables of mean 1: the Bayesian bootstrap."""
    return np.asarray(-np.log((numbers + 0.5) * 2.0**-_BITS))


ROW_WEIGHTS: Mapping[str, Callable[[NDArray[np.uint32]], NDArray[Any]]] = MappingProxyType(
    {"poisson": _poisson, "exponential": _exponential}
)


def row_weights(kind: str, seed: int, start: int, rows: int, draws: int) -> Matrix:
    """Weights (draws, rows) of the rows from number `start` on."""
    make, (key,) = ROW_WEIGHTS[kind], np.random.SeedSequence(seed).generate_state(1, np.uint64)
    out = np.empty((draws, rows))
    for first in range(0, draws, DRAWS_PER_KEY):
        generator = np.random.Philox(key=np.array([key, first // DRAWS_PER_KEY], np.uint64), counter=start)
        numbers = generator.random_raw(rows * DRAWS_PER_KEY // 2).astype("<u8", copy=False).view("<u4")
        out[first : first + DRAWS_PER_KEY] = make(numbers).reshape(rows, DRAWS_PER_KEY).T[: draws - first]
    return out
