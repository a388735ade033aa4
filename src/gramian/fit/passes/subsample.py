"""A subsample of the rows for starting values: units and rows at even distances, without randomness.

A fit that starts from it gives the same result in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from gramian.batch import Batch, Source, Unit
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.linalg.factors.levels import canonical, positions
from gramian.typing import Codes, Level, Vector

MAX_UNITS = 16  # units of which the first batch is read
MAX_ROWS = 65_536  # rows of a subsample
FEW = 32_768  # sources with at most so many rows are read completely: a pass over them costs no more than a sample
MIN_ROWS = 2_048  # rows of a subsample of such a source, at least
SHARE = 8  # one row of so many
ROWS_PER_COLUMN = 20  # rows for each model column, at least
RARE = 0.05  # share of an outcome below which cases and controls are sampled at different rates


@dataclass(frozen=True, slots=True)
class Sample:
    """Complete rows in memory.

    Attributes
    ----------
    parts : tuple of Observed
        Evaluated batches.
    levels : mapping of factor to levels
        Levels that the codes of the parts refer to.
    is_complete : bool
        Whether the source has no other rows.
    """

    parts: tuple[Observed, ...]
    levels: dict[str, Sequence[Level]]
    is_complete: bool = False

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(p.rows for p in self.parts)


def draw(source: Source, design: Design) -> Sample:
    """Complete rows of the first batches of at most `MAX_UNITS` units, or of all rows where there are few.

    Only rows with a finite outcome; predictors may be infinite.
    """
    reader, (response,) = Reader(design), design.outcome
    parts, rows_read = [], 0
    with np.errstate(all="ignore"):
        for batch in _first_batches(source, design.columns):
            rows_read += batch.rows
            observed = reader.read(batch)
            if observed.rows:
                parts.append(finite(observed, (response,)))
    levels = {name: index.levels for name, index in reader.levels.items()}
    return Sample(tuple(parts), levels, source.rows is not None and rows_read >= source.rows)


def has_few_rows(source: Source) -> bool:
    """Whether a source has so few rows that a sample reads all of them."""
    return source.rows is not None and source.rows <= FEW


def _first_batches(source: Source, columns: Sequence[str]) -> Iterator[Batch]:
    """The first batch of each chosen unit, or all its batches where there are few rows."""
    max_batches = None if has_few_rows(source) else 1
    for unit in _evenly_spaced(tuple(source.units)):
        yield from islice(unit.batches(columns), max_batches)


def rows_needed(sample: Sample, columns: int) -> int:
    """Rows of a sample that are enough for starting values of a model with that many columns."""
    if not sample.is_complete:
        return MAX_ROWS
    needed = max(MIN_ROWS, sample.rows // SHARE, ROWS_PER_COLUMN * columns)
    return needed if needed <= sample.rows // 2 else sample.rows


def varies(sample: Sample, response: str) -> bool:
    """Whether the outcome has more than one value."""
    ends = [(float(y.min()), float(y.max())) for p in sample.parts if len(y := p.values[response])]
    return bool(ends) and min(low for low, _ in ends) < max(high for _, high in ends)


def subsample(sample: Sample, rows: int = MAX_ROWS) -> Sample:
    """At most `rows` rows, at even distances."""
    step = -(-sample.rows // rows)  # rounded up, so that at most `rows` remain
    if step <= 1:
        return sample
    return replace(sample, parts=tuple(take(p, slice(0, p.rows, step)) for p in sample.parts), is_complete=False)


def case_control(sample: Sample, response: str, rows: int = MAX_ROWS) -> tuple[Sample, float]:
    """About `rows` rows of a 0/1 outcome, the rarer value sampled at a higher rate; and the shift of the intercept.

    The shift is the logarithm of the ratio of the sampling rates of ones and zeros. The intercept of a logit fitted to
    the sample is too high by it; the slopes are consistent. It is 0 where all rows are sampled at one rate.

    References
    ----------
    Prentice, R. L. and Pyke, R. (1979). Logistic disease incidence models and case-control studies. Biometrika 66.
    """
    y = np.concatenate([p.values[response] for p in sample.parts]) if sample.parts else np.zeros(0)
    ones = float((y == 1.0).sum())
    if not len(y) or (y * (1.0 - y)).any() or not 0.0 < min(ones, len(y) - ones) < RARE * len(y):
        return subsample(sample, rows), 0.0
    rare = 1.0 if ones < len(y) / 2 else 0.0
    rare_count = int(min(ones, len(y) - ones))
    # one of so many: cases fill at most half of the rows, controls the rest, or more if that is not ten for each case
    cases, controls = (
        -(-rare_count * 2 // rows),
        -(-(len(y) - rare_count) // max(rows - rare_count, 10 * rare_count, 4096)),
    )
    parts = tuple(take(p, _cases(p.values[response], rare, cases, controls)) for p in sample.parts)
    shift = float(np.log(controls / cases))
    return replace(sample, parts=parts, is_complete=False), shift if rare == 1.0 else -shift


def compact(sample: Sample) -> Sample:
    """The sample with only the levels that occur in its rows, in canonical order."""
    used = {
        n: np.unique(np.concatenate([p.codes[n] for p in sample.parts] or [np.zeros(0, int)])) for n in sample.levels
    }
    levels = {n: canonical({names[c] for c in used[n]}) for n, names in sample.levels.items()}
    maps = {n: positions(names, levels[n]) for n, names in sample.levels.items()}
    parts = (replace(p, codes={n: maps[n][c] for n, c in p.codes.items()}) for p in sample.parts)
    return replace(sample, parts=tuple(parts), levels=levels)


def _cases(y: Vector, rare: float, cases: int, controls: int) -> Codes:
    """Positions, in order, of each `cases`-th row with the rare outcome and each `controls`-th of the others."""
    rows = np.concatenate([np.flatnonzero(y == rare)[::cases], np.flatnonzero(y != rare)[::controls]])
    return np.sort(rows)


def _evenly_spaced(units: Sequence[Unit]) -> list[Unit]:
    """At most `MAX_UNITS` units at even distances, the first and the last among them."""
    positions = np.unique(np.linspace(0, max(len(units) - 1, 0), MAX_UNITS).round().astype(int))
    return [units[i] for i in positions if i < len(units)]


def finite(observed: Observed, names: Iterable[str] | None = None) -> Observed:
    """The rows in which every value, or every value of these variables, and the offset are finite."""
    good = np.ones(observed.rows, bool) if observed.offset is None else np.isfinite(observed.offset)
    for name in observed.values if names is None else names:
        good &= np.isfinite(observed.values[name])
    return observed if good.all() else take(observed, np.flatnonzero(good))


def take(observed: Observed, rows: Codes | slice) -> Observed:
    """The rows at these positions, or of this slice, of an evaluated batch, copied.

    Rows that are far from each other in memory are read once here, and not in every step on a sample.
    """
    return replace(
        observed,
        rows=len(range(observed.rows)[rows]) if isinstance(rows, slice) else len(rows),
        values={k: np.ascontiguousarray(v[rows]) for k, v in observed.values.items()},
        codes={k: c[rows] for k, c in observed.codes.items()},
        offset=None if observed.offset is None else observed.offset[rows],
        weight=None if observed.weight is None else observed.weight[rows],
        count=None if observed.count is None else observed.count[rows],
        row_mask=None,
    )
