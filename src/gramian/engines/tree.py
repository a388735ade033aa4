"""The fixed binary tree by which partial results are added, the same in every engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic

from gramian.typing import M


class Tree(Generic[M]):
    """Adds partial results in the order of their units: adjacent pairs, level by level.

    A binary counter: at most log2(units) + 1 partial results are in memory, and the bits of the sum depend on the units
    alone, not on threads or machines. Pairwise summation also has the smaller error bound, O(log n) in place of O(n)
    (N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapter 4).

    Attributes
    ----------
    parts : list of tuple of int and M
        (level, sum of 2^level units), in the order of the units; a tree may begin with those of another.
    """

    def __init__(self, parts: Iterable[tuple[int, M]] = ()) -> None:
        self.parts: list[tuple[int, M]] = list(parts)

    @property
    def count(self) -> int:
        """Number of units that have been added."""
        return sum(1 << level for level, _ in self.parts)

    def push(self, partial: M) -> None:
        """Add the partial result of the next unit. It is atomic: where it is interrupted, the tree is as before."""
        parts, level = list(self.parts), 0
        while parts and parts[-1][0] == level:
            partial, level = parts.pop()[1] + partial, level + 1
        # one assignment at the end, after additions that may fail or be interrupted
        self.parts = [*parts, (level, partial)]

    def total(self, empty: M) -> M:
        """The sum of all partial results; `empty` where there are none."""
        return self.sum() if self.parts else empty

    def sum(self) -> M:
        """The sum of all partial results, of which there must be at least one."""
        partial = self.parts[-1][1]
        for _, earlier in reversed(self.parts[:-1]):
            partial = earlier + partial
        return partial
