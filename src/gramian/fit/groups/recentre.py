"""Second pass for groups whose means are far from each other, with a shift of its own for every group.

Sums by group share one shift, so that they add up to a total. A group whose mean is many of its standard deviations
away from the shift loses log10(1 + (mean - shift)^2 / variance) decimal digits by cancellation. With its own mean, from
the first pass, as its shift it loses none.
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

FAR = 1e4  # (mean - shift)^2 / variance above which a second pass pays: four digits would be lost


@dataclass(frozen=True, slots=True)
class Recentred:
    """A second pass with a shift for every group.

    Attributes
    ----------
    task : AccumulateKeyed
        The pass, with the means of the first pass as centres.
    coordinates : mapping of key to mapping of name to Coordinate
        Shift and scale of every variable in each group.
    """

    task: AccumulateKeyed
    coordinates: Mapping[Key, Mapping[str, Coordinate]]

    def items(self, keyed: KeyedAccumulated) -> Iterator[tuple[Key, Design, Accumulated]]:
        """Key, design in the group's own coordinates, and sums of every group of the second pass."""
        for key, accumulated in keyed.items():
            own = self.coordinates.get(key, accumulated.moments.coordinates)
            moments = replace(accumulated.moments, coordinates=own)
            yield key, replace(self.task.design, coordinates=own), Accumulated(moments, accumulated.dropped_rows)


def recentred(task: AccumulateKeyed, keyed: KeyedAccumulated) -> Recentred | None:
    """The second pass, or None if no group's mean is far from the common shift.

    task : the first pass. keyed : its sums by group.
    """
    design = task.design
    position = {m[0][0]: i for i, m in enumerate(design.layout.rows) if len(m) == 1 and m[0][1] == 1}
    means, variances = _means_and_variances(keyed, list(position.values()))
    if not (means**2 > FAR * variances).any():
        return None
    scales = {name: design.coordinates[name].exponent for name in design.coordinates}
    shifts = {
        name: design.coordinates[name].shift + means[:, j] * 2.0 ** scales[name] for j, name in enumerate(position)
    }
    # the centres are subtracted before a block is written: what remains is only scaled, with shift zero
    common = {name: Coordinate(c.shift * (name not in position), c.exponent) for name, c in design.coordinates.items()}
    centres = {key: {name: float(x[g]) for name, x in shifts.items()} for g, key in enumerate(keyed.keys)}
    task_with_centres = replace(task, design=replace(design, coordinates=common, matrix=None), centres=centres)
    own = {key: common | {n: Coordinate(c, scales[n]) for n, c in centre.items()} for key, centre in centres.items()}
    return Recentred(task_with_centres, own)


def _means_and_variances(keyed: KeyedAccumulated, at: list[int]) -> tuple[Matrix, Matrix]:
    """Means and variances (g, v) of v variables in g groups, in the common coordinates; zero for a group without rows.

    at : positions of the variables among the dense stored columns.
    """
    dense = keyed.moments.dense
    # column 0 is the constant; the smallest normal number turns the 0 / 0 of an empty group into 0
    weight = np.maximum(dense[:, 0, 0], np.finfo(float).tiny)[:, None]
    means = dense[:, 0, at] / weight
    return means, np.maximum(dense[:, at, at] / weight - means**2, 0.0)
