"""Moments by key from one pass: the sums of every fold, or of every group, kept separately."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gramian.batch import Batch
from gramian.column import Numbers
from gramian.errors import DataError, OptionError, listing
from gramian.fit.passes.accumulate import Accumulated, UnitAccumulator, take_rows
from gramian.fit.passes.job import Job, PassRunner, job_of
from gramian.fit.passes.keys import Folds, Grouping, describe_key
from gramian.fit.passes.memory import format_bytes, memory_limit
from gramian.fit.passes.options import Options
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.grammar import Formula
from gramian.formula.row_reader import Observed, Reader
from gramian.kernels.library import library
from gramian.linalg.columns import Columns
from gramian.linalg.in_place import InPlace, in_place
from gramian.linalg.keyed.moments import Key, KeyedMoments
from gramian.linalg.keyed.segmented_products import sorted_by
from gramian.linalg.keyed.unit_sums import KEY, KeyedAccumulator
from gramian.linalg.moments import combined_weight
from gramian.typing import Codes, Level, Mask, Vector

MIN_ROWS_OF_KEY = 64  # rows of a batch for each key, below which a call of the kernel costs more than the products
LIVE_COPIES = 8  # copies of all products in memory at once: one per thread, partial results that wait, and their sum


@dataclass(frozen=True, slots=True)
class KeyedAccumulated:
    """Partial result of a keyed pass: a mapping from key to `Accumulated`; partial results add key by key.

    A key is a level, or a tuple of levels where several columns make it. A key that only incomplete rows have is there,
    with moments of no rows.

    Attributes
    ----------
    grouping : Folds or ByColumns
        What gives each row its key.
    moments : KeyedMoments
        Sums of products of the stored columns for every key.
    dropped_by_key : mapping of key to DroppedRows
        Only keys with dropped rows; the key None stands for rows without a key.
    max_keys : int
        Keys whose moments fit into memory; more raise DataError.
    """

    grouping: Grouping
    moments: KeyedMoments
    dropped_by_key: Mapping[Key | None, DroppedRows]
    max_keys: int

    def __add__(self, other: KeyedAccumulated, /) -> KeyedAccumulated:
        dropped_by_key = dict(self.dropped_by_key)
        for key, dropped in other.dropped_by_key.items():
            dropped_by_key[key] = dropped_by_key[key] + dropped if key in dropped_by_key else dropped
        moments = self.moments + other.moments
        # each unit may have few groups, and all together too many: check every sum
        check_groups(self.grouping, len(moments), self.max_keys, moments.dense.shape[1])
        return KeyedAccumulated(self.grouping, moments, dropped_by_key, self.max_keys)

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys, as tuples of levels, in canonical order."""
        return self.moments.keys

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Level | Key]:
        return map(unwrap_key, self.keys)

    def items(self) -> Iterator[tuple[Key, Accumulated]]:
        """Every key, as a tuple of levels, with its moments."""
        for position, key in enumerate(self.keys):
            yield key, Accumulated(self.moments.at(position), self.dropped_by_key.get(key, DroppedRows()))

    def __getitem__(self, key: Level | Key) -> Accumulated:
        """The moments of one key. Raises OptionError for a key without rows in the data."""
        position = self._position(key)
        return Accumulated(self.moments.at(position), self.dropped_by_key.get(self.keys[position], DroppedRows()))

    @property
    def dropped_rows(self) -> DroppedRows:
        """Dropped rows of all keys, and of rows without a key."""
        return sum(self.dropped_by_key.values(), DroppedRows())

    @property
    def total(self) -> Accumulated:
        """The moments of all rows."""
        return self._sum_over(np.arange(len(self)), list(self.dropped_by_key))

    def others(self, key: Level | Key) -> Accumulated:
        """The moments of all rows with another key: summed, because a difference would lose digits."""
        position = self._position(key)
        chosen = np.delete(np.arange(len(self)), position)
        return self._sum_over(chosen, [k for k in self.dropped_by_key if k is not None and k != self.keys[position]])

    def _sum_over(self, chosen: Codes, keys: list[Key | None]) -> Accumulated:
        """Moments of the keys at these positions, with the dropped rows of these keys."""
        return Accumulated(self.moments.of(chosen), sum((self.dropped_by_key[key] for key in keys), DroppedRows()))

    def _position(self, key: Level | Key) -> int:
        """Position of a key in canonical order. Raises OptionError for a key without rows."""
        levels = key if isinstance(key, tuple) else (key,)
        if levels not in self.keys:
            present = [describe_key(self.grouping, k) for k in self.keys]
            requested = describe_key(self.grouping, levels) if len(levels) == len(self.grouping.names) else repr(key)
            raise OptionError(f"there are no rows with {requested}; there are {listing(present)}")
        return self.keys.index(levels)


@dataclass(frozen=True, slots=True)
class AccumulateKeyed:
    """The task of one pass that keeps the sums of every key separately.

    Attributes
    ----------
    design : Design
        Terms, outcomes and the shift and scale of every variable, the same for all keys.
    grouping : Folds or ByColumns
        What gives each row its key.
    drop : bool
        Whether incomplete rows are dropped and counted; if False, the first one raises DataError.
    max_keys : int
        Keys whose moments fit into memory.
    centres : mapping of key to mapping of name to float, optional
        What is subtracted from a variable or response row of a key before it is summed, for groups whose means are far
        apart. Sums with different centres do not add up to a total.
    """

    design: Design
    grouping: Grouping
    drop: bool = True
    max_keys: int = field(default=2**31, compare=False)
    centres: Mapping[Key, Mapping[str, float]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *self.grouping.columns)))

    @property
    def empty(self) -> KeyedAccumulated:
        """The moments of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> KeyedAccumulated:
        """The keyed moments of one unit."""
        accumulator = KeyedLinearAccumulator(self)
        with np.errstate(all="ignore"):
            accumulator.reader.native = accumulator.in_place is not None
            for batch in batches:
                accumulator.add(accumulator.reader.read(batch))
        return accumulator.keyed()


class KeyedReader(Reader):
    """Reads batches as `Reader` does, and finds the key of every row; a row without a key is dropped.

    After `read`, `key_codes` (n,) holds the code of the key of every complete row of that batch.
    """

    def __init__(self, task: AccumulateKeyed) -> None:
        super().__init__(task.design, drop=task.drop)
        self.task, self.row_keys = task, task.grouping.start()
        self.width = len(task.design.layout.rows)
        self.level_codes: Mapping[str, Codes] = {}
        self.key_codes = np.zeros(0, np.int64)
        self.dropped_by_code: dict[int, DroppedCounts] = defaultdict(DroppedCounts)

    def read(self, batch: Batch) -> Observed:
        """Evaluate the complete rows of a batch. Raises DataError if there are more keys than fit into memory."""
        self.level_codes = self.row_keys.parts(batch)
        self.key_codes = self.row_keys.codes(batch, self.level_codes)
        check_groups(self.task.grouping, self.row_keys.size, self.task.max_keys, self.width)
        observed = super().read(batch)
        self.key_codes = self.key_codes if observed.row_mask is None else self.key_codes[observed.row_mask]
        return observed

    def _complete(self, batch: Batch, numbers: dict[str, Numbers], codes: dict[str, Codes]) -> Mask | None:
        # the columns of the key count as factors of the formula: a row with a null in them is not complete
        return super()._complete(batch, numbers, {**codes, **self.level_codes})

    def count_dropped(self, cause: str, dropped: Mask, batch: Batch, nulls: Mapping[str, Mask]) -> None:
        """Count the dropped rows of a batch, marked in masks (n,), by key."""
        self.count({cause: dropped}, nulls, self.key_codes)

    def count(self, causes: Mapping[str, Mask], columns: Mapping[str, Mask], keys: Codes) -> None:
        """Count the rows marked in masks (n,) by cause, by column and by key. keys : (n,) codes, -1 without a key."""
        for cause, mask in causes.items():
            # codes, not keys: levels are sorted into keys once, at the end of the unit
            for key, n in _occurrences(keys[mask]):
                self.dropped_by_code[key].causes[cause] += n
        for column, mask in columns.items():
            for key, n in _occurrences(keys[mask]):
                self.dropped_by_code[key].columns[column] += n


@dataclass(slots=True)
class DroppedCounts:
    """Dropped rows of one key so far, by cause and by column."""

    causes: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)


class KeyedUnitAccumulator(UnitAccumulator):
    """Accumulates the sums of one unit, separately by key."""

    reader: KeyedReader

    def __init__(self, task: AccumulateKeyed) -> None:
        super().__init__(task.design, drop=task.drop)
        self.task, self.reader = task, KeyedReader(task)
        self.centres, self.cycle = task.centres, task.grouping.cycle
        self.reader.left_out = self.left_out if self.power_variables else None
        design = task.design
        self.keyed_sums = KeyedAccumulator(self.layout, design.coordinates, design.terms.power_sums)

    def values(self, observed: Observed) -> dict[str, Vector]:
        """Values (n,) of variables and response rows, less the centre of each row's key where there are centres."""
        values = UnitAccumulator.values(self, observed)
        if self.centres is None:
            return values
        return {name: x - self._centres(name)[self.reader.key_codes] for name, x in values.items()}

    def left_out(self, variable: str, values: Vector, count: Vector | None, rows: Mask) -> None:
        """Add rows that have a variable and a key but do not enter to the variable's power sums of their keys."""
        keys, centres = self.reader.key_codes[rows], self.centres
        keyed = keys >= 0
        values, keys = values[keyed], keys[keyed]
        if centres is not None:
            values = values - self._centres(variable)[keys]
        count = None if count is None else count[keyed]
        self.keyed_sums.add_left_out(variable, values, keys, count, self.reader.row_keys.size)

    def _centres(self, variable: str) -> Vector:
        """The centre of a variable in every key so far."""
        centres = self.centres or {}
        return np.array([centres.get(key, {}).get(variable, 0.0) for key in self.reader.row_keys.keys])

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Add the rows of a block to the sums of their keys; return False, with nothing added, if not finite."""
        weight, count, keys = (
            take_rows(observed.weight, rows),
            take_rows(observed.count, rows),
            self.reader.key_codes[rows],
        )
        sizes = {**self.reader.sizes, KEY: self.reader.row_keys.size}
        # without dropped rows the folds of a block go round in a fixed order, which sums by slices and not by sorting
        regular = observed.row_mask is None and isinstance(rows, slice)
        cycle = self.cycle if regular else None
        added = self.keyed_sums.add(columns, keys, combined_weight(weight, count), count, sizes, cycle)
        if added and weight is not None:
            self.keyed_sums.add_log_weights(keys, weight, count)
        return added

    def count_dropped(
        self, causes: Mapping[str, Mask], columns: Mapping[str, Mask], observed: Observed, rows: slice
    ) -> None:
        """Add dropped rows of a block to those of their keys."""
        self.reader.count(causes, columns, self.reader.key_codes[rows])

    def finish(self) -> Accumulated:
        """The unit's partial result, summed over all keys."""
        return self.keyed().total

    def keyed(self) -> KeyedAccumulated:
        """The unit's partial result, by key."""
        keys = list(self.reader.row_keys.keys)
        levels = {name: index.levels for name, index in self.reader.levels.items()}
        dropped_by_key = {
            None if code < 0 else keys[code]: DroppedRows(dict(c.causes), dict(c.columns))
            for code, c in sorted(self.reader.dropped_by_code.items())
        }
        return KeyedAccumulated(
            self.task.grouping, self.keyed_sums.finish(keys, levels), dropped_by_key, self.task.max_keys
        )


class KeyedLinearAccumulator(KeyedUnitAccumulator):
    """Accumulates the sums of a linear fit by key; rows are read where they are if every key of a batch has many."""

    @cached_property
    def in_place(self) -> InPlace | None:
        """How the columns are read where they are; None where they are written block by block."""
        if library() is None or self.power_variables or self.cycle is not None:
            return None
        return in_place(self.layout, self.design.coordinates, self.design.matrix_variables)

    def add(self, observed: Observed) -> None:
        """Add the complete rows of a batch."""
        if self.in_place is None or not self.add_in_place(self.in_place, observed):
            super().add(observed)

    def add_in_place(self, columns: InPlace, observed: Observed) -> bool:
        """Add a batch; return False, with nothing added, where keys have few rows, or as of `LinearAccumulator`."""
        keys = self.reader.key_codes
        sizes = np.bincount(keys, minlength=1)
        present = np.flatnonzero(sizes)
        if observed.rows < MIN_ROWS_OF_KEY * len(present):
            return False
        parts = columns.parts(self.values(observed), observed.matrix, observed.rows)
        if parts is None:
            return False
        order = None if (keys[1:] >= keys[:-1]).all() else sorted_by(keys)
        weight, count = observed.weight, observed.count
        total = combined_weight(weight, count)
        starts = np.append(0, np.cumsum(sizes[present]))
        products = columns.group_products(parts, starts, order, None if total is None else np.sqrt(total))
        rows = sizes if count is None else np.bincount(keys, count).astype(np.int64)
        if not self.keyed_sums.add_products(products, present, rows[present]):
            return False
        if weight is not None:
            self.keyed_sums.add_log_weights(keys, weight, count)
        return True


def keyed_job(
    formula: Formula, options: Options, runner: PassRunner, grouping: Grouping, *, absorbing: bool = False
) -> Job:
    """A job whose formula may have several outcomes; `.` does not stand for the columns of the grouping.

    Raises ColumnError or SchemaError where the grouping does not fit the columns.
    """
    grouping.check(runner.source.schema)
    columns = grouping.columns
    return job_of(formula, options, runner, absorbing=absorbing, excluded=columns, multiple_outcomes=True)


def keyed_pass(job: Job, grouping: Grouping, memory: int | None = None) -> AccumulateKeyed:
    """The pass with separate sums for every fold or group. job : prepared, so that its design has coordinates.

    memory : bytes that the products of all keys may take, by default half of the machine's free memory.
    """
    return AccumulateKeyed(job.design, grouping, job.options.drop, max_groups_in_memory(job.design, memory))


def max_groups_in_memory(design: Design, memory: int | None = None) -> int:
    """How many keys' products fit into that many bytes: memory / (8 LIVE_COPIES q^2) for q dense stored columns."""
    width = len(design.layout.rows)
    return max(1, int((memory_limit() if memory is None else memory) / (8 * LIVE_COPIES * width * width)))


def check_groups(grouping: Grouping, groups: int, max_groups: int, width: int) -> None:
    """Raise DataError if there are more groups than fit into memory. width : dense stored columns."""
    if groups > max_groups:
        raise DataError(
            f"{grouping} makes more than {max_groups:,} groups, and that many fit into memory: "
            f"the products of {width} columns take {format_bytes(8 * width * width)} for each; "
            "leave terms out, group rare values, or write the column into the formula as a factor"
        )


def check_folds(keyed: KeyedAccumulated, *, filled: bool = False) -> None:
    """Raise DataError if there are more folds than complete rows or, with `filled`, if a fold has no complete row."""
    rows = int(keyed.moments.rows.sum())
    if not isinstance(keyed.grouping, Folds):
        return
    if keyed.grouping.count > rows:
        raise DataError(
            f"{keyed.grouping}, but only {rows:,} complete rows; take at most as many folds as there are rows"
        )
    empty = [describe_key(keyed.grouping, key) for key, n in zip(keyed.keys, keyed.moments.rows, strict=True) if not n]
    if filled and empty:
        raise DataError(f"{keyed.grouping}: no complete row is in {', '.join(empty)}; take fewer folds")


def unwrap_key(key: Key) -> Level | Key:
    """A key as users see it: the level itself if one column makes it, else the tuple of levels."""
    return key[0] if len(key) == 1 else key


def _occurrences(codes: Codes) -> Iterator[tuple[int, int]]:
    """Pairs of a code and how often it occurs in (n,) codes."""
    values, counts = np.unique(codes, return_counts=True)
    return zip(values.tolist(), counts.tolist(), strict=True)
