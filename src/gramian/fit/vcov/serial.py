"""Covariances of scores that depend on those of earlier times: products of lags of sums by time.

One mechanism for all of them. Rows are summed by time (Driscoll and Kraay), by panel and time, or stand for themselves
in the order of a time column (Newey and West); then sums that lie l times apart are multiplied within their panel, with
Bartlett's weights 1 - l / (L + 1). A lag is a step from one time that occurs to the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.errors import NumericalError, SchemaError
from gramian.fit.vcov.clusters import Clusters
from gramian.inference.estimators import Serial
from gramian.inference.vcov_spec import ANDREWS, VcovSpec
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
    """The meat (p, p) of a serial covariance, the covariance with its lags, and the number of times."""

    meat: Matrix
    vcov: VcovSpec
    times: int


def serial_meat(sums: Ordered, vcov: VcovSpec, columns: Matrix | None = None) -> SerialMeat:
    """Bartlett's sum of the products of lags.

    columns : (k, p) model columns but a constant, of which scores are taken for a choice by the data; all where None.
    """
    if vcov.lags is None:
        vcov = _chosen(sums, vcov, np.eye(sums.scores.shape[1]) if columns is None else columns)
    meat = sums.scores.T @ sums.scores
    for lag, weight in bartlett(vcov, sums.times - 1):
        products = sums.products(lag)
        meat += weight * (products + products.T)
    return SerialMeat(np.asarray(meat), vcov, sums.times)


def bartlett(vcov: VcovSpec, last: int) -> Iterator[tuple[int, float]]:
    """Lags with their weights 1 - lag / bandwidth, up to the last one."""
    for lag in range(1, min(last_lag(vcov), last) + 1):
        yield lag, 1.0 - lag / _bandwidth(vcov)


def last_lag(vcov: VcovSpec) -> int:
    """The last lag that has a weight."""
    return max(math.ceil(_bandwidth(vcov)) - 1, 0)


def _bandwidth(vcov: VcovSpec) -> float:
    """The lag from which on there is no weight."""
    if vcov.bandwidth is not None:
        return vcov.bandwidth
    assert vcov.lags is not None
    return vcov.lags + 1.0


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


def andrews_bandwidth(sums: Matrix, ends: Matrix, rows: int) -> float:
    """Andrews' (1991) bandwidth for Bartlett's weights, by an autoregression of each series; 0 without dependence.

    sums : (2, k) of u_t^2 and of u_t u_(t-1) of each series, which sums to zero. ends : (2, k) its first and last u.
    """
    (squares, products), (first, last) = sums, ends
    scale = np.sqrt(squares.max(initial=0.0))
    if rows < 3 or scale == 0.0:
        return 0.0
    n, first, last = rows - 1.0, first / scale, last / scale
    squares, products = squares / scale**2, products / scale**2
    before, after = -last / n, -first / n  # means of u_(t-1), and of u_t
    cross = products - n * before * after
    spread = squares - last**2 - n * before**2
    slope = np.divide(cross, spread, out=np.zeros_like(cross), where=spread > 0.0)
    variance = np.maximum(squares - first**2 - n * after**2 - slope * cross, 0.0)
    at_zero = np.sum((variance / (1.0 - slope) ** 2) ** 2)
    curvature = np.sum(4.0 * (slope * variance / ((1.0 - slope) ** 3 * (1.0 + slope))) ** 2)
    return float(1.1447 * (curvature / at_zero * rows) ** (1.0 / 3.0)) if at_zero > 0.0 else 0.0


def _chosen(sums: Ordered, vcov: VcovSpec, columns: Matrix) -> VcovSpec:
    """The covariance with lags that the data choose.

    Of one series by Newey and West (1994) or Andrews (1991), else the fourth root of the number of times.
    """
    estimator, n = vcov.estimator, sums.times
    assert isinstance(estimator, Serial)
    if vcov.choice == ANDREWS:
        u = Ordered(sums.scores @ columns.T, sums.keys, n)
        products = np.array([u.products(lag).diagonal() for lag in (0, 1)])
        return replace(vcov, bandwidth=andrews_bandwidth(products, u.scores[[0, -1]], n))
    if estimator.sums_by_time or len(vcov.clusters) > 1:
        return replace(vcov, lags=int(np.floor(n**0.25)))
    h = Ordered((sums.scores @ columns.sum(axis=0))[:, None], sums.keys, n)
    covariances = [float(h.products(lag)[0, 0]) for lag in range(min(start_lags(n), n - 1) + 1)]
    return replace(vcov, lags=chosen_lags(covariances, n))
