"""Keyed moments from one pass: the sums of every fold, or of every group, apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gramian.batch import Batch, Source
from gramian.column import Numbers
from gramian.engines.progress import Progress
from gramian.errors import DataError, OptionError, listing
from gramian.fit.engine import Engine
from gramian.fit.keys import Folds, Split, told
from gramian.fit.limits import memory_limit
from gramian.fit.options import Options
from gramian.fit.passes import Accumulated, Lift, part
from gramian.fit.plan import readable
from gramian.fit.prepare import prepare
from gramian.formula.design import Design
from gramian.formula.reading import Observed, Reader
from gramian.formula.tally import Tally
from gramian.linalg.columns import Columns
from gramian.linalg.keyed import Key, KeyedMoments
from gramian.linalg.keyed_sums import KEY, KeyedAccumulator
from gramian.linalg.moments import combined
from gramian.typing import Codes, Level, Mask, Vector

STACKS = 8  # copies of all products that are alive at once: one a thread, partials that wait, a sum under way


@dataclass(frozen=True, slots=True)
class Keyed:
    """Moments, and rows left out, of every key: a mapping from key to `Accumulated` that is a monoid.

    tallies : of the keys of which rows were left out; None for rows without a key. most : keys that fit into memory.
    A key is a level, or a tuple of levels where several columns make it. One that only incomplete rows had has no rows.
    """

    split: Split
    moments: KeyedMoments
    tallies: Mapping[Key | None, Tally]
    most: int

    def __add__(self, other: Keyed, /) -> Keyed:
        tallies = dict(self.tallies)
        for key, tally in other.tallies.items():
            tallies[key] = tallies[key] + tally if key in tallies else tally
        moments = self.moments + other.moments
        check_groups(self.split, len(moments), self.most, moments.dense.shape[1])
        return Keyed(self.split, moments, tallies, self.most)

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys, as tuples of levels, in canonical order."""
        return self.moments.keys

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Level | Key]:
        return map(plain_key, self.keys)

    def items(self) -> Iterator[tuple[Key, Accumulated]]:
        """Every key, as a tuple of levels, with its moments."""
        for place, key in enumerate(self.keys):
            yield key, Accumulated(self.moments.at(place), self.tallies.get(key, Tally()))

    def __getitem__(self, key: Level | Key) -> Accumulated:
        """The moments of one key. Raises OptionError for one that is not there."""
        whole = self._place(key)
        return Accumulated(self.moments.at(whole), self.tallies.get(self.keys[whole], Tally()))

    @property
    def tally(self) -> Tally:
        """All rows left out."""
        return sum(self.tallies.values(), Tally())

    @property
    def total(self) -> Accumulated:
        """The moments of all rows."""
        return self._of(np.arange(len(self)), list(self.tallies))

    def others(self, key: Level | Key) -> Accumulated:
        """The moments of all rows that have another key: summed, not subtracted."""
        place = self._place(key)
        chosen = np.delete(np.arange(len(self)), place)
        return self._of(chosen, [k for k in self.tallies if k is not None and k != self.keys[place]])

    def _of(self, chosen: Codes, keys: list[Key | None]) -> Accumulated:
        return Accumulated(self.moments.of(chosen), sum((self.tallies[key] for key in keys), Tally()))

    def _place(self, key: Level | Key) -> int:
        whole = key if isinstance(key, tuple) else (key,)
        if whole not in self.keys:
            known = [told(self.split, k) for k in self.keys]
            wanted = told(self.split, whole) if len(whole) == len(self.split.names) else repr(key)
            raise OptionError(f"there are no rows with {wanted}; there are {listing(known)}")
        return self.keys.index(whole)


@dataclass(frozen=True, slots=True)
class AccumulateKeyed:
    """The one pass, with the sums of every key apart.

    most : keys that fit into memory. centres : key -> variable or response row -> what is subtracted from it first, for
    keys that lie far apart; their sums do not add up to a total.
    """

    design: Design
    split: Split
    drop: bool = True
    most: int = 2**31
    centres: Mapping[Key, Mapping[str, float]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *self.split.columns)))

    @property
    def empty(self) -> Keyed:
        """The moments of no rows."""
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> Keyed:
        """The keyed moments of one unit."""
        lift = KeyedLift(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                lift.add(lift.reader.read(batch))
        return lift.keyed()


class KeyedReader(Reader):
    """Reads batches as `Reader` does, and knows the key of every row; a row without one is left out."""

    def __init__(self, task: AccumulateKeyed) -> None:
        super().__init__(task.design, drop=task.drop)
        self.task, self.keying = task, task.split.start()
        self.width = len(task.design.layout.rows)
        self.parts: Mapping[str, Codes] = {}
        self.here = np.zeros(0, np.int64)
        self.tallies: dict[int, Counts] = defaultdict(Counts)

    def read(self, batch: Batch) -> Observed:
        """Evaluate a batch, leave out what is not complete. Raises DataError beyond the keys that fit into memory."""
        self.parts = self.keying.parts(batch)
        self.here = self.keying.codes(batch, self.parts)
        check_groups(self.task.split, self.keying.size, self.task.most, self.width)
        observed = super().read(batch)
        self.here = self.here if observed.kept is None else self.here[observed.kept]
        return observed

    def _complete(self, batch: Batch, numbers: dict[str, Numbers], codes: dict[str, Codes]) -> Mask | None:
        return super()._complete(batch, numbers, {**codes, **self.parts})

    def leave_out(self, cause: str, gone: Mask, batch: Batch, missing: Mapping[str, Mask]) -> None:
        """Count rows of a batch that are left out, by key."""
        self.count({cause: gone}, missing, self.here)

    def count(self, causes: Mapping[str, Mask], columns: Mapping[str, Mask], keys: Codes) -> None:
        """Count marked rows by cause, by column and by key."""
        for cause, mask in causes.items():
            for key, n in _each(keys[mask]):
                self.tallies[key].causes[cause] += n
        for column, mask in columns.items():
            for key, n in _each(keys[mask]):
                self.tallies[key].columns[column] += n


@dataclass(slots=True)
class Counts:
    """Rows left out of one key so far."""

    causes: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)


class KeyedLift(Lift):
    """One unit under way, its sums apart by key."""

    reader: KeyedReader

    def __init__(self, task: AccumulateKeyed) -> None:
        super().__init__(task.design, drop=task.drop)
        self.task, self.reader = task, KeyedReader(task)
        design = task.design
        self.keyed_sums = KeyedAccumulator(self.layout, design.coordinates, design.terms.power_sums())

    def values(self, observed: Observed) -> dict[str, Vector]:
        """The values, told from the centre of each row's key where there are centres."""
        values, centres = Lift.values(self, observed), self.task.centres
        if centres is None:
            return values
        mine = [centres.get(key, {}) for key in self.reader.keying.keys]
        of_each = {name: np.array([c.get(name, 0.0) for c in mine]) for name in values}
        return {name: x - of_each[name][self.reader.here] for name, x in values.items()}

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Add the rows of a block to their keys; False, and nothing added, where a value is not finite."""
        weight, count, keys = part(observed.weight, rows), part(observed.count, rows), self.reader.here[rows]
        sizes = {**self.reader.sizes, KEY: self.reader.keying.size}
        regular = observed.kept is None and isinstance(rows, slice)
        cycle = self.task.split.cycle if regular else None
        added = self.keyed_sums.add(columns, keys, combined(weight, count), count, sizes, cycle)
        if added and weight is not None:
            self.keyed_sums.add_log_weights(keys, weight, count)
        return added

    def tally(self, causes: Mapping[str, Mask], columns: Mapping[str, Mask], observed: Observed, rows: slice) -> None:
        """Count rows of a block that are left out, by key."""
        self.reader.count(causes, columns, self.reader.here[rows])

    def finish(self) -> Accumulated:
        """The unit's partial result over all keys."""
        return self.keyed().total

    def keyed(self) -> Keyed:
        """The unit's partial result."""
        keys = list(self.reader.keying.keys)
        levels = {name: index.known for name, index in self.reader.levels.items()}
        tallies = {
            None if code < 0 else keys[code]: Tally(dict(c.causes), dict(c.columns))
            for code, c in sorted(self.reader.tallies.items())
        }
        return Keyed(self.task.split, self.keyed_sums.finish(keys, levels), tallies, self.task.most)


class KeyedRun(NamedTuple):
    """A design with its coordinates, the moments of every key, the source as it was read, and the pass."""

    design: Design
    keyed: Keyed
    source: Source
    task: AccumulateKeyed


def run_keyed(
    formula: str,
    source: Source,
    options: Options,
    engine: Engine,
    split: Split,
    progress: Progress | None = None,
    memory: int | None = None,
) -> KeyedRun:
    """Prepare, and one pass whose sums are kept for every fold or group.

    memory : bytes that the products of all keys may take, by default half of what the machine has free.
    Raises what a fit raises before its solve; DataError for more folds than rows, or more groups than memory allows.
    """
    split.check(source.schema)
    design, source = prepare(formula, source, options, aside=split.columns, several=True)
    task = AccumulateKeyed(design, split, options.drop, most_groups(design, memory))
    keyed = engine.fold(source, task, progress=progress)
    check_folds(keyed)
    return KeyedRun(design, keyed, source, task)


def most_groups(design: Design, memory: int | None = None) -> int:
    """How many keys' products fit into that many bytes."""
    width = len(design.layout.rows)
    return max(1, int((memory_limit() if memory is None else memory) / (8 * STACKS * width * width)))


def check_groups(split: Split, groups: int, most: int, width: int) -> None:
    """Raise DataError where there are more groups than fit into memory."""
    if groups > most:
        raise DataError(
            f"{split} makes more than {most:,} groups, and that many fit into memory: the products of {width} columns "
            f"take {readable(8 * width * width)} for each; leave terms out, group rare values, or write the column "
            "into the formula as a factor"
        )


def check_folds(keyed: Keyed, *, filled: bool = False) -> None:
    """Raise DataError where there are more folds than rows, or, where all must be `filled`, a fold has no rows."""
    rows = int(keyed.moments.rows.sum())
    if not isinstance(keyed.split, Folds):
        return
    if keyed.split.count > rows:
        raise DataError(f"{keyed.split}, but only {rows:,} complete rows; take at most as many folds as there are rows")
    empty = [told(keyed.split, key) for key, n in zip(keyed.keys, keyed.moments.rows, strict=True) if not n]
    if filled and empty:
        raise DataError(f"{keyed.split}: no complete row is in {', '.join(empty)}; take fewer folds")


def plain_key(key: Key) -> Level | Key:
    """A key of one column is its level."""
    return key[0] if len(key) == 1 else key


def _each(codes: Codes) -> Iterator[tuple[int, int]]:
    """Each code with how often it occurs."""
    values, counts = np.unique(codes, return_counts=True)
    return zip(values.tolist(), counts.tolist(), strict=True)
