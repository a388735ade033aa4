"""Rows of a small source, written to stored columns once and used by all passes of a generalized linear fit.

Units, blocks and the order of levels are those of the source, so that a pass over the cache gives the same bits as a
pass over the source. Passes run on the calling thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gramian.column import MIN_ARROW_LEVELS
from gramian.engines.fold import tree_sum
from gramian.engines.local import Local
from gramian.fit.glm.accumulate import GlmAccumulator, Linearize, Linearized
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.subsample import MAX_UNITS, Sample, finite, has_few_rows
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.row_reader import Observed
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.columns import Columns
from gramian.typing import Codes, Level, Matrix, Vector

MAX_CACHE_BYTES = 2**25  # of stored columns that are cached
ALL_ROWS = np.ones(1, bool)  # a mask whose all() is true
MAX_SAMPLE_BYTES = 2**22  # of a sample: beyond it new memory costs more than writing the columns again


@dataclass(frozen=True, slots=True)
class Block:
    """Complete rows in stored columns.

    Attributes
    ----------
    columns : Columns
        Stored columns, with a workspace for their weighted copies.
    observed : Observed
        Outcome, offset and weights of the same rows.
    """

    columns: Columns
    observed: Observed

    def shifted(self, shift: float) -> Block:
        """The same rows with this number added to the offset of each."""
        return Block(self.columns, _with_shift(self.observed, self.columns.rows, shift))


@dataclass(frozen=True, slots=True)
class UnitBlocks:
    """The rows of one unit.

    Attributes
    ----------
    blocks : tuple of Block
        Its blocks, in order.
    levels : mapping
        Factor -> levels that the codes refer to.
    dropped_rows : DroppedRows
        Rows that did not enter.
    left_out : mapping
        Variable -> power sums of its values in these rows.
    """

    blocks: tuple[Block, ...]
    levels: Mapping[str, Sequence[Level]]
    dropped_rows: DroppedRows
    left_out: Mapping[str, Vector]

    def accumulate(self, task: Linearize) -> Linearized:
        """The partial result of a pass over the unit."""
        accumulator = GlmAccumulator(task)
        accumulator.reader.dropped_rows, accumulator.sums.left_out = self.dropped_rows, dict(self.left_out)
        accumulator.add_cached([(block.columns, block.observed) for block in self.blocks], self.levels)
        return accumulator.linearized()


@dataclass(frozen=True, slots=True)
class RowCache:
    """All rows of a source.

    Attributes
    ----------
    units : tuple of UnitBlocks
        Rows in stored columns, unit by unit.
    observed : tuple of tuple of Observed
        The rows as they were read, unit by unit; the subsample is drawn from these.
    """

    units: tuple[UnitBlocks, ...]
    observed: tuple[tuple[Observed, ...], ...] = ()

    def fold(self, task: Linearize) -> Linearized:
        """The result of one pass, with the bits of a pass over the source."""
        with np.errstate(all="ignore"):
            partials = [unit.accumulate(task) for unit in self.units]
        # the tree of the engines, which fixes the order of additions
        return tree_sum(partials) if partials else task.empty

    def equals(self, sample: Sample) -> bool:
        """Whether a sample of all rows would give the same blocks: the rows are one unit, and all are finite."""
        complete = sum(block.columns.rows for unit in self.units for block in unit.blocks)
        read = sum(observed.rows for unit in self.observed for observed in unit)
        return len(self.units) == 1 and not sample.levels and complete == read == sample.rows

    def shifted(self, shift: float) -> RowCache:
        """The same rows with this number added to the offset of each."""
        if not shift:
            return self
        units = (replace(u, blocks=tuple(block.shifted(shift) for block in u.blocks)) for u in self.units)
        return RowCache(tuple(units))

    def sample(self, response: str) -> Sample | None:
        """The sample that `draw` would take of the source; None where units have codes of their own."""
        # `draw` numbers levels over all units; here each unit has numbers of its own
        if any(unit.levels for unit in self.units):
            return None
        parts = (finite(observed, (response,)) for unit in self.observed for observed in unit if observed.rows)
        return Sample(tuple(parts), {}, is_complete=True)


def cache_rows(runner: PassRunner, task: Linearize) -> RowCache | None:
    """The cache of a source with few rows that this process reads; None for other sources.

    Raises what a pass would raise, such as DataError for a value that the family cannot have.
    """
    source = runner.source
    if not isinstance(runner.engine, Local) or source.rows is None or not has_few_rows(source):
        return None
    width = len(task.design.layout.rows) + len(task.design.layout.extra)
    units = tuple(source.units)
    if len(units) > MAX_UNITS or 8 * width * source.rows > MAX_CACHE_BYTES:
        return None
    workspace = np.empty((width, min(ROWS_PER_BLOCK, max(source.rows, 1))))
    cached, observed_by_unit = [], []
    for unit in units:
        accumulator = GlmAccumulator(task, workspace.shape[1])
        with np.errstate(all="ignore"):
            observed = tuple(accumulator.reader.read(batch) for batch in unit.batches(task.columns))
            cached.append(cached_unit(accumulator, observed, workspace))
        # with so many levels the translation of codes in every pass would cost more than the cache saves
        # so many levels are an Arrow array; the cache translates codes through Python objects in every pass
        if any(len(levels) >= MIN_ARROW_LEVELS for levels in cached[-1].levels.values()):
            return None
        observed_by_unit.append(observed)
    return RowCache(tuple(cached), tuple(observed_by_unit))


@dataclass(frozen=True, slots=True)
class StreamedRows:
    """Rows of a sample that are too many to cache: they are written to stored columns again in every pass.

    Attributes
    ----------
    parts : tuple of Observed
        The rows.
    """

    parts: tuple[Observed, ...]

    def fold(self, task: Linearize) -> Linearized:
        """The result of one pass."""
        return task.accumulate_observed(self.parts)

    def shifted(self, shift: float) -> StreamedRows:
        """The same rows with this number added to the offset of each."""
        return StreamedRows(tuple(_with_shift(part, part.rows, shift) for part in self.parts)) if shift else self


def sample_rows(task: Linearize, sample: Sample) -> RowCache | StreamedRows:
    """The rows of a sample, cached where they are few; their codes are those of the task's design."""
    if 8 * len(task.design.layout.rows) * sample.rows > MAX_SAMPLE_BYTES:
        return StreamedRows(sample.parts)
    height = min(ROWS_PER_BLOCK, max((part.rows for part in sample.parts), default=1))
    accumulator = GlmAccumulator(task, height)
    with np.errstate(all="ignore"):
        workspace = np.empty((len(accumulator.block_writer.steps), height))
        return RowCache((cached_unit(accumulator, sample.parts, workspace),))


def cached_unit(accumulator: GlmAccumulator, parts: Iterable[Observed], workspace: Matrix) -> UnitBlocks:
    """The finite rows of a unit, in the blocks that a pass would add; the accumulator counts the others.

    workspace : (width, height), shared by all blocks, since only one is weighted at a time.
    """
    blocks: list[Block] = []
    for observed in parts:
        accumulator.check(observed)
        values = accumulator.values(observed)
        outcome = {accumulator.response: observed.values[accumulator.response]}
        for rows, columns in accumulator.block_writer.blocks(observed.rows, values, observed.codes, observed.matrix):
            good = ALL_ROWS if columns.surely_finite() else columns.finite()
            if not good.all():
                accumulator.drop_not_finite(columns, good, observed, rows)
                columns = columns.take(good)
            else:
                accumulator.block_writer.release_buffer()
            if columns.rows:
                complete = rows if good.all() else np.flatnonzero(good) + rows.start
                blocks.append(Block(_with_workspace(columns, workspace), _observed_block(observed, complete, outcome)))
    return UnitBlocks(
        tuple(blocks),
        {n: index.levels for n, index in accumulator.reader.levels.items()},
        accumulator.reader.dropped_rows,
        accumulator.sums.left_out,
    )


def _observed_block(observed: Observed, rows: slice | Codes, values: Mapping[str, Vector]) -> Observed:
    """Weights, offset and outcome of a block of rows."""
    block_values = {name: v[rows] for name, v in values.items()}
    offset, weight, count = (v if v is None else v[rows] for v in (observed.offset, observed.weight, observed.count))
    return replace(
        observed, rows=0, values=block_values, codes={}, offset=offset, weight=weight, count=count, row_mask=None
    )


def _with_shift(observed: Observed, rows: int, shift: float) -> Observed:
    """The rows with a number added to their offset."""
    offset = np.full(rows, shift) if observed.offset is None else observed.offset + shift
    return replace(observed, offset=offset)


def _with_workspace(columns: Columns, workspace: Matrix) -> Columns:
    """Columns that use the front of a shared buffer for their weighted copy."""
    width, rows = len(columns.buffer) + len(columns.extra), columns.rows
    return replace(columns, workspace=workspace.ravel()[: width * rows].reshape(width, rows))
