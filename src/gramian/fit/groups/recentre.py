"""Second pass for groups whose means are far from each other, with a shift of its own for every group.

Sums by group share one shift, so that they add up to a total. A group whose mean is many of its standard deviations
away from the shift loses log10(1 + (mean - shift)^2 / variance) decimal digits by cancellation. With its own mean, from
the first pass, as its shift it loses none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_keyed import AccumulateKeyed, KeyedAccumulated
from gramian.fit.passes.accumulate_patterns import AccumulatePatterns, PatternSums
from gramian.formula.design import Design
from gramian.linalg.keyed.moments import Key
from gramian.linalg.monomials import Coordinate
from gramian.typing import Matrix

T = TypeVar("T", AccumulateKeyed, AccumulatePatterns)
FAR = 1e4  # (mean - shift)^2 / variance above which a second pass pays: four digits would be lost


@dataclass(frozen=True, slots=True)
class Recentred(Generic[T]):
    """A second pass with a shift for every group.

    Attributes
    ----------
    task : AccumulateKeyed or AccumulatePatterns
        The pass, with the means of the first pass as centres.
    coordinates : mapping of key to mapping of name to Coordinate
        Shift and scale of every variable in each group.
    """

    task: T
    coordinates: Mapping[Key, Mapping[str, Coordinate]]

    def items(self, groups: Iterable[tuple[Key, Accumulated]]) -> Iterator[tuple[Key, Design, Accumulated]]:
        """Key, design in the group's own coordinates, and sums of every group of the second pass."""
        for key, accumulated in groups:
            own = self.coordinates.get(key, accumulated.moments.coordinates)
            moments = replace(accumulated.moments, coordinates=own)
            yield key, replace(self.task.design, coordinates=own), Accumulated(moments, accumulated.dropped_rows)


def recentred(task: AccumulateKeyed, keyed: KeyedAccumulated) -> Recentred[AccumulateKeyed] | None:
    """The second pass, or None if no group's mean is far from the common shift.

    task : the first pass. keyed : its sums by group.
    """
    at, dense = list(_positions(task.design).values()), keyed.moments.dense
    # column 0 is the constant
    sums = np.broadcast_to(dense[:, 0, 0, None], (len(dense), len(at))), dense[:, 0, at], dense[:, at, at]
    return _recentred(task, keyed.keys, *sums)


def recentred_patterns(task: AccumulatePatterns, sums: PatternSums) -> Recentred[AccumulatePatterns] | None:
    """As `recentred`, for a pass of several samples: a variable's mean is over rows of samples that need it."""
    positions, keyed = _positions(task.design), sums.keyed
    groups = tuple(dict.fromkeys(key[:-1] for key in keyed.keys))
    place = {group: i for i, group in enumerate(groups)}
    group_of = np.array([place[key[:-1]] for key in keyed.keys], np.int64)
    totals = np.zeros((3, len(groups), len(positions)))
    for j, (name, at) in enumerate(positions.items()):
        needing = sum(1 << i for i, need in enumerate(sums.samples.needs) if name.removeprefix("~") in need)
        has = [i for i, key in enumerate(keyed.keys) if int(key[-1]) & needing]
        for total, (row, column) in zip(totals, ((0, 0), (0, at), (at, at)), strict=True):
            np.add.at(total[:, j], group_of[has], keyed.dense[has, row, column])
    return _recentred(task, groups, *totals)


def _recentred(task: T, keys: Sequence[Key], weight: Matrix, first: Matrix, second: Matrix) -> Recentred[T] | None:
    """The second pass, from the sums of weights, values and squares of v variables in g groups, each (g, v)."""
    design = task.design
    # the smallest normal number turns the 0 / 0 of an empty group into 0
    weight = np.maximum(weight, np.finfo(float).tiny)
    means = first / weight
    if not (means**2 > FAR * np.maximum(second / weight - means**2, 0.0)).any():
        return None
    position = _positions(design)
    scales = {name: design.coordinates[name].exponent for name in design.coordinates}
    shifts = {
        name: design.coordinates[name].shift + means[:, j] * 2.0 ** scales[name] for j, name in enumerate(position)
    }
    # the centres are subtracted before a block is written: what remains is only scaled, with shift zero
    common = {name: Coordinate(c.shift * (name not in position), c.exponent) for name, c in design.coordinates.items()}
    centres = {key: {name: float(x[g]) for name, x in shifts.items()} for g, key in enumerate(keys)}
    task_with_centres = replace(task, design=replace(design, coordinates=common, matrix=None), centres=centres)
    own = {key: common | {n: Coordinate(c, scales[n]) for n, c in centre.items()} for key, centre in centres.items()}
    return Recentred(task_with_centres, own)


def _positions(design: Design) -> dict[str, int]:
    """Variable -> its position among the dense stored columns."""
    return {m[0][0]: i for i, m in enumerate(design.layout.rows) if len(m) == 1 and m[0][1] == 1}
