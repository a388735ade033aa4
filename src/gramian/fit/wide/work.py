"""Sums over the rows of a wide problem: over blocks in memory, or streamed by an engine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain, islice, pairwise
from operator import add
from typing import Any

import numpy as np

from gramian.batch import Source
from gramian.engines.progress import Silent, watched
from gramian.errors import DataError, NumericalError
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.memory import memory_limit
from gramian.fit.wide.accumulate import Block, Reading, WidePass, choose_shifts, no_rows, shifted
from gramian.fit.wide.solver import ENTRY
from gramian.formula.dropped_rows import NO_ROWS, DroppedRows
from gramian.linalg.doubledouble import Pair, two_sum
from gramian.linalg.wide.kernels import Kernel
from gramian.linalg.wide.rows import Rows, pieces, stacked
from gramian.typing import Vector

FEW = 16  # blocks that stay as they are; more of them are joined and cut anew
STRANDS = 8  # groups of blocks summed side by side; independent of the threads, so that sums have the same bits


@dataclass(slots=True)
class RowsInMemory:
    """Rows in memory. Groups of blocks are summed by threads, and these sums are added in the order of the blocks.

    Attributes
    ----------
    blocks : tuple of Rows
        The rows.
    pool : ThreadPoolExecutor or None
        Threads; None for the calling thread alone.
    passes : int
        Passes over the source.
    """

    blocks: tuple[Rows, ...]
    pool: ThreadPoolExecutor | None
    passes: int = 1

    def fold(self, kernels: Sequence[Kernel[Any]]) -> list[Any]:
        """The sums of the kernels over all rows, one for each kernel."""
        ends = np.linspace(0, len(self.blocks), min(STRANDS, len(self.blocks)) + 1).astype(int).tolist()
        strands = [self.blocks[a:b] for a, b in pairwise(ends)]
        run: Any = map if self.pool is None or len(strands) < 2 else self.pool.map
        partial_sums = run(lambda strand: _sums(kernels, strand), strands)
        return [reduce(_added, sums) for sums in zip(*partial_sums, strict=True)]


def _sums(kernels: Sequence[Kernel[Any]], blocks: Sequence[Rows]) -> list[Any]:
    """The sums of the kernels over some blocks; all kernels on a block before the next, so that it is read once."""
    out = [kernel(blocks[0]) for kernel in kernels]
    for block in blocks[1:]:
        out = [_added(sums, kernel(block)) for sums, kernel in zip(out, kernels, strict=True)]
    return out


def _added(sums: Any, more: Any) -> Any:
    """The sum of two partial sums, in place where these support it."""
    sums += more  # in place where a sum knows how
    return sums


@dataclass(slots=True)
class StreamedRows:
    """Rows that are read again for every pass.

    Attributes
    ----------
    runner : PassRunner
        Runs passes.
    reading : Reading
        How batches are read.
    passes : int
        Passes so far.
    rows : int
        Rows of the first pass; -1 before it.
    """

    runner: PassRunner
    reading: Reading
    passes: int = 0
    rows: int = field(default=-1)

    def fold(self, kernels: Sequence[Kernel[Any]]) -> list[Any]:
        """The sums of the kernels, by one pass. Raises DataError where another number of rows enters than before."""
        self.passes += 1
        kernel_sums = self.runner.fold(WidePass(self.reading, tuple(kernels)))
        # steps of an iteration on different rows would converge to nothing, without any sign of it
        if self.rows >= 0 and kernel_sums.count != self.rows:
            raise DataError(
                f"the data have changed: {self.rows:,} rows entered the first pass, {kernel_sums.count:,} the next"
            )
        self.rows = kernel_sums.count
        return list(kernel_sums.sums)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRows:
    """Rows ready to be summed.

    Attributes
    ----------
    work : RowsInMemory or StreamedRows
        How they are summed.
    origin : ndarray
        (p,) shifts of all columns.
    outcome : float
        Shift of the outcome.
    rows : int
        Number of rows; with frequency weights their sum.
    log_weight : float
        Sum of the logarithms of the weights.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    """

    work: RowsInMemory | StreamedRows
    origin: Vector
    outcome: float
    rows: int
    log_weight: float
    dropped_rows: DroppedRows


def prepare_rows(runner: PassRunner, reading: Reading, *, in_memory: bool, shift: bool) -> PreparedRows:
    """Read the rows into memory, or choose shifts from the first ones and stream the rows later.

    in_memory : read into memory. shift : shift columns that are far from zero. Raises NumericalError where no rows are
    left.
    """
    if in_memory:
        return _prepare_in_memory(runner, reading, shift=shift)
    return _prepare_streamed(runner, reading, shift=shift)


def rows_fit(source: Source, reading: Reading) -> bool:
    """Whether the rows are held in memory: they fit, or can be read only once."""
    return not source.rereadable or size_of_rows(source, reading) <= memory_limit() // 2


def size_of_rows(source: Source, reading: Reading) -> float:
    """Bytes of the rows in memory, estimated; infinite where the number of rows is unknown."""
    if source.rows is None:
        return float("inf")
    sparse = source.schema.wide.keys() & {m.name for m in reading.design.matrices}
    # bytes of the source, with a margin for conversions
    if sparse and source.size:
        return 1.5 * source.size
    return 8.0 * source.rows * (reading.design.width + ENTRY)


def _prepare_in_memory(runner: PassRunner, reading: Reading, *, shift: bool) -> PreparedRows:
    """Read all rows, then shift them and cut them into pieces that stay in a cache."""
    source, watch, blocks = runner.source, runner.progress or Silent(), list[Block]()
    with watched(watch, source.rows, source.size):
        for batch in chain.from_iterable(unit.batches(reading.columns) for unit in source.units):
            blocks += reading.rows([batch])
            watch.advance(batch.rows, 0)
    dropped_rows = reduce(add, (b.dropped_rows for b in blocks), DroppedRows())
    nonempty = [b for b in blocks if b.rows.rows]
    if not nonempty:
        raise NumericalError(f"no rows are left to fit '{reading.design.narrow.formula}'{_drop_causes(dropped_rows)}")
    rows = [b.rows for b in nonempty]
    shifts, outcome = choose_shifts(rows[0]) if shift else ((None,) * len(rows[0].parts), 0.0)
    shifted_rows = [_shifted_rows(r, shifts, outcome) for r in rows]
    # joined first where batches are many and small, since each piece costs a vector of p sums
    stored_blocks = tuple(
        chain.from_iterable(map(pieces, [stacked(shifted_rows)] if len(shifted_rows) > FEW else shifted_rows))
    )
    workers = runner.threads
    # products with vectors release the lock of the interpreter, so threads are enough
    pool = ThreadPoolExecutor(workers, thread_name_prefix="gramian") if workers > 1 else None
    count, logs = sum(b.count for b in nonempty), sum(b.log_weight for b in nonempty)
    return PreparedRows(RowsInMemory(stored_blocks, pool), _origin(reading, shifts), outcome, count, logs, dropped_rows)


def _shifted_rows(rows: Rows, shifts: tuple[Vector | None, ...], outcome: float) -> Rows:
    """The rows less the shifts of columns and outcome."""
    parts = [shifted(part, t) for part, t in zip(rows.parts, shifts, strict=True)]
    y = Pair(*two_sum(rows.y.hi, np.full(1, -outcome))) if outcome else rows.y
    return Rows(tuple(p[0] for p in parts), tuple(p[1] for p in parts), y, rows.weight)


def _prepare_streamed(runner: PassRunner, reading: Reading, *, shift: bool) -> PreparedRows:
    """Choose shifts from the first batch with rows, then count and check all rows in one pass."""
    batches = chain.from_iterable(unit.batches(reading.columns) for unit in runner.source.units)
    # rows that may not be dropped are reported by the pass over all rows, which follows
    lenient = replace(reading, drop=True)
    # shifts need not be exact means: any number of the right size keeps sums small
    first = next((b.rows for b in lenient.rows(batches) if b.rows.rows), no_rows(reading.design))
    shifts, outcome = choose_shifts(first) if shift else ((None,) * len(first.parts), 0.0)
    shifted_reading = replace(reading, shifts=shifts, outcome=outcome)
    first_pass = runner.fold(WidePass(shifted_reading, ()))
    if not first_pass.count:
        raise NumericalError(
            f"no rows are left to fit '{reading.design.narrow.formula}'{_drop_causes(first_pass.dropped_rows)}"
        )
    work = StreamedRows(runner, shifted_reading, 1, first_pass.count)
    return PreparedRows(
        work, _origin(reading, shifts), outcome, first_pass.count, first_pass.log_weight, first_pass.dropped_rows
    )


def _origin(reading: Reading, shifts: tuple[Vector | None, ...]) -> Vector:
    """Shifts of all columns, (p,), zero where none was chosen."""
    design = reading.design
    widths = ([len(design.variables)] if design.variables else []) + [m.width for m in design.matrices]
    parts = [np.zeros(k) if t is None else t for t, k in zip(shifts, widths, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _drop_causes(dropped_rows: DroppedRows) -> str:
    """Text about why no rows are left."""
    causes = ", ".join(f"{n:,} {cause}" for cause, n in islice(dropped_rows.causes.items(), 5))
    return f": {dropped_rows.total:,} left out ({causes})" if causes else NO_ROWS
