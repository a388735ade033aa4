"""The fixed binary tree by which partial results are added, the same in every engine."""

from __future__ import annotations

from typing import Generic

from gramian.typing import M


class Tree(Generic[M]):
    """Adds partials in the order of their units: adjacent pairs, level by level, whatever their number.

    A binary counter: at most log2(units) partials are held, and the bits of the result depend on the units alone.
    """

    def __init__(self) -> None:
        self.parts: list[tuple[int, M]] = []

    def push(self, partial: M) -> None:
        """Add the next unit's partial."""
        level = 0
        while self.parts and self.parts[-1][0] == level:
            _, earlier = self.parts.pop()
            partial, level = earlier + partial, level + 1
        self.parts.append((level, partial))

    def total(self, empty: M) -> M:
        """The sum of all partials; `empty` when there were none."""
        if not self.parts:
            return empty
        partial = self.parts[-1][1]
        for _, earlier in reversed(self.parts[:-1]):
            partial = earlier + partial
        return partial
