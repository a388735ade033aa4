"""The fixed binary tree by which partial results are added, the same in every engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic

from gramian.typing import M


class Tree(Generic[M]):
    """Adds partials in the order of their units: adjacent pairs, level by level, whatever their number.

    A binary counter: at most log2(units) partials are held, and the bits of the result depend on the units alone.
    parts : (level, sum of 2^level units), in the order of the units; a tree may begin with those of another.
    """

    def __init__(self, parts: Iterable[tuple[int, M]] = ()) -> None:
        self.parts: list[tuple[int, M]] = list(parts)

    @property
    def count(self) -> int:
        """How many units have been added."""
        return sum(1 << level for level, _ in self.parts)

    def push(self, partial: M) -> None:
        """Add the next unit's partial. Whatever interrupts this, it has been added or it has not."""
        parts, level = list(self.parts), 0
        while parts and parts[-1][0] == level:
            partial, level = parts.pop()[1] + partial, level + 1
        self.parts = [*parts, (level, partial)]

    def total(self, empty: M) -> M:
        """The sum of all partials; `empty` when there were none."""
        return self.sum() if self.parts else empty

    def sum(self) -> M:
        """The sum of all partials, of which there is at least one."""
        partial = self.parts[-1][1]
        for _, earlier in reversed(self.parts[:-1]):
            partial = earlier + partial
        return partial
