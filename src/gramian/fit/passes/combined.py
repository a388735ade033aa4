"""Two passes in one trip over the rows, for a first pass that also sums what a covariance by cluster needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gramian.typing import Monoid, Pass

A = TypeVar("A", bound=Monoid)
B = TypeVar("B", bound=Monoid)


@dataclass(frozen=True, slots=True)
class CombinedSums(Generic[A, B]):
    """The partial results of two passes; each adds to its own kind.

    Attributes
    ----------
    first, second : A, B
        Partial results of the first and of the second pass.
    """

    first: A
    second: B

    def __add__(self, other: CombinedSums[A, B], /) -> CombinedSums[A, B]:
        return CombinedSums(self.first + other.first, self.second + other.second)


@dataclass(frozen=True, slots=True)
class CombinedPass(Generic[A, B]):
    """The task of two passes in one trip: rows are read and decoded once.

    Attributes
    ----------
    first, second : Pass
        The tasks; each sees all columns that either needs.
    """

    first: Pass[A]
    second: Pass[B]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that either pass reads."""
        return tuple(dict.fromkeys((*self.first.columns, *self.second.columns)))

    @property
    def long_runs(self) -> bool:
        """Whether either pass accumulates rows in long runs."""
        return any(getattr(task, "long_runs", False) for task in (self.first, self.second))

    @property
    def empty(self) -> CombinedSums[A, B]:
        """The sums of no rows."""
        return CombinedSums(self.first.empty, self.second.empty)

    def accumulate(self, batches: Iterable[Any], /) -> CombinedSums[A, B]:
        """The sums of one unit, whose batches stay in memory until both passes have read them."""
        # both passes are functions of all batches of a unit, and a unit may be readable only once
        cached = list(batches)
        return CombinedSums(self.first.accumulate(cached), self.second.accumulate(cached))
