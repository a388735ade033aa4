"""Means of rows with similar x, accumulated over a stream of any length in constant memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.typing import Codes, Matrix, Vector

CELLS = 4096  # joined by pairs as the range grows, so their number must be even
GROUPS = 30  # more means overlap in a picture
MIN_GROUP_ROWS = 20  # the standard error of the mean of fewer rows is itself uncertain
Z_95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Groups:
    """Means of groups of rows with similar x; all arrays are (g,).

    Attributes
    ----------
    rows : ndarray
        Sum of frequencies.
    weight : ndarray
        Sum of weights.
    x, y, fitted : ndarray
        Weighted means.
    error : ndarray
        Standard error of the mean of y, from the scatter of y about the fitted values; NaN for one row.
    """

    rows: Vector
    weight: Vector
    x: Vector
    y: Vector
    fitted: Vector
    error: Vector

    @property
    def interval(self) -> Matrix:
        """95 % intervals of the means of y, (2, g)."""
        return np.stack([self.y - Z_95 * self.error, self.y + Z_95 * self.error])

    @property
    def wilson(self) -> Matrix:
        """95 % intervals of probabilities, (2, g), where y are shares and weights are trials.

        References
        ----------
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
        American Statistical Association 22, 209-212.
        """
        z = Z_95**2 / self.weight
        centre = (self.y + z / 2) / (1 + z)
        half = Z_95 / (1 + z) * np.sqrt(np.maximum(self.y * (1 - self.y), 0.0) / self.weight + z / (4 * self.weight))
        return np.stack([np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)])


class Bins:
    """Sums in cells of equal width in x; the width doubles whenever a value falls outside.

    Attributes
    ----------
    low, width : float
        Lower end of the first cell, and width of a cell; width 0 before the first row.
    minimum, maximum : float
        Smallest and largest x.
    sums : ndarray, (6, CELLS)
        Sums of n, w, w x, w y, w r and w r^2 in each cell, with r = y - fitted.
    """

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
        """Add rows.

        Parameters
        ----------
        x, y : ndarray, (n,)
            Finite values.
        fitted : ndarray, (n,), or float
            Fitted values, about which the scatter of y is measured.
        weight : ndarray, (n,), optional
            Weights, 1 by default.
        count : ndarray, (n,), optional
            Frequencies, 1 by default.
        """
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
        """Means of at most `max_groups` groups of neighbouring cells, of 20 rows or more each.

        Groups have equal widths in the average of a cell's quantile and its relative position: narrow where rows are
        many, and yet some where they are few.
        """
        occupied = np.flatnonzero(self.sums[0])
        sums = self.sums[:, occupied]
        total = sums[0].sum()
        quantile = (np.cumsum(sums[0]) - sums[0] / 2) / total if total else np.zeros(0)
        place = (occupied - occupied[0]) / max(int(occupied[-1] - occupied[0]), 1) if len(occupied) else quantile
        group = np.minimum((quantile + place) / 2 * max_groups, max_groups - 1).astype(np.int64)
        sums = np.stack([np.bincount(_merged_groups(group, sums[0]), s) for s in sums])
        n, w, wx, wy, wr, wrr = sums[:, (sums[0] > 0) & (sums[1] > 0)]
        mean = wr / w
        # Residuals are near zero, so that this formula of their variance cancels little; y may be far from zero.
        scatter = np.maximum(wrr - w * mean**2, 0.0) / np.maximum(n - 1, 1)
        error = np.where(n > 1, np.sqrt(scatter / w), np.nan)
        return Groups(n, w, wx / w, wy / w, (wy - wr) / w, error)

    def counts(self, cells: int = 40) -> tuple[Vector, Vector]:
        """Edges (cells + 1,) of cells of equal width over the range of x, and the rows in each, (cells,)."""
        occupied = self.sums[0] > 0
        centres = self.sums[2][occupied] / np.maximum(self.sums[1][occupied], 1e-300)
        rows, edges = np.histogram(centres, cells, (self.minimum, self.maximum), weights=self.sums[0][occupied])
        return edges, rows

    def _extend(self, minimum: float, maximum: float) -> None:
        """Double the width of the cells until they cover `minimum` and `maximum`."""
        self.minimum, self.maximum = min(self.minimum, minimum), max(self.maximum, maximum)
        if not self.width:
            self.low = minimum
            # Equal values get a width of some roundings of x, and never 0, which would not grow by doubling.
            self.width = max((maximum - minimum) / (CELLS - 1), 1e-13 * max(abs(minimum), abs(maximum), 1e-280))
        while self.maximum >= self.low + CELLS * self.width:
            self._double(slice(0, CELLS // 2))
        while self.minimum < self.low:
            self.low -= CELLS * self.width
            self._double(slice(CELLS // 2, CELLS))

    def _double(self, place: slice) -> None:
        """Join cells by pairs and put them in one half (`place`) of the cells."""
        joined = self.sums[:, ::2] + self.sums[:, 1::2]
        self.sums = np.zeros_like(self.sums)
        self.sums[:, place] = joined
        self.width *= 2.0


def _merged_groups(group: Codes, rows: Vector) -> Codes:
    """Number of the merged group of each cell, (k,).

    Groups (ascending numbers) are joined with the next one until they have enough rows; what is left at the end joins
    the last.
    """
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
