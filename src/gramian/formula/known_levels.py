"""Rows for predictions in which levels that a fit has not seen are null, so that they have no prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gramian.batch import Batch, Input, Source, Unit, WrappedUnit
from gramian.column import Coded
from gramian.errors import one_of
from gramian.formula.design import Design
from gramian.formula.levels import LevelIndex
from gramian.schema import Schema
from gramian.typing import Level

UNSEEN = ERROR, NULL = "error", "null"


def with_unseen(source: Source, design: Design, unseen: str) -> Source:
    """The rows as predictions read them.

    unseen : "error" leaves them as they are, "null" takes a level for null that the design does not have. Raises
    OptionError for anything else.
    """
    one_of("unseen", unseen, UNSEEN)
    known = design.levels or {}
    levels = {factor.column: known.get(name, ()) for name, factor in design.terms.factors.items()}
    return source if unseen == ERROR or not levels else KnownLevels(source, levels)


@dataclass(frozen=True, slots=True)
class KnownLevels:
    """A source in which other levels are null. levels : column -> the levels that are known."""

    source: Source
    levels: Mapping[str, Sequence[Level]]

    @property
    def schema(self) -> Schema:
        """As of `Source`."""
        return self.source.schema

    @property
    def units(self) -> Iterable[Unit]:
        """As of `Source`."""
        # made once: an index of many levels is large
        known = {name: LevelIndex(name, levels, frozen=True) for name, levels in self.levels.items()}
        return (KnownLevelsUnit(unit, known) for unit in self.source.units)

    @property
    def rereadable(self) -> bool:
        """As of `Source`."""
        return self.source.rereadable

    @property
    def inputs(self) -> tuple[Input, ...]:
        """As of `Source`."""
        return self.source.inputs

    @property
    def rows(self) -> int | None:
        """As of `Source`."""
        return self.source.rows

    @property
    def size(self) -> int | None:
        """As of `Source`."""
        return self.source.size


@dataclass(frozen=True, slots=True)
class KnownLevelsUnit(WrappedUnit):
    """A unit in which other levels are null. known : column -> index of its levels."""

    known: Mapping[str, LevelIndex]

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """As of `Unit`."""
        for b in self.unit.batches(columns, parallel=parallel):
            yield KnownLevelsBatch(b.rows, b.columns, b.matrices, b.where, b.first_row, b.positions, self.known)


@dataclass(frozen=True, slots=True)
class KnownLevelsBatch(Batch):
    """A batch in which other levels are null. known : column -> index of its levels."""

    known: Mapping[str, LevelIndex] = field(default_factory=dict)

    def factor(self, name: str, known: range | None = None) -> Coded:
        """As of `Batch`, with -1 in the place of levels that are not known."""
        codes, levels = Batch.factor(self, name, known)
        if name not in self.known:
            return Coded(codes, levels)
        return Coded(np.where(self.known[name].is_unknown(codes, levels), -1, codes), levels)
