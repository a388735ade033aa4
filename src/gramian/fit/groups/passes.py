"""The passes of fits by group and model: which task runs, and the sums of every sample of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gramian.errors import DataError
from gramian.fit.groups.recentre import recentred, recentred_patterns
from gramian.fit.groups.specifications import Model, SharedPass
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.accumulate_keyed import keyed_pass, max_groups_in_memory
from gramian.fit.passes.accumulate_patterns import AccumulatePatterns, PatternSums
from gramian.fit.passes.job import Job
from gramian.fit.passes.keys import ByColumns
from gramian.fit.passes.memory import format_bytes, memory_limit
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.keyed.moments import Key
from gramian.schema import Schema
from gramian.typing import Level

FULL_SAMPLE = "Full sample"  # the key of a fit to the rows of all groups, as fixest calls it
FIT_BYTES = 20_000  # of a fit of two columns, as was measured


@dataclass(frozen=True, slots=True)
class Group:
    """Sums of one sample of rows, of all columns of their pass.

    Attributes
    ----------
    design : Design
        With the coordinates (shifts and scales) of the moments.
    accumulated : Accumulated
        Moments and dropped rows of the sample.
    passes : int
        Passes that the moments needed.
    """

    design: Design
    accumulated: Accumulated
    passes: int = 1


@dataclass(frozen=True, slots=True)
class PassSums:
    """What a pass has summed.

    Attributes
    ----------
    rows : int
        Rows that entered some fit.
    dropped_rows : DroppedRows
        The others.
    samples : mapping of int to mapping of key to Group
        Sums of every sample by group, in the order of the levels; those of all groups under the empty key.
    """

    rows: int
    dropped_rows: DroppedRows
    samples: Mapping[int, Mapping[Key, Group]]

    def groups_of(self, model: Model) -> Iterator[tuple[Key, Key | None, Group]]:
        """The part of the key, the key of the rows (None for those of all groups), and the sums of each fit."""
        if model.whole is not None:
            yield (FULL_SAMPLE,), None, self.samples[model.whole][()]
        for key, group in self.samples[model.sample].items():
            yield key, key or None, group


def run_pass(shared: SharedPass, job: Job, by: ByColumns | None, *, recentres: bool) -> PassSums:
    """Sums of every sample, by group where there are groups.

    recentres : whether a second pass with a shift for each group may follow where they lie far from each other.
    """
    several = len(shared.samples.needs) > 1
    job.prepare(by_column=several)
    if several:
        return _by_pattern(shared, job, by, recentres=recentres)
    if by is None:
        accumulated = job.fold(Accumulate(job.design, job.options.drop))
        group = Group(job.design, accumulated)
        return PassSums(accumulated.moments.rows, accumulated.dropped_rows, {0: {(): group}})
    return _by_group(shared, job, by, recentres=recentres)


def _by_group(shared: SharedPass, job: Job, by: ByColumns, *, recentres: bool) -> PassSums:
    """Sums of every group, from a second pass with a shift for each group where the first one needs it."""
    task = keyed_pass(job, by)
    keyed = job.fold(task)
    _check_memory(len(keyed.keys) * len(shared.models), by)
    recentred_pass = recentred(task, keyed) if recentres else None
    if recentred_pass is None:
        groups = {key: Group(job.design, accumulated) for key, accumulated in keyed.items()}
    else:
        sums = job.fold(recentred_pass.task)
        groups = {key: Group(design, accumulated, 2) for key, design, accumulated in recentred_pass.items(sums.items())}
    ordered = _ordered(groups, by, job.source.schema)
    return PassSums(int(keyed.moments.rows.sum()), keyed.dropped_rows, {0: ordered})


def _by_pattern(shared: SharedPass, job: Job, by: ByColumns | None, *, recentres: bool) -> PassSums:
    """Sums of every sample, from those of every pattern of missing values."""
    task = AccumulatePatterns(job.design, shared.samples, by, job.options.drop, max_groups_in_memory(job.design))
    sums = job.fold(task)
    numbers = range(len(shared.samples.needs))
    if by is None:
        return PassSums(sums.rows, sums.dropped_rows, {i: _whole(sums, i, job.design) for i in numbers})
    _check_memory(len({key[:-1] for key in sums.keyed.keys}) * len(shared.models), by)
    # sums with a shift for each group do not add up to those of all groups, which stay as they are
    whole = {model.whole for model in shared.models if model.whole is not None}
    samples = {i: _whole(sums, i, job.design) for i in whole}
    again = recentred_patterns(task, sums) if recentres else None
    own_sums = sums if again is None else job.fold(again.task)
    for i in set(numbers) - whole:
        found = own_sums.by_sample(i)
        groups = (
            {key: Group(job.design, own) for key, own in found}
            if again is None
            else {key: Group(design, own, 2) for key, design, own in again.items(found)}
        )
        samples[i] = _ordered(groups, by, job.source.schema)
    return PassSums(sums.rows, sums.dropped_rows, samples)


def _whole(sums: PatternSums, sample: int, design: Design) -> dict[Key, Group]:
    """A sample of the rows of all groups."""
    return {key: Group(design, own) for key, own in sums.by_sample(sample, whole=True)}


def _ordered(groups: Mapping[Key, Group], by: ByColumns, schema: Schema) -> dict[Key, Group]:
    """Groups in the order of their levels."""
    return {key: groups[key] for key in in_order(list(groups), by, schema)}


def _check_memory(fits: int, by: ByColumns) -> None:
    """Raise DataError where the fits of all groups do not fit into memory."""
    limit = memory_limit() // FIT_BYTES
    if fits > limit:
        raise DataError(
            f"{by} makes {fits:,} fits, and {limit:,} fit into memory, about {format_bytes(FIT_BYTES)} for each; "
            "read a part of the groups at a time, or absorb the column (y ~ x | column) where only its effect counts"
        )


def in_order(keys: Sequence[Key], by: ByColumns, schema: Schema) -> list[Key]:
    """Keys in the order of their levels: the declared order of a categorical column, else ascending."""
    declared = [{level: i for i, level in enumerate(schema[name].levels or ())} for name in by.names]

    def sort_key(key: Key) -> list[tuple[int, int, Level]]:
        parts = zip(key, declared, strict=True)
        return [(order.get(v, len(order)), isinstance(v, str), 0 if v in order else v) for v, order in parts]

    return sorted(keys, key=sort_key)
