"""Means of rows that are near to each other, summed over a stream of any length in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.typing import Codes, Matrix, Vector

CELLS = 4096  # cells; joined by pairs as the range grows, so their number must be even
GROUPS = 30
MIN_GROUP_ROWS = 20  # rows of a group, below which its standard error says little
Z_95 = 1.959963984540054  # of a 95 % interval, in standard errors


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows with neighbouring x; all (g,).

    rows : sums of counts. weight : sums of weights. x, y, fitted : weighted means. error : standard error of mean y,
    from the scatter about what is fitted.
    """

    rows: Vector
    weight: Vector
    x: Vector
    y: Vector
    fitted: Vector
    error: Vector

    @property
    def interval(self) -> Matrix:
        """95 % intervals of mean y, (2, g)."""
        return np.stack([self.y - Z_95 * self.error, self.y + Z_95 * self.error])

    @property
    def wilson(self) -> Matrix:
        """95 % intervals of probabilities, (2, g), where y are shares and weights trials; after Wilson (1927)."""
        z = Z_95**2 / self.weight
        centre = (self.y + z / 2) / (1 + z)
        half = Z_95 / (1 + z) * np.sqrt(np.maximum(self.y * (1 - self.y), 0.0) / self.weight + z / (4 * self.weight))
        return np.stack([np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)])


class Bins:
    """Sums in equal cells of x, whose width doubles whenever a value falls outside."""

    def __init__(self) -> None:
        self.low, self.width = 0.0, 0.0
        self.minimum, self.maximum = np.inf, -np.inf
        self.sums: Matrix = np.zeros((6, CELLS))

    def add(
        self,
        x: Vector,
        y: Vector,
        fitted: Vector | float = 0.0,
        weight: Vector | None = None,
        count: Vector | None = None,
    ) -> None:
        """More rows, all finite. fitted : what y is compared with."""
        if not len(x):
            return
        self._extend(float(x.min()), float(x.max()))
        cell = np.clip((x - self.low) / self.width, 0, CELLS - 1).astype(np.int64)
        n = np.ones(len(x)) if count is None else count
        w = n if weight is None else n * weight
        r = y - fitted
        for k, values in enumerate((n, w, w * x, w * y, w * r, w * r * r)):
            self.sums[k] += np.bincount(cell, values, CELLS)

    def groups(self, max_groups: int = GROUPS) -> Groups:
        """At most so many groups: narrow where rows are many, wide where they are few, of 20 rows at least."""
        occupied = np.flatnonzero(self.sums[0])
        sums = self.sums[:, occupied]
        total = sums[0].sum()
        quantile = (np.cumsum(sums[0]) - sums[0] / 2) / total if total else np.zeros(0)
        place = (occupied - occupied[0]) / max(int(occupied[-1] - occupied[0]), 1) if len(occupied) else quantile
        group = np.minimum((quantile + place) / 2 * max_groups, max_groups - 1).astype(np.int64)
        sums = np.stack([np.bincount(_merged_groups(group, sums[0]), s) for s in sums])
        n, w, wx, wy, wr, wrr = sums[:, (sums[0] > 0) & (sums[1] > 0)]
        mean = wr / w
        scatter = np.maximum(wrr - w * mean**2, 0.0) / np.maximum(n - 1, 1)
        error = np.where(n > 1, np.sqrt(scatter / w), np.nan)
        return Groups(n, w, wx / w, wy / w, (wy - wr) / w, error)

    def counts(self, cells: int = 40) -> tuple[Vector, Vector]:
        """Edges (k + 1,) of equal cells from least to most, and the rows in them (k,)."""
        occupied = self.sums[0] > 0
        centres = self.sums[2][occupied] / np.maximum(self.sums[1][occupied], 1e-300)
        rows, edges = np.histogram(centres, cells, (self.minimum, self.maximum), weights=self.sums[0][occupied])
        return edges, rows

    def _extend(self, minimum: float, maximum: float) -> None:
        """Widen the cells until all from least to most has one."""
        self.minimum, self.maximum = min(self.minimum, minimum), max(self.maximum, maximum)
        if not self.width:
            self.low = minimum
            self.width = max((maximum - minimum) / (CELLS - 1), 1e-13 * max(abs(minimum), abs(maximum), 1e-280))
        while self.maximum >= self.low + CELLS * self.width:
            self._double(slice(0, CELLS // 2))
        while self.minimum < self.low:
            self.low -= CELLS * self.width
            self._double(slice(CELLS // 2, CELLS))

    def _double(self, place: slice) -> None:
        joined = self.sums[:, ::2] + self.sums[:, 1::2]
        self.sums = np.zeros_like(self.sums)
        self.sums[:, place] = joined
        self.width *= 2.0


def _merged_groups(group: Codes, rows: Vector) -> Codes:
    """Groups (k,), ascending, joined with the next until they have enough rows, what is left with the last."""
    sizes = np.bincount(group, rows)
    to, joined, row_count = np.zeros(len(sizes), np.int64), 0, 0.0
    for g, size in enumerate(sizes):
        to[g] = joined
        row_count += size
        if row_count >= MIN_GROUP_ROWS:
            joined, row_count = joined + 1, 0.0
    if 0 < row_count < MIN_GROUP_ROWS:
        to[to == joined] = max(joined - 1, 0)
    return np.asarray(to[group])
