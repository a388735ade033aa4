"""Few rows, read and gathered once for all passes of a generalized linear fit, which then run on the calling thread.

Units, blocks and the order of the levels are those of the source, so a pass has the bits that it would have had there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Source
from gramian.column import MANY
from gramian.engines.local import Local
from gramian.engines.tree import Tree
from gramian.fit.engine import Engine
from gramian.fit.linearize import GlmLift, Linearize, Linearized
from gramian.fit.sample import UNITS, Sample, few, finite
from gramian.formula.reading import Observed
from gramian.formula.tally import Tally
from gramian.linalg.columns import Columns
from gramian.linalg.gather import BLOCK
from gramian.typing import Codes, Level, Matrix, Vector

MOST = 2**25  # bytes of gathered columns
ALL = np.ones(1, bool)
CACHED = 2**22  # the same of a sample: beyond it new memory costs more than gathering again


@dataclass(frozen=True, slots=True)
class Block:
    """Complete rows: their stored columns, with room to weigh them in, and what goes with them."""

    columns: Columns
    observed: Observed

    def shifted(self, shift: float) -> Block:
        """With so much added to the offset of every row."""
        return Block(self.columns, _moved(self.observed, self.columns.rows, shift))


@dataclass(frozen=True, slots=True)
class HeldUnit:
    """One unit. levels : those that its codes refer to. tally : rows that were left out."""

    blocks: tuple[Block, ...]
    levels: Mapping[str, Sequence[Level]]
    tally: Tally

    def lift(self, task: Linearize) -> Linearized:
        """What the task makes of the unit."""
        lift = GlmLift(task)
        lift.reader.tally = self.tally
        for block in self.blocks:
            lift.again(block.columns, block.observed, self.levels)
        return lift.linearized()


@dataclass(frozen=True, slots=True)
class Held:
    """All rows of a source. observed : the same before they were gathered, unit by unit."""

    units: tuple[HeldUnit, ...]
    observed: tuple[tuple[Observed, ...], ...] = ()

    def fold(self, task: Linearize) -> Linearized:
        """A pass."""
        tree: Tree[Linearized] = Tree()
        with np.errstate(all="ignore"):
            for unit in self.units:
                tree.push(unit.lift(task))
        return tree.total(task.empty) if not tree.parts else tree.sum()

    def equals(self, sample: Sample) -> bool:
        """Whether a sample of all rows would be gathered into the same blocks: it is one unit, and finite."""
        kept = sum(block.columns.rows for unit in self.units for block in unit.blocks)
        read = sum(observed.rows for unit in self.observed for observed in unit)
        return len(self.units) == 1 and not sample.levels and kept == read == sample.rows

    def shifted(self, shift: float) -> Held:
        """With so much added to the offset of every row."""
        if not shift:
            return self
        units = (replace(u, blocks=tuple(block.shifted(shift) for block in u.blocks)) for u in self.units)
        return Held(tuple(units))

    def sample(self, response: str) -> Sample | None:
        """The sample that `draw` would take; None where units have codes of their own."""
        if any(unit.levels for unit in self.units):
            return None
        parts = (finite(observed, (response,)) for unit in self.observed for observed in unit if observed.rows)
        return Sample(tuple(parts), {}, whole=True)


def hold(source: Source, task: Linearize, engine: Engine) -> Held | None:
    """The rows of a source where they are few and this process reads them; else None.

    Raises what a pass would for rows that are refused.
    """
    if not isinstance(engine, Local) or source.rows is None or not few(source):
        return None
    width = len(task.design.layout.rows) + len(task.design.layout.extra)
    units = tuple(source.units)
    if len(units) > UNITS or 8 * width * source.rows > MOST:
        return None
    room = np.empty((width, min(BLOCK, max(source.rows, 1))))
    held, seen = [], []
    for unit in units:
        lift = GlmLift(task, room.shape[1])
        with np.errstate(all="ignore"):
            observed = tuple(lift.reader.read(batch) for batch in unit.batches(task.columns))
            held.append(gathered(lift, observed, room))
        if any(len(levels) >= MANY for levels in held[-1].levels.values()):
            return None
        seen.append(observed)
    return Held(tuple(held), tuple(seen))


@dataclass(frozen=True, slots=True)
class Streamed:
    """The rows of a sample that are gathered for every pass, because there are many."""

    parts: tuple[Observed, ...]

    def fold(self, task: Linearize) -> Linearized:
        """A pass."""
        return task.over(self.parts)

    def shifted(self, shift: float) -> Streamed:
        """With so much added to the offset of every row."""
        return Streamed(tuple(_moved(part, part.rows, shift) for part in self.parts)) if shift else self


def of_sample(task: Linearize, sample: Sample) -> Held | Streamed:
    """The rows of a sample whose codes are those of the task's design."""
    if 8 * len(task.design.layout.rows) * sample.rows > CACHED:
        return Streamed(sample.parts)
    height = min(BLOCK, max((part.rows for part in sample.parts), default=1))
    lift = GlmLift(task, height)
    with np.errstate(all="ignore"):
        room = np.empty((len(lift.gather.steps), height))
        return Held((gathered(lift, sample.parts, room),))


def gathered(lift: GlmLift, parts: Iterable[Observed], room: Matrix) -> HeldUnit:
    """Rows whose values are finite, in the blocks that a pass adds; the lift has counted the others.

    room : of as many rows as any block.
    """
    blocks: list[Block] = []
    for observed in parts:
        lift.check(observed)
        values = lift.values(observed)
        own = {lift.response: observed.values[lift.response]}
        for rows, columns in lift.gather.blocks(observed.rows, values, observed.codes, observed.matrix):
            good = ALL if columns.sound() else columns.finite()
            if not good.all():
                lift.leave_out(columns, good, observed, rows)
                columns = columns.take(good)
            else:
                lift.gather.leave()
            if columns.rows:
                kept = rows if good.all() else np.flatnonzero(good) + rows.start
                blocks.append(Block(_with_room(columns, room), _beside(observed, kept, own)))
    return HeldUnit(tuple(blocks), {n: index.known for n, index in lift.reader.levels.items()}, lift.reader.tally)


def _beside(observed: Observed, rows: slice | Codes, values: Mapping[str, Vector]) -> Observed:
    """What rows have beside their stored columns."""
    own = {name: v[rows] for name, v in values.items()}
    offset, weight, count = (v if v is None else v[rows] for v in (observed.offset, observed.weight, observed.count))
    return replace(observed, rows=0, values=own, codes={}, offset=offset, weight=weight, count=count, kept=None)


def _moved(observed: Observed, rows: int, shift: float) -> Observed:
    offset = np.full(rows, shift) if observed.offset is None else observed.offset + shift
    return replace(observed, offset=offset)


def _with_room(columns: Columns, room: Matrix) -> Columns:
    width, rows = len(columns.buffer) + len(columns.extra), columns.rows
    return replace(columns, room=room.ravel()[: width * rows].reshape(width, rows))
