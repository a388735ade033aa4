"""The passes of fits by group and model: which task runs, and the sums of every sample of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
        Sums of every sample by group, in the order of the levels; without groups under the empty key.
    whole : mapping of int to Group
        Sums of every sample over all groups, where these are wanted, too.
    """

    rows: int
    dropped_rows: DroppedRows
    samples: Mapping[int, Mapping[Key, Group]]
    whole: Mapping[int, Group] = field(default_factory=dict)

    def groups_of(self, model: Model) -> Iterator[tuple[Key, Key | None, Group]]:
        """The part of the key, the key of the rows (None for those of all groups), and the sums of each fit."""
        if model.sample in self.whole:
            yield (FULL_SAMPLE,), None, self.whole[model.sample]
        for key, group in self.samples[model.sample].items():
            yield key, key or None, group


def run_pass(shared: SharedPass, job: Job, by: ByColumns | None, *, recentres: bool, full: bool) -> PassSums:
    """Sums of every sample, by group where there are groups.

    recentres : whether a second pass with a shift for each group may follow where they lie far from each other.
    full : whether the sums of all groups are wanted, too.
    """
    several = len(shared.samples.needs) > 1
    job.prepare(by_column=several)
    if by is not None:
        return _by_group(shared, job, by, recentres=recentres, full=full)
    if several:
        sums = job.fold(AccumulatePatterns(job.design, shared.samples, None, max_groups_in_memory(job.design)))
        numbers = range(len(shared.samples.needs))
        samples: dict[int, dict[Key, Group]] = {i: {(): _whole(sums, i, job.design)} for i in numbers}
        return PassSums(sums.rows, sums.dropped_rows, samples)
    accumulated = job.fold(Accumulate(job.design, job.options.drop))
    return PassSums(accumulated.moments.rows, accumulated.dropped_rows, {0: {(): Group(job.design, accumulated)}})


def _by_group(shared: SharedPass, job: Job, by: ByColumns, *, recentres: bool, full: bool) -> PassSums:
    """Sums by group, from a second pass with a shift for each group where the first one needs it."""
    numbers = range(len(shared.samples.needs))
    if len(numbers) == 1:
        keyed_task = keyed_pass(job, by)
        keyed = job.fold(keyed_task)
        _check_memory(len(keyed.keys) * len(shared.models), by)
        # sums with a shift for each group do not add up to those of all groups, which are of the first pass
        whole = {0: Group(job.design, keyed.total)} if full else {}
        centred = recentred(keyed_task, keyed) if recentres else None
        found = {0: _groups(job.design, keyed.items())}
        if centred is not None:
            found = {0: _centred(centred.items(job.fold(centred.task).items()))}
        rows, dropped = int(keyed.moments.rows.sum()), keyed.dropped_rows
    else:
        task = AccumulatePatterns(job.design, shared.samples, by, max_groups_in_memory(job.design))
        sums = job.fold(task)
        _check_memory(len({key[:-1] for key in sums.keyed.keys}) * len(shared.models), by)
        whole = {i: _whole(sums, i, job.design) for i in numbers} if full else {}
        again = recentred_patterns(task, sums) if recentres else None
        if again is None:
            found = {i: _groups(job.design, sums.by_sample(i)) for i in numbers}
        else:
            own = job.fold(again.task)
            found = {i: _centred(again.items(own.by_sample(i))) for i in numbers}
        rows, dropped = sums.rows, sums.dropped_rows
    schema = job.source.schema
    return PassSums(rows, dropped, {i: _ordered(groups, by, schema) for i, groups in found.items()}, whole)


def _groups(design: Design, sums: Iterable[tuple[Key, Accumulated]]) -> dict[Key, Group]:
    """Groups with the common shift."""
    return {key: Group(design, own) for key, own in sums}


def _centred(sums: Iterable[tuple[Key, Design, Accumulated]]) -> dict[Key, Group]:
    """Groups with shifts of their own, from a second pass."""
    return {key: Group(design, own, 2) for key, design, own in sums}


def _whole(sums: PatternSums, sample: int, design: Design) -> Group:
    """A sample of the rows of all groups."""
    ((_, own),) = sums.by_sample(sample, whole=True)
    return Group(design, own)


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
