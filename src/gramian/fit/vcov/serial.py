"""Covariances of scores that depend on those of earlier times: products of lags of sums by time.

One mechanism for all of them. Rows are summed by time (Driscoll and Kraay), by panel and time, or stand for themselves
in the order of a time column (Newey and West); then sums that lie l times apart are multiplied within their panel, with
Bartlett's weights 1 - l / (L + 1). A lag is a step from one time that occurs to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.errors import NumericalError, SchemaError
from gramian.fit.vcov.clusters import Clusters
from gramian.inference.estimators import Serial
from gramian.inference.vcov_spec import VcovSpec
from gramian.typing import Codes, Matrix, Vector


class Ordered(NamedTuple):
    """Sums of scores in the order of panel and time.

    Attributes
    ----------
    scores : ndarray of shape (c, p)
        The sums.
    keys : ndarray of int, shape (c,)
        Panel times the number of times, plus the place of the time; ascending.
    times : int
        Number of times that occur.
    """

    scores: Matrix
    keys: Codes
    times: int

    def pairs(self, lag: int) -> tuple[Codes, Codes]:
        """Positions of the sums that have another one `lag` times before in their panel, and those of the others."""
        now = np.flatnonzero(self.keys % self.times >= lag)
        before = np.searchsorted(self.keys, self.keys[now] - lag)
        found = self.keys[np.minimum(before, len(self.keys) - 1)] == self.keys[now] - lag
        return now[found], before[found]

    def products(self, lag: int) -> Matrix:
        """Sum of s_t s_(t - lag)', (p, p)."""
        now, before = self.pairs(lag)
        return np.asarray(self.scores[now].T @ self.scores[before])


def ordered(clusters: Clusters, scores: Matrix, counts: Vector, vcov: VcovSpec) -> Ordered:
    """Sums by the columns of the covariance in the order of their times.

    Raises
    ------
    NumericalError
        Where two rows have the same time, or the same panel and time, and an estimator takes them one by one; with one
        time only.
    SchemaError
        For times that have no order.
    """
    estimator, width = vcov.estimator, clusters.cells.shape[1]
    assert isinstance(estimator, Serial)
    time = vcov.clusters[-1]
    rank, times = _ranks(clusters.names[width - 1], clusters.cells[:, -1], time)
    if times < 2:
        raise NumericalError(f"all rows have the same '{time}': {vcov.kind} needs two times or more")
    if not estimator.sums_by_time and (counts > 1).any():
        several = "the same " + " and ".join(f"'{c}'" for c in vcov.clusters)
        raise NumericalError(
            f"rows have {several}, {int((counts > 1).sum()):,} times: name the panel, as in vcov={{'hac': 4, 'panel': "
            f"'firm', 'time': '{time}'}}, or sum by time, as in vcov={{'driscoll_kraay': '{time}', 'lags': 4}}"
        )
    panel = clusters.by(range(width - 1)) if width > 1 else np.zeros(len(scores), np.int64)
    keys = panel * times + rank
    order = np.argsort(keys, kind="stable")
    return Ordered(scores[order], keys[order], times)


def _ranks(values: Any, codes: Codes, column: str) -> tuple[Codes, int]:
    """Place of each time among those that occur, from early to late, and how many there are."""
    if pa.types.is_nested(values.type):
        raise SchemaError(f"column '{column}' has the type {values.type}, which has no order in time")
    place = np.empty(len(values), np.int64)
    place[pc.sort_indices(values).to_numpy()] = np.arange(len(values))
    occurring, rank = np.unique(place[codes], return_inverse=True)
    return rank.reshape(-1), len(occurring)


class SerialMeat(NamedTuple):
    """The meat (p, p) of a serial covariance, its number of lags, and of times."""

    meat: Matrix
    lags: int
    times: int


def serial_meat(sums: Ordered, vcov: VcovSpec, weights: Vector | None = None) -> SerialMeat:
    """Bartlett's sum of the products of lags.

    weights : (p,) with which scores are added for an automatic choice of lags; all but those of a constant where None.
    """
    lags = vcov.lags
    if lags is None:
        lags = _automatic(sums, vcov, np.ones(sums.scores.shape[1]) if weights is None else weights)
    meat = sums.scores.T @ sums.scores
    for lag, weight in bartlett(min(lags, sums.times - 1), lags):
        products = sums.products(lag)
        meat += weight * (products + products.T)
    return SerialMeat(np.asarray(meat), lags, sums.times)


def bartlett(last: int, lags: int) -> Iterator[tuple[int, float]]:
    """Lags up to the last, with their weights."""
    for lag in range(1, last + 1):
        yield lag, 1.0 - lag / (lags + 1.0)


def start_lags(rows: int) -> int:
    """Lags of which Newey and West (1994) choose the number."""
    return int(np.floor(4.0 * (rows / 100.0) ** (2.0 / 9.0)))


def chosen_lags(covariances: list[float], rows: int) -> int:
    """Number of lags by Newey and West (1994) for Bartlett's weights. covariances : of the lags 0 to `start_lags`."""
    s0 = covariances[0] + 2.0 * sum(covariances[1:])
    s1 = 2.0 * sum(j * c for j, c in enumerate(covariances))
    if s0 == 0.0:
        return 0
    return min(int(np.floor(1.1447 * ((s1 / s0) ** 2) ** (1.0 / 3.0) * rows ** (1.0 / 3.0))), rows - 1)


def _automatic(sums: Ordered, vcov: VcovSpec, weights: Vector) -> int:
    """Number of lags: of one series by Newey and West (1994), else the fourth root of the number of times."""
    estimator = vcov.estimator
    assert isinstance(estimator, Serial)
    if estimator.sums_by_time or len(vcov.clusters) > 1:
        return int(np.floor(sums.times**0.25))
    n, h = sums.times, Ordered((sums.scores @ weights)[:, None], sums.keys, sums.times)
    return chosen_lags([float(h.products(lag)[0, 0]) for lag in range(min(start_lags(n), n - 1) + 1)], n)
