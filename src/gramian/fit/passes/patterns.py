"""Reads rows for several samples at once, each with the rows that have all of its columns.

A row's *pattern* says to which samples it belongs: bit i for sample i. Rows of one pattern share their sums, and a
sample is the sum over the patterns that have its bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from gramian.batch import Batch
from gramian.column import Numbers
from gramian.fit.passes.keys import Grouping, RowKeys
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import COUNTS, OFFSET, WEIGHTS, Observed, Reader
from gramian.linalg.keyed.moments import Key
from gramian.linalg.monomials import power_sums
from gramian.typing import Codes, Mask, Matrix, Vector

PRESENT, NULL, ZERO_WEIGHT, NAN, INFINITE = range(5)  # the states of a value
CAUSES = ("null", "zero weight", "nan", "infinite")  # of the last four; a row counts under the first that it has
Centres: TypeAlias = Mapping[Key, Mapping[str, float]]
MAX_PACKED = 20  # columns whose states, of three bits each, fit into one integer
ANY_LEVEL = ""  # stands in for missing levels of a factor that has none yet


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of rows, each those that have some columns.

    Attributes
    ----------
    columns : tuple of str
        Names of all columns, as dropped rows are counted by.
    needs : tuple of frozenset of str
        Columns that each sample needs.
    """

    columns: tuple[str, ...]
    needs: tuple[frozenset[str], ...]

    @property
    def incidence(self) -> Matrix:
        """Which sample needs which column, (samples, columns)."""
        return np.array([[name in need for name in self.columns] for need in self.needs], np.float32)


def needed(design: Design, keys: Sequence[str] = ()) -> frozenset[str]:
    """Names of the columns without which a row does not enter a fit. keys : columns that make groups."""
    options = [name for name, column in (("weights", design.weight), ("counts", design.count)) if column]
    responses = [name.removeprefix("~") for name in design.outcome]
    offset = [OFFSET.lstrip("=")] if design.offsets else []
    return frozenset([*design.terms.variables, *design.terms.factors, *responses, *options, *offset, *keys])


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Dropped rows of the samples; they add.

    Attributes
    ----------
    causes : ndarray of shape (4, samples + 1)
        Rows by cause (`CAUSES`); the last column counts those that are in no sample.
    columns : ndarray of shape (samples + 1, columns)
        Rows in which each column is null, or not finite although no column of the sample is null.
    """

    causes: Codes
    columns: Codes

    def __add__(self, other: Tally, /) -> Tally:
        return Tally(self.causes + other.causes, self.columns + other.columns)

    def of(self, sample: int, samples: Samples) -> DroppedRows:
        """Dropped rows of a sample; of -1 those that are in none."""
        need = frozenset(samples.columns) if sample < 0 else samples.needs[sample]
        causes = {cause: n for cause, n in zip(CAUSES, self.causes[:, sample].tolist(), strict=True) if n}
        columns = zip(samples.columns, self.columns[sample].tolist(), strict=True)
        return DroppedRows(causes, {name: n for name, n in columns if n and name in need})


class Missing(NamedTuple):
    """The distinct combinations of missing values in a batch.

    Attributes
    ----------
    rows : (m,) int
        Rows with a missing value.
    combination : (m,) int
        Which combination each of them has.
    states : (u, columns) int
        State of each column in each combination.
    causes : (4, u, samples + 1) bool
        Why a row of each combination is in no sample, the last time in none at all.
    member : (u, samples) bool
        Samples to which rows of each combination belong.
    """

    rows: Codes
    combination: Codes
    states: Codes
    causes: Mask
    member: Mask


@dataclass(slots=True)
class Uncommitted:
    """What one reading of a batch adds to the counts of its unit: (code of the group, sums) each."""

    tallies: list[tuple[int, Tally]] = field(default_factory=list)
    powers: list[tuple[int, str, Vector]] = field(default_factory=list)


class PatternReader(Reader):
    """Reads batches with all their rows, and finds the group and the pattern of each.

    After `read`, `all_complete` says whether every row belongs to all samples; after `some`, `key_codes` holds the code
    of the group and pattern of each of these rows. What was counted is kept by `commit`.

    Parameters
    ----------
    design : Design
        The columns of all samples.
    samples : Samples
        What each sample needs.
    grouping : Grouping or None
        What gives each row its group.
    centres : mapping of key to mapping of name to float, optional
        What is subtracted from the variables of a group.
    """

    def __init__(
        self, design: Design, samples: Samples, grouping: Grouping | None, centres: Centres | None = None
    ) -> None:
        super().__init__(design)
        self.centres = centres
        self.samples, self.incidence = samples, samples.incidence
        self.row_keys = KeysWithPattern(None if grouping is None else grouping.start(), len(samples.needs))
        self.names = () if grouping is None else grouping.names
        self.finite = True  # whether values that are not finite are looked for
        self.all_complete = True
        self.row_patterns = self.groups = self.key_codes = np.zeros(0, np.int64)
        self.level_codes: Mapping[str, Codes] = {}
        self.states: dict[str, Codes] = {}
        self.uncommitted = Uncommitted()
        self.tallies: dict[int, Tally] = {}
        self.powers: dict[tuple[int, str], Vector] = {}

    def read(self, batch: Batch) -> Observed:
        """Evaluate a batch: all its rows, with zeros of their coordinates where values are missing."""
        self.uncommitted = Uncommitted()
        self.level_codes, self.groups = self.row_keys.group_codes(batch)
        return super().read(batch)

    def some(self, observed: Observed, rows: Codes) -> Observed:
        """Some rows of the batch that was read; `key_codes` are those of them."""
        self.key_codes = self.row_keys.joint(self.groups[rows], self.row_patterns[rows])
        return observed.take(rows)

    @property
    def complete(self) -> Mask:
        """Rows (n,) of the batch that belong to all samples."""
        return np.equal(self.row_patterns, self.row_keys.complete)

    @property
    def entered(self) -> Mask:
        """Rows (n,) of the batch that belong to some sample."""
        return np.not_equal(self.row_patterns, self.row_keys.patterns.get(0, -1))

    def commit(self) -> None:
        """Keep what the last reading has counted."""
        for group, tally in self.uncommitted.tallies:
            self.tallies[group] = self.tallies[group] + tally if group in self.tallies else tally
        for group, name, sums in self.uncommitted.powers:
            self.powers[group, name] = self.powers[group, name] + sums if (group, name) in self.powers else sums

    def _complete(self, batch: Batch, numbers: dict[str, Numbers], codes: dict[str, Codes]) -> Mask | None:
        self.states = self._states(batch, numbers, {**codes, **self.level_codes})
        self.row_patterns = np.full(batch.rows, self.row_keys.complete, np.int64)
        self.all_complete = not self.states
        self._add_powers(batch, numbers)
        if self.all_complete:
            return None
        missing = self._missing()
        place = np.array([self.row_keys.pattern(row) for row in missing.member], np.int64)
        self.row_patterns[missing.rows] = place[missing.combination]
        self._count(missing)
        self._fill(numbers, codes, batch.where)
        return None

    def _states(self, batch: Batch, numbers: dict[str, Numbers], codes: dict[str, Codes]) -> dict[str, Codes]:
        """Name -> states (n,) of the columns in which a value is missing."""
        absent = {k: ~n.present for k, n in numbers.items() if n.present is not None and not n.present.all()}
        absent |= {name: c < 0 for name, c in codes.items() if len(c) and c.min() < 0}
        states: dict[str, Codes] = {}
        for key, mask in absent.items():
            _mark(states, key, np.where(mask, NULL, PRESENT).astype(np.uint8))
        for key in (WEIGHTS, COUNTS):
            if key in numbers and (zero := numbers[key].values == 0.0).any():  # it would count in degrees of freedom
                _mark(states, key, np.where(zero, ZERO_WEIGHT, PRESENT).astype(np.uint8))
        if not self.finite:
            return states
        values = {k: n.values for k, n in numbers.items() if k not in (WEIGHTS, COUNTS)}  # these are refused
        if self.design.matrix is not None:
            matrix = batch.matrices[self.design.matrix[0]]
            values |= {name: matrix[:, i] for i, name in enumerate(self.design.matrix_variables)}
        for key, x in values.items():
            not_finite = ~np.isfinite(x)
            if key in absent:
                not_finite &= ~absent[key]
            if not_finite.any():
                _mark(states, key, np.where(not_finite, np.where(np.isnan(x), NAN, INFINITE), 0).astype(np.uint8))
        return states

    def _missing(self) -> Missing:
        """The combinations of missing values in the batch."""
        stacked = np.stack(list(self.states.values()))
        rows = np.flatnonzero(stacked.any(axis=0))
        first, combination = _distinct(stacked[:, rows])
        states = np.zeros((len(first), len(self.samples.columns)), np.int64)
        states[:, [self.samples.columns.index(name) for name in self.states]] = stacked[:, rows[first]].T
        each = [states == state for state in (NULL, ZERO_WEIGHT, NAN, INFINITE)]
        hit = np.stack([np.dot(has, self.incidence.T) > 0 for has in each])
        member = np.logical_not(hit.any(axis=0))
        none = ~member.any(axis=1)
        own = np.stack([has.any(axis=1) & none for has in each])
        causes = np.concatenate([hit, own[:, :, None]], axis=2)
        causes[1:] &= ~np.logical_or.accumulate(causes, axis=0)[:-1]  # a row counts once, under its first cause
        return Missing(rows, combination, states, causes, member)

    def _count(self, missing: Missing) -> None:
        """Count the rows that are missing in samples, by group."""
        pairs, counts = np.unique(
            (self.groups[missing.rows] + 1) * len(missing.states) + missing.combination, return_counts=True
        )
        groups, at = np.divmod(pairs, len(missing.states))
        null, not_finite = missing.states == NULL, missing.states >= NAN
        for group in np.unique(groups).tolist():
            own = at[groups == group]
            n = counts[groups == group]
            causes = np.tensordot(missing.causes[:, own], n, axes=(1, 0))
            there = ~missing.causes[:2, own].any(axis=0)
            columns = np.dot(n, null[own]) + np.dot(there.T * n, not_finite[own])
            columns[-1] = np.dot(n * missing.causes[:, own, -1].any(axis=0), null[own] | not_finite[own])
            self.uncommitted.tallies.append((group - 1, Tally(causes, columns)))

    def _fill(self, numbers: dict[str, Numbers], codes: dict[str, Codes], where: str) -> None:
        """Replace what is missing by values that add nothing; no sample that needs the column has these rows."""
        for key, n in numbers.items():
            state = self.states.get(_part(key))
            if state is not None:
                own = self.design.coordinates[key].shift if key in self.design.coordinates else 1.0
                numbers[key] = Numbers(np.where(state == PRESENT, n.values, own), None)
        for name, c in codes.items():
            if name in self.states and len(c) and c.min() < 0:
                if not len(self.levels[name]):  # any level will do, and leaves again with its rows
                    self.levels[name].encode(np.zeros(1, np.int64), [ANY_LEVEL], where)
                codes[name] = np.maximum(c, 0)
        self.sizes = self._sizes()

    def _matrix(self, batch: Batch, rows: Codes | None) -> Matrix | None:
        matrix = super()._matrix(batch, rows)
        if matrix is None or not self.states.keys() & {*self.design.matrix_variables}:
            return matrix
        return np.where(np.isfinite(matrix), matrix, 0.0)

    def _add_powers(self, batch: Batch, numbers: dict[str, Numbers]) -> None:
        """Sum the powers of variables on whose distribution columns depend, over all rows that have them."""
        counts = numbers[COUNTS].values if COUNTS in numbers else None
        for name, top in self.design.terms.power_sums.items():
            values = numbers[name].values if name in numbers else self._in_place(name, batch)
            there = np.isfinite(values) & (self.states.get(name, np.zeros(1, np.uint8)) == PRESENT) & (self.groups >= 0)
            if counts is not None:
                there &= np.isfinite(counts) & (counts > 0)
            for group in np.unique(self.groups[there]).tolist():
                rows = there & (self.groups == group)
                centre = (self.centres or {}).get(self.row_keys.group(group), {}).get(name, 0.0)
                u = self.design.coordinates[name].stored(values[rows] - centre)
                sums = power_sums(u, None if counts is None else counts[rows], top + 1)
                self.uncommitted.powers.append((group, name, sums))


class KeysWithPattern:
    """Codes of pairs of a group and a pattern, in the order of their first appearance.

    Parameters
    ----------
    row_keys : RowKeys or None
        The groups.
    samples : int
        Number of samples.
    """

    def __init__(self, row_keys: RowKeys | None, samples: int) -> None:
        self.row_keys, self.samples = row_keys, samples
        self.patterns: dict[int, int] = {}  # bits -> code
        self.pairs: dict[tuple[int, int], int] = {}
        self.complete = self.pattern(np.ones(samples, bool))

    @property
    def size(self) -> int:
        """Number of pairs so far."""
        return len(self.pairs)

    @property
    def keys(self) -> Sequence[Key]:
        """The levels of the group, then the bits of the pattern, of each code."""
        bits = list(self.patterns)
        return [(*self.group(group), bits[pattern]) for group, pattern in self.pairs]

    def group(self, code: int) -> Key:
        """The levels of a group."""
        return () if self.row_keys is None else self.row_keys.keys[code]

    def pattern(self, member: Mask) -> int:
        """The code of a pattern. member : (samples,) whether a row belongs to each."""
        bits = int.from_bytes(np.packbits(member, bitorder="little").tobytes(), "little")
        return self.patterns.setdefault(bits, len(self.patterns))

    def group_codes(self, batch: Batch) -> tuple[Mapping[str, Codes], Codes]:
        """Codes of the columns that make groups, and of the groups, (n,)."""
        if self.row_keys is None:
            return {}, np.zeros(batch.rows, np.int64)
        parts = self.row_keys.parts(batch)
        return parts, self.row_keys.codes(batch, parts)

    def joint(self, groups: Codes, patterns: Codes) -> Codes:
        """Codes (n,) of pairs."""
        size = len(self.patterns)
        distinct, inverse = np.unique(groups * size + patterns, return_inverse=True)
        pairs = [divmod(pair, size) for pair in distinct.tolist()]
        own = [self.pairs.setdefault(pair, len(self.pairs)) for pair in pairs]
        return np.array(own, np.int64)[inverse]


def _part(key: str) -> str:
    """The name under which dropped rows are counted, of a variable, response row or option."""
    return key.lstrip("~=")


def _mark(states: dict[str, Codes], key: str, own: Codes) -> None:
    """Add states (n,) to those of a column; a null counts before a value that is not finite."""
    name = _part(key)
    states[name] = np.where(states[name] == PRESENT, own, states[name]) if name in states else own


def _distinct(states: Codes) -> tuple[Codes, Codes]:
    """First place of every distinct column, and which one each column is. states : (k, m)."""
    if len(states) <= MAX_PACKED:
        shifts = 3 * np.arange(len(states))[:, None]
        packed = (states.astype(np.int64) << shifts).sum(axis=0)
        _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(states, axis=1, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)
