"""Batches to rows of a wide design: complete and finite, less a shift where numbers are far from zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import issparse

from gramian.batch import Batch
from gramian.column import EXACT_INTEGER
from gramian.data.sparse import floats
from gramian.errors import DataError
from gramian.fit.wide.design import WideDesign
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import Observed, Reader
from gramian.linalg.doubledouble import Pair, pair, two_product, two_sum
from gramian.linalg.wide.kernels import Kernel
from gramian.linalg.wide.rows import Rows
from gramian.typing import Mask, Matrix, Vector

FIRST = 4096  # rows from which shifts are chosen


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How batches are read.

    Attributes
    ----------
    design : WideDesign
        Columns and matrices to read.
    drop : bool
        Whether rows with missing or infinite values are dropped and counted; else they raise DataError.
    shifts : tuple of ndarray or None
        For each part (k,) numbers subtracted from its columns; None before any row was seen.
    outcome : float
        Number subtracted from the outcome.
    """

    design: WideDesign
    drop: bool = True
    shifts: tuple[Vector | None, ...] | None = None
    outcome: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns and matrices that are read."""
        return self.design.columns

    def rows(self, batches: Iterable[Batch]) -> Iterator[Block]:
        """A block for each batch, which may be empty."""
        reader = Reader(self.design.narrow, drop=self.drop)
        for batch in batches:
            with np.errstate(all="ignore"):
                observed = reader.read(batch)
            # counts go with the block, so that they add up whatever the order of units
            dropped_rows, reader.dropped_rows = reader.dropped_rows, DroppedRows()
            yield self._block(batch, observed, dropped_rows)

    def _block(self, batch: Batch, observed: Observed, dropped_rows: DroppedRows) -> Block:
        """The complete rows of a batch, shifted, and counts of the others."""
        (response,) = self.design.narrow.outcome
        y = observed.values[response]
        y = y if observed.offset is None else y - observed.offset
        parts = list(self._parts(batch, observed))
        good, not_finite = finite({response.lstrip("~"): y}, parts, self._labels())
        dropped_rows += self._count_dropped(good, not_finite, observed, y, parts)
        selected = slice(None) if good is None else good
        finite_parts = [part[selected] for part in parts] if good is not None else parts
        weight = weights(observed, selected)
        shifts = self.shifts or (None,) * len(finite_parts)
        shifted_parts = [shifted(part, t) for part, t in zip(finite_parts, shifts, strict=True)]
        right = Pair(*two_sum(y[selected], np.full(1, -self.outcome))) if self.outcome else pair(y[selected])
        rows = Rows(tuple(m[0] for m in shifted_parts), tuple(m[1] for m in shifted_parts), right, weight)
        count = int(observed.count[selected].sum()) if observed.count is not None else rows.rows
        logs = 0.0 if observed.weight is None else _logs(observed, selected)
        return Block(rows, count, logs, dropped_rows)

    def _labels(self) -> list[tuple[str, ...] | str]:
        """Names for error messages: of the columns of the first part, then of each matrix."""
        first: list[tuple[str, ...] | str] = [self.design.variables] if self.design.variables else []
        return [*first, *(m.name if m.places is None else tuple(m.names) for m in self.design.matrices)]

    def _parts(self, batch: Batch, observed: Observed) -> Iterator[Any]:
        """The parts of X for the rows that were read: columns that are named one by one, then each matrix."""
        if self.design.variables:
            columns = [observed.values[v] for v in self.design.variables]
            yield np.column_stack(columns) if observed.rows else np.zeros((0, len(columns)))
        for m in self.design.matrices:
            part = batch.matrices[m.name]
            part = part if observed.row_mask is None else part[np.flatnonzero(observed.row_mask)]
            part = part if m.places is None else part[:, m.places]
            # before the conversion, which would round without a word
            check_integers(m.name, part, batch.where)
            yield floats(part) if issparse(part) else part.astype(np.float64, copy=False)

    def _count_dropped(
        self, good: Mask | None, not_finite: Mapping[str, int], observed: Observed, y: Vector, parts: Sequence[Any]
    ) -> DroppedRows:
        """Counts of rows with a value that is not finite; DataError where these are not dropped.

        good : (n,) finite rows, None for all. not_finite : column or matrix -> number of such rows. y : (n,). parts :
        (n, k).
        """
        if good is None:
            return DroppedRows()
        if not self.drop:
            row = observed.row_number(int(np.argmin(good)))
            name = next(iter(not_finite))
            raise DataError(
                f"row {row}: '{name}' is missing or infinite (na=\"drop\" leaves such rows out)", observed.where
            )
        dropped = int((~good).sum())
        nan = int((~good & _any(np.isnan, y, parts)).sum())
        return DroppedRows({k: n for k, n in {"nan": nan, "infinite": dropped - nan}.items() if n}, not_finite)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The rows of a batch.

    Attributes
    ----------
    rows : Rows
        Shifted rows.
    count : int
        Number of rows; with frequency weights their sum.
    log_weight : float
        Sum of the logarithms of the weights.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    """

    rows: Rows
    count: int
    log_weight: float
    dropped_rows: DroppedRows


@dataclass(frozen=True, slots=True, eq=False)
class KernelSums:
    """Sums of several kernels over rows.

    Attributes
    ----------
    sums : tuple
        One partial sum for each kernel.
    count, log_weight, dropped_rows
        As in `Block`.
    """

    sums: tuple[Any, ...]
    count: int = 0
    log_weight: float = 0.0
    dropped_rows: DroppedRows = field(default_factory=DroppedRows)

    def __add__(self, other: KernelSums, /) -> KernelSums:
        """The sums over both sets of rows."""
        sums = tuple(a + b for a, b in zip(self.sums, other.sums, strict=True))
        return KernelSums(
            sums, self.count + other.count, self.log_weight + other.log_weight, self.dropped_rows + other.dropped_rows
        )


@dataclass(frozen=True, slots=True, eq=False)
class WidePass:
    """The pass that an engine runs: sums of kernels over all rows.

    Attributes
    ----------
    reading : Reading
        How batches are read.
    kernels : tuple of Kernel
        What is summed.
    """

    reading: Reading
    kernels: tuple[Kernel[Any], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns and matrices that are read."""
        return self.reading.columns

    @property
    def empty(self) -> KernelSums:
        """The sums over no rows."""
        # kernels of no rows give zeros of the right shapes
        return KernelSums(tuple(kernel(no_rows(self.reading.design)) for kernel in self.kernels))

    def accumulate(self, batches: Iterable[Batch], /) -> KernelSums:
        """The sums over one unit."""
        total = self.empty
        for block in self.reading.rows(batches):
            if block.rows.rows:
                sums = tuple(kernel(block.rows) for kernel in self.kernels)
                total = total + KernelSums(sums, block.count, block.log_weight, block.dropped_rows)
            else:
                total = total + KernelSums(self.empty.sums, 0, 0.0, block.dropped_rows)
        return total


def no_rows(design: WideDesign) -> Rows:
    """No rows of a design."""
    widths = ([len(design.variables)] if design.variables else []) + [m.width for m in design.matrices]
    return Rows(tuple(np.zeros((0, k)) for k in widths), (None,) * len(widths), pair(np.zeros(0)))


def weights(observed: Observed, selected: Any) -> Pair | None:
    """Weight of each row, (n,): analytic weights, frequency weights, or their product; None without weights."""
    factors = [v[selected] for v in (observed.weight, observed.count) if v is not None]
    # the exact product of two doubles, as hi + lo
    if len(factors) == 2:
        return Pair(*two_product(factors[0], factors[1]))
    return pair(factors[0]) if factors else None


def _logs(observed: Observed, selected: Any) -> float:
    """Sum of the logarithms of the weights, each as often as its frequency."""
    assert observed.weight is not None
    logs = np.log(observed.weight[selected])
    return float(logs.sum() if observed.count is None else logs @ observed.count[selected])


def shifted(part: Any, shift: Vector | None) -> tuple[Any, Matrix | None]:
    """A dense part less its shifts, and the rounding error of that, (n, k) or None; a sparse part stays as it is."""
    if shift is None or issparse(part) or not shift.any():
        return part, None
    # the exact difference as hi + lo, so that a shift loses nothing
    hi, lo = two_sum(part, np.broadcast_to(-shift, part.shape))
    return hi, lo if lo.any() else None


def choose_shifts(rows: Rows) -> tuple[tuple[Vector | None, ...], float]:
    """Shifts for the columns of each part, and for the outcome: round numbers near the mean of the first rows.

    Only columns whose mean exceeds their standard deviation are shifted; sparse parts never, as zeros would be lost.
    """
    shifts = tuple(None if issparse(part) else _shifts(part[:FIRST]) for part in rows.parts)
    return shifts, float(_shifts(rows.y.hi[:FIRST, None])[0])


@np.errstate(over="ignore", invalid="ignore")  # where squares overflow, there is no shift
def _shifts(x: Matrix) -> Vector:
    """Shifts (k,) of the columns of x, (n, k)."""
    if not len(x):
        return np.zeros(x.shape[1])
    mean, std = x.mean(axis=0), x.std(axis=0)
    # a multiple of a power of two near the standard deviation has few bits, so most differences are exact
    grid = np.exp2(np.floor(np.log2(np.where(std > 0.0, std, 1.0))))
    # a column that does not vary is shifted by its value, so that it becomes exactly zero
    near = np.where(std > 0.0, np.round(mean / grid) * grid, x[0])
    return np.where(np.isfinite(near) & (np.abs(mean) > std), near, 0.0)


def check_integers(name: str, part: Any, where: str) -> None:
    """Raise DataError for an integer that float64 cannot represent exactly."""
    values = part.data if issparse(part) else part
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size:
        worst = max(int(values.max()), -int(values.min()))
        if worst > EXACT_INTEGER:
            raise DataError(
                f"the matrix '{name}' holds an integer of size {worst}, beyond 2^53: as float64 it would be rounded",
                where,
            )


def finite(
    vectors: Mapping[str, Vector], parts: Sequence[Any], labels: Sequence[tuple[str, ...] | str]
) -> tuple[Mask | None, dict[str, int]]:
    """Which rows are finite, (n,) or None for all, and the number of rows that are not by column or matrix.

    vectors : name -> (n,). parts : (n, k) each. labels : for each part the names of its columns, or one name for all.
    """
    bad: dict[str, Mask] = {}
    for name, v in vectors.items():
        if not np.isfinite(v.sum()) and not np.isfinite(v).all():
            bad[name] = ~np.isfinite(v)
    for part, label in zip(parts, labels, strict=True):
        bad |= _bad(part, label)
    if not bad:
        return None, {}
    return ~np.logical_or.reduce(list(bad.values())), {name: int(mask.sum()) for name, mask in bad.items()}


def _bad(part: Any, label: tuple[str, ...] | str) -> dict[str, Mask]:
    """Column -> (n,) rows in which this part is not finite; empty where all are finite."""
    values = part.data if issparse(part) else part
    with np.errstate(all="ignore"):
        # one sum instead of a mask: it is finite only if every entry is, but for overflow, which the mask then decides
        if np.isfinite(values.sum()) or np.isfinite(values).all():
            return {}
    if issparse(part):
        rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        wrong = ~np.isfinite(part.data)
        pairs = zip(part.indices[wrong].tolist(), rows[wrong].tolist(), strict=True)
        return _named(_grouped(pairs), part.shape[0], label)
    where = np.argwhere(~np.isfinite(part))
    return _named(_grouped(zip(where[:, 1].tolist(), where[:, 0].tolist(), strict=True)), len(part), label)


def _grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Column -> rows, from pairs (column, row)."""
    out: dict[int, list[int]] = {}
    for column, row in pairs:
        out.setdefault(column, []).append(row)
    return out


def _named(rows_by_column: Mapping[int, list[int]], rows: int, label: tuple[str, ...] | str) -> dict[str, Mask]:
    """Name of a column -> (n,) mask, from its rows."""
    out = {}
    for column, places in rows_by_column.items():
        mask = np.zeros(rows, bool)
        mask[places] = True
        out[label[column] if isinstance(label, tuple) else f"{label}[{column}]"] = mask
    return out


def _any(test: Any, y: Vector, parts: Sequence[Any]) -> Mask:
    """Which rows, (n,), have a value in the outcome or in a part for which the test is true."""
    marked = np.asarray(test(y))
    for part in parts:
        if issparse(part):
            hit = np.asarray(test(part.data))
            marked = marked | (
                np.bincount(np.repeat(np.arange(len(y)), np.diff(part.indptr))[hit], minlength=len(y)) > 0
            )
        else:
            marked = marked | test(part).any(axis=1)
    return np.asarray(marked)
