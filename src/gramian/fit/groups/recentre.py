"""Groups far from each other: a second pass in which every group has a shift of its own.

Keyed sums share one shift, so that they add. Where a group lies many of its own standard deviations away from it, its
sums lose digits, log10(1 + (mean - shift)^2 / variance) of them. Its own mean, known from the first pass, loses none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_keyed import AccumulateKeyed, KeyedAccumulated
from gramian.formula.design import Design
from gramian.linalg.keyed.moments import Key
from gramian.linalg.monomials import Coordinate
from gramian.typing import Matrix

FAR = 1e4  # (mean - shift)^2 / variance from which on a shift of its own is worth a pass: four digits would be lost


@dataclass(frozen=True, slots=True)
class Recentred:
    """The task of the second pass, and the coordinates that each group has in it."""

    task: AccumulateKeyed
    coordinates: Mapping[Key, Mapping[str, Coordinate]]

    def items(self, keyed: KeyedAccumulated) -> Iterator[tuple[Key, Design, Accumulated]]:
        """Every group of the second pass with the design in its own coordinates."""
        for key, accumulated in keyed.items():
            own = self.coordinates.get(key, accumulated.moments.coordinates)
            moments = replace(accumulated.moments, coordinates=own)
            yield key, replace(self.task.design, coordinates=own), Accumulated(moments, accumulated.dropped_rows)


def recentred(task: AccumulateKeyed, keyed: KeyedAccumulated) -> Recentred | None:
    """The second pass, or None where no group is far from the common shift."""
    design = task.design
    position = {m[0][0]: i for i, m in enumerate(design.layout.rows) if len(m) == 1 and m[0][1] == 1}
    means, variances = _means_and_variances(keyed, list(position.values()))
    if not (means**2 > FAR * variances).any():
        return None
    scales = {name: design.coordinates[name].exponent for name in design.coordinates}
    shifts = {
        name: design.coordinates[name].shift + means[:, j] * 2.0 ** scales[name] for j, name in enumerate(position)
    }
    common = {name: Coordinate(c.shift * (name not in position), c.exponent) for name, c in design.coordinates.items()}
    centres = {key: {name: float(x[g]) for name, x in shifts.items()} for g, key in enumerate(keyed.keys)}
    task_with_centres = replace(task, design=replace(design, coordinates=common, matrix=None), centres=centres)
    own = {key: common | {n: Coordinate(c, scales[n]) for n, c in centre.items()} for key, centre in centres.items()}
    return Recentred(task_with_centres, own)


def _means_and_variances(keyed: KeyedAccumulated, at: list[int]) -> tuple[Matrix, Matrix]:
    """Means and variances (g, v) in the common coordinates; zero where a group has no rows."""
    dense = keyed.moments.dense
    weight = np.maximum(dense[:, 0, 0], np.finfo(float).tiny)[:, None]
    means = dense[:, 0, at] / weight
    return means, np.maximum(dense[:, at, at] / weight - means**2, 0.0)
