"""Sums of several samples of rows from one pass: those of every pattern of missing values are kept separately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import TypeVar

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.passes.accumulate import Accumulated, LinearAccumulator, UnitAccumulator, overflow
from gramian.fit.passes.accumulate_keyed import KeyedUnitAccumulator
from gramian.fit.passes.keys import Grouping
from gramian.fit.passes.memory import format_bytes
from gramian.fit.passes.patterns import Centres, PatternReader, Samples, Tally
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.keyed.moments import Key, KeyedMoments
from gramian.linalg.keyed.unit_sums import KeyedAccumulator
from gramian.linalg.moments import Moments
from gramian.typing import Mask, Vector

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class PatternSums:
    """Sums by group and pattern of missing values; they add.

    Attributes
    ----------
    samples : Samples
        What each sample needs.
    complete : Moments
        Rows that belong to all samples, without groups; none where there are groups.
    keyed : KeyedMoments
        All other rows; the last part of a key holds the bits of the pattern.
    tallies : mapping of key to Tally
        Dropped rows by group; the key None stands for rows whose group is missing.
    powers : mapping of key to mapping of name to (top + 1,)
        Power sums by group, over all rows that have the variable.
    max_keys : int
        Keys whose sums fit into memory; more raise DataError.
    """

    samples: Samples
    complete: Moments
    keyed: KeyedMoments
    tallies: Mapping[Key | None, Tally]
    powers: Mapping[Key | None, Mapping[str, Vector]]
    max_keys: int

    def __add__(self, other: PatternSums, /) -> PatternSums:
        keyed = self.keyed + other.keyed
        check_patterns(len(keyed), self.max_keys, keyed.dense.shape[1])
        return replace(
            self,
            complete=self.complete + other.complete,
            keyed=keyed,
            tallies=_added(self.tallies, other.tallies, add),
            powers=_added(self.powers, other.powers, _add_powers),
        )

    @property
    def rows(self) -> int:
        """Rows that belong to some sample."""
        return self.complete.rows + int(self.keyed.rows.sum())

    @property
    def dropped_rows(self) -> DroppedRows:
        """Rows that belong to no sample."""
        return sum((tally.of(-1, self.samples) for tally in self.tallies.values()), DroppedRows())

    def by_sample(self, sample: int, *, whole: bool = False) -> Iterator[tuple[Key, Accumulated]]:
        """Every group with its sums of a sample.

        whole : all groups together, under the empty key.
        """
        places: dict[Key, list[int]] = defaultdict(list)
        for position, key in enumerate(self.keyed.keys):
            if int(key[-1]) >> sample & 1:
                places[() if whole else key[:-1]].append(position)
        if whole:
            yield (), self._sample(sample, places[()], list(self.tallies.values()), list(self.powers.values()))
            return
        for group in dict.fromkeys([*(key for key in self.tallies if key is not None), *places]):
            tallies = [self.tallies[group]] if group in self.tallies else []
            yield group, self._sample(sample, places.get(group, []), tallies, [self.powers.get(group, {})])

    def _sample(
        self, sample: int, places: list[int], tallies: list[Tally], powers: list[Mapping[str, Vector]]
    ) -> Accumulated:
        """The sums of a sample over some groups. places : positions of their keys."""
        moments = self.complete
        if places:
            moments = moments + (self.keyed.at(places[0]) if len(places) == 1 else self.keyed.of(places))
        total: Mapping[str, Vector] = reduce(_add_powers, powers, {})
        dropped = sum((tally.of(sample, self.samples) for tally in tallies), DroppedRows())
        return Accumulated(replace(moments, powers={**moments.powers, **total}), dropped)


@dataclass(frozen=True, slots=True)
class AccumulatePatterns:
    """The task of one pass for several samples of rows.

    Attributes
    ----------
    design : Design
        The columns of all samples, with their shifts and scales.
    samples : Samples
        What each sample needs.
    grouping : Grouping or None
        What gives each row its group.
    max_keys : int
        Groups and patterns whose sums fit into memory.
    centres : mapping of key to mapping of name to float, optional
        What is subtracted from the variables of a group before they are summed, for groups whose means are far apart.
    """

    design: Design
    samples: Samples
    grouping: Grouping | None = None
    max_keys: int = field(default=2**31, compare=False)
    centres: Centres | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *(() if self.grouping is None else self.grouping.columns))))

    @property
    def long_runs(self) -> bool:
        """Whether rows are accumulated in long runs, as beside absorbed factors."""
        return bool(self.design.terms.absorbed)

    @property
    def empty(self) -> PatternSums:
        """The sums of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> PatternSums:
        """The sums of one unit."""
        unit = _PatternUnit(self)
        with np.errstate(all="ignore"):  # values that are not finite are looked for
            for batch in batches:
                unit.add(batch)
        return unit.finish()


class _PatternUnit:
    """Accumulates the sums of one unit: batches without a missing value as a whole, others by pattern."""

    def __init__(self, task: AccumulatePatterns) -> None:
        self.task = task
        self.reader = PatternReader(task.design, task.samples, task.grouping, task.centres)
        self.complete = _Complete(task.design, drop=True)
        self.complete.reader = self.reader
        self.by_pattern = _ByPattern(task, self.reader)
        in_place = None if task.grouping is not None or task.design.layout.tables else self.complete.in_place
        self.in_place = in_place
        self.reader.native = self.in_place is not None

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch that belong to some sample."""
        # the sums show whether every value is finite: values are looked at only when one is not
        self.reader.finite = self.in_place is None
        if not self._added(self.reader.read(batch)):
            self.reader.finite = True
            self._added(self.reader.read(batch))
        self.reader.commit()

    def _added(self, observed: Observed) -> bool:
        """Add a batch; False, with nothing added, where a value was not looked at and is not finite."""
        reader, others = self.reader, None
        if not reader.all_complete:
            grouped = self.task.grouping is not None
            others = reader.some(observed, np.flatnonzero(reader.entered & (grouped | ~reader.complete)))
        elif self.task.grouping is not None:
            others = reader.some(observed, np.arange(observed.rows))
        if others is not None and not reader.finite and not _finite(others):
            return False
        if self.task.grouping is None and not self._added_complete(observed):
            return False
        if others is not None and others.rows:
            check_patterns(reader.row_keys.size, self.task.max_keys, len(self.task.design.layout.rows))
            self.by_pattern.add(others)
        return True

    def _added_complete(self, observed: Observed) -> bool:
        """Add the rows that belong to all samples; False, with nothing added, as `_added`."""
        reader, rows = self.reader, observed
        if self.in_place is not None:
            if not reader.all_complete:  # the others count zero times
                there = reader.complete.astype(np.float64)
                rows = replace(observed, count=there if observed.count is None else there * observed.count)
            if self.complete.add_in_place(self.in_place, rows):
                return True
            if not reader.finite:
                return False
        self.complete.add(observed if reader.all_complete else observed.take(np.flatnonzero(reader.complete)))
        return True

    def finish(self) -> PatternSums:
        """The unit's partial result."""
        reader = self.reader
        levels = {name: index.levels for name, index in reader.levels.items()}
        powers: dict[Key | None, dict[str, Vector]] = defaultdict(dict)
        for (group, name), sums in reader.powers.items():
            powers[self._group(group)][name] = sums
        return PatternSums(
            self.task.samples,
            self.complete.moments(),
            self.by_pattern.keyed_sums.finish(list(reader.row_keys.keys), levels),
            {self._group(group): tally for group, tally in sorted(reader.tallies.items())},
            dict(powers),
            self.task.max_keys,
        )

    def _group(self, code: int) -> Key | None:
        """The key of a group; None for rows whose group is missing."""
        return None if code < 0 else self.reader.row_keys.group(code)


class _Finite(UnitAccumulator):
    """Accumulates values that are finite already; only their products may not be."""

    def drop_not_finite(self, columns: Columns, good: Mask, observed: Observed, rows: slice) -> None:
        """Raise NumericalError: a sample without the column would lose the row, too."""
        overflow(columns, self.layout, observed.where)


class _Complete(_Finite, LinearAccumulator):
    """Accumulates rows that belong to all samples."""


class _ByPattern(_Finite, KeyedUnitAccumulator):
    """Accumulates sums by group and pattern."""

    def __init__(self, task: AccumulatePatterns, reader: PatternReader) -> None:
        UnitAccumulator.__init__(self, task.design, drop=True)
        self.reader = reader  # type: ignore[assignment]  # it has what is used of a KeyedReader
        self.centres, self.cycle = task.centres, None  # keys come in any order
        design = task.design
        self.keyed_sums = KeyedAccumulator(self.layout, design.coordinates, design.terms.power_sums)

    def _centres(self, variable: str) -> Vector:
        centres = self.centres or {}
        return np.array([centres.get(key[:-1], {}).get(variable, 0.0) for key in self.reader.row_keys.keys])


def _finite(observed: Observed) -> bool:
    """Whether all values of some rows are finite."""
    values = [*observed.values.values(), *(() if observed.matrix is None else (observed.matrix,))]
    return all(bool(np.isfinite(x).all()) for x in values)


def check_patterns(keys: int, max_keys: int, width: int) -> None:
    """Raise DataError for more groups and patterns than fit into memory. width : dense stored columns."""
    if keys > max_keys:
        raise DataError(
            f"the columns have more than {max_keys:,} patterns of missing values, each with sums of its own, and that "
            f"many fit into memory: the products of {width} columns take {format_bytes(8 * width * width)} for each; "
            "name fewer columns with missing values in one formula, or leave rows out with where="
        )


def _added(left: Mapping[K, V], right: Mapping[K, V], plus: Callable[[V, V], V]) -> dict[K, V]:
    """Two mappings added key by key."""
    return {**left, **{key: plus(left[key], value) if key in left else value for key, value in right.items()}}


def _add_powers(left: Mapping[str, Vector], right: Mapping[str, Vector]) -> Mapping[str, Vector]:
    """Power sums of each variable, added."""
    return _added(left, right, add)
