"""Two passes in one trip over the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gramian.typing import Monoid, Pass

A = TypeVar("A", bound=Monoid)
B = TypeVar("B", bound=Monoid)


@dataclass(frozen=True, slots=True)
class CombinedSums(Generic[A, B]):
    """Two partial results that add each for itself."""

    first: A
    second: B

    def __add__(self, other: CombinedSums[A, B], /) -> CombinedSums[A, B]:
        return CombinedSums(self.first + other.first, self.second + other.second)


@dataclass(frozen=True, slots=True)
class CombinedPass(Generic[A, B]):
    """Two passes in one trip."""

    first: Pass[A]
    second: Pass[B]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.first.columns, *self.second.columns)))

    @property
    def empty(self) -> CombinedSums[A, B]:
        """No rows."""
        return CombinedSums(self.first.empty, self.second.empty)

    def accumulate(self, batches: Iterable[Any], /) -> CombinedSums[A, B]:
        """One unit, whose batches stay in memory until both passes have seen them."""
        cached = list(batches)
        return CombinedSums(self.first.accumulate(cached), self.second.accumulate(cached))
