"""Conley's sums: products of the sums of scores of places that lie within a distance of each other.

Places are points of the unit sphere. They are sorted into cubes whose sides are as long as the cutoff or longer, so
that a place meets those of its own cube and of the cubes around it only.

References
----------
T. G. Conley, GMM estimation with cross sectional dependence, Journal of Econometrics 92 (1999), 1-45.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gramian.typing import Codes, Matrix, Vector

PLACES_PER_COLUMN = (
    32  # of a column of cubes, at the least on average: fewer would take longer to find than to multiply
)
BLOCK = 256  # places whose neighbours are found together
PAIRS = 2**20  # distances that are computed together
WIDER = 1.0 + 1e-9  # so that rounding puts no pair at the cutoff beyond the cubes around


@dataclass(frozen=True, slots=True)
class Nearness:
    """Which places are near each other, and how much their product counts.

    Attributes
    ----------
    cutoff : float
        Largest distance in km.
    kernel : str
        "uniform" for 1, "bartlett" for 1 - distance / cutoff.
    triangular : bool
        Whether a distance is the hypotenuse of the differences of latitude and longitude, the latter times the cosine
        of the mean latitude; else that of the great circle.
    radius : float
        Of the earth in km.
    degree : float
        Length of a degree of latitude in km, of triangular distances.
    """

    cutoff: float
    kernel: str
    triangular: bool
    radius: float
    degree: float

    @property
    def reach(self) -> float:
        """The longest chord between places that are near each other; a triangular distance is never below a chord."""
        angle = np.radians(self.cutoff / self.degree) if self.triangular else self.cutoff / self.radius
        return float(min(angle, 2.0) if self.triangular else 2.0 * np.sin(min(angle / 2.0, np.pi / 2.0)))

    def weights(self, a: Places, b: Places) -> Matrix:
        """What the products of places a (m) and b (n) count, (m, n)."""
        if not self.triangular:
            chords = np.sqrt(sum(np.square(np.subtract.outer(u, v)) for u, v in zip(a.xyz.T, b.xyz.T, strict=True)))
            if self.kernel == "uniform":
                return np.asarray(chords <= self.reach, np.float64)
            distances = 2.0 * self.radius * np.arcsin(np.minimum(chords / 2.0, 1.0))
        else:
            east = np.abs(np.subtract.outer(a.longitude, b.longitude))
            east = np.minimum(east, 360.0 - east)
            east *= np.cos(np.radians(np.add.outer(a.latitude, b.latitude) / 2.0))
            distances = self.degree * np.hypot(np.subtract.outer(a.latitude, b.latitude), east)
            if self.kernel == "uniform":
                return np.asarray(distances <= self.cutoff, np.float64)
        return np.asarray(np.maximum(1.0 - distances / self.cutoff, 0.0))


class Places(NamedTuple):
    """Places in degrees, (n,), from 0 up to 360 of longitude; and as points of the unit sphere, (n, 3)."""

    latitude: Vector
    longitude: Vector
    xyz: Matrix

    def take(self, at: slice | Codes) -> Places:
        """Some of them."""
        return Places(self.latitude[at], self.longitude[at], self.xyz[at])


def places(latitude: Vector, longitude: Vector) -> Places:
    """Places from degrees."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    xyz = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    return Places(latitude, np.mod(longitude, 360.0), xyz)


class SpatialMeat(NamedTuple):
    """The meat (p, p), and whether all places are near each other and count fully."""

    meat: Matrix
    is_one_group: bool


def spatial_meat(where: Places, scores: Matrix, near: Nearness) -> SpatialMeat:
    """Sum over pairs of places of K(distance) S_i S_j'. scores : (n, p) sums of the places."""
    cubes = _cubes(where.xyz, near.reach)
    where, scores = where.take(cubes.order), scores[cubes.order]
    meat, counted = np.zeros((scores.shape[1],) * 2), 0.0
    for start, stop, ranges in cubes.blocks():
        own, S = where.take(slice(start, stop)), scores[start:stop]
        weights = near.weights(own, own)
        meat += S.T @ (weights @ S)
        counted += weights.sum()
        for low, high in ranges:
            weights = near.weights(own, where.take(slice(low, high)))
            products = S.T @ (weights @ scores[low:high])
            meat += products + products.T
            counted += 2.0 * weights.sum()
    return SpatialMeat(meat, counted == float(len(scores)) ** 2)


@dataclass(frozen=True, slots=True)
class _Cubes:
    """Places in the order of cubes.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        The places by x, then y, then z of their cubes.
    keys : ndarray of int, shape (n,)
        (x width + y) width + z of the cube of each, ascending.
    width : int
        Cubes along each axis, and two more, so that those around a cube have numbers.
    """

    order: Codes
    keys: Codes
    width: int

    def blocks(self) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
        """Places start to stop of one column of cubes, and the ranges of later places that may be near them."""
        column, first = np.unique(self.keys // self.width, return_index=True)
        last = np.append(first[1:], len(self.keys))
        for c, low, high in zip(column.tolist(), first.tolist(), last.tolist(), strict=True):
            for start in range(low, high, BLOCK):
                stop = min(start + BLOCK, high)
                yield start, stop, list(_pieces(self._near(c, start, stop), max(PAIRS // (stop - start), 1)))

    def _near(self, column: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Ranges of places after `stop`, in the cubes around those from start to stop."""
        bottom, top = self.keys[start] % self.width - 1, self.keys[stop - 1] % self.width + 1
        beside = [0, 1, self.width - 1, self.width, self.width + 1]  # columns of cubes around, but for earlier ones
        at = (column + np.array(beside)) * self.width
        low, high = np.searchsorted(self.keys, at + bottom), np.searchsorted(self.keys, at + top, side="right")
        low[0] = stop
        yield from zip(low.tolist(), high.tolist(), strict=True)


def _pieces(ranges: Iterator[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """The same ranges in pieces of at most `size`."""
    for low, high in ranges:
        for start in range(low, high, size):
            yield start, min(start + size, high)


def _cubes(xyz: Matrix, reach: float) -> _Cubes:
    """The places in cubes with sides of at least `reach`."""
    lowest, columns = xyz.min(axis=0), max(len(xyz) / PLACES_PER_COLUMN, 1.0)
    extent = float(np.ptp(xyz, axis=0).max())
    side = max(reach * WIDER, extent / columns**0.5, np.finfo(np.float64).tiny)
    cells = np.floor((xyz - lowest) / side).astype(np.int64) + 1
    width = int(cells.max()) + 2
    keys = (cells[:, 0] * width + cells[:, 1]) * width + cells[:, 2]
    order = np.argsort(keys, kind="stable")
    return _Cubes(order, keys[order], width)
