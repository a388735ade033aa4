"""The pass for the range of periods of sunab()."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch, Source
from gramian.engines.local import Local
from gramian.errors import DataError
from gramian.formula.computed.cohorts import Range, open_factors, settled
from gramian.formula.design import Design
from gramian.formula.evaluate import evaluate
from gramian.formula.syntax import Call, label, names


@dataclass(frozen=True, slots=True)
class Ranges:
    """Partial result of the pass: factor -> its range."""

    of: Mapping[str, Range]

    def __add__(self, other: Ranges, /) -> Ranges:
        both = {name: (here, other.of[name]) for name, here in self.of.items()}
        return Ranges({n: (min(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2])) for n, (a, b) in both.items()})


@dataclass(frozen=True, slots=True)
class FindRanges:
    """The task of the pass. factors : those of sunab()."""

    factors: Mapping[str, Call]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return names(*self.factors.values())

    @property
    def empty(self) -> Ranges:
        """Of no rows."""
        return Ranges(dict.fromkeys(self.factors, (math.inf, -math.inf, -math.inf)))

    def accumulate(self, batches: Iterable[Batch], /) -> Ranges:
        """Of one unit."""
        total = self.empty
        for batch in batches:
            total = total + Ranges({name: _range(node, batch) for name, node in self.factors.items()})
        return total


def _range(node: Call, batch: Batch) -> Range:
    """Of the rows of a batch that have cohort and period."""
    cohort, period = evaluate({str(i): part for i, part in enumerate(node.arguments)}, batch).values()
    good = np.isfinite(period.values) & ~np.isnan(cohort.values)
    for present in (cohort.present, period.present):
        good = good if present is None else good & present
    times, cohorts = period.values[good], cohort.values[good]
    return (
        float(times.min(initial=math.inf)),
        float(times.max(initial=-math.inf)),
        float(cohorts.max(initial=-math.inf)),
    )


def settle_cohorts(design: Design, source: Source) -> Design:
    """The design with the range of periods of sunab(), from a pass over cohort and period.

    Raises DataError for data that can be read only once, without rows, or without units to compare with.
    """
    factors = open_factors(design.terms)
    if not source.rereadable:
        raise DataError("sunab() finds the range of periods in a pass of its own, and these data can be read once only")
    # in this process whatever the engine: two columns are read
    found = Local().fold(source, FindRanges(factors)).of
    for name, (low, high, _) in found.items():
        if not low <= high:
            raise DataError(f"no row has a cohort and a period for {label(factors[name])}")
    return replace(design, terms=settled(design.terms, found))
