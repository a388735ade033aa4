"""A model of some of the columns that a pass has summed."""

from __future__ import annotations

from dataclasses import replace

from gramian.fit.passes.accumulate import Accumulated
from gramian.formula.design import Design
from gramian.linalg.subset_sums import AvailableSums, plan_subset, subset_sums


def part_of_sums(joint: Design, sums: Accumulated, design: Design) -> tuple[Design, Accumulated]:
    """A design whose columns are among those of the joint one, with their coordinates, and its sums.

    An outcome may be a column of the joint design.
    """
    variables = {name: name.removeprefix("~") for name in design.outcome if name not in joint.outcome}
    splines = {name: joint.terms.splines[name] for name in design.terms.splines}
    terms = replace(design.terms, splines=splines)
    powers = terms.power_sums
    stored = AvailableSums(joint.layout, joint.terms.power_sums if powers else {}, joint.weight is not None)
    plan = plan_subset(stored, AvailableSums(replace(design, terms=terms).layout, powers), variables, {})
    used = (*terms.variables, *design.outcome)
    coordinates = {v: joint.coordinates[variables.get(v, v)] for v in used}
    own = replace(design, terms=terms, coordinates=coordinates, matrix=None)
    return own, Accumulated(subset_sums(sums.moments, plan), sums.dropped_rows)
